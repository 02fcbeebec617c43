"""Log-prior of a proposed row: its squared pair codes times a constant (Eq 4)."""

from __future__ import annotations

from amaranth import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pymodels.fixed import PRIOR_MULTIPLIER_BITS, PRIOR_SHIFT_BITS, Formats


class Prior(wiring.Component):
    """-log2 prior = (sum over pairs of (g+ - g-)^2 in read codes * multiplier) >> shift.

    Read codes arrive in cell order, g+ then g- of each pair; `square` marks the second, with their `difference`. `cost`
    holds from the last of them to the next `clear`.

    Latency: 1 cycle from the last read code to `cost`. The multiplier's operand is held at zero until `ready`, so it
    switches once a proposal, not once a pair.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                "clear": In(1),
                "valid": In(1),
                "code": In(formats.config.read_bits),
                "ready": In(1),
                "multiplier": In(PRIOR_MULTIPLIER_BITS),
                "shift": In(PRIOR_SHIFT_BITS),
                "square": Out(1),
                "difference": Out(signed(formats.config.read_bits + 1)),
                "cost": Out(formats.prior_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plus = Signal.like(self.code)
        have_plus = Signal()
        total = Signal(self.formats.square_bits)
        difference = Signal(signed(self.formats.config.read_bits + 1))
        m.d.comb += [self.square.eq(self.valid & have_plus), self.difference.eq(difference)]
        with m.If(self.square):
            m.d.comb += difference.eq(plus - self.code)
        with m.If(self.clear):
            m.d.sync += [total.eq(0), have_plus.eq(0)]
        with m.Elif(self.valid):
            m.d.sync += have_plus.eq(~have_plus)
            with m.If(have_plus):
                m.d.sync += total.eq(total + difference * difference)
            with m.Else():
                m.d.sync += plus.eq(self.code)
        operand = Signal.like(total)
        with m.If(self.ready):
            m.d.comb += operand.eq(total)
        m.d.comb += self.cost.eq((operand * self.multiplier) >> self.shift)
        return m
