"""From the sample memory to the array's input lanes."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats


class SamplePath(wiring.Component):
    """Which sample is read, and what of it the array gets: a word of the memory is the features, lowest first, and the
    label above. With a hidden layer the outputs' inputs are sigmoids.

    Latency: combinational.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config, index = formats.config, formats.sample_bits
        self.orders = config.sample_order == "hard_first"
        order = {
            "training": In(1),  # the trainer is busy
            "ordered": In(1),  # there is an order, so a training's samples are those
            "order_index": In(index),  # that the order names
        }
        layer = {
            "hidden": In(1),  # the running evaluation is a hidden neuron's
            "sigmoids": In(formats.lanes_bits),  # of all hidden neurons
        }
        super().__init__(
            {
                "train_fetch": In(1),  # the trainer asks for a sample
                "train_index": In(index),  # this one
                "vote_fetch": In(1),  # the inference does
                "vote_index": In(index),  # this one
                "voting": In(1),  # the inference is busy
                **(order if self.orders else {}),
                **(layer if config.hidden else {}),
                **({"zeros": In(1)} if config.auto_zero_bits else {}),  # the array gets none: all its inputs are zero
                # the sample memory's read port
                "read_enable": Out(1),  # a sample is read
                "read_address": Out(index),  # this one
                "word": In(formats.sample_word_bits),  # that was read
                "inputs": Out(formats.lanes_bits),  # lanes of the array port
                "label": Out(formats.label_bits),  # of the sample
            }
        )

    def elaborate(self, platform):
        m = Module()
        features = self.word[: self.formats.inputs_bits]
        index = Mux(self.voting, self.vote_index, self.train_index)
        inputs = Mux(self.hidden, features, self.sigmoids) if self.formats.config.hidden else features
        m.d.comb += [
            self.read_enable.eq(self.train_fetch | self.vote_fetch),
            self.read_address.eq(Mux(self.training & self.ordered, self.order_index, index) if self.orders else index),
            self.inputs.eq(Mux(self.zeros, 0, inputs) if self.formats.config.auto_zero_bits else inputs),
            self.label.eq(self.word[self.formats.inputs_bits :]),
        ]
        return m
