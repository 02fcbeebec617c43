"""The whole chip behind a bus, as it goes into a design of others."""

from __future__ import annotations

from typing import Any

from amaranth import ClockDomain, ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from oxmc.hdl.array_port import ArrayPort
from oxmc.hdl.bus.apb import Apb
from oxmc.hdl.bus.axi4lite import Axi4Lite
from oxmc.hdl.bus.port import BusPort
from oxmc.hdl.bus.wishbone import Wishbone
from oxmc.hdl.host import HostBus
from oxmc.hdl.inference import result_layout
from oxmc.hdl.ram import Naming
from oxmc.pymodels.formats import Formats

BUSES: dict[str, tuple[str, Any]] = {"apb": ("apb", Apb), "axi4lite": ("axil", Axi4Lite), "wishbone": ("wb", Wishbone)}
"""Each bus: the prefix of its pins and what brings its transfers to the host port."""


class Ip(wiring.Component):
    """One bus in, array port out, one interrupt, one clock. The chip is the module NAME_chip, a file of its own.

    `rst_n` may fall and rise at any time. It clears the array's pins and all registers of the bus at once, and two
    clock edges after it has risen the reset inside ends; all else is cleared by these edges.
    """

    def __init__(self, formats: Formats, bus: str, version: int):
        self.formats, self.version = formats, version
        self.prefix, self.kind = BUSES[bus]
        self.front_end = self.kind()
        super().__init__(
            {
                "clk": In(1),  # the only clock
                "rst_n": In(1),  # reset, active low, not bound to the clock
                self.prefix: Out(self.front_end.signature.members[self.prefix].signature),  # the bus
                "array": Out(ArrayPort(formats)),  # to the array macro
                "irq": Out(1),  # a level: something is to be served
                "busy": Out(1),  # a command runs: without it, a bus transfer and a reset the clock may stand still
            }
        )

    def _elaborate_clock(self, m: Module) -> None:
        m.domains.sync = ClockDomain(async_reset=True, local=True)
        m.d.comb += ClockSignal().eq(self.clk)
        m.submodules.reset = ResetSynchronizer(~self.rst_n)

    def elaborate(self, platform: Naming) -> Module:
        m = Module()
        self._elaborate_clock(m)
        m.submodules.bus = front_end = self.front_end
        m.submodules.port = port = BusPort(self.formats, self.version)
        host = HostBus().create()
        result = stream.Signature(result_layout(self.formats)).create()
        connect(m, flipped(getattr(self, self.prefix)), getattr(front_end, self.prefix))
        connect(m, front_end.host, port.bus)
        connect(m, port.host, host)
        connect(m, result, port.result)
        m.d.comb += [self.irq.eq(port.irq), port.busy.eq(self.busy)]
        m.submodules.chip = Instance(
            f"{platform.name}_chip",
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            **_pins("host", host),
            **_pins("result", result),
            **_pins("array", self.array),
            o_irq=port.error,
            o_busy=self.busy,
            o_waiting=port.waiting,
        )
        return m


def _pins(name: str, interface: Any) -> dict[str, Value]:
    """An interface of the chip as arguments of its instance."""
    return {
        f"{'i' if member.flow == In else 'o'}_{name}_{path[-1]}": Value.cast(value)
        for path, member, value in interface.signature.flatten(interface)
    }
