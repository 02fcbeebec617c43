"""Cost of a row by the reward of its episode (Eq 12)."""

from __future__ import annotations

from amaranth import Array, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import EXPONENT_FRACTION_BITS, REWARD_INDEX_BITS, STEP_BITS, Formats


class Reward(wiring.Component):
    """Counts the steps r of an episode and gives -log2 (r / 2^STEP_BITS)^exponent, which takes a likelihood's place.

    A priority encoder and a shifter normalise r, the bits after its leading one index a small table; see
    `Formats.reward_cost`, whose error is at most exponent * (log2(1 + 1/128) + half a unit) plus a unit. The cost is
    never negative and the constant 2^STEP_BITS cancels in the ratio of two rewards. r saturates; 0 costs as 1/2 would.

    Latency: 1 cycle from `step` to `steps`, combinational from there to `cost`, which is 0 until `ready`, so that the
    multiplier switches once an episode.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                "clear": In(1),  # a proposal begins: the count starts at 0
                "step": In(1),  # an action was taken
                "ready": In(1),  # the episode is over: give `cost`, else 0
                "exponent": In(formats.exponent_bits),  # power that the reward is raised to, in 1/16
                "steps": Out(STEP_BITS),  # actions of this episode, its reward; saturates
                "cost": Out(formats.sum_bits),  # -log2 of the reward to that power, in 2^-log_fraction_bits
            }
        )

    def elaborate(self, platform):
        m = Module()
        fraction_bits = self.formats.config.log_fraction_bits
        steps = Signal(STEP_BITS)
        operand = Signal(STEP_BITS)
        zeros = Signal(range(STEP_BITS + 1), init=STEP_BITS)
        mantissa = Signal(REWARD_INDEX_BITS)
        with m.If(self.clear):
            m.d.sync += steps.eq(0)
        with m.Elif(self.step & ~steps.all()):
            m.d.sync += steps.eq(steps + 1)
        with m.If(self.ready):
            m.d.comb += operand.eq(steps)
        for position in range(STEP_BITS):  # the last match, the highest set bit, wins
            with m.If(operand[position]):
                below = (operand << STEP_BITS)[position + STEP_BITS - REWARD_INDEX_BITS : position + STEP_BITS]
                m.d.comb += [zeros.eq(STEP_BITS - 1 - position), mantissa.eq(below)]
        table = Array(Const(entry, fraction_bits + 1) for entry in self.formats.reward_table)
        log = Signal(range((STEP_BITS + 1) << fraction_bits))
        m.d.comb += self.steps.eq(steps)
        with m.If(self.ready):
            m.d.comb += [
                log.eq(((zeros + 1) << fraction_bits) - table[mantissa]),
                self.cost.eq((log * self.exponent) >> EXPONENT_FRACTION_BITS),
            ]
        return m
