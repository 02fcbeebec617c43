"""The sequencer of the Markov chain: it fills the array row by row until the last row or the proposal limit."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.array_port import ArrayOp
from hdl.host import PROPOSAL_BITS
from pymodels.fixed import Formats


class Trainer(wiring.Component):
    """One proposal: SET the cells of `row`, READ them, EVAL every sample, decide; RESET the row if rejected.

    Row 0 is SET at gate code 0 and accepted without a test. The current row is `row - 1`, the proposed one `row`. From
    `propose` to `decide` a proposal takes max(cells * (set + read) + samples * outputs * eval + conversion, draw) + 2
    cycles, all widths in cycles; a rejection takes reset more. A training adds rows * reset to clear the array at its
    start and a cycle to store the last counter.

    The states talk to the other blocks by strobes that last one cycle: `propose` opens a proposal (clears the sums,
    draws u), `decide` closes it with `accepted` or not.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                # settings and control
                "start": In(1),
                "last_row": In(formats.row_bits),
                "last_sample": In(formats.sample_bits),
                "max_proposals": In(PROPOSAL_BITS),
                "busy": Out(1),
                # array commands, through Pulse
                "valid": Out(1),
                "op": Out(ArrayOp),
                "latch": In(1),
                "converting": In(1),
                "cell": Out(formats.cell_bits),
                "segment": Out(formats.output_bits),
                "label": In(formats.label_bits),
                "is_label": Out(1),
                # gate codes
                "fetch_gate": Out(1),
                "fetch_cell": Out(formats.cell_bits),
                "first": Out(1),
                # samples
                "fetch_sample": Out(1),
                "fetch_index": Out(formats.sample_bits),
                # decision
                "propose": Out(1),
                "opens_first": Out(1),
                "drawing": In(1),
                "summing": Out(1),
                "decide": Out(1),
                "accept": In(1),
                "accepted": Out(1),
                "rejected": Out(1),
                # row counters
                "store": Out(1),
                "store_row": Out(formats.row_bits),
                # progress
                "row": Out(formats.row_bits),
                "proposals": Out(PROPOSAL_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        formats = self.formats
        row = Signal(formats.row_bits)
        cell = Signal(formats.cell_bits)
        sample = Signal(formats.sample_bits)
        output = Signal(formats.output_bits)
        proposals = Signal(PROPOSAL_BITS)
        last_cell = Signal()
        last_eval = Signal()
        at_limit = Signal()
        m.d.comb += [
            self.row.eq(row),
            self.cell.eq(cell),
            self.segment.eq(output),
            self.proposals.eq(proposals),
            self.first.eq(row == 0),
            last_cell.eq(cell == formats.cells - 1),
            last_eval.eq((sample == self.last_sample) & (output == formats.config.outputs - 1)),
            self.is_label.eq(self.label == output if formats.config.outputs > 1 else self.label),
        ]

        def next_cell(after: str) -> None:
            """Step to the next cell at the end of a pulse, to state `after` from the last one."""
            with m.If(self.latch):
                m.d.sync += cell.eq(Mux(last_cell, 0, cell + 1))
                with m.If(last_cell):
                    m.next = after

        def open_proposal() -> None:
            m.d.comb += [self.propose.eq(1), self.fetch_gate.eq(1), self.fetch_cell.eq(0)]
            m.next = "SET"

        with m.FSM(name="train_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [row.eq(0), proposals.eq(0)]
                    m.next = "CLEAR"
            with m.State("CLEAR"):  # every row to the low conductive state
                m.d.comb += [self.valid.eq(1), self.op.eq(ArrayOp.RESET)]
                with m.If(self.latch):
                    m.d.sync += row.eq(Mux(row == self.last_row, 0, row + 1))
                    with m.If(row == self.last_row):
                        m.d.comb += [self.propose.eq(1), self.opens_first.eq(1)]
                        m.next = "SET"
            with m.State("SET"):
                m.d.comb += [
                    self.valid.eq(1),
                    self.op.eq(ArrayOp.SET),
                    self.fetch_gate.eq(self.latch & ~last_cell & ~self.first),
                    self.fetch_cell.eq(cell + 1),
                ]
                next_cell("READ")
            with m.State("READ"):
                m.d.comb += [
                    self.valid.eq(1),
                    self.op.eq(ArrayOp.READ),
                    self.fetch_sample.eq(self.latch & last_cell),
                    self.fetch_index.eq(0),
                ]
                next_cell("EVAL")
            with m.State("EVAL"):
                last_output = output == formats.config.outputs - 1
                m.d.comb += [
                    self.valid.eq(1),
                    self.op.eq(ArrayOp.EVAL),
                    self.fetch_sample.eq(self.latch & last_output & ~last_eval),
                    self.fetch_index.eq(sample + 1),
                ]
                with m.If(self.latch):
                    m.d.sync += output.eq(Mux(last_output, 0, output + 1))
                    with m.If(last_output):
                        m.d.sync += sample.eq(Mux(last_eval, 0, sample + 1))
                    with m.If(last_eval):
                        m.next = "SETTLE"
            with m.State("SETTLE"):  # the last conversion, its table look-up and addition
                with m.If(~self.converting & ~self.drawing):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                m.d.comb += [self.decide.eq(1), at_limit.eq(proposals + 1 == self.max_proposals)]
                with m.If(~self.first):
                    m.d.sync += proposals.eq(proposals + 1)
                with m.If(self.first | self.accept):
                    m.d.comb += [self.accepted.eq(1), self.store.eq(~self.first), self.store_row.eq(row - 1)]
                    with m.If((row == self.last_row) | (~self.first & at_limit)):
                        m.next = "STORE"
                    with m.Else():
                        m.d.sync += row.eq(row + 1)
                        open_proposal()
                with m.Else():
                    m.d.comb += self.rejected.eq(1)
                    m.next = "UNDO"
            with m.State("UNDO"):
                m.d.comb += [self.valid.eq(1), self.op.eq(ArrayOp.RESET)]
                with m.If(self.latch):
                    with m.If(proposals == self.max_proposals):
                        m.d.sync += row.eq(row - 1)
                        m.next = "STORE"
                    with m.Else():
                        open_proposal()
            with m.State("STORE"):
                m.d.comb += [self.store.eq(1), self.store_row.eq(row)]
                m.next = "IDLE"
            m.d.comb += self.summing.eq(fsm.ongoing("EVAL") | fsm.ongoing("SETTLE") | fsm.ongoing("DECIDE"))
        return m
