"""Results of a chip that learns from rewards: actions of its episodes, and votes of its inference."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.inference import result_layout
from oxmc.pymodels.formats import Formats


class Results(wiring.Component):
    """An action leaves as the result of a point, with its output as the winner and a sum of 0.

    Latency: combinational.
    """

    def __init__(self, formats: Formats):
        results = stream.Signature(result_layout(formats))
        super().__init__(
            {
                "votes": In(results),  # a result of the inference
                "acting": In(1),  # an action of an episode is there
                "winner": In(formats.label_bits),  # output that acts
                "result": Out(results),  # a result for the user: an action, or that of the inference
            }
        )

    def elaborate(self, platform):
        m = Module()
        votes, payload = self.votes.payload, self.result.payload
        m.d.comb += [
            self.votes.ready.eq(self.result.ready),
            self.result.valid.eq(self.votes.valid | self.acting),
            payload.sum.eq(Mux(self.acting, 0, votes.sum)),
            payload.winner.eq(Mux(self.acting, self.winner, votes.winner)),
            payload.last.eq(self.acting | votes.last),
        ]
        return m
