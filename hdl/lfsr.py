"""Random bits: a maximal-length Fibonacci LFSR that moves only when a draw asks for it."""

from __future__ import annotations

from functools import reduce
from operator import xor

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import HOST_WORD_BITS, LFSR_SHIFT, LFSR_TAPS

NAMED_STEPS = 16
"""Steps after which the state on the way is a signal of its own."""


class Lfsr(wiring.Component):
    """Maximal-length LFSR, taps of Xilinx XAPP 052; bit 0 is the newest.

    A draw replaces all `width` bits, `step_bits` a cycle, so no bit serves two draws. Between draws nothing moves.
    A seed is loaded in 32-bit words, in any order, while it is not busy; at either a low word of zero becomes 1, so the
    state is never zero.

    With `summed` the random bits are the state plus itself, shifted up by `LFSR_SHIFT`: with its carries the sum is not
    linear in the state but for the lowest bits. Each state has a sum of its own, which is never zero.

    Latency: `width / step_bits` cycles from `draw` to a new `state`; `busy` is high meanwhile, `ends` in the last.
    """

    def __init__(self, *, width: int, step_bits: int, summed: bool = False):
        if width not in LFSR_TAPS:
            raise ValueError(f"LFSR width must be from {min(LFSR_TAPS)} to {max(LFSR_TAPS)}, not {width}")
        if width % step_bits:
            raise ValueError(f"LFSR step_bits must divide the width ({width}), not {step_bits}")
        self.summed = summed
        self.width, self.steps, self.step_bits = width, width // step_bits, step_bits
        super().__init__(
            {
                "load": In(1),  # `seed` is the low word of a seed: take it
                "load_high": In(1),  # `seed` is the high word of a seed: take it
                "seed": In(HOST_WORD_BITS),  # a word of a seed
                "draw": In(1),  # replace all bits, from the next cycle on
                "busy": Out(1),  # a draw runs
                "ends": Out(1),  # a draw ends with this cycle
                "state": Out(width),  # the random bits; they hold between draws
            }
        )

    def _advanced(self, m: Module, state: Signal) -> Value:
        bits: list[Value] = list(state)
        for step in range(self.step_bits):
            if step and step % NAMED_STEPS == 0:  # sums of sums double every few steps, where they are written out
                reached = Signal(self.width, name=f"after_{step}")
                m.d.comb += reached.eq(Cat(bits))
                bits = list(reached)
            bits = [reduce(xor, (bits[tap - 1] for tap in LFSR_TAPS[self.width]))] + bits[:-1]
        return Cat(bits)

    def elaborate(self, platform):
        m = Module()
        state = Signal(self.width, init=1)
        left = Signal(range(self.steps + 1))
        low = min(HOST_WORD_BITS, self.width)
        drawn = state + (state << LFSR_SHIFT) if self.summed else state
        m.d.comb += [self.state.eq(drawn), self.busy.eq(left != 0), self.ends.eq(left == 1)]
        with m.If(self.busy):
            m.d.sync += [state.eq(self._advanced(m, state)), left.eq(left - 1)]
        with m.Elif(self.draw):
            m.d.sync += left.eq(self.steps)
        with m.Elif(self.load):
            word = self.seed[:low]
            m.d.sync += state[:low].eq(word | (word == 0))
        if self.width > HOST_WORD_BITS:
            with m.If(self.load_high & ~self.busy):
                m.d.sync += state[HOST_WORD_BITS:].eq(self.seed[: self.width - HOST_WORD_BITS])
                with m.If(state[:HOST_WORD_BITS] == 0):  # where draws have led to it
                    m.d.sync += state[0].eq(1)
        return m
