"""Log-likelihood of a proposed row, summed one evaluation at a time (Eq 7)."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.ram import Ram
from oxmc.pymodels.formats import Formats


def table_index(code: Value, adc_bits: int, table_bits: int) -> Value:
    """Offset-binary table index of a signed ADC code: its sign inverted, its low bits dropped."""
    return (code ^ (1 << (adc_bits - 1)))[adc_bits - table_bits :]


class Likelihood(wiring.Component):
    """Sum of -log2 f over points of t = 1 and of -log2 (1 - f) over points of t = 0.

    One table serves both: 1 - f(x) = f(-x), and with mid-rise codes -x is the bitwise NOT of x. The table holds the
    magnitudes of log-likelihoods, which are all <= 0; their sum grows only, and `Formats.sum_bits` leaves it room for
    every sample, so it never wraps. The bits above an entry's count carries and are clocked for these alone.

    `clear` drops an evaluation given the cycle before it and keeps one given with it.

    Latency: 2 cycles from `valid` to `sum`, 1 to `next_sum` and `entry`, both while `adding`; one evaluation a cycle.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.table = Ram.of(formats, "likelihood")
        super().__init__(
            {
                "clear": In(1),  # a proposal begins: the sum starts at 0
                "valid": In(1),  # the answer of an output is there
                "code": In(config.adc_bits),  # ADC code of that answer, signed
                "label": In(1),  # t of the output: 1 if the sample is of its class
                "adding": Out(1),  # an entry is added, a cycle after `valid`
                "entry": Out(formats.likelihood_bits),  # -log2 likelihood of the answer, in 2^-log_fraction_bits
                "sum": Out(formats.sum_bits),  # sum of the entries since `clear`, in the same unit
                "next_sum": Out(formats.sum_bits),  # `sum` as it will be in the next cycle
            }
        )

    @property
    def partial(self) -> Signal:
        """With early rejection `next_sum` is compared."""
        return self.adding

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.table
        config = self.formats.config
        total = Signal(self.formats.sum_bits)
        entry = self.table.read_data
        low, carries = total[: len(entry)], total[len(entry) :]
        grown = Signal(len(entry) + 1)
        carry = grown[-1]
        m.d.comb += [
            self.table.read_enable.eq(self.valid),
            self.table.read_address.eq(
                table_index(self.code ^ Mux(self.label, 0, -1), config.adc_bits, config.table_bits)
            ),
            self.entry.eq(entry),
            grown.eq(low + entry),
            self.sum.eq(total),
            self.next_sum.eq(total),
        ]
        with m.If(self.adding):
            m.d.comb += self.next_sum.eq(Cat(grown[:-1], carries + carry))
        m.d.sync += self.adding.eq(self.valid)
        with m.If(self.clear):
            m.d.sync += total.eq(0)
        with m.Elif(self.adding):
            m.d.sync += low.eq(grown)
            with m.If(carry):
                m.d.sync += carries.eq(carries + 1)
        return m
