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
        own = {"train": In(1)}  # the command
        for name in self.preparing:
            own |= {
                name: In(1),  # the command
                f"{name}_busy": In(1),  # its block is at work
                f"{name}_row": In(formats.row_bits),  # on this row
            }
        super().__init__(
            {
                "busy": In(1),  # a command runs
                "waiting": In(1),  # an episode waits for the host
                "stopped": In(1),  # by an ABORT or an upset
                "mapped": In(1),  # the code map is that of the LUT
                "counted": In(1),  # there is a current row
                "current_cost": In(formats.cost_bits),  # of it, or of the training before's last
                "train_busy": In(1),  # the trainer is at work
                "train_row": In(formats.row_bits),  # on this row
                "infer_busy": In(1),  # the inference is at work
                "infer_row": In(formats.row_bits),  # on this row
                **(own if self.preparing else {}),
                **({"zero_busy": In(1)} if config.auto_zero_bits else {}),  # the auto-zero is at work
                "trained": Out(1),
                "state": Out(HOST_WORD_BITS),
                "row": Out(formats.row_bits),
                "cost": Out(formats.cost_bits),
                "phase": Out(range(len(PHASES))),
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
