"""Memories of the chip: an Amaranth wrapper of the macros of `oxmc.hdl.memory`."""

from __future__ import annotations

import dataclasses

from amaranth import Cat, ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.memory import Geometry
from oxmc.pymodels.blocks import memories
from oxmc.pymodels.formats import Formats


@dataclasses.dataclass(frozen=True)
class Naming:
    """The platform that blocks are elaborated for: the design's name, which its memories' modules begin with."""

    name: str


class Ram(wiring.Component):
    """`depth` words of `width` bits, one write port in lanes of `lane_bits`, one read port.

    With `parity` each lane has a bit more, its highest, that keeps the lane's parity, and `upset` is high in the cycle
    after `read_enable` where a lane of the word has another.

    Latency: 1 cycle; `read_data` holds until the next `read_enable`, so an idle memory does not toggle its readers.
    """

    def __init__(self, *, width: int, depth: int, lane_bits: int | None = None, parity: bool = False):
        self.lane_bits, self.parity = lane_bits or width, parity
        lanes = -(-width // self.lane_bits)
        self.geometry = geometry = Geometry(depth, width + parity * lanes, self.lane_bits + parity)
        self.width, self.lanes, self.address_bits = width, lanes, geometry.address_bits
        upset = {"upset": Out(1)}  # a word that was just read is not the one that was written, by its parity
        super().__init__(
            {
                "write_lanes": In(self.lanes),  # lanes that are written in this cycle, one bit a lane
                "write_address": In(self.address_bits),  # address of the word that is written
                "write_data": In(width),  # the word; only its written lanes count
                "read_enable": In(1),  # read the word at `read_address`
                "read_address": In(self.address_bits),  # address of the word that is read
                "read_data": Out(width),  # the word last read, from the cycle after `read_enable` on
                **(upset if parity else {}),
            }
        )

    @classmethod
    def of(cls, formats: Formats, name: str) -> Ram:
        """A memory of `oxmc.pymodels.blocks.memories`."""
        memory = memories(formats)[name]
        return cls(width=memory.width, depth=memory.depth, lane_bits=memory.lane_bits or None, parity=memory.parity)

    def _elaborate_parity(self, m: Module) -> tuple[Signal, Signal]:
        """The words of the macro, as written and as read."""
        written = Signal(self.geometry.width)
        read = Signal(self.geometry.width)
        fresh = Signal()
        size = self.lane_bits
        lanes = [self.write_data[low : low + size] for low in range(0, self.width, size)]
        kept = [read[low : low + size + 1] for low in range(0, self.geometry.width, size + 1)]
        m.d.sync += fresh.eq(self.read_enable)
        m.d.comb += [
            written.eq(Cat(Cat(lane, lane.xor()) for lane in lanes)),
            self.read_data.eq(Cat(lane[:-1] for lane in kept)),
            self.upset.eq(fresh & Cat(lane.xor() for lane in kept).any()),
        ]
        return written, read

    def elaborate(self, platform: Naming) -> Module:
        m = Module()
        written, read = self._elaborate_parity(m) if self.parity else (self.write_data, self.read_data)
        m.submodules.macro = Instance(
            self.geometry.module(platform.name),
            i_clk=ClockSignal(),
            i_write_lanes=self.write_lanes,
            i_write_address=self.write_address,
            i_write_data=written,
            i_read_enable=self.read_enable,
            i_read_address=self.read_address,
            o_read_data=read,
        )
        return m
