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
            "training": In(1),  # a training runs
            "ordered": In(1),  # there is an order of samples, which gives a training's
            "order_index": In(index),  # number of the sample that the order gives
        }
        layer = {
            "hidden": In(1),  # the running evaluation is a hidden neuron's
            "sigmoids": In(formats.lanes_bits),  # input codes that the hidden neurons give, neuron 0 in the lowest bits
        }
        zero = {"zeros": In(1)}  # the auto-zero searches: all inputs are 0
        super().__init__(
            {
                "train_fetch": In(1),  # the trainer asks for a sample
                "train_index": In(index),  # number of that sample
                "vote_fetch": In(1),  # the inference asks for a test point
                "vote_index": In(index),  # number of that point
                "voting": In(1),  # an inference runs
                **(order if self.orders else {}),
                **(layer if config.hidden else {}),
                **(zero if config.auto_zero_bits else {}),
                # the sample memory's read port
                "read_enable": Out(1),  # a sample is read
                "read_address": Out(index),  # number of that sample
                "word": In(formats.sample_word_bits),  # the sample last read: its features, above them its label
                "inputs": Out(formats.lanes_bits),  # input codes of the array, one a lane
                "label": Out(formats.label_bits),  # label of the sample last read
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
