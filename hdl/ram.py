"""Memories of the chip: an Amaranth wrapper of the macro in `oxmc_ram.v`."""

from __future__ import annotations

from amaranth import ClockSignal, Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pymodels.fixed import bits_for


class Ram(wiring.Component):
    """`depth` words of `width` bits, one write port in lanes of `lane_bits`, one read port.

    Latency: 1 cycle; `read_data` holds until the next `read_enable`, so an idle memory does not toggle its readers.
    """

    def __init__(self, *, width: int, depth: int, lane_bits: int | None = None):
        self.width, self.depth, self.lane_bits = width, depth, lane_bits or width
        self.lanes = -(-width // self.lane_bits)
        self.address_bits = bits_for(depth - 1)
        super().__init__(
            {
                "write_lanes": In(self.lanes),
                "write_address": In(self.address_bits),
                "write_data": In(width),
                "read_enable": In(1),
                "read_address": In(self.address_bits),
                "read_data": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.macro = Instance(
            "oxmc_ram",
            p_WIDTH=self.width,
            p_DEPTH=self.depth,
            p_ADDRESS_BITS=self.address_bits,
            p_LANES=self.lanes,
            p_LANE_BITS=self.lane_bits,
            i_clk=ClockSignal(),
            i_write_lanes=self.write_lanes,
            i_write_address=self.write_address,
            i_write_data=self.write_data,
            i_read_enable=self.read_enable,
            i_read_address=self.read_address,
            o_read_data=self.read_data,
        )
        return m
