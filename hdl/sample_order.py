"""In which order a proposal's samples are evaluated: the current row's hard ones first."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.ram import Ram
from oxmc.pymodels.formats import Formats


class SampleOrder(wiring.Component):
    """Two banks of sample indices. One gives the order of the running sweep, the other takes the next order.

    A sample whose -log2 likelihood exceeds `hard_above` for any output is filed from the front of the bank, the others
    from its back. `keep`, at an acceptance, makes that bank the current one, since its sweep was whole; `clear` starts
    it anew. Until the first `keep` after `restart` there is no order and `ordered` is low.

    Latency: 1 cycle from `fetch` to `index`; a sample is filed in the cycle its last evaluation is added.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        self.memory = Ram.of(formats, "order")
        super().__init__(
            {
                "restart": In(1),  # a training begins: there is no order
                "clear": In(1),  # a proposal begins: the next order starts empty
                "keep": In(1),  # the proposal is accepted: its order becomes the current one
                "ordered": Out(1),  # there is an order
                # the running sweep
                "fetch": In(1),  # asks for an entry of the current order
                "position": In(formats.sample_bits),  # place of that entry, from 0
                "index": Out(formats.sample_bits),  # number of the sample at that place, a cycle after `fetch`
                # the next order
                "last_sample": In(formats.sample_bits),  # number of the last training sample
                "hard_above": In(formats.hard_bits),  # a sample is hard above this -log2 likelihood
                "adding": In(1),  # an evaluation is added to the likelihood
                "entry": In(formats.term_bits),  # -log2 likelihood of that evaluation, in 2^-log_fraction_bits
                "sample": In(formats.sample_bits),  # number of its sample
                "last_output": In(1),  # it is the sample's last evaluation
                "filing": Out(1),  # a sample is filed in the next order
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.memory
        bank = Signal()
        ordered = Signal()
        front = Signal(self.formats.sample_bits)
        back = Signal(self.formats.sample_bits)
        was_hard = Signal()
        hard = Signal()
        m.d.comb += [
            self.ordered.eq(ordered),
            memory.read_enable.eq(self.fetch),
            memory.read_address.eq(Cat(self.position, bank)),
            self.index.eq(memory.read_data),
            hard.eq(was_hard | (self.entry > self.hard_above)),
            self.filing.eq(self.adding & self.last_output),
            memory.write_lanes.eq(self.filing),
            memory.write_address.eq(Cat(Mux(hard, front, back), ~bank)),
            memory.write_data.eq(self.sample),
        ]
        with m.If(self.clear):
            m.d.sync += [front.eq(0), back.eq(self.last_sample), was_hard.eq(0)]
        with m.Elif(self.filing):
            m.d.sync += was_hard.eq(0)
            with m.If(hard):
                m.d.sync += front.eq(front + 1)
            with m.Else():
                m.d.sync += back.eq(back - 1)
        with m.Elif(self.adding):
            m.d.sync += was_hard.eq(hard)
        with m.If(self.restart):
            m.d.sync += ordered.eq(0)
        with m.Elif(self.keep):
            m.d.sync += [ordered.eq(1), bank.eq(~bank)]
        return m
