"""Metropolis-Hastings decision in the log domain."""

from __future__ import annotations

from amaranth import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import TEMPER_BITS


class Acceptance(wiring.Component):
    """Accept iff a >= u, with a the posterior ratio of proposed to current row (Eq 2).

    In negative base-2 logs: accept iff likelihood <= current cost + (-log2 u) - prior, where a row's cost is its
    -log2 likelihood plus -log2 prior. The right side, `threshold`, is known before the first evaluation; equality
    accepts. `keep`, given with `compare`, makes the proposed row the current one.

    With the `hastings` option its correction is taken from the threshold as well.

    `hopeless` is high if no sum can be accepted. With early rejection each sum on the way, `partial`, is compared as
    well, and `exceeds` if it is not accepted: the sum only grows.

    With the `temper` option the likelihood's cost is shifted right by that many bits, in every sum it is part of.

    With rewards the cost of an episode stands for the likelihood, and `handicap`, log2 kappa, is held against each
    proposal (Eq 12).

    Latency: combinational to `accept`, 1 cycle from `keep` to the new current cost.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        correction = {"correction": In(signed(formats.hastings_bits))}  # Hastings correction, held against the proposal
        temper = {"temper": In(TEMPER_BITS)}  # bits by which the likelihood is shifted right
        early = {
            "partial": In(1),  # `likelihood` is the sum so far: compare it
            "exceeds": Out(1),  # with `partial`: the sum so far is already rejected
        }
        handicap = {"handicap": In(formats.kappa_bits)}  # log2 kappa, in the unit of costs, held against it
        super().__init__(
            {
                "likelihood": In(formats.sum_bits),  # -log2 likelihood of the proposed row, in 2^-log_fraction_bits
                "prior": In(formats.prior_bits),  # -log2 prior of the proposed row, in the same unit
                **(correction if formats.config.hastings else {}),
                **(temper if formats.config.temper else {}),
                "neg_log2_u": In(formats.log_u_bits),  # -log2 u of the draw, in the same unit
                "compare": In(1),  # the sum is whole: decide in this cycle
                "keep": In(1),  # with `compare`: the proposed row becomes the current one
                "accept": Out(1),  # the compared sum is accepted; 0 while nothing is compared
                "hopeless": Out(1),  # the threshold is below 0: no sum can be accepted
                "current_cost": Out(formats.cost_bits),  # -log2 posterior of the current row, in the same unit
                **(early if formats.config.early_rejection else {}),
                **(handicap if formats.rewards else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        current = Signal(self.formats.cost_bits)
        low, high = -(2 ** (self.formats.prior_bits + self.formats.rewards)), 2 ** (self.formats.cost_bits + 1)
        held_against = self.prior + self.handicap if self.formats.rewards else self.prior
        allowed = current + self.neg_log2_u - held_against
        if self.formats.config.hastings:
            largest = 2 ** (self.formats.hastings_bits - 1)
            allowed, low, high = allowed - self.correction, low - largest, high + largest
        threshold = Signal(range(low, high))
        operand = Signal.like(self.likelihood)
        compares = self.compare
        if self.formats.config.early_rejection:
            compares = self.compare | self.partial
            m.d.comb += self.exceeds.eq(self.partial & ~self.accept)
        with m.If(compares):  # the growing sum is kept from comparator and adder until it is whole
            m.d.comb += operand.eq(self.likelihood >> self.temper if self.formats.config.temper else self.likelihood)
        m.d.comb += [
            self.current_cost.eq(current),
            threshold.eq(allowed),
            self.accept.eq(compares & (operand <= threshold)),
            self.hopeless.eq(threshold < 0),
        ]
        with m.If(self.keep):
            m.d.sync += current.eq(operand + self.prior)
        return m
