"""The host port: setting registers, commands and read-back by the address map of `hdl.interface`."""

from __future__ import annotations

from amaranth import Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.interface import (
    ADDRESS_BITS,
    INDEX_BITS,
    Setting,
    Space,
    Status,
    built_commands,
    setting_widths,
)
from pymodels.fixed import HOST_WORD_BITS, Formats


class HostBus(wiring.Signature):
    """One word a transfer, seen from the chip. A write is taken in the cycle where `ready` is high; a read answers on
    `read_data` there, the second cycle of the transfer. While the chip is busy `ready` stays low, but for the time it
    waits for the host in an episode."""

    def __init__(self):
        super().__init__(
            {
                "valid": In(1),
                "write": In(1),
                "address": In(ADDRESS_BITS),
                "write_data": In(HOST_WORD_BITS),
                "ready": Out(1),
                "read_data": Out(HOST_WORD_BITS),
            }
        )


class Host(wiring.Component):
    """Decodes host transfers: holds the settings, raises command and memory strobes for one cycle, reads back.

    Latency: writes act at the end of their cycle; reads take 2 cycles.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        settings = {setting.name.lower(): Out(width) for setting, width in setting_widths(formats).items()}
        commands = {command.name.lower(): Out(1) for command in built_commands(formats)}
        status = {f"status_{register.name.lower()}": In(HOST_WORD_BITS) for register in Status}
        super().__init__(
            {
                "bus": Out(HostBus()),
                "busy": In(1),
                **settings,
                **commands,
                **status,
                "seed_low": Out(1),
                "seed_high": Out(1),
                "writing": Out(1),
                "space": Out(Space),
                "index": Out(INDEX_BITS),
                "fetch_counter": Out(1),
                "counter": In(formats.config.counter_bits),
                "fetch_lut": Out(1),
                "lut_entry": In(formats.config.read_bits),
            }
        )

    def _elaborate_settings(self, m: Module) -> None:
        data = self.bus.write_data
        with m.If(self.writing & (self.space == Space.SETTINGS)):
            with m.Switch(self.index[: Shape.cast(Setting).width]):
                for setting in setting_widths(self.formats):
                    with m.Case(setting):
                        register = getattr(self, setting.name.lower())
                        m.d.sync += register.eq(data)
                for setting in (Setting.SEED_LOW, Setting.SEED_HIGH):
                    with m.Case(setting):
                        m.d.comb += getattr(self, setting.name.lower()).eq(1)
                with m.Case(Setting.COMMAND):
                    for command in built_commands(self.formats):
                        m.d.comb += getattr(self, command.name.lower()).eq(data == command)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        answering = Signal()
        reading = Signal()
        m.d.comb += [
            self.writing.eq(bus.valid & bus.write & ~self.busy),
            reading.eq(bus.valid & ~bus.write & ~self.busy),
            bus.ready.eq(self.writing | answering),
            self.index.eq(bus.address[:INDEX_BITS]),
            self.space.eq(bus.address[INDEX_BITS:]),
            self.fetch_counter.eq(reading & ~answering & (self.space == Space.COUNTERS)),
            self.fetch_lut.eq(reading & ~answering & (self.space == Space.LUT)),
        ]
        m.d.sync += answering.eq(reading & ~answering)
        self._elaborate_settings(m)
        with m.If(answering):
            with m.If(self.space == Space.COUNTERS):
                m.d.comb += bus.read_data.eq(self.counter)
            with m.Elif(self.space == Space.LUT):
                m.d.comb += bus.read_data.eq(self.lut_entry)
            with m.Else():
                with m.Switch(self.index[: Shape.cast(Status).width]):
                    for register in Status:
                        with m.Case(register):
                            m.d.comb += bus.read_data.eq(getattr(self, f"status_{register.name.lower()}"))
        return m
