"""Hastings correction of a proposal that is wider from one side than from the other: a study option."""

from __future__ import annotations

from amaranth import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.ram import Ram
from oxmc.pymodels.formats import HASTINGS_MULTIPLIER_BITS, HASTINGS_SHIFT_BITS, HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import LAW_INDEX, SHIFT_INDEX

LAW_INDEX_BITS = 10


class LawTerm(wiring.Component):
    """-log2 of a gate code's normal density at a read code, but for constants: `exponent` and `log_sd` apart.

    `exponent` = d^2 precision, where d = (2 code + 1) - median in half read codes. Latency: 1 cycle from `lookup`; both
    hold until the next.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        self.table = Ram.of(formats, "law")
        super().__init__(
            {
                "lookup": In(1),  # asks for the term of `gate` at `code`
                "gate": In(formats.gate_bits),  # gate code whose density it is
                "code": In(formats.config.read_bits),  # read code at which
                "exponent": Out(formats.law_exponent_bits),  # squared distance times precision
                "log_sd": Out(formats.law_sd_bits),  # log2 of the s.d. over the smallest
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self.table
        kept = Signal.like(self.code)
        median = Signal(self.formats.law_median_bits)
        precision = Signal(HASTINGS_MULTIPLIER_BITS)
        deviation = Signal(signed(self.formats.config.read_bits + 2))
        with m.If(self.lookup):
            m.d.sync += kept.eq(self.code)
        m.d.comb += [
            self.table.read_enable.eq(self.lookup),
            self.table.read_address.eq(self.gate),
            Cat(median, precision, self.log_sd).eq(self.table.read_data),
            deviation.eq(Cat(1, kept) - median),
            self.exponent.eq((deviation * deviation) * precision),
        ]
        return m


class Hastings(wiring.Component):
    """-log2 of q(g|g') / q(g'|g), summed over the cells of a row, with q the normal that a gate code programs.

    A cell of the current row read `code` and its successor was SET with the gate code `gate` that belongs to it; the
    successor read `next_code`, to which `next_gate` belongs. The way back is the density of `next_gate` at `code`, the
    way there that of `gate` at `next_code`. `cost` = (sum of exponents >> shift) + sum of log s.d., back less there.
    Exact but for rounding if devices are alike (`d2d_spread` = 0); the floor of -`shift` rounds down.

    `write` puts `word` to `index` of the law (`LAW_INDEX`, `SHIFT_INDEX`). `cost` is zero until `ready`, as in `Prior`.

    Latency: 2 cycles from `valid` to `cost`, during which `busy` is high; one cell a cycle.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        code, gate = formats.config.read_bits, formats.gate_bits
        super().__init__(
            {
                "write": In(1),  # the host writes a word of the law
                "index": In(LAW_INDEX_BITS),  # where in the LUT's space that word goes
                "word": In(HOST_WORD_BITS),  # the host's word
                "clear": In(1),  # a proposal begins: the sums start at 0
                "valid": In(1),  # the four codes of a cell are there
                "gate": In(gate),  # gate code that belongs to `code`
                "code": In(code),  # read code of the current row's cell
                "next_gate": In(gate),  # gate code that belongs to `next_code`
                "next_code": In(code),  # read code of the proposed row's cell
                "ready": In(1),  # the row is programmed: show the sum; until then `cost` is 0
                "busy": Out(1),  # a cell is still being added
                "cost": Out(signed(formats.hastings_bits)),  # -log2 q(g|g') / q(g'|g), in 2^-log_fraction_bits
            }
        )

    def _elaborate_law(self, m: Module, there: LawTerm, back: LawTerm) -> None:
        """The law twice, since two of its entries are looked up at once."""
        self.shift = Signal(HASTINGS_SHIFT_BITS)
        with m.If(self.write & (self.index == SHIFT_INDEX)):
            m.d.sync += self.shift.eq(self.word)
        for term in (there, back):
            with m.If(self.write & (self.index[8:] == LAW_INDEX >> 8)):
                m.d.comb += term.table.write_lanes.eq(1 << self.index[0])
            m.d.comb += [
                term.table.write_address.eq(self.index[1:8]),
                term.table.write_data.eq(self.word.replicate(term.table.lanes)),
            ]

    def elaborate(self, platform):
        formats, m = self.formats, Module()
        m.submodules.there = there = LawTerm(formats)
        m.submodules.back = back = LawTerm(formats)
        self._elaborate_law(m, there, back)
        adding = Signal()
        exponents = Signal(signed(formats.law_sum_bits))
        log_sds = Signal(signed(formats.law_sd_sum_bits))
        m.d.comb += [
            there.lookup.eq(self.valid),
            there.gate.eq(self.gate),
            there.code.eq(self.next_code),
            back.lookup.eq(self.valid),
            back.gate.eq(self.next_gate),
            back.code.eq(self.code),
            self.busy.eq(self.valid | adding),
        ]
        m.d.sync += adding.eq(self.valid)
        with m.If(self.clear):
            m.d.sync += [exponents.eq(0), log_sds.eq(0)]
        with m.Elif(adding):
            m.d.sync += [
                exponents.eq(exponents + back.exponent - there.exponent),
                log_sds.eq(log_sds + back.log_sd - there.log_sd),
            ]
        with m.If(self.ready):
            m.d.comb += self.cost.eq((exponents >> self.shift) + log_sds)
        return m
