"""Which output of a proposed row acts: the one of the greatest response (Eq 11)."""

from __future__ import annotations

from amaranth import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats


class Action(wiring.Component):
    """Compares the ADC codes of one observation's outputs as they come; the greatest wins, the lowest output on ties.

    `restart` starts an observation. Responses are linear, so codes compare as they do.

    Latency: 1 cycle from `valid` to `winner`.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                "restart": In(1),  # an observation begins: the next code is output 0's
                "valid": In(1),  # a code is there, that of the next output
                "code": In(formats.config.adc_bits),  # ADC code of that output, signed
                "winner": Out(formats.label_bits),  # output of the largest code since `restart`
            }
        )

    def elaborate(self, platform):
        m = Module()
        code = Signal(signed(len(self.code)))
        best = Signal(signed(len(self.code)))
        output = Signal(self.formats.output_bits)
        winner = Signal(self.formats.label_bits)
        m.d.comb += [code.eq(self.code), self.winner.eq(winner)]
        with m.If(self.restart):
            m.d.sync += output.eq(0)
        with m.Elif(self.valid):
            m.d.sync += output.eq(output + 1)
            with m.If((output == 0) | (code > best)):
                m.d.sync += [best.eq(code), winner.eq(output)]
        return m
