"""Bayesian model averaging over the stored rows (Eq 8)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.likelihood import table_index
from oxmc.hdl.ram import Ram
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


def result_layout(formats: Formats) -> data.StructLayout:
    """One output's weighted response of one test point; with `last`, `winner` is the point's class."""
    return data.StructLayout({"sum": signed(formats.response_sum_bits), "winner": formats.label_bits, "last": 1})


class Inference(wiring.Component):
    """Sum over rows from burn-in of C_n times the response f(V.w_n), per output and test point.

    The response table holds f - 1/2, so with one output class 1 is simply a sum >= 0: no total, no divider. With
    several outputs the largest sum wins, the lowest output on ties. One result leaves on the stream per output; its
    `ready` paces the next. When fewer rows are filled than the burn-in leaves out, the last filled row alone votes.
    Of a ring the oldest row is the one after the last, round the ring; empty rows add nothing by their counter of 0.
    `voting` is high with the `counter` of each row that votes, once an inference. `halt` takes back a waiting result.

    Latency: a point takes 1 cycle to fetch and, while `ready` is high, rows * eval + conversion + 2 cycles an output.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.table = Ram.of(formats, "response")
        ring = {"ring_end": In(formats.row_bits)}  # last row of the ring, which row 0 follows
        super().__init__(
            {
                "start": In(1),  # the command INFER, for one cycle
                "first_index": In(formats.sample_bits),  # number of the first test point
                "last_index": In(formats.sample_bits),  # number of the last test point
                "burn_in": In(formats.row_bits),  # first row that votes; of a ring how many of the oldest rows do not
                "last_row": In(formats.row_bits),  # last row that was filled
                **(ring if config.ring else {}),
                "busy": Out(1),  # an inference runs
                **SAFE_PORTS,
                "command": Out(ArrayCommand(formats, "valid", "row", "segment", "converting")),  # to the array
                "hidden": Out(1),  # the running evaluation is a hidden neuron's
                "fetch_sample": Out(1),  # asks for a test point
                "fetch_index": Out(formats.sample_bits),  # number of that point
                # answers; `counter` is fetched in step with the table
                **self._answer_ports(),
                "counter": In(config.counter_bits),  # counter of the row that answered, a cycle after its answer
                "adding": Out(1),  # response times `counter` is added, a cycle after its look-up
                "voting": Out(1),  # a row votes for the first time in this inference; `counter` is its counter
                "result": Out(stream.Signature(result_layout(formats))),  # sum of an output's responses, class so far
            }
        )

    def _answer_ports(self) -> dict[str, Any]:
        return {
            "answer": In(1),  # the answer of an output is there
            "code": In(self.formats.config.adc_bits),  # ADC code of that answer, signed
        }

    def _first_row(self) -> Value:
        if not self.formats.config.ring:
            return Mux(self.burn_in > self.last_row, self.last_row, self.burn_in)
        after_oldest = self.last_row + 1 + self.burn_in
        beyond = after_oldest > self.ring_end
        first = Mux(beyond, after_oldest - self.ring_end - 1, after_oldest)[: len(self.last_row)]
        return Mux(self.burn_in > self.ring_end, self.last_row, first)

    def _after(self, row: Signal) -> Value:
        """The row that follows a voter."""
        return Mux(row == self.ring_end, 0, row + 1) if self.formats.config.ring else row + 1

    def _elaborate_response(self, m: Module) -> Value:
        """Response look-up and counter fetch run in step; their product is to be added one cycle after the answer."""
        config = self.formats.config
        m.submodules.memory = self.table
        response = Signal(config.response_bits)
        m.d.comb += [
            self.table.read_enable.eq(self.answer),
            self.table.read_address.eq(table_index(self.code, config.adc_bits, config.table_bits)),
            response.eq(self.table.read_data),
        ]
        m.d.sync += self.adding.eq(self.answer)
        return response.as_signed()

    def _elaborate_sum(self, m: Module, total: Signal, clear: Signal) -> None:
        response = self._elaborate_response(m)
        with m.If(clear):
            m.d.sync += total.eq(0)
        with m.Elif(self.adding):
            m.d.sync += total.eq(total + response * self.counter)

    def _elaborate_winner(self, m: Module, total: Signal, output: Signal) -> None:
        """Class by comparison: a sign with one output, the running maximum with several."""
        payload = self.result.payload
        m.d.comb += payload.sum.eq(total)
        if self.formats.config.outputs == 1:
            m.d.comb += payload.winner.eq(total >= 0)
            return
        best = Signal.like(total)
        winner = Signal(self.formats.label_bits)
        leads = Signal()
        m.d.comb += [leads.eq((output == 0) | (total > best)), payload.winner.eq(Mux(leads, output, winner))]
        with m.If(self.result.valid & self.result.ready & leads):
            m.d.sync += [best.eq(total), winner.eq(output)]

    def elaborate(self, platform):
        m = Module()
        formats = self.formats
        row = Signal(formats.row_bits)
        index = Signal(formats.sample_bits)
        output = Signal(formats.output_bits)
        first_row = Signal(formats.row_bits)
        last_output = Signal()
        clear = Signal()
        total = Signal(signed(formats.response_sum_bits))
        self._elaborate_sum(m, total, clear)
        self._elaborate_winner(m, total, output)
        m.d.comb += [
            first_row.eq(self._first_row()),
            last_output.eq(output == formats.config.outputs - 1),
            self.voting.eq(self.adding & (output == 0) & (index == self.first_index)),
            self.command.valid.eq(self.start | self.busy),
            self.command.row.eq(row),
            self.command.segment.eq(output),
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
                m.d.sync += [row.eq(first_row), output.eq(0)]
                m.next = "EVAL"
            with m.State("EVAL"):
                m.d.comb += self.command.op.eq(
                    Mux(self.command.latch & (row == self.last_row), ArrayOp.IDLE, ArrayOp.EVAL)
                )
                with m.If(self.command.latch):
                    with m.If(row == self.last_row):
                        m.next = "SETTLE"
                    with m.Else():
                        m.d.sync += row.eq(self._after(row))
            with m.State("SETTLE"):  # the last conversion, its look-up and addition
                with m.If(~self.command.converting):
                    m.next = "RESULT"
            with m.State("RESULT"):
                m.d.comb += self.result.valid.eq(1)
                with m.If(self.result.ready):
                    m.d.comb += clear.eq(1)
                    with m.If(~last_output):
                        m.d.comb += self.command.op.eq(ArrayOp.EVAL)
                        m.d.sync += [output.eq(output + 1), row.eq(first_row)]
                        m.next = "EVAL"
                    with m.Elif(index == self.last_index):
                        m.next = "IDLE"
                    with m.Else():
                        m.d.sync += index.eq(index + 1)
                        m.next = "FETCH"
        return m
