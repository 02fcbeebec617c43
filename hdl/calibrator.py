"""Calibration of the gate LUT by the chip: the median conductance that each gate code leaves in the array."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.ram import Ram
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


class Calibrator(wiring.Component):
    """For each gate code SET and READ every cell of the rows up to `last_row`, keep a histogram of the read codes, and
    write its lower median to the LUT (Supplementary Fig 16). An entry is never below the one before, since the LUT is
    searched as a rising one.

    Each row is RESET by one pulse after its reads; a read code is added to the histogram in the two cycles after its
    conversion. With one gate DAC no other can arrive in them, as a SET lies between two READs; with several a SET is
    followed by the READs of all its cells, and a code that comes twice in a row is counted on from the count just
    stored.

    Latency: 2^read_bits cycles to clear the histogram, then a gate code takes rows * (groups * set + cells * read +
    reset) + 1 + max(0, conversion + 1 - reset) to settle + 2^read_bits + 2 to find the median and clear again, with
    groups the SETs of a row.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        self.histogram = Ram.of(formats, "histogram")
        super().__init__(
            {
                "start": In(1),  # the command CALIBRATE, for one cycle
                "busy": Out(1),  # a calibration runs
                **SAFE_PORTS,
                "last_row": In(formats.row_bits),  # last row that is used; row 0 is the first
                "command": Out(ArrayCommand(formats, "valid", "row", "cell", "gate", "converting")),  # to the array
                "answer": In(1),  # the answer to a READ is there
                "code": In(formats.config.read_bits),  # read code of that answer
                # the LUT's write port
                "write": Out(1),  # the entry of a gate code is found
                "gate": Out(formats.gate_bits),  # gate code that is at work, and whose entry it is
                "entry": Out(formats.config.read_bits),  # median read code of that gate code, at least the entry before
                # strobes for observers
                "counting_read": Out(1),  # a count is fetched
                "counting_write": Out(1),  # a count is stored
            }
        )

    def _elaborate_histogram(self, m: Module) -> None:
        """Add an answer: its count is fetched in the answer's cycle and stored, one larger, in the next."""
        histogram = self.histogram
        self.adding = Signal()
        self.added = Signal.like(self.code)
        m.d.sync += self.adding.eq(self.answer)
        m.d.comb += [
            self.counting_read.eq(histogram.read_enable),
            self.counting_write.eq(histogram.write_lanes),
            histogram.read_address.eq(self.code),
            histogram.write_address.eq(self.added),
        ]
        with m.If(self.answer):
            m.d.comb += histogram.read_enable.eq(1)
            m.d.sync += [self.added.eq(self.code), self.answers.eq(self.answers + 1)]
        count = histogram.read_data
        if self.formats.config.gate_dacs > 1:
            again = Signal()
            stored = Signal.like(histogram.write_data)
            with m.If(self.answer):
                m.d.sync += again.eq(self.adding & (self.code == self.added))
            with m.If(self.adding):
                m.d.sync += stored.eq(histogram.write_data)
            count = Mux(again, stored, histogram.read_data)
        with m.If(self.adding):
            m.d.comb += [histogram.write_lanes.eq(1), histogram.write_data.eq(count + 1)]

    def _elaborate_scan(self, m: Module) -> None:
        """Walk up the codes, a count a cycle, until half of the answers lie at or below; clear behind."""
        histogram, top = self.histogram, 2**self.formats.config.read_bits
        reached = Signal.like(self.answers)
        m.d.comb += [
            histogram.read_enable.eq(self.position != top),
            histogram.read_address.eq(self.position),
            reached.eq(self.below + histogram.read_data),
        ]
        m.d.sync += self.position.eq(self.position + 1)
        with m.If(self.position != 0):
            m.d.comb += [histogram.write_lanes.eq(1), histogram.write_address.eq(self.position - 1)]
            m.d.sync += self.below.eq(reached)
            with m.If(~self.found & (reached + reached >= self.answers)):
                m.d.sync += self.found.eq(1)
                with m.If(self.position - 1 > self.entry):
                    m.d.sync += self.entry.eq(self.position - 1)
        with m.If(self.position == top):
            m.next = "WRITE"

    def elaborate(self, platform):
        formats, config, command, m = self.formats, self.formats.config, self.command, Module()
        m.submodules.histogram = histogram = self.histogram
        self.answers = Signal(formats.calibration_bits)
        self.below = Signal(formats.calibration_bits)
        self.position = Signal(config.read_bits + 1)
        self.found = Signal()
        last_cell, last_gate = command.cell == formats.cells - 1, self.gate == config.gate_codes - 1
        self._elaborate_histogram(m)
        m.d.comb += [command.valid.eq(self.start | self.busy), command.gate.eq(self.gate.replicate(config.gate_dacs))]

        def go(state: str, op: ArrayOp = ArrayOp.IDLE) -> None:
            m.d.comb += command.op.eq(op)
            m.next = state

        with safe_fsm(m, self, "calibration_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [command.row.eq(0), command.cell.eq(0), self.gate.eq(0), self.entry.eq(0)]
                    m.d.sync += [self.position.eq(0), self.answers.eq(0)]
                    m.next = "CLEAR"
            with m.State("CLEAR"):
                m.d.comb += [histogram.write_lanes.eq(1), histogram.write_address.eq(self.position)]
                m.d.sync += self.position.eq(self.position + 1)
                with m.If(self.position == 2**config.read_bits - 1):
                    go("SET", ArrayOp.SET)
            with m.State("SET"):
                with m.If(command.latch):
                    go("READ", ArrayOp.READ)
            with m.State("READ"):
                m.d.comb += command.op.eq(ArrayOp.READ)
                with m.If(command.latch):
                    m.d.sync += command.cell.eq(Mux(last_cell, 0, command.cell + 1))
                    if config.gate_dacs == 1:
                        go("SET", ArrayOp.SET)
                    else:
                        with m.If(command.cell[: formats.lane_bits].all()):
                            go("SET", ArrayOp.SET)
                    with m.If(last_cell):
                        go("RESET", ArrayOp.RESET)
            with m.State("RESET"):
                with m.If(command.latch):
                    m.d.sync += command.row.eq(Mux(command.row == self.last_row, 0, command.row + 1))
                    go("SET", ArrayOp.SET)
                    with m.If(command.row == self.last_row):
                        go("SETTLE")
            with m.State("SETTLE"):
                m.d.sync += [self.position.eq(0), self.below.eq(0), self.found.eq(0)]
                with m.If(~command.converting & ~self.adding):
                    m.next = "SCAN"
            with m.State("SCAN"):
                self._elaborate_scan(m)
            with m.State("WRITE"):
                m.d.comb += self.write.eq(1)
                m.d.sync += [self.gate.eq(self.gate + 1), self.answers.eq(0)]
                go("SET", ArrayOp.SET)
                with m.If(last_gate):
                    go("IDLE")
        return m
