"""APB: transfers of an AMBA 4 APB bus as words of the host port."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.bus.words import BYTE_ADDRESS_BITS, STROBES, is_word
from oxmc.hdl.host import HostBus
from oxmc.pymodels.formats import HOST_WORD_BITS


class ApbPort(wiring.Signature):
    """An APB completer's pins (Arm IHI 0024C), named as there; PPROT is left out, which nothing here asks for."""

    def __init__(self) -> None:
        super().__init__(
            {
                "psel": In(1),  # a transfer to this device
                "penable": In(1),  # its second cycle and those after
                "pwrite": In(1),  # it is a write, else a read
                "paddr": In(BYTE_ADDRESS_BITS),  # byte address, a multiple of 4
                "pwdata": In(HOST_WORD_BITS),  # the word to be written
                "pstrb": In(STROBES),  # bytes of it that are written: all or the transfer is refused
                "pready": Out(1),  # last cycle of the transfer
                "prdata": Out(HOST_WORD_BITS),  # answer of a read
                "pslverr": Out(1),  # with `pready`: the transfer was refused
            }
        )


class Apb(wiring.Component):
    """A transfer goes to the host port in its access phase.

    Latency: combinational: a write takes 2 cycles with its setup, a read 3, what is refused 2.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "apb": Out(ApbPort()),  # the bus
                "host": In(HostBus()),  # its transfers as words
            }
        )

    def elaborate(self, platform):
        m = Module()
        apb, host = self.apb, self.host
        asked = Signal()
        whole = Signal()
        m.d.comb += [
            asked.eq(apb.psel & apb.penable),
            whole.eq(is_word(apb.paddr) & (~apb.pwrite | apb.pstrb.all())),
            host.valid.eq(asked & whole),
            host.write.eq(apb.pwrite),
            host.address.eq(apb.paddr[2:]),
            host.write_data.eq(apb.pwdata),
            apb.pready.eq(host.ready | (asked & ~whole)),
            apb.pslverr.eq(host.error | (asked & ~whole)),
            apb.prdata.eq(host.read_data),
        ]
        return m
