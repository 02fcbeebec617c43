"""What the benches of the verifying programmers share: pulse timing, a small array of cells, and cycles to compare."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly, Timer

from oxmc.pymodels.budget import formulas as budget
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.tb.blocks.outputs import Outputs
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters

RESET, SET, READ = ArrayOp.RESET.value, ArrayOp.SET.value, ArrayOp.READ.value
IDLE_CYCLES = 2
"""Cycles watched after a row: nothing may follow."""

Cycle = dict[str, Any]
"""What a programmer says in one cycle: the command if there is one, each strobe with what it carries."""


@dataclass(frozen=True)
class Timing:
    """Pulse widths and conversion time in cycles."""

    reset: int = 1
    set: int = 1
    read: int = 1
    conversion: int = 1

    def width(self, op: int) -> int:
        return {RESET: self.reset, SET: self.set, READ: self.read}.get(op, 1)

    def pulse(self, op: int, **command: int) -> list[Cycle]:
        """A command for the width of its pulse."""
        return [{"op": op, **command} for _ in range(self.width(op))]

    def answer(self, **at_end: int) -> list[Cycle]:
        """The wait for a conversion; `at_end` are the strobes of the cycle of the answer."""
        return [{} for _ in range(self.conversion - 1)] + [dict(at_end)]


def random_timing(rng: random.Random) -> Timing:
    """As `Config` allows: a conversion is no longer than a READ. Half of the rows have pulses of one cycle."""
    if rng.random() < 0.5:
        return Timing()
    read = rng.randint(1, 4)
    return Timing(rng.randint(1, 4), rng.randint(1, 4), read, rng.randint(1, read))


def formula_cycles(timing: Timing, retries: int, switches: int, verify: str) -> int:
    """Programming a row by the product's cycle budget; at 1 GHz a cycle is a nanosecond."""
    p = parameters()
    widths = {f"{name}_s": width * 1e-9 for name, width in (("reset_pulse", timing.reset), ("set_pulse", timing.set))}
    widths |= {"read_pulse_s": timing.read * 1e-9, "conversion_s": timing.conversion * 1e-9}
    config = Config(clock_hz=1e9, verify=verify, outputs=1, features=p["pairs"], eval_pulse_s=1e-6)
    return budget.programming_cycles(Formats(config.replace(**widths)), retries, switches)


@dataclass(frozen=True)
class Law:
    """How the cells of a row read after a SET: what their gate code gives, off by the device and by noise of the SET,
    or, where a cell is stuck, always the same. All in read codes; reads saturate at 0 and at full scale."""

    key: str
    levels: tuple[int, ...]
    full_scale: int
    device: int = 0
    noise: int = 0
    stuck: float = 0.0

    def read(self, cell: int, gate: int, sets: int) -> int:
        device = random.Random(f"{self.key}/{cell}")
        if device.random() < self.stuck:
            return device.choice((0, self.full_scale, device.randint(0, self.full_scale)))
        off = device.randint(-self.device, self.device)
        off += random.Random(f"{self.key}/{cell}/{sets}").randint(-self.noise, self.noise)
        return max(0, min(self.full_scale, self.levels[gate] + off))


class Cells:
    """The cells of one row; each SET draws anew."""

    def __init__(self, law: Law):
        self.law = law
        self.sets: dict[int, int] = {}
        self.reads: dict[int, int] = {}

    def set(self, cell: int, gate: int) -> None:
        self.sets[cell] = self.sets.get(cell, 0) + 1
        self.reads[cell] = self.law.read(cell, gate, self.sets[cell])

    def read(self, cell: int) -> int:
        return self.reads[cell]


class Surroundings:
    """Pulse timing and cells around a programmer, whose `op` is taken for the next cycle where no pulse goes on; the
    gate code of a SET is what `gate` says of the running cycle."""

    def __init__(self, dut: Any, timing: Timing, cells: Cells, noise: random.Random, gate: Callable[[], int]):
        self.dut, self.timing, self.cells, self.noise, self.gate = dut, timing, cells, noise, gate
        self.seen = Outputs(dut)
        self.elapsed = self.left = self.converted = self.running = 0

    def drive(self) -> None:
        """Inputs of this cycle; the code bus carries anything except in the cycle of an answer."""
        dut = self.dut
        dut.command_latch.value = int(self.running > 0 and self.elapsed + 1 >= self.timing.width(self.running))
        dut.answer.value = int(self.left == 1)
        dut.code.value = self.converted if self.left == 1 else self.noise.getrandbits(parameters()["read_bits"])

    def advance(self) -> None:
        seen, latch = self.seen, self.dut.command_latch.value == 1
        self.left = max(0, self.left - 1)
        if latch:
            cell = seen["command_cell"]
            if self.running == SET:
                self.cells.set(cell, self.gate())
            if self.running == READ:
                self.converted, self.left = self.cells.read(cell), self.timing.conversion
        if self.running and not latch:
            self.elapsed += 1
        else:
            self.elapsed, self.running = 0, seen["command_op"]


def observed(seen: Outputs, running: int, strobes: dict[str, str | None], gate: int) -> Cycle:
    """This cycle as a model writes it. `strobes` are ports, each with the port it carries, if any."""
    seen.read()
    value = seen.__getitem__
    cycle: Cycle = {}
    if running:
        cycle |= {"op": running, "cell": value("command_cell")}
        if running == SET:
            cycle["gate"] = gate
    for strobe, carried in strobes.items():
        if value(strobe):
            cycle[strobe] = value(carried) if carried else 1
    return cycle if value("busy") else {**cycle, "idle": 1}


async def compare(dut: Any, board: Scoreboard, cycles: list[Cycle], note: str, surroundings: Any) -> None:
    """From the cycle after `start` on: every cycle against the model's, then a few idle ones.

    `surroundings` drive the inputs of a cycle, `look` at it, and `advance` over the edge that ends it.
    """
    for number, cycle in enumerate([*cycles, *([{"idle": 1}] * IDLE_CYCLES)]):
        board.expect(cycle, f"{note}, cycle {number}")
        surroundings.drive()
        await Timer(1, unit="ns")
        surroundings.drive()  # again, since a command may follow from what was just driven
        await ReadOnly()
        board.observe(surroundings.look())
        surroundings.advance()
        await FallingEdge(dut.clk)


def levels(entries: int, full_scale: int, rng: random.Random) -> Iterator[tuple[int, ...]]:
    """LUTs in non-decreasing order: over all of the scale, over its middle, steps, and at random."""
    last = entries - 1
    yield tuple(i * full_scale // last for i in range(entries))
    yield tuple(full_scale // 4 + i * (full_scale // 2) // last for i in range(entries))
    yield tuple(full_scale if i > entries // 2 else 0 for i in range(entries))
    while True:
        yield tuple(sorted(rng.randint(0, full_scale) for _ in range(entries)))
