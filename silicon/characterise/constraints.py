"""Setup and hold of a clocked cell: how near to the clock's rising edge its input may move, by bisection.

A trial moves the input once for setup, to the new value, and a second time for hold, back to the old one. It passes if
the output does what it does with much time: the same level at the end, at most 10 % later, or no glitch where it rests.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np

from oxmc.silicon.characterise.cells import Cell
from oxmc.silicon.characterise.spice import SUPPLY_V, Instance, Pdk, Waves, simulate

CHECKS = ("setup_rising", "hold_rising")
SLOT_NS = 3.0
EDGE_NS = 4 * SLOT_NS
"""Where the clock rises (50 %); it rose before, so that a flip-flop holds the old value."""
SLEWS_NS = (0.02, 0.5)
RANGE_NS = 0.64
"""The answer is looked for within plus and minus this; setup and hold of the cells measured lie well inside."""
STEPS = 7
"""Halvings of the range: 0.01 ns are left, and the side that passes is taken."""
LATER = 1.1
GLITCH = 0.2
LOAD_FF = 4.0


@dataclasses.dataclass(frozen=True)
class Trial:
    """A check of the input's new `value`; `gap_ns` is from the input to the clock (setup) or back (hold)."""

    check: str
    value: bool
    clock_slew_ns: float
    data_slew_ns: float

    @property
    def edge(self) -> str:
        """The input's edge that comes near the clock's."""
        return "rise_constraint" if self.value == (self.check == "setup_rising") else "fall_constraint"

    def instance(self, cell: Cell, gap_ns: float) -> Instance:
        enable, ramp = cell.inputs[0], self.data_slew_ns / 0.6
        drives = {pin: [(0.0, True)] for pin in cell.inputs}  # a reset, low when active, stays away
        start = EDGE_NS - self.clock_slew_ns / 0.6 / 2
        drives["CLK"] = [(0.0, False), (SLOT_NS, True), (2 * SLOT_NS, False), (start, True)]
        if self.check == "setup_rising":
            moves = [(EDGE_NS - gap_ns - ramp / 2, self.value)]
        else:
            moves = [(2.5 * SLOT_NS, self.value), (EDGE_NS + gap_ns - ramp / 2, not self.value)]
        drives[enable] = [(0.0, not self.value), *moves]
        slews = {enable: self.data_slew_ns, "CLK": self.clock_slew_ns}
        return Instance(drives, load_ff=LOAD_FF, slews_ns=slews)


def constraints(pdk: Pdk, cell: Cell, folder: Path) -> dict[str, dict[str, list[list[float]]]]:
    """Of the first input, in ns: `setup_rising` and `hold_rising` by the input's edge; [clock's slew][input's slew]."""
    corners = itertools.product(CHECKS, (False, True), SLEWS_NS, SLEWS_NS)
    trials = [Trial(*corner) for corner in corners]
    safe = _outputs(pdk, cell, trials, [1.5 * RANGE_NS] * len(trials), folder)
    fails, passes = np.full(len(trials), -RANGE_NS), np.full(len(trials), RANGE_NS)
    for _ in range(STEPS):
        middle = (fails + passes) / 2
        found = _outputs(pdk, cell, trials, middle.tolist(), folder)
        good = np.array([same(*pair) for pair in zip(safe, found, strict=True)])
        passes, fails = np.where(good, middle, passes), np.where(good, fails, middle)
    tables: dict[str, dict[str, list[list[float]]]] = {check: {} for check in CHECKS}
    for trial, gap in zip(trials, passes.tolist(), strict=True):
        rows = tables[trial.check].setdefault(trial.edge, [[] for _ in SLEWS_NS])
        rows[SLEWS_NS.index(trial.clock_slew_ns)].append(round(gap, 9))
    return tables


def _outputs(pdk: Pdk, cell: Cell, trials: list[Trial], gaps: list[float], folder: Path) -> list[tuple[Waves, int]]:
    instances = [trial.instance(cell, gap) for trial, gap in zip(trials, gaps, strict=True)]
    waves = simulate(pdk, cell, instances, 5 * SLOT_NS, folder)
    return [(waves, index) for index in range(len(trials))]


def same(safe: tuple[Waves, int], found: tuple[Waves, int]) -> bool:
    """Whether the output does after the clock's edge what it does with much time."""
    (late, moves), (late_safe, moves_safe) = _delay(*found), _delay(*safe)
    if moves_safe:
        return moves and late <= LATER * late_safe
    return not moves


def _delay(waves: Waves, index: int) -> tuple[float, bool]:
    """From the clock's edge to half of the output's, and whether the output goes there and stays.

    An output that ends where it was moves if it was away for more than a glitch, and then never comes in time.
    """
    part = waves.window(EDGE_NS - 0.3 * SLOT_NS, 4.95 * SLOT_NS)
    volts, times = waves.output_v[index][part] / SUPPLY_V, waves.time_ns[part]
    away = np.abs(volts - volts[0])
    if away[-1] < 0.5:
        return math.inf, bool(away.max() > GLITCH)
    return float(times[np.flatnonzero(away < 0.5)[-1]]) - EDGE_NS, True
