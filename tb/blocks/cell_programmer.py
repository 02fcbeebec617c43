"""Bench of `oxmc.hdl.cell_programmer.CellProgrammer`: every cycle of whole rows against the loop written out.

The bench plays Pulse, the array and the memory of the current row's gate codes and read codes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from oxmc.tb.blocks.programming import (
    READ,
    RESET,
    SET,
    Cells,
    Cycle,
    Law,
    Surroundings,
    Timing,
    compare,
    formula_cycles,
    levels,
    observed,
    random_timing,
)
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

STROBES = {"fetch": "command_cell", "push": "push_code", "done": None}


@dataclass(frozen=True)
class Row:
    """One row to program: the current row's read codes and gate codes by cell, and the settings."""

    targets: tuple[int, ...]
    gates: tuple[int, ...]
    law: Law
    window: int
    tries: int
    timing: Timing = Timing()


def expected(row: Row) -> tuple[list[Cycle], list[int]]:
    """Every cycle after `start`, and how many repeats each cell took."""
    cells, timing = Cells(row.law), row.timing
    cycles: list[Cycle] = []
    repeats = []
    for cell, (target, gate) in enumerate(zip(row.targets, row.gates, strict=True)):
        cycles.append({"fetch": cell})
        repeats.append(0)
        while True:
            cells.set(cell, gate)
            cycles += timing.pulse(SET, cell=cell, gate=gate) + timing.pulse(READ, cell=cell) + timing.answer()
            if abs(cells.read(cell) - target) <= row.window or repeats[-1] == row.tries:
                break
            repeats[-1] += 1
            cycles += timing.pulse(RESET, cell=cell)
        cycles.append({"push": cells.read(cell)} | ({"done": 1} if cell == len(row.targets) - 1 else {}))
    return cycles, repeats


class Memory(Surroundings):
    """With the memory of the current row's codes: a cell's answer comes a cycle after its `fetch` and holds."""

    def __init__(self, dut: Any, row: Row, noise: random.Random):
        super().__init__(dut, row.timing, Cells(row.law), noise, lambda: row.gates[self.fetched])
        self.row = row
        self.fetched = noise.randrange(len(row.targets))

    def drive(self) -> None:
        super().drive()
        self.dut.target.value = self.row.targets[self.fetched]

    def look(self) -> Cycle:
        cycle = observed(self.seen, self.running, STROBES, self.gate())
        if "push" in cycle:
            assert self.seen["command_cell"] == self.fetched, "a read code leaves with its cell"
        return cycle

    def advance(self) -> None:
        super().advance()
        if self.seen["fetch"]:
            self.fetched = self.seen["command_cell"]


async def program(dut: Any, board: Scoreboard, row: Row, noise: random.Random, note: str) -> list[int]:
    """One row, compared in every cycle; the repeats of each cell."""
    cycles, repeats = expected(row)
    due = formula_cycles(row.timing, sum(repeats), 0, "cell")
    assert len(cycles) == due, f"{note}: {len(cycles)} cycles, by the budget's formula {due}"
    dut.window.value, dut.tries.value = row.window, row.tries
    dut.start.value = 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    await compare(dut, board, cycles, note, Memory(dut, row, noise))
    return repeats


async def begin(dut: Any) -> None:
    idle = ("start", "halt", "window", "tries", "command_latch", "answer", "code", "target")
    await start(dut, **dict.fromkeys(idle, 0))


def rows(rng: random.Random) -> Iterator[tuple[str, Row]]:
    """Corners: reads that meet their targets, just so, or never; at both ends of the scale."""
    p = parameters()
    cells, top = 2 * p["pairs"], 2 ** p["read_bits"] - 1
    scale = next(levels(p["gate_codes"], top, rng))
    gates = tuple(rng.randrange(len(scale)) for _ in range(cells))
    exact = Law("exact", scale, top)
    met = tuple(scale[gate] for gate in gates)
    yield "met at once", Row(met, gates, exact, window=0, tries=63)
    for off in (-2, -1, 1, 2):
        targets = tuple(max(0, min(top, code + off)) for code in met)
        yield f"{off} off, window 1", Row(targets, gates, exact, window=1, tries=2)
    far = tuple(0 if code > top // 2 else top for code in met)
    yield "no tries", Row(far, gates, exact, window=0, tries=0)
    yield "one try", Row(far, gates, exact, window=0, tries=1)
    yield "anything will do", Row(far, gates, exact, window=top, tries=63)
    wide = Timing(reset=3, set=2, read=4, conversion=4)
    yield "wide pulses", Row(far, gates, exact, window=3, tries=2, timing=wide)
    ends = tuple(cell % 2 * top for cell in range(cells))
    saturating = Law("saturating", tuple(level % 2 * top for level in range(len(scale))), top, noise=3)
    full = Row((top,) * cells, gates, Law("full scale", (top,) * len(scale), top), window=0, tries=3)
    for window in (0, 1, top):
        yield f"full scale, window {window}", replace(full, window=window)
    for window in (0, 1, top - 1, top):
        yield f"ends of the scale, window {window}", Row(ends, gates, saturating, window=window, tries=3)


@cocotb.test()
async def corners(dut: Any) -> None:
    rng, board = random.Random(parameters()["seed"]), Scoreboard("cells")
    await begin(dut)
    for note, row in rows(rng):
        await program(dut, board, row, rng, note)
    pairs, top = parameters()["pairs"], 2 ** parameters()["read_bits"] - 1
    if pairs == 1:
        stuck = Row((top, top), (0, 0), Law("stuck", (0,), top), window=0, tries=63)
        assert await program(dut, board, stuck, rng, "all tries") == [63, 63]
    board.finish()


@cocotb.test()
async def random_rows(dut: Any) -> None:
    """Noisy devices, some of them stuck; cells that meet their target at once, later and never all occur."""
    p = parameters()
    rng, board = random.Random(p["seed"]), Scoreboard("random cells")
    cells, top = 2 * p["pairs"], 2 ** p["read_bits"] - 1
    ends = {"at once": 0, "later": 0, "out of tries": 0}
    await begin(dut)
    for number in range(p["rows"]):
        one_level = (rng.randint(0, top),) * p["gate_codes"]
        scale = next(levels(p["gate_codes"], top, rng)) if number % 3 else one_level
        gates = tuple(rng.randrange(len(scale)) for _ in range(cells))
        spread = rng.choice((1, 2, top // 8 + 1))
        row = Row(
            targets=tuple(max(0, min(top, scale[gate] + rng.randint(-spread, spread))) for gate in gates),
            gates=gates,
            law=Law(f"{p['seed']} {number}", scale, top, device=spread // 2, noise=spread, stuck=rng.choice((0, 0.1))),
            window=rng.choice((0, 1, spread)),
            tries=rng.randint(1, 8),
            timing=random_timing(rng),
        )
        for repeats in await program(dut, board, row, rng, f"seed {p['seed']}, row {number}"):
            ends["at once" if repeats == 0 else "out of tries" if repeats == row.tries else "later"] += 1
    assert min(ends.values()) > 0, f"one kind of end is missing: {ends}"
    board.finish()
