"""Memories of the chip: an Amaranth wrapper of the macros of `oxmc.hdl.memory`."""

from __future__ import annotations

import dataclasses

from amaranth import ClockSignal, Instance, Module
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

    Latency: 1 cycle; `read_data` holds until the next `read_enable`, so an idle memory does not toggle its readers.
    """

    def __init__(self, *, width: int, depth: int, lane_bits: int | None = None):
        self.geometry = geometry = Geometry(depth, width, lane_bits or width)
        self.width, self.lanes, self.address_bits = width, geometry.lanes, geometry.address_bits
        super().__init__(
            {
                "write_lanes": In(self.lanes),  # lanes that are written in this cycle, one bit a lane
                "write_address": In(self.address_bits),  # address of the word that is written
                "write_data": In(width),  # the word; only its written lanes count
                "read_enable": In(1),  # read the word at `read_address`
                "read_address": In(self.address_bits),  # address of the word that is read
                "read_data": Out(width),  # the word last read, from the cycle after `read_enable` on
            }
        )

    @classmethod
    def of(cls, formats: Formats, name: str) -> Ram:
        """A memory of `oxmc.pymodels.blocks.memories`."""
        memory = memories(formats)[name]
        return cls(width=memory.width, depth=memory.depth, lane_bits=memory.lane_bits or None)

    def elaborate(self, platform: Naming) -> Module:
        m = Module()
        m.submodules.macro = Instance(
            self.geometry.module(platform.name),
            i_clk=ClockSignal(),
            i_write_lanes=self.write_lanes,
            i_write_address=self.write_address,
            i_write_data=self.write_data,
            i_read_enable=self.read_enable,
            i_read_address=self.read_address,
            o_read_data=self.read_data,
        )
        return m
