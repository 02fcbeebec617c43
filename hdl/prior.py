"""Log-prior of a proposed row: its squared pair codes times a constant (Eq 4)."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import PRIOR_MULTIPLIER_BITS, PRIOR_SHIFT_BITS, Formats


def squared(x: Value) -> Value:
    """x^2 of an unsigned value: each pair of bits is multiplied once, half the gates of a multiplier."""
    rows = [Mux(bit, Cat(Const(0, 2 * i), Const(1, 2), x[i + 1 :]), 0) for i, bit in enumerate(x)]
    return sum(rows[1:], rows[0])


class Prior(wiring.Component):
    """-log2 prior = (sum over pairs of (g+ - g-)^2 in read codes * multiplier) >> shift.

    Read codes arrive in cell order, g+ then g- of each pair; `square` marks the second, with their `difference`. `cost`
    holds from the last of them to the next `clear`.

    The subtractor sees nothing but second codes, and the squarer a register that moves once a pair: without either it
    would follow every answer of the converter, and every glitch of the difference. The multiplier's operand is held at
    zero until `ready`, so it switches once a proposal, not once a pair.

    Latency: 2 cycles from the last read code to `cost`; `adding` is high in the one between.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                "clear": In(1),  # a proposal begins: the sum starts at 0
                "valid": In(1),  # a read code is there, in cell order
                "code": In(formats.config.read_bits),  # the read code: g+ of a pair, then its g-
                "ready": In(1),  # the row is programmed: give `cost`; until then the multiplier gets 0
                "multiplier": In(PRIOR_MULTIPLIER_BITS),  # 1 / (2 sigma^2 ln 2), of read codes, as an integer
                "shift": In(PRIOR_SHIFT_BITS),  # places by which the product is shifted right
                "square": Out(1),  # the second read code of a pair is there
                "adding": Out(1),  # the square of a difference is added, a cycle after `square`
                "difference": Out(signed(formats.config.read_bits + 1)),  # g+ - g- in read codes, with `square`
                "cost": Out(formats.prior_bits),  # -log2 prior of the row, in 2^-log_fraction_bits
            }
        )

    def elaborate(self, platform):
        m = Module()
        plus = Signal.like(self.code)
        have_plus = Signal()
        total = Signal(self.formats.square_bits)
        difference = Signal(signed(self.formats.config.read_bits + 1))
        minuend = Signal.like(self.code)
        subtrahend = Signal.like(self.code)
        m.d.comb += [
            self.square.eq(self.valid & have_plus),
            difference.eq(minuend - subtrahend),
            self.difference.eq(difference),
        ]
        with m.If(self.square):
            m.d.comb += [minuend.eq(plus), subtrahend.eq(self.code)]
        magnitude = Signal.like(self.code)
        m.d.sync += self.adding.eq(self.square & ~self.clear)
        with m.If(self.square):
            m.d.sync += magnitude.eq(abs(difference))
        with m.If(self.clear):
            m.d.sync += have_plus.eq(0)
        with m.Elif(self.valid):
            m.d.sync += have_plus.eq(~have_plus)
            with m.If(~have_plus):
                m.d.sync += plus.eq(self.code)
        with m.If(self.clear):
            m.d.sync += total.eq(0)
        with m.Elif(self.adding):
            m.d.sync += total.eq(total + squared(magnitude))
        operand = Signal.like(total)
        with m.If(self.ready):
            m.d.comb += operand.eq(total)
        m.d.comb += self.cost.eq((operand * self.multiplier) >> self.shift)
        return m
