"""What the host can read of the chip as a whole, at any time."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import State

PHASE = {name: index for index, name in enumerate(PHASES)}


class Status(wiring.Component):
    """`state`, `row` and `cost` are the registers STATE, ROW and CURRENT_COST; `phase` the index into `events.PHASES`
    of what the chip is doing.

    There are rows to infer from, `trained`, from the first accepted one of a training on, until one of the `preparing`
    blocks (`form`, `calibrate`) programs the array anew.

    Latency: combinational, but for `trained`: 1 cycle.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.preparing = [name for name in ("form", "calibrate") if getattr(config, name)]
        train = {"train": In(1)}  # the command TRAIN, for one cycle
        form = {
            "form": In(1),  # the command FORM, for one cycle
            "form_busy": In(1),  # the former is at work
            "form_row": In(formats.row_bits),  # row that it forms
        }
        calibrate = {
            "calibrate": In(1),  # the command CALIBRATE, for one cycle
            "calibrate_busy": In(1),  # the calibrator is at work
            "calibrate_row": In(formats.row_bits),  # row that it programs
        }
        zero = {"zero_busy": In(1)}  # the auto-zero is at work
        super().__init__(
            {
                "busy": In(1),  # a command runs
                "waiting": In(1),  # an episode waits for STEP or DONE
                "stopped": In(1),  # ABORT or an upset stopped the last command, or is stopping it
                "mapped": In(1),  # the code map is that of the LUT
                "counted": In(1),  # there is a current row, from row 0 on to the next TRAIN
                "current_cost": In(formats.cost_bits),  # -log2 posterior of the current row, in 2^-log_fraction_bits
                "train_busy": In(1),  # the trainer is at work
                "train_row": In(formats.row_bits),  # row that the trainer works on
                "infer_busy": In(1),  # the inference is at work
                "infer_row": In(formats.row_bits),  # row that the inference evaluates
                **(train if self.preparing else {}),
                **(form if config.form else {}),
                **(calibrate if config.calibrate else {}),
                **(zero if config.auto_zero_bits else {}),
                "trained": Out(1),  # there are rows that can vote
                "state": Out(HOST_WORD_BITS),  # the register STATE
                "row": Out(formats.row_bits),  # the register ROW: row that is worked on
                "cost": Out(formats.cost_bits),  # the register CURRENT_COST: `current_cost`, 0 without a current row
                "phase": Out(range(len(PHASES))),  # index into `events.PHASES` of what the chip does
            }
        )

    def _elaborate_trained(self, m: Module) -> None:
        if not self.preparing:
            m.d.comb += self.trained.eq(self.counted)
            return
        intact = Signal()  # no row was programmed since the training
        m.d.comb += self.trained.eq(intact & self.counted)
        with m.If(self.train):
            m.d.sync += intact.eq(1)
        for name in self.preparing:
            with m.If(getattr(self, name)):
                m.d.sync += intact.eq(0)

    def elaborate(self, platform):
        m = Module()
        row: Value = Mux(self.infer_busy, self.infer_row, self.train_row)
        phase: Value = Mux(self.train_busy, PHASE["train"], Mux(self.infer_busy, PHASE["infer"], PHASE["load"]))
        for name in self.preparing:
            busy = getattr(self, f"{name}_busy")
            row, phase = Mux(busy, getattr(self, f"{name}_row"), row), Mux(busy, PHASE[name], phase)
        if self.formats.config.auto_zero_bits:
            phase = Mux(self.zero_busy, PHASE["calibrate"], phase)
        bits = {
            State.BUSY: self.busy,
            State.WAITING: self.waiting,
            State.ABORTED: self.stopped,
            State.MAPPED: self.mapped,
            State.TRAINED: self.trained,
        }
        self._elaborate_trained(m)
        m.d.comb += [
            self.row.eq(row),
            self.phase.eq(phase),
            self.cost.eq(Mux(self.counted, self.current_cost, 0)),
            *(self.state[bit].eq(value) for bit, value in bits.items()),
            self.state[State.PHASE : State.PHASE + len(self.phase)].eq(self.phase),
        ]
        return m
