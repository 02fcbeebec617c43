"""What each answer of the converters belongs to: the tag that a pulse takes along, and who gets the answer."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


class Answers(wiring.Component):
    """Makes the `tag` of the running pulse and reads it when Pulse brings it back with the answer, as `result_tag`.

    In the inference it is the row that votes, in training a READ's cell or, in the lowest bit, whether the output is
    the sample's label. With an order of samples an evaluation's last output and sample follow above that bit. The top
    bit marks a hidden neuron, whose number is below. A training evaluation of one layer, in the samples' order, needs
    the label alone, so its tag is not `wide`.

    Answers of the former's and the calibrator's pulses are told apart by those.

    Latency: combinational, but that an order's `added` and `added_last` are of the evaluation before, 1 cycle later.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.orders = config.sample_order == "hard_first"
        order_bits = 2 + formats.sample_bits if self.orders else 0
        self.tag_bits = max(formats.cell_bits, formats.row_bits, order_bits) + (config.hidden > 0)
        layer = {
            "segment": In(formats.segment_bits),  # hidden neuron or output of the running evaluation
            "train_hidden": In(1),  # the trainer evaluates a hidden neuron
            "vote_hidden": In(1),  # the inference evaluates a hidden neuron
            "hidden": Out(1),  # a hidden neuron is evaluated: its inputs are the sample's features
            "neuron": Out(1),  # the answer is a hidden neuron's
        }
        order = {
            "training": In(1),  # a training runs
            "last_output": In(1),  # the running evaluation is its sample's last
            "fetch": In(1),  # the trainer asks for a sample
            "sample": In(formats.sample_bits),  # number of that sample
            "added": Out(formats.sample_bits),  # sample of the evaluation that is added to the likelihood
            "added_last": Out(1),  # that evaluation is its sample's last
        }
        zero = {"zeroing": In(1)}  # the auto-zero searches: evaluations are its own
        super().__init__(
            {
                # the running pulse
                "running": In(ArrayOp),  # pulse on the pins
                "inputs_on": In(1),  # the running pulse is an EVAL
                "voting": In(1),  # an inference runs
                "row": In(formats.row_bits),  # row that votes
                "cell": In(formats.cell_bits),  # cell that the trainer programs or reads
                "is_label": In(1),  # the evaluated output has t = 1 for this sample
                "tag": Out(self.tag_bits),  # what the answer to the running pulse belongs to; layout above
                "wide": Out(1),  # the answer needs all bits of `tag`, else the lowest
                **(layer if config.hidden else {}),
                **(order if self.orders else {}),
                **(zero if config.auto_zero_bits else {}),
                # the answer
                "valid": In(1),  # an answer is there, for one cycle
                "is_eval": In(1),  # the answer is an EVAL's, else a READ's
                "result_tag": In(self.tag_bits),  # the tag of its pulse
                "read": Out(1),  # the answer is a cell's read code
                "trained": Out(1),  # the answer is an output's, in training
                "voted": Out(1),  # the answer is an output's, in the inference
                # the row counters' read port: the row that voted, or the one that the host asks for
                "host_fetch": In(1),  # the host asks for a counter
                "host_row": In(formats.row_bits),  # row whose counter the host asks for
                "counter_fetch": Out(1),  # a counter is asked for, by a vote or by the host
                "counter_row": Out(formats.row_bits),  # row of that counter
            }
        )

    def _elaborate_order(self, m: Module, tag: Value) -> Value:
        """The sample last fetched joins the tags of its evaluations; the one last answered is added a cycle later."""
        fetched = Signal(self.formats.sample_bits)
        answered = Signal(self.formats.sample_bits + 1)
        with m.If(self.fetch):
            m.d.sync += fetched.eq(self.sample)
        with m.If(self.trained):
            m.d.sync += answered.eq(self.result_tag[1:])
        m.d.comb += Cat(self.added_last, self.added).eq(answered)
        return Mux(self.training & self.inputs_on, Cat(self.is_label, self.last_output, fetched), tag)

    def _elaborate_layer(self, m: Module, tag: Value, evaluated: Value) -> Value:
        m.d.comb += [
            self.hidden.eq(Mux(self.voting, self.vote_hidden, self.train_hidden & self.inputs_on)),
            self.neuron.eq(evaluated & self.result_tag[-1]),
        ]
        below = Const(0, self.tag_bits - 1 - len(self.segment))
        return Mux(self.hidden, Cat(self.segment, below, 1), tag)

    def elaborate(self, platform):
        m = Module()
        config = self.formats.config
        tag: Value = Mux(self.voting, self.row, Mux(self.running == ArrayOp.READ, self.cell, self.is_label))
        evaluated = Signal()
        answered = self.valid & self.is_eval
        m.d.comb += evaluated.eq(answered & ~self.zeroing if config.auto_zero_bits else answered)
        if self.orders:
            tag = self._elaborate_order(m, tag)
        if config.hidden:
            tag = self._elaborate_layer(m, tag, evaluated)
        is_output = ~self.result_tag[-1] if config.hidden else Const(1)
        m.d.comb += [
            self.tag.eq(tag),
            self.wide.eq(Const(1) if self.orders or config.hidden else self.voting | ~self.inputs_on),
            self.read.eq(self.valid & ~self.is_eval),
            self.trained.eq(evaluated & ~self.voting & is_output),
            self.voted.eq(evaluated & self.voting & is_output),
            self.counter_fetch.eq(self.voted | self.host_fetch),
            self.counter_row.eq(Mux(self.voting, self.result_tag, self.host_row)),
        ]
        return m
