"""What a training counts for the host beside its proposals: clamped gate codes and skipped rows."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_port import ArrayOp
from oxmc.hdl.gate_dac import present
from oxmc.pymodels.formats import Formats

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
            "skip": In(1),  # a row is left
            "skipped": Out(SKIPPED_BITS),
        }
        super().__init__(
            {
                "restart": In(1),
                "training": In(1),  # the trainer is busy
                "first": In(1),  # with row 0, which follows none
                "running": In(ArrayOp),  # the pulse on the pins
                "latch": In(1),  # the running pulse is in its last cycle
                "clamped": In(formats.config.gate_dacs),  # the gate codes on the array port are
                "cell": In(formats.cell_bits),  # first of the SET's group
                **(skips if formats.config.reject_limit else {}),
                "clamps": Out(CLAMP_BITS),
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
