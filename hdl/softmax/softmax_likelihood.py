"""Log-likelihood of a proposed row by a softmax of its outputs, summed one sample at a time."""

from __future__ import annotations

from amaranth import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.likelihood import table_index
from oxmc.hdl.ram import Ram
from oxmc.pymodels.config import POWER_FRACTION_BITS
from oxmc.pymodels.formats import LOG_SUM_BITS, Formats


def below(index: Value, bits: int) -> Value:
    """An index that is not negative, or the last one of a table of `bits` index bits."""
    return Mux(index[bits:].any(), 2**bits - 1, index[:bits])


class SoftmaxLikelihood(wiring.Component):
    """Sum over samples of -log2 of the softmax of their label's output.

    The table turns an answer into the output's power, log2 of exp(S V.w) above the lowest bin. The powers of a sample
    are folded one by one as they come: log2(2^a + 2^b) is the larger of the two plus log2(1 + 2^-|a - b|), which is
    never negative and in a small table of logic. So `log_sum` is never below any of the sample's powers, and what the
    sample adds with its last output, `log_sum` less its label's power, is never negative: the sum grows only. It never
    wraps, as `Formats.sum_bits` has room for every sample.

    Answers of an inference, `voted`, are folded in the same way and add nothing.

    `clear` drops an evaluation given the cycle before it and keeps one given with it.

    Latency: 1 cycle from `valid` or `voted` to `power` and `log_sum`, and, while `adding`, to `entry` and `next_sum`,
    2 to `sum`; one evaluation a cycle.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        self.table = Ram.of(formats, "likelihood")
        super().__init__(
            {
                "clear": In(1),  # a proposal or a test point begins: so does a sample
                "clear_sum": In(1),  # with `clear`: the sum starts at 0
                "valid": In(1),  # the answer of an output is there, in training
                "voted": In(1),  # the answer of an output is there, in the inference
                "code": In(formats.config.adc_bits),  # ADC code of that answer, signed
                "label": In(1),  # with `valid`: the sample is of this output's class
                "folding": Out(1),  # a power joins `log_sum`, a cycle after its answer
                "voting": Out(1),  # so it does in the inference
                "power": Out(formats.likelihood_bits),  # that power, in 2^-POWER_FRACTION_BITS
                "log_sum": Out(formats.log_sum_bits),  # log2 of the sum of 2^power of its sample's outputs so far
                "output": Out(formats.output_bits),  # number of that output
                "last": Out(1),  # it is its sample's last
                "adding": Out(1),  # a power of a training's sample joins
                "whole": Out(1),  # it is the last: the sum grows
                "entry": Out(formats.term_bits),  # what it adds: -log2 likelihood of a sample, in 2^-log_fraction_bits
                "sum": Out(formats.sum_bits),  # sum of the entries since `clear`, in the same unit
                "next_sum": Out(formats.sum_bits),  # `sum` as it will be in the next cycle
            }
        )

    @property
    def partial(self) -> Signal:
        """With early rejection `next_sum` is compared."""
        return self.whole

    def _elaborate_power(self, m: Module) -> None:
        """The table is read with an answer; what the answer is of is there with the power."""
        config = self.formats.config
        m.submodules.memory = self.table
        m.d.comb += [
            self.table.read_enable.eq(self.valid | self.voted),
            self.table.read_address.eq(table_index(self.code, config.adc_bits, config.table_bits)),
            self.power.eq(self.table.read_data),
            self.folding.eq(self.adding | self.voting),
        ]
        m.d.sync += [self.adding.eq(self.valid), self.voting.eq(self.voted)]

    def _elaborate_fold(self, m: Module) -> None:
        """`log_sum` of the outputs so far; the first begins it."""
        formats, power = self.formats, self.power
        before = Signal(formats.log_sum_bits)
        difference = Signal(len(before) + 1)
        grows = difference[-1]  # the power is above the sum so far
        distance = difference[:-1] ^ grows.replicate(len(before))  # a unit too small where it grows, but no carry
        table = Array(Const(entry, POWER_FRACTION_BITS + 1) for entry in formats.log_sum_table)
        more = table[below(distance, LOG_SUM_BITS)]
        m.d.comb += [
            self.last.eq(self.output == formats.config.outputs - 1),
            difference.eq(before - power),
            self.log_sum.eq(Mux(self.output == 0, power, Mux(grows, power, before) + more)),
        ]
        with m.If(self.clear):
            m.d.sync += self.output.eq(0)
        with m.Elif(self.folding):
            m.d.sync += [before.eq(self.log_sum), self.output.eq(Mux(self.last, 0, self.output + 1))]

    def _elaborate_sum(self, m: Module) -> None:
        """The label's power is kept until the sample's last output, which may be its own."""
        total = Signal(self.formats.sum_bits)
        kept = Signal.like(self.power)
        own = Signal.like(self.power)
        labelled = Signal()
        m.d.sync += labelled.eq(self.label & self.valid)
        m.d.comb += [
            own.eq(Mux(labelled, self.power, kept)),
            self.whole.eq(self.adding & self.last),
            self.entry.eq(Mux(self.whole, (self.log_sum - own)[: len(self.log_sum)] << self.formats.power_shift, 0)),
            self.next_sum.eq(total + self.entry),
            self.sum.eq(total),
        ]
        with m.If(labelled):
            m.d.sync += kept.eq(self.power)
        with m.If(self.clear_sum):
            m.d.sync += total.eq(0)
        with m.Elif(self.whole):
            m.d.sync += total.eq(self.next_sum)

    def elaborate(self, platform):
        m = Module()
        self._elaborate_power(m)
        self._elaborate_fold(m)
        self._elaborate_sum(m)
        return m
