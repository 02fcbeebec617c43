"""-log2 of a uniform random number, from one LFSR state."""

from __future__ import annotations

from amaranth import Array, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats


class LogUniform(wiring.Component):
    """-log2 u in fixed point: a priority encoder gives the octave, a small table the mantissa.

    The low bits of the state index the table and the others give the octave, so there is no shifter; see
    `Formats.neg_log2_u`. The LFSR holds still between draws, and so does this.

    Latency: combinational.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                "state": In(formats.config.lfsr_bits),  # bits of the last draw
                "neg_log2": Out(formats.log_u_bits),  # -log2 u, in 2^-log_fraction_bits
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.formats.config
        index, octave = self.state[: config.log_u_index_bits], self.state[config.log_u_index_bits :]
        zeros = Signal(range(len(octave) + 1), init=len(octave))
        for position in range(len(octave)):  # the last match, the highest set bit, wins
            with m.If(octave[position]):
                m.d.comb += zeros.eq(len(octave) - 1 - position)
        table = Array(Const(entry, config.log_fraction_bits + 1) for entry in self.formats.log_u_table)
        m.d.comb += self.neg_log2.eq(((zeros + 1) << config.log_fraction_bits) - table[index])
        return m
