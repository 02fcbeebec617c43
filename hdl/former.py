"""Forming and conditioning of the array: a raster scan ahead of anything else."""

from __future__ import annotations

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats, bits_for
from oxmc.pymodels.interface import ArrayOp


class Former(wiring.Component):
    """FORM every cell, one at a time, row by row; then SET and RESET it `condition_cycles` times (Methods, forming).

    A row is formed and cleared, then each conditioning cycle SETs its cells at the middle gate code and clears the
    row in one pulse, so that the array is left in the LCS.

    Latency: rows * (cells * set + reset + condition_cycles * (groups * set + reset)) cycles, all widths in cycles, with
    groups the SETs of a row: as many cells at once as there are gate DACs.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        super().__init__(
            {
                "start": In(1),  # the command FORM, for one cycle
                "busy": Out(1),  # a forming runs
                **SAFE_PORTS,
                "last_row": In(formats.row_bits),  # last row that is formed; row 0 is the first
                "cycles": In(formats.condition_bits),  # conditioning cycles of each row after its forming
                "command": Out(ArrayCommand(formats, "valid", "row", "cell", "gate")),  # to the array
            }
        )

    def elaborate(self, platform):
        formats, command, m = self.formats, self.command, Module()
        done = Signal(bits_for(2**formats.condition_bits - 1))
        gate = Const(formats.condition_gate, formats.gate_bits)
        m.d.comb += command.valid.eq(self.start | self.busy)

        def go(state: str, op: ArrayOp) -> None:
            m.d.comb += command.op.eq(op)
            m.next = state

        def scan(op: ArrayOp, last: int, step: int) -> None:
            m.d.comb += command.op.eq(op)
            with m.If(command.latch):
                m.d.sync += command.cell.eq(Mux(command.cell == last, 0, command.cell + step))
                with m.If(command.cell == last):
                    go("RESET", ArrayOp.RESET)

        with safe_fsm(m, self, "form_state") as fsm:
            m.d.comb += [self.busy.eq(~fsm.ongoing("IDLE")), command.gate.eq(gate.replicate(formats.config.gate_dacs))]
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [command.row.eq(0), command.cell.eq(0), done.eq(0)]
                    go("FORM", ArrayOp.FORM)
            with m.State("FORM"):
                scan(ArrayOp.FORM, formats.cells - 1, 1)
            with m.State("RESET"):
                with m.If(command.latch):
                    m.d.sync += done.eq(done + 1)
                    go("SET", ArrayOp.SET)
                    with m.If(done == self.cycles):
                        m.d.sync += [command.row.eq(command.row + 1), done.eq(0)]
                        go("FORM", ArrayOp.FORM)
                        with m.If(command.row == self.last_row):
                            go("IDLE", ArrayOp.IDLE)
            with m.State("SET"):
                scan(ArrayOp.SET, formats.last_group, formats.config.gate_dacs)
        return m
