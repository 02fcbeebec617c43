"""Host words on their way to the memories."""

from __future__ import annotations

from amaranth import Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import INDEX_BITS, LAW_INDEX, Space, memory_words, sample_lane_bits, sample_lanes


def strobe_of(space: Space) -> str:
    """The port that tells the memory of a space to take the host's word."""
    return f"write_{space.name.lower()}"


class Loader(wiring.Component):
    """Tells one memory to take the host's word. A sample's words are lanes of one
    word of its memory, the lowest first. The LUT has a write port here, since the calibrator writes it, too, and since
    the law of the Hastings correction shares its space.

    Latency: combinational.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.tables = [space for space in memory_words(formats) if space not in (Space.LUT, Space.SAMPLES)]
        calibrator = {
            "measured": In(1),  # the calibrator has an entry of the LUT
            "measured_gate": In(formats.gate_bits),  # gate code of that entry
            "measured_entry": In(config.read_bits),  # that entry, a read code
        }
        tables = {
            "write_likelihood": Out(1),  # the table of log-likelihoods takes the word, at `index`
            "write_response": Out(1),  # the response table takes the word, at `index`
            "write_activation": Out(1),  # the table of sigmoids takes the word, at `index`
            "write_counters": Out(1),  # the counter of row `index` takes the word
        }
        law = {"write_law": Out(1)}  # the law of the Hastings correction may take the word; `index` says where
        super().__init__(
            {
                "writing": In(1),  # the host writes a word
                "space": In(Space),  # space that the word goes to
                "index": In(INDEX_BITS),  # index in that space
                "word": In(HOST_WORD_BITS),  # the host's word
                **(calibrator if config.calibrate else {}),
                "write_samples": Out(sample_lanes(formats)),  # lane of the sample memory that takes the word, one hot
                "sample": Out(formats.sample_bits),  # number of the sample that the word belongs to
                "sample_word": Out(formats.sample_word_bits),  # the host's word in every lane
                **{name: tables[name] for name in map(strobe_of, self.tables)},
                "write_lut": Out(1),  # the LUT takes `lut_entry`
                "lut_index": Out(formats.gate_bits),  # gate code of that entry
                "lut_entry": Out(config.read_bits),  # the entry, a read code
                **(law if config.hastings else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lane_bits, config = sample_lane_bits(self.formats), self.formats.config

        def writes(space: Space) -> Value:
            return self.writing & (self.space == space)

        lut, index, entry = writes(Space.LUT), self.index, self.word
        if config.hastings:
            m.d.comb += self.write_law.eq(lut)
            lut = lut & (self.index < LAW_INDEX)
        if config.calibrate:
            lut, index = lut | self.measured, Mux(self.measured, self.measured_gate, index)
            entry = Mux(self.measured, self.measured_entry, entry)
        m.d.comb += [
            *(getattr(self, strobe_of(space)).eq(writes(space)) for space in self.tables),
            self.write_samples.eq(Mux(writes(Space.SAMPLES), 1 << self.index[:lane_bits], 0)),
            self.sample.eq(self.index[lane_bits:]),
            self.sample_word.eq(self.word.replicate(len(self.write_samples))),
            self.write_lut.eq(lut),
            self.lut_index.eq(index),
            self.lut_entry.eq(entry),
        ]
        return m
