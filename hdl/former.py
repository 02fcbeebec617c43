"""Forming and conditioning of the array: a raster scan ahead of anything else."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_port import ArrayOp
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats, bits_for


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
                "start": In(1),
                "busy": Out(1),
                **SAFE_PORTS,
                "last_row": In(formats.row_bits),
                "cycles": In(formats.condition_bits),
                # array commands, through Pulse
                "op": Out(ArrayOp),
                "row": Out(formats.row_bits),
                "cell": Out(formats.cell_bits),
                "gate": Out(formats.gate_bits),
                "latch": In(1),
            }
        )

    def elaborate(self, platform):
        formats, m = self.formats, Module()
        done = Signal(bits_for(2**formats.condition_bits - 1))

        def go(state: str, op: ArrayOp) -> None:
            m.d.comb += self.op.eq(op)
            m.next = state

        def scan(op: ArrayOp, last: int, step: int) -> None:
            m.d.comb += self.op.eq(op)
            with m.If(self.latch):
                m.d.sync += self.cell.eq(Mux(self.cell == last, 0, self.cell + step))
                with m.If(self.cell == last):
                    go("RESET", ArrayOp.RESET)

        with safe_fsm(m, self, "form_state") as fsm:
            m.d.comb += [self.busy.eq(~fsm.ongoing("IDLE")), self.gate.eq(formats.condition_gate)]
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [self.row.eq(0), self.cell.eq(0), done.eq(0)]
                    go("FORM", ArrayOp.FORM)
            with m.State("FORM"):
                scan(ArrayOp.FORM, formats.cells - 1, 1)
            with m.State("RESET"):
                with m.If(self.latch):
                    m.d.sync += done.eq(done + 1)
                    go("SET", ArrayOp.SET)
                    with m.If(done == self.cycles):
                        m.d.sync += [self.row.eq(self.row + 1), done.eq(0)]
                        go("FORM", ArrayOp.FORM)
                        with m.If(self.row == self.last_row):
                            go("IDLE", ArrayOp.IDLE)
            with m.State("SET"):
                scan(ArrayOp.SET, formats.last_group, formats.config.gate_dacs)
        return m
