"""The OxRAM array behind an array port of anybody's top, and the checks of its contract (docs/reference/ports.md).

The port is looked at in the middle of each clock cycle, on the falling edge. A pulse acts once the edge that ends it
has passed; until then a reset cuts it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge

from oxmc.cocotb.ports import formats_of, level, port, ports
from oxmc.hdl.array_port import DRIVEN, PULSE_PINS, ArrayOp, ArrayPort
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.oxram.array import ArrayError
from oxmc.pymodels.oxram.array import OxramArray as Model
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.cosim.event_word import Event, Pin
from oxmc.tb.cosim.pulses import Pulses

FIELDS = {
    ArrayOp.IDLE: (),
    ArrayOp.FORM: ("row", "cell", "gate"),
    ArrayOp.RESET: ("row", "mask"),
    ArrayOp.SET: ("row", "cell", "gate"),
    ArrayOp.READ: ("row", "cell"),
    ArrayOp.EVAL: ("row", "segment", "inputs"),
}
"""What a command says beside its op."""
NOTHING = dict.fromkeys(("row", "cell", "gate", "mask", "segment", "inputs", "trim"), 0)
CONVERSIONS = (ArrayOp.READ, ArrayOp.EVAL)


class Seen(NamedTuple):
    """The port in the middle of cycle `cycle`, the `width`-th of its pulse; `fault`: the pins break the contract."""

    op: ArrayOp
    fields: dict[str, int]
    latch: int
    cycle: int
    width: int
    fault: bool


IDLE = Seen(ArrayOp.IDLE, {}, 0, 0, 0, False)


class OxramArray:
    """The array model behind the port `dut.<prefix>op`, `dut.<prefix>row` and so on, named as in the chip's Verilog.

    `config` is the chip's (`oxmc.Config`); devices follow its card (docs/reference/cards.md). Devices and noise come
    from `seed`: with the seed of a run of `oxmc.train` they are that run's. `formed` arrays arrive formed, others wait
    for FORM; by default they do where the configuration has `form`. `clock` and `reset` are names in `dut`; reset is
    active high, None where there is none. `<prefix>data` must be an input of `dut`, or a register that nothing else
    drives.

    After `start()` each pulse acts on `model`, whose `conductance_ns` int64 [rows, cells] in nS, `counts`, `quantities`
    and `joules` may be read at any time. A pulse that breaks the contract raises `ArrayError`, which fails the
    bench and names operation, row, cell, rule and clock cycle: cycle 0 is the first after the last reset. Answers of
    READ and EVAL are on `data` in the one cycle that the conversion time ends in, and inverted before and after.

    Raises `InputError` for a port that is not there or has another width than the configuration says, and for counters
    of each output's own, which are several chains.
    """

    def __init__(
        self,
        dut: Any,
        config: Config,
        *,
        prefix: str = "array_",
        seed: int = 0,
        formed: bool | None = None,
        clock: str = "clk",
        reset: str | None = "rst",
    ) -> None:
        formats = formats_of(config)
        self.model = Model(config, load_card(config.card), seed, formed=not config.form if formed is None else formed)
        self._ports = ports(dut, prefix, ArrayPort(formats))
        self._clock, self._reset = port(dut, clock, 1), None if reset is None else port(dut, reset, 1)
        self._conversion, self._cells, self._group = config.cycles(config.conversion_s), formats.cells, config.gate_dacs
        self._gate_mask, self._garbage = 2**formats.gate_bits - 1, 2**formats.data_bits - 1
        self._pins = SimpleNamespace()
        self._pulses = Pulses(self._pins, self.model)
        self._due, self._code = -1, 0
        self._last, self.cycle = IDLE, 0

    @property
    def conductance_ns(self) -> np.ndarray:
        """Conductances int64 [rows, cells] in nS; cells 2p and 2p + 1 are g+ and g- of pair p."""
        return self.model.conductance_ns

    @property
    def phase(self) -> str:
        """Where `counts`, `quantities` and `joules` book what comes: load, train (at first), infer, form, calibrate.

        Setting another raises `InputError`.
        """
        return self.model.phase

    @phase.setter
    def phase(self, name: str) -> None:
        """Raises `InputError` for a name that is no phase."""
        if name not in PHASES:
            raise InputError(f"phase must be one of {', '.join(PHASES)}, not {name!r}")
        self.model.phase = name

    def start(self) -> Any:
        """Serve the port from now on, in a task of cocotb's own, which is returned; cancel it to end that."""
        return cocotb.start_soon(self.serve())

    async def serve(self) -> None:
        """Serve the port for ever. Raises `ArrayError` at a pulse that breaks the contract."""
        watcher = None if self._reset is None else cocotb.start_soon(self._watch_reset())
        edge = FallingEdge(self._clock)
        try:
            while True:
                await edge
                self._step()
        finally:
            if watcher is not None:
                watcher.cancel()

    def _step(self) -> None:
        """The middle of a cycle."""
        if self._reset is not None and level(self._reset) != 0:
            self._cut()
            self.cycle = 0
            return
        self._finish()
        self._look()
        self._answer()
        self.cycle += 1

    async def _watch_reset(self) -> None:
        while True:
            await RisingEdge(self._reset)
            if level(self._clock) == 1:  # the edge that ends the pulse came first
                self._finish()
            self._cut()

    def _look(self) -> None:
        """Take in the port; a pulse that breaks the contract acts at once, which raises."""
        before = self._last
        op, fields = self._command()
        latch, pins = self._level("latch"), tuple(self._level(pin) for pin in PULSE_PINS)
        running = before.op != ArrayOp.IDLE and not before.latch
        changed = running and (op, fields) != (before.op, before.fields)
        fault = changed or pins != DRIVEN[op] or (op == ArrayOp.IDLE and latch == 1)
        self._last = Seen(op, fields, latch, self.cycle, before.width + 1 if running else 1, fault)
        if fault:
            self._finish()

    def _command(self) -> tuple[ArrayOp, dict[str, int]]:
        """What the port says. Raises `ArrayError` for what is no command, or has bits that are neither 0 nor 1."""
        number = self._level("op")
        try:
            op = ArrayOp(number)
        except ValueError:
            rule = f"op must be from 0 to {len(ArrayOp) - 1}, not {number}"
            raise ArrayError(f"{rule} (clock cycle {self.cycle})") from None
        trim = ("trim",) if "trim" in self._ports and op in CONVERSIONS else ()
        return op, {name: self._level(name) for name in (*FIELDS[op], *trim)}

    def _level(self, name: str) -> int:
        value = self._ports[name].value
        if not value.is_resolvable:
            raise ArrayError(f"{name} must be 0 or 1 in each bit, not {value} (clock cycle {self.cycle})")
        return int(value.to_unsigned() if len(value) > 1 else value)

    def _finish(self) -> None:
        """The edge that ends the pulse seen last has passed: let the array act."""
        seen = self._last
        if not (seen.latch or seen.fault):
            return
        self._last = IDLE
        fields = NOTHING | seen.fields
        self._pins.cycle, self._pins.event_inputs = Pin(seen.cycle), Pin(fields["inputs"])
        self._pins.event_mask, self._pins.event_gates = Pin(fields["mask"]), Pin(fields["gate"])
        self._pins.event_trim = Pin(fields["trim"])
        place = fields["segment"] if seen.op == ArrayOp.EVAL else fields["cell"]
        phase, gate = PHASES.index(self.model.phase), fields["gate"] & self._gate_mask
        code = self._pulses.obey(Event(seen.op.value, phase, seen.fault, seen.width, fields["row"], place, gate))
        if code is None:
            return
        if self._due > seen.cycle:
            rule = "must not end before the conversion ahead of it"
            raise ArrayError(f"{seen.op.name} of row {fields['row']} {rule} (clock cycle {seen.cycle})")
        self._due, self._code = seen.cycle + self._conversion, code

    def _answer(self) -> None:
        """The code in the cycle that is the converter's, garbage in all others."""
        self._ports["data"].value = self._code if self.cycle == self._due else self._code ^ self._garbage

    def _cut(self) -> None:
        """A reset ended the pulse that was running, and with it a conversion."""
        seen, self._last, self._due = self._last, IDLE, -1
        cells: Any = ()
        if seen.op == ArrayOp.RESET:
            cells = [cell for cell in range(self._cells) if seen.fields["mask"] >> cell & 1]
        elif seen.op == ArrayOp.SET:
            first = seen.fields["cell"]
            cells = range(first, min(first + self._group, self._cells))
        if seen.op != ArrayOp.IDLE:
            self.model.cut(seen.op.name, seen.fields["row"], cells)
