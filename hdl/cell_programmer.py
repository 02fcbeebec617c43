"""Verified programming of a row, cell by cell, until each conductance is near the current row's."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import TRIES_BITS, ArrayOp


class CellProgrammer(wiring.Component):
    """SET and READ each cell; RESET and SET it again while its read code is off its target by more than `window` and
    tries are left. Target and gate code are those that the gate DAC controller keeps of the current row.

    Latency: a cell takes 2 + set + read + conversion cycles, a repeat reset + set + read + conversion; one cycle passes
    from `start` to the first of them. The final read code of each cell leaves on `push` and `push_code`.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        read_bits = formats.config.read_bits
        super().__init__(
            {
                "start": In(1),  # the trainer asks for a row to be written, for one cycle
                "busy": Out(1),  # a row is being written
                **SAFE_PORTS,
                "done": Out(1),  # the row is written, with the push of its last cell
                "window": In(read_bits),  # how far a read code may be from `target`, in read codes
                "tries": In(TRIES_BITS),  # repeats that a cell may have
                "command": Out(ArrayCommand(formats, "valid", "cell", "mask")),  # to the array
                "answer": In(1),  # the answer to a READ is there
                "code": In(read_bits),  # read code of that answer
                # the current row's cell: fetched a cycle ahead
                "fetch": Out(1),  # asks for gate code and target of the command's cell
                "target": In(read_bits),  # read code of the current row's cell; there a cycle after `fetch`
                # read code of a finished cell
                "push": Out(1),  # a cell is finished, for one cycle
                "push_code": Out(read_bits),  # final read code of that cell
            }
        )

    def elaborate(self, platform):
        command, m = self.command, Module()
        read = Signal.like(self.code)
        tried = Signal(TRIES_BITS)
        close = Signal()
        m.d.comb += [
            close.eq((self.code <= self.target + self.window) & (self.target <= self.code + self.window)),
            self.push_code.eq(read),
            command.valid.eq(self.start | self.busy),
            command.mask.eq(1 << command.cell),
        ]

        def pulse(op: ArrayOp) -> None:
            """Leave for the state of a pulse."""
            m.d.comb += command.op.eq(op)
            m.next = op.name

        with safe_fsm(m, self, "cell_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += command.cell.eq(0)
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += self.fetch.eq(1)
                m.d.sync += tried.eq(0)
                pulse(ArrayOp.SET)
            with m.State("SET"):
                with m.If(command.latch):
                    pulse(ArrayOp.READ)
            with m.State("READ"):
                with m.If(command.latch):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(self.answer):
                    m.d.sync += read.eq(self.code)
                    m.next = "PUSH"
                    with m.If(~close & (tried != self.tries)):
                        m.d.sync += tried.eq(tried + 1)
                        pulse(ArrayOp.RESET)
            with m.State("RESET"):
                with m.If(command.latch):
                    pulse(ArrayOp.SET)
            with m.State("PUSH"):
                m.d.comb += self.push.eq(1)
                m.d.sync += command.cell.eq(command.cell + 1)
                m.next = "FETCH"
                with m.If(command.cell == self.formats.cells - 1):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
        return m
