"""The trainer whose rows are a ring: it can go on with a training from a stored row, with other points."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from oxmc.hdl.trainer import Trainer
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


class RingTrainer(Trainer):
    """`resume` starts an adaptation. The row at `start_row` is READ and judged by the points as they are now, accepted
    without a test, and its count goes on. Proposals follow in the rows after it, round the end of the array, until
    `stop_row` is filled. Each of these rows is the oldest one when its turn comes. FORGET empties its counter, then
    RESETs it.

    The counter of a row is stored with each decision, not when the chain leaves the row. So the counters in memory and
    `current_row` are whole after each cycle: whoever kept them may cut the power and go on from there. What is lost is
    the proposal at work, whose row is empty by its counter. Clearing the array empties all counters.

    Latency: an adaptation takes cells * read for its first row, where others are programmed, and reset + 1 cycles for
    each further row.
    """

    def __init__(self, formats: Formats):
        super().__init__(
            formats,
            {
                "resume": In(1),  # the command ADAPT, for one cycle
                "start_row": In(formats.row_bits),  # stored row that an adaptation goes on from
                "stop_row": In(formats.row_bits),  # last row that an adaptation fills; `start_row`: none
                "stored": Out(1),  # the row at work is that stored one
                "empties": Out(1),  # `store_zero` is not of a row that was skipped
            },
        )

    def _elaborate_first(self, m: Module, row: Signal) -> None:
        first = Signal()
        self.adapts = Signal()
        self.end_row = Signal.like(row)
        m.d.comb += [
            self.first.eq(first),
            self.stored.eq(first & self.adapts),
            self.end_row.eq(Mux(self.adapts, self.stop_row, self.last_row)),
        ]
        with m.If(self.start | self.resume):
            m.d.sync += [first.eq(1), self.adapts.eq(self.resume)]
        with m.Elif(self.decide):
            m.d.sync += first.eq(0)

    def _resumes(self, m: Module, row: Signal, current: Signal, others: tuple[Signal, ...]) -> None:
        with m.If(self.resume):
            m.d.comb += self.propose.eq(1)
            m.d.sync += [row.eq(self.start_row), current.eq(self.start_row)]
            m.d.sync += [register.eq(0) for register in others]
            self._go(m, "READ", ArrayOp.READ)

    def _clears(self, m: Module, row: Signal) -> None:
        m.d.comb += [self.store_zero.eq(1), self.store_row.eq(row), self.empties.eq(1)]

    def _keeps(self, row: Signal, current: Signal) -> list[Any]:
        return [self.store.eq(1), self.store_row.eq(row)]

    def _rejects(self, current: Signal) -> list[Any]:
        return [self.store.eq(1), self.store_row.eq(current)]

    def _after(self, row: Signal) -> Value:
        """The row that follows, round the ring."""
        return Mux(row == self.last_row, 0, row + 1)

    def _leave(self, m: Module, row: Signal) -> None:
        """Go on with the next row: in a training it is empty."""
        m.d.sync += row.eq(self._after(row))
        with m.If(self.adapts):
            m.next = "FORGET"
        with m.Else():
            self._open_proposal(m)

    def _open_next(self, m: Module, row: Signal) -> None:
        self._leave(m, row)

    def _open_again(self, m: Module, row: Signal) -> None:
        with m.If(self.at_reject_limit):
            self._leave(m, row)
        with m.Else():
            self._open_proposal(m)

    def _elaborate_ring(self, m: Module, row: Signal) -> None:
        with m.State("FORGET"):
            m.d.comb += [self.store_zero.eq(1), self.store_row.eq(row), self.empties.eq(1)]
            self._go(m, "EMPTY", ArrayOp.RESET)
        with m.State("EMPTY"):  # the oldest row, which has no votes any more
            with m.If(self.command.latch):
                self._open_proposal(m)
