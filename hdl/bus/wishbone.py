"""Wishbone: classic cycles as words of the host port."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.bus.words import STROBES
from oxmc.hdl.host import HostBus
from oxmc.pymodels.formats import HOST_WORD_BITS
from oxmc.pymodels.interface import ADDRESS_BITS


class WishbonePort(wiring.Signature):
    """A device's pins of Wishbone B4, classic, 32 bits with a granularity of 8: `adr` counts words."""

    def __init__(self) -> None:
        super().__init__(
            {
                "cyc": In(1),  # a cycle of the bus
                "stb": In(1),  # a transfer to this device, held until its end
                "we": In(1),  # it is a write, else a read
                "adr": In(ADDRESS_BITS),  # word address
                "sel": In(STROBES),  # bytes that are transferred: all or the transfer is refused
                "dat_w": In(HOST_WORD_BITS),  # the word to be written
                "dat_r": Out(HOST_WORD_BITS),  # answer of a read, with `ack`
                "ack": Out(1),  # last cycle of a transfer
                "err": Out(1),  # last cycle of a transfer that is refused
            }
        )


class Wishbone(wiring.Component):
    """A transfer goes to the host port as it is.

    Latency: combinational: a write takes 1 cycle, a read 2, what is refused 1.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "wb": Out(WishbonePort()),  # the bus
                "host": In(HostBus()),  # its transfers as words
            }
        )

    def elaborate(self, platform):
        m = Module()
        wb, host = self.wb, self.host
        asked = Signal()
        whole = Signal()
        m.d.comb += [
            asked.eq(wb.cyc & wb.stb),
            whole.eq(wb.sel.all()),
            host.valid.eq(asked & whole),
            host.write.eq(wb.we),
            host.address.eq(wb.adr),
            host.write_data.eq(wb.dat_w),
            wb.ack.eq(host.ready & ~host.error),
            wb.err.eq(host.error | (asked & ~whole)),
            wb.dat_r.eq(host.read_data),
        ]
        return m
