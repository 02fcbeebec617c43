"""What a training counts for the host beside its proposals: clamped gate codes and skipped rows."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.gate_dac import present
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp

CLAMP_BITS = 24
SKIPPED_BITS = 14


class Tally(wiring.Component):
    """`clamps` counts the SETs, of proposed rows in training, whose read code lay outside the LUT, cell by cell, and
    saturates; `skipped` the rows that were left after too many rejections. `restart` forgets both.

    Latency: 1 cycle from the last of a pulse.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        skips = {
            "skip": In(1),  # a row is skipped
            "skipped": Out(SKIPPED_BITS),  # rows skipped in this training
        }
        super().__init__(
            {
                "restart": In(1),  # a training begins: both counts start at 0
                "training": In(1),  # a training runs
                "first": In(1),  # the row is row 0, whose gate codes are not looked up
                "running": In(ArrayOp),  # pulse on the pins
                "latch": In(1),  # last cycle of the running pulse
                "clamped": In(formats.config.gate_dacs),  # one bit a gate DAC: its read code lay outside the LUT
                "cell": In(formats.cell_bits),  # first cell of the SET's group
                **(skips if formats.config.reject_limit else {}),
                "clamps": Out(CLAMP_BITS),  # cells SET in this training at a clamped gate code; saturates
            }
        )

    def elaborate(self, platform):
        m = Module()
        clamps = self.clamps
        with m.If(self.restart):
            m.d.sync += clamps.eq(0)
        with m.Elif((self.running == ArrayOp.SET) & self.latch & self.training & ~self.first):
            if self.formats.config.gate_dacs == 1:
                m.d.sync += clamps.eq(clamps + (self.clamped & ~clamps.all()))
            else:
                clamped = self.clamped & present(self.formats, self.cell)
                total = clamps + sum(clamped[lane] for lane in range(len(clamped)))
                m.d.sync += clamps.eq(Mux(total < 2**CLAMP_BITS, total, 2**CLAMP_BITS - 1))
        if self.formats.config.reject_limit:
            with m.If(self.restart):
                m.d.sync += self.skipped.eq(0)
            with m.Elif(self.skip):
                m.d.sync += self.skipped.eq(self.skipped + 1)
        return m
