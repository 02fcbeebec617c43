"""Auto-zero of the array's current front end: the code of its trim DAC, found by a binary search."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


class AutoZero(wiring.Component):
    """EVALs row 0 with all inputs at zero, once a bit of `trim` from the highest down: a negative code says that the
    offset is still above what the trim takes off, and the bit stays. The sign does not depend on the row's
    conductances.

    `trim` is held until the next search; after a reset it is in the middle, where it takes nothing off. An upset ends a
    search with the bits found so far.

    Latency: bits * (EVAL width + conversion) cycles.
    """

    def __init__(self, formats: Formats):
        self.bits = formats.config.auto_zero_bits
        super().__init__(
            {
                "start": In(1),  # the command AUTO_ZERO, for one cycle
                "busy": Out(1),  # a search runs
                **SAFE_PORTS,
                "command": Out(ArrayCommand(formats, "valid", "row", "segment")),  # to the array; row and segment 0
                "answer": In(1),  # the answer to an EVAL is there
                "negative": In(1),  # sign of that answer's ADC code
                "trim": Out(self.bits, init=1 << (self.bits - 1)),  # code of the front end's trim DAC
            }
        )

    def elaborate(self, platform):
        command, m = self.command, Module()
        tried = Signal(self.bits)  # one hot
        m.d.comb += command.valid.eq(self.start | self.busy)
        with safe_fsm(m, self, "zero_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [tried.eq(1 << (self.bits - 1)), self.trim.eq(1 << (self.bits - 1))]
                    m.d.comb += command.op.eq(ArrayOp.EVAL)
                    m.next = "EVAL"
            with m.State("EVAL"):
                with m.If(command.latch):
                    m.next = "WAIT"
            with m.State("WAIT"):
                with m.If(self.answer):
                    kept = self.trim & ~tried | self.negative.replicate(self.bits) & tried
                    m.d.sync += [self.trim.eq(kept | tried >> 1), tried.eq(tried >> 1)]
                    m.next = "IDLE"
                    with m.If(~tried[0]):
                        m.d.comb += command.op.eq(ArrayOp.EVAL)
                        m.next = "EVAL"
        return m
