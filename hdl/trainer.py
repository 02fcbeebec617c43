"""The sequencer of the Markov chain: it fills the array row by row until the last row or the proposal limit."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import PROPOSAL_BITS, STREAK_BITS, ArrayOp

FAST_BITS = 3
"""Bits of the sample counter that count; those above are clocked for their carries alone."""


class Trainer(wiring.Component):
    """One proposal: SET the cells of a row, READ them, EVAL every sample, decide; RESET the row if rejected.

    A SET programs a group of as many cells as there are gate DACs. Row 0 is SET at gate code 0 and accepted without a
    test. `current_row` is the current row, the command's `row` the proposed one.

    Options, each built only where the configuration asks for it: a programmer that reads while it writes takes the
    place of SET and READ (`program` to `programmed`); `exceeds` ends a sweep early and `hopeless` spares it, once prior
    and draw are waited for; the order of the samples is fetched a position ahead; after `reject_limit` rejections a row
    is left with a counter of zero for the next. With rewards an episode (`hdl.episode`) takes the place of the sweep.
    With random gate codes in row 0 each of its SETs waits for a draw of its own.

    The pulse of `command` is the one that is to begin with the next cycle: a state names that of the next state, where
    `latch` ends it.

    `summing` is high from the end of programming to the decision. It is a register, since what it opens is wide: as a
    function of the state it would move with every glitch, and an episode changes its state at each step.

    The states talk to the other blocks by strobes that last one cycle: `propose` opens a proposal (clears the sums,
    draws u), `decide` closes it with `accepted` or not. `halt` and an upset end in the state that stores the current
    row's counter, so that the rows up to it are whole.

    Latency: from `propose` to `decide` a proposal takes max(groups * set + cells * read + samples * outputs * eval +
    conversion, draw) + 2 cycles, all widths in cycles; a rejection takes reset more. With a hidden layer a sample takes
    (hidden + outputs) * eval + conversion + 1: its outputs wait for the last hidden neuron's answer and sigmoid. A
    training adds rows * reset to clear the array at its start and a cycle to store the last counter.
    """

    def __init__(self, formats: Formats, more_ports: dict[str, Any] | None = None):
        self.formats = formats
        adding = {"adding": In(1)}  # read codes of the row are still added up
        draw_ends = {"draw_ends": In(1)}  # the draw is there with the next cycle
        super().__init__(
            {
                # settings and control
                "start": In(1),  # the command TRAIN, for one cycle
                "last_row": In(formats.row_bits),  # last row to be filled; row 0 is the first
                "last_sample": In(formats.sample_bits),  # number of the last training sample
                "max_proposals": In(PROPOSAL_BITS),  # proposals after which the training ends
                "reject_limit": In(STREAK_BITS),  # rejections after which a row is skipped; 0: never
                "busy": Out(1),  # a training runs
                **SAFE_PORTS,
                "command": Out(ArrayCommand(formats, "row", "cell", "segment", "converting")),  # to the array
                "hidden": Out(1),  # the running evaluation is a hidden neuron's
                "label": In(formats.label_bits),  # label of the sample that was fetched
                "is_label": Out(1),  # the evaluated output has t = 1 for this sample
                "last_output": Out(1),  # the running evaluation is its sample's last
                # gate codes
                "fetch_gate": Out(1),  # asks for the gate codes of a group
                "fetch_cell": Out(formats.cell_bits),  # first cell of that group
                "first": Out(1),  # the row at work is row 0
                # verified programming of a row
                "program": Out(1),  # a programmer is to write the row, for one cycle
                "fresh": Out(1),  # forget what was learned of the row's cells: at its first proposal, or at each
                "programmed": In(1),  # the programmer has written the row
                # samples, and their order a position ahead
                "fetch_sample": Out(1),  # asks for a sample
                "fetch_index": Out(formats.sample_bits),  # number of that sample, where no order of samples gives it
                "fetch_order": Out(1),  # asks for an entry of the order of samples
                "order_position": Out(formats.sample_bits),  # place of that entry, from 0
                # decision
                "propose": Out(1),  # a proposal begins: all sums start at 0
                "draw": Out(1),  # the LFSR is to draw: u, or a gate code of row 0
                "drawing": In(1),  # the draw is not there yet
                "summing": Out(1),  # the row is programmed, its decision still to come
                "hopeless": In(1),  # no sum can be accepted
                "exceeds": In(1),  # the sum so far is already rejected
                "decide": Out(1),  # the proposal ends, for one cycle
                "accept": In(1),  # with `decide`: the sum is accepted
                "accepted": Out(1),  # with `decide`: the row becomes the current one; always so for row 0
                "rejected": Out(1),  # with `decide`: the row is cleared
                # row counters
                "store": Out(1),  # the current row's counter is complete: store it
                "store_zero": Out(1),  # the row was skipped: store a counter of 0
                "store_row": Out(formats.row_bits),  # row whose counter is stored
                # progress
                "current_row": Out(formats.row_bits),  # row that was accepted last
                "proposals": Out(PROPOSAL_BITS),  # proposals decided in this training, without row 0
                **(adding if formats.config.early_rejection else {}),
                **(draw_ends if formats.config.init == "random" else {}),
                **(more_ports or {}),
            }
        )

    def _elaborate_streak(self, m: Module) -> None:
        """Rejections since the last accepted or skipped row; the proposals of a fresh row start at none."""
        config = self.formats.config
        self.at_reject_limit = Signal()
        if not (config.reject_limit or config.verify == "pair"):
            return
        streak = Signal(STREAK_BITS)
        m.d.comb += self.fresh.eq(streak == 0)
        if config.verify_memory == "proposal":
            m.d.comb += self.fresh.eq(1)
        if config.reject_limit:
            m.d.comb += self.at_reject_limit.eq(streak == self.reject_limit)
        with m.If(self.start | self.accepted | self.store_zero):
            m.d.sync += streak.eq(0)
        with m.Elif(self.rejected & ~streak.all()):
            m.d.sync += streak.eq(streak + 1)

    def _elaborate_stop(self, m: Module) -> None:
        """A sum that exceeded the threshold stops the sweep at the end of the running pulse. `waits` is high while a
        code, or what is added up from codes ahead of the sweep, is on its way."""
        self.stop = Signal()
        self.waits = self.command.converting
        if not self.formats.config.early_rejection:
            return
        self.waits = self.command.converting | self.adding
        exceeded = Signal()
        m.d.comb += self.stop.eq(~self.first & (self.exceeds | exceeded))
        with m.If(self.propose):
            m.d.sync += exceeded.eq(0)
        with m.Elif(self.exceeds):
            m.d.sync += exceeded.eq(1)

    def _elaborate_first(self, m: Module, row: Signal) -> None:
        """Whether the row at work is the first one, and the last row to be filled."""
        self.end_row = self.last_row
        m.d.comb += self.first.eq(row == 0)

    def _clears(self, m: Module, row: Signal) -> None:
        """What goes with the RESET of a row ahead of row 0: nothing here."""

    def _keeps(self, row: Signal, current: Signal) -> list[Any]:
        """The counter that is stored with an accepted row: that of the row before."""
        return [self.store.eq(~self.first), self.store_row.eq(current)]

    def _rejects(self, current: Signal) -> list[Any]:
        """What is stored with a rejected row."""
        return []

    def _open_next(self, m: Module, row: Signal) -> None:
        """Leave an accepted row for the next."""
        m.d.sync += row.eq(row + 1)
        self._open_proposal(m)

    def _open_again(self, m: Module, row: Signal) -> None:
        """Go on after a rejection, in the next row if this one has had enough of them."""
        with m.If(self.at_reject_limit):
            m.d.sync += row.eq(row + 1)
        self._open_proposal(m)

    def _resumes(self, m: Module, row: Signal, current: Signal, others: tuple[Signal, ...]) -> None:
        """Other ways to leave IDLE, with `others` at 0: none here."""

    def _elaborate_ring(self, m: Module, row: Signal) -> None:
        """States that a ring of rows needs: none here."""

    def _go(self, m: Module, state: str, op: ArrayOp = ArrayOp.IDLE) -> None:
        """Leave for a state that begins with a pulse, or with none."""
        m.d.comb += self.command.op.eq(op)
        m.next = state

    def _open_proposal(self, m: Module) -> None:
        """Start the next proposal for the row that `row` names from the next cycle on."""
        m.d.comb += [self.propose.eq(1), self.draw.eq(1)]
        if self.formats.config.verify == "off":
            m.d.comb += [self.fetch_gate.eq(1), self.fetch_cell.eq(0)]
            self._go(m, "SET", ArrayOp.SET)
        else:
            m.d.comb += self.program.eq(1)
            self._go(m, "PROGRAM")

    def _open_first(self, m: Module) -> None:
        """Start row 0, which needs no u."""
        m.d.comb += self.propose.eq(1)
        if self.formats.config.init == "random":
            m.d.comb += self.draw.eq(1)
            self._go(m, "SET")
        else:
            self._go(m, "SET", ArrayOp.SET)

    def _programmed(self, m: Module) -> None:
        """Leave the programming of a row: its sums grow from now on."""
        m.d.sync += self.summing.eq(1)
        if self.formats.config.early_rejection:
            self._go(m, "THRESHOLD")
        else:
            self._open_sweep(m)

    def _open_sweep(self, m: Module) -> None:
        """Fetch the first sample, or the first entry of the order it stands in."""
        if self.formats.config.sample_order == "hard_first":
            m.d.comb += [self.fetch_order.eq(1), self.order_position.eq(0)]
            self._go(m, "ORDER")
        else:
            m.d.comb += [self.fetch_sample.eq(1), self.fetch_index.eq(0)]
            self._go(m, "EVAL", ArrayOp.EVAL)

    def _elaborate_programming(self, m: Module, cell: Signal) -> None:
        """States that write a row: SET and READ of each cell, or a programmer that reads while it writes."""
        dacs = self.formats.config.gate_dacs
        last_cell = Signal()
        last_group = last_cell
        m.d.comb += last_cell.eq(cell == self.formats.cells - 1)
        if dacs > 1:
            last_group = Signal()
            m.d.comb += last_group.eq(cell == self.formats.last_group)
        with m.State("SET"):
            m.d.comb += [
                self.command.op.eq(ArrayOp.SET),
                self.fetch_gate.eq(self.command.latch & ~last_group & ~self.first),
                self.fetch_cell.eq(cell + dacs),
            ]
            with m.If(self.command.latch):
                m.d.sync += cell.eq(Mux(last_group, 0, cell + dacs))
                with m.If(last_group):
                    self._go(m, "READ", ArrayOp.READ)
            if self.formats.config.init == "random":
                with m.If(self.first & ~(self.command.latch & last_cell)):
                    m.d.comb += [
                        self.command.op.eq(Mux(self.draw_ends, ArrayOp.SET, ArrayOp.IDLE)),
                        self.draw.eq(self.command.latch),
                    ]
        with m.State("READ"):
            m.d.comb += self.command.op.eq(ArrayOp.READ)
            with m.If(self.command.latch):
                m.d.sync += cell.eq(Mux(last_cell, 0, cell + 1))
                with m.If(last_cell):
                    self._programmed(m)
        if self.formats.config.verify != "off":
            with m.State("PROGRAM"):
                with m.If(self.programmed):
                    self._programmed(m)
        if self.formats.config.early_rejection:
            with m.State("THRESHOLD"):  # until the last pair's prior and the draw are there
                with m.If(~self.waits & ~self.drawing):
                    with m.If(~self.first & self.hopeless):
                        m.next = "DECIDE"
                    with m.Else():
                        self._open_sweep(m)

    def _elaborate_sweep(self, m: Module) -> None:
        """States that evaluate the samples: segments within a sample, samples one after the other."""
        formats, config = self.formats, self.formats.config
        sample, segment = self.sample, self.part
        last_eval = Signal()
        low, high = sample[:FAST_BITS], sample[FAST_BITS:]
        following = Cat((low + 1)[:FAST_BITS], high + low.all())[: len(sample)]
        m.d.comb += [
            self.command.segment.eq(segment),
            self.last_output.eq(segment == formats.segments - 1),
            last_eval.eq((sample == self.last_sample) & self.last_output),
            self.is_label.eq(self.label + config.hidden == segment if config.outputs > 1 else self.label),
        ]
        if config.sample_order == "hard_first":
            with m.State("ORDER"):
                m.d.comb += [
                    self.fetch_sample.eq(1),
                    self.fetch_index.eq(0),
                    self.fetch_order.eq(self.last_sample != 0),
                    self.order_position.eq(1),
                ]
                self._go(m, "EVAL", ArrayOp.EVAL)
        with m.State("EVAL"):
            next_sample = Signal()
            m.d.comb += [
                self.command.op.eq(ArrayOp.EVAL),
                next_sample.eq(self.command.latch & self.last_output & ~last_eval & ~self.stop),
                self.fetch_sample.eq(next_sample),
                self.fetch_index.eq(following),
            ]
            if config.sample_order == "hard_first":
                m.d.comb += [
                    self.fetch_order.eq(next_sample & (sample + 1 != self.last_sample)),
                    self.order_position.eq(sample + 2),
                ]
            with m.If(self.command.latch):
                with m.If(last_eval | self.stop):
                    m.d.sync += [sample.eq(0), segment.eq(0)]
                    self._go(m, "SETTLE")
                with m.Elif(self.last_output):
                    m.d.sync += [low.eq(low + 1), segment.eq(0)]
                    with m.If(low.all()):
                        m.d.sync += high.eq(high + 1)
                with m.Else():
                    m.d.sync += segment.eq(segment + 1)
                    if config.hidden:
                        with m.If(segment == config.hidden - 1):
                            self._go(m, "LAYER")
        if config.hidden:
            m.d.comb += self.hidden.eq(segment < config.hidden)
            with m.State("LAYER"):  # the last hidden neuron's conversion and sigmoid
                with m.If(~self.waits):
                    with m.If(self.stop):
                        m.d.sync += [sample.eq(0), segment.eq(0)]
                        m.next = "DECIDE"
                    with m.Else():
                        self._go(m, "EVAL", ArrayOp.EVAL)
        with m.State("SETTLE"):  # the last conversion, its table look-up and addition
            with m.If(~self.waits & ~self.drawing):
                m.next = "DECIDE"

    def _elaborate_decision(self, m: Module, row: Signal, current: Signal, proposals: Signal) -> None:
        """States that act on the decision: move on, or clear the row and try again or leave it."""
        at_limit = Signal()
        m.d.comb += at_limit.eq(proposals + 1 == self.max_proposals)
        with m.State("DECIDE"):
            m.d.comb += self.decide.eq(1)
            m.d.sync += self.summing.eq(0)
            with m.If(~self.first):
                m.d.sync += proposals.eq(proposals + 1)
            with m.If(self.first | self.accept):
                m.d.comb += [self.accepted.eq(1), *self._keeps(row, current)]
                m.d.sync += current.eq(row)
                with m.If((row == self.end_row) | (~self.first & at_limit)):
                    m.next = "STORE"
                with m.Else():
                    self._open_next(m, row)
            with m.Else():
                m.d.comb += [self.rejected.eq(1), *self._rejects(current)]
                self._go(m, "UNDO", ArrayOp.RESET)
        with m.State("UNDO"):
            m.d.comb += [
                self.store_zero.eq(self.command.latch & self.at_reject_limit),
                self.store_row.eq(row),
            ]
            with m.If(self.command.latch):
                with m.If((proposals == self.max_proposals) | (self.at_reject_limit & (row == self.end_row))):
                    m.next = "STORE"
                with m.Else():
                    self._open_again(m, row)
        with m.State("STORE"):
            m.d.comb += [self.store.eq(1), self.store_row.eq(current)]
            m.d.sync += self.summing.eq(0)  # a halt leaves without a decision
            m.next = "IDLE"

    def elaborate(self, platform):
        m = Module()
        row = Signal(self.formats.row_bits)
        current = Signal(self.formats.row_bits)
        cell = Signal(self.formats.cell_bits)
        proposals = Signal(PROPOSAL_BITS)
        self.sample = Signal(self.formats.sample_bits)
        self.part = Signal(self.formats.segment_bits, name="segment")  # of the sample or the episode's step
        m.d.comb += [
            self.command.row.eq(row),
            self.current_row.eq(current),
            self.command.cell.eq(cell),
            self.proposals.eq(proposals),
        ]
        self._elaborate_first(m, row)
        self._elaborate_streak(m)
        self._elaborate_stop(m)
        with safe_fsm(m, self, "train_state", home="STORE") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [register.eq(0) for register in (row, current, proposals)]
                    m.d.sync += [register.eq(0) for register in (cell, self.sample, self.part)]  # one may be left over
                    self._go(m, "CLEAR", ArrayOp.RESET)
                self._resumes(m, row, current, (proposals, cell, self.sample, self.part))
            with m.State("CLEAR"):  # every row to the low conductive state
                m.d.comb += self.command.op.eq(ArrayOp.RESET)
                with m.If(self.command.latch):
                    self._clears(m, row)
                    m.d.sync += row.eq(Mux(row == self.last_row, 0, row + 1))
                    with m.If(row == self.last_row):
                        self._open_first(m)
            self._elaborate_programming(m, cell)
            self._elaborate_sweep(m)
            self._elaborate_decision(m, row, current, proposals)
            self._elaborate_ring(m, row)
        return m
