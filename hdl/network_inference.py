"""Bayesian model averaging over the stored rows of a network with a hidden layer (Eq 8)."""

from __future__ import annotations

from amaranth import Array, Module, Signal, signed

from oxmc.hdl.inference import Inference
from oxmc.hdl.safe import safe_fsm
from oxmc.pymodels.interface import ArrayOp


class NetworkInference(Inference):
    """As `Inference`, but a row's hidden neurons serve all its outputs: rows are the outer loop, segments the inner.

    Each output has a sum of its own, and all results of a point leave at its end. `hidden` marks the evaluations of
    hidden neurons, whose answers go to the `Activation`; `answer` gets those of the outputs, in order.

    Latency: a point takes 1 cycle to fetch, rows * ((hidden + outputs) * eval + conversion + 1), conversion + 1 to
    settle, and, while `ready` is high, 1 an output.
    """

    def _elaborate_sums(self, m: Module, totals: list[Signal], clear: Signal) -> None:
        """As with one sum; answers come output by output, so which one is added is counted.

        `opens` is high with the first answer of a row, `unsettled` until all answers so far are added.
        """
        self.answered = Signal(self.formats.output_bits)
        answered = self.answered
        total = Signal.like(totals[0])
        chosen = Array(totals)
        self.opens, self.unsettled = self.adding & (self.answered == 0), self.command.converting
        response = self._elaborate_response(m)
        m.d.comb += total.eq(chosen[answered] + response * self.counter)
        with m.If(clear):
            m.d.sync += [*(each.eq(0) for each in totals), answered.eq(0)]
        with m.Elif(self.adding):
            m.d.sync += chosen[answered].eq(total)
            with m.If(answered == self.formats.config.outputs - 1):
                m.d.sync += answered.eq(0)
            with m.Else():
                m.d.sync += answered.eq(answered + 1)

    def _elaborate_evaluation(self, m: Module, row: Signal, segment: Signal) -> None:
        """States that evaluate all voting rows on one point, layer by layer."""
        hidden, last_segment = self.formats.config.hidden, self.formats.segments - 1
        with m.State("EVAL"):
            m.d.comb += self.command.op.eq(ArrayOp.EVAL)
            with m.If(self.command.latch):
                m.d.sync += segment.eq(segment + 1)
                if hidden:
                    with m.If(segment == hidden - 1):
                        m.d.comb += self.command.op.eq(ArrayOp.IDLE)
                        m.next = "LAYER"
                with m.If(segment == last_segment):
                    m.d.sync += [segment.eq(0), row.eq(self._after(row))]
                    with m.If(row == self.last_row):
                        m.d.comb += self.command.op.eq(ArrayOp.IDLE)
                        m.next = "SETTLE"
        if hidden:
            with m.State("LAYER"):  # the last hidden neuron's conversion and sigmoid
                with m.If(~self.command.converting):
                    m.d.comb += self.command.op.eq(ArrayOp.EVAL)
                    m.next = "EVAL"
        with m.State("SETTLE"):  # the last conversion, its look-up and addition
            with m.If(~self.unsettled):
                m.next = "RESULT"

    def elaborate(self, platform):
        m = Module()
        formats = self.formats
        row = Signal(formats.row_bits)
        index = Signal(formats.sample_bits)
        segment = Signal(formats.segment_bits)
        output = Signal(formats.output_bits)
        clear = Signal()
        last_output = Signal()
        totals = [Signal(signed(formats.response_sum_bits), name=f"total_{k}") for k in range(formats.config.outputs)]
        total = Signal.like(totals[0])
        self._elaborate_sums(m, totals, clear)
        self._elaborate_winner(m, total, output)
        m.d.comb += [
            total.eq(Array(totals)[output]),
            last_output.eq(output == formats.config.outputs - 1),
            self.voting.eq(self.opens & (index == self.first_index)),
            self.command.valid.eq(self.start | self.busy),
            self.command.row.eq(row),
            self.command.segment.eq(segment),
            self.hidden.eq(segment < formats.config.hidden if formats.config.hidden else 0),
            self.fetch_index.eq(index),
            self.result.payload.last.eq(last_output),
        ]
        with safe_fsm(m, self, "infer_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += index.eq(self.first_index)
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += [self.fetch_sample.eq(1), clear.eq(1), self.command.op.eq(ArrayOp.EVAL)]
                m.d.sync += [row.eq(self._first_row()), output.eq(0), segment.eq(0)]
                m.next = "EVAL"
            self._elaborate_evaluation(m, row, segment)
            with m.State("RESULT"):
                m.d.comb += self.result.valid.eq(1)
                with m.If(self.result.ready):
                    with m.If(~last_output):
                        m.d.sync += output.eq(output + 1)
                    with m.Elif(index == self.last_index):
                        m.next = "IDLE"
                    with m.Else():
                        m.d.sync += index.eq(index + 1)
                        m.next = "FETCH"
        return m
