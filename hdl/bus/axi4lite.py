"""AXI4-Lite: its transfers, one after the other, as words of the host port."""

from __future__ import annotations

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.bus.words import BYTE_ADDRESS_BITS, STROBES, is_word
from oxmc.hdl.host import HostBus
from oxmc.hdl.safe import safe_fsm
from oxmc.pymodels.formats import HOST_WORD_BITS

RESPONSE_BITS = 2
SLVERR = 0b10
"""The response to what is refused; OKAY is 0."""


class Axi4LitePort(wiring.Signature):
    """A subordinate's pins of AXI4-Lite (Arm IHI 0022E, chapter B1); AxPROT are left out, which nothing asks for."""

    def __init__(self) -> None:
        super().__init__(
            {
                "awvalid": In(1),  # a write's address is there
                "awready": Out(1),  # it is taken
                "awaddr": In(BYTE_ADDRESS_BITS),  # byte address, a multiple of 4
                "wvalid": In(1),  # a write's word is there
                "wready": Out(1),  # it is taken
                "wdata": In(HOST_WORD_BITS),  # the word to be written
                "wstrb": In(STROBES),  # bytes of it that are written: all or the transfer is refused
                "bvalid": Out(1),  # a write's response is there
                "bready": In(1),  # it is taken
                "bresp": Out(RESPONSE_BITS),  # 0 done, 2 refused
                "arvalid": In(1),  # a read's address is there
                "arready": Out(1),  # it is taken
                "araddr": In(BYTE_ADDRESS_BITS),  # byte address, a multiple of 4
                "rvalid": Out(1),  # a read's answer is there
                "rready": In(1),  # it is taken
                "rdata": Out(HOST_WORD_BITS),  # the word
                "rresp": Out(RESPONSE_BITS),  # 0 done, 2 refused
            }
        )


class Axi4Lite(wiring.Component):
    """A write starts once address and word are there; where reads wait, too, both take turns.

    No input reaches an output within a cycle, as AXI asks. Addresses and words are not stored: they are taken from the
    bus, in a write's only cycle at the host port and in the cycle after a read's last.

    Latency: a write takes 3 cycles from its valids to its response's handshake, a read 5, a refused one 4.
    """

    def __init__(self) -> None:
        self.halt = Const(0)  # nothing stops it
        self.illegal = Signal()  # its state does not exist, after an upset
        super().__init__(
            {
                "axil": Out(Axi4LitePort()),  # the bus
                "host": In(HostBus()),  # its transfers as words
            }
        )

    def elaborate(self, platform):
        m = Module()
        axil, host = self.axil, self.host
        writing = Signal()  # the transfer is a write, else a read
        refused = Signal()
        whole = Signal()
        begins = Signal()  # a write may begin
        address = Mux(writing, axil.awaddr, axil.araddr)
        m.d.comb += [
            begins.eq(axil.awvalid & axil.wvalid),
            whole.eq(is_word(address) & (~writing | axil.wstrb.all())),
            host.write.eq(writing),
            host.address.eq(address[2:]),
            host.write_data.eq(axil.wdata),
            axil.bresp.eq(Mux(refused, SLVERR, 0)),
            axil.rresp.eq(Mux(refused, SLVERR, 0)),
        ]
        with safe_fsm(m, self, "axil_state"):
            with m.State("IDLE"):
                with m.If(begins & ~(axil.arvalid & writing)):
                    m.d.sync += writing.eq(1)
                    m.next = "WRITE"
                with m.Elif(axil.arvalid):
                    m.d.sync += writing.eq(0)
                    m.next = "READ"
            with m.State("WRITE"):
                m.d.comb += [host.valid.eq(whole), axil.awready.eq(1), axil.wready.eq(1)]
                m.d.sync += refused.eq(host.error | ~whole)
                m.next = "RESPOND"
            with m.State("RESPOND"):
                m.d.comb += axil.bvalid.eq(1)
                with m.If(axil.bready):
                    m.next = "IDLE"
            with m.State("READ"):
                m.d.comb += host.valid.eq(whole)
                m.d.sync += [refused.eq(host.error | ~whole), axil.rdata.eq(host.read_data)]
                with m.If(host.ready | ~whole):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += axil.arready.eq(1)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += axil.rvalid.eq(1)
                with m.If(axil.rready):
                    m.next = "IDLE"
        return m
