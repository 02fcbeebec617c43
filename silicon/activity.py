"""What toggles: waves of the chip as gates counted by net and window, as SAIF too."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oxmc.hdl.verilog.netlist import CHIP_NAME
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import DIGITAL_EVENTS
from oxmc.pymodels.interface import ArrayOp

if TYPE_CHECKING:
    from oxmc.silicon.gates import Instance

OBSERVED = {"clk": "chip", "events": "cosim", "array_op": "chip", "array_latch": "chip"}
"""Signals of the co-simulation that say what the chip does in a cycle, and the scope that has each."""

PULSES = {"form": ArrayOp.FORM, "reset_pulse": ArrayOp.RESET, "set": ArrayOp.SET, "read": ArrayOp.READ,
          "eval": ArrayOp.EVAL}  # fmt: skip
"""Events of the array port, counted in the last cycle of a pulse."""

COUNTED = (*DIGITAL_EVENTS, *PULSES)


@dataclasses.dataclass(frozen=True)
class Activity:
    """Changes of each net, int64 [nets, windows], the events and cycles of each window, and times for SAIF.

    `events` has the chip's strobes and the pulses on its array port, by their names in `pymodels/events.py`.
    """

    nets: tuple[str, ...]
    toggles: np.ndarray
    events: dict[str, np.ndarray]
    cycles: np.ndarray
    high_ps: np.ndarray
    length_ps: int

    def of(self) -> dict[str, np.ndarray]:
        return dict(zip(self.nets, self.toggles, strict=True))


def count(vcd: Path, window_cycles: int) -> Activity:
    """Count the chip's nets in a wave file, window after window of clock cycles from the end of the dump's start."""
    with open(vcd) as file:
        counter = _Counter(*names_of(file), window_cycles)
        for time, changes in steps_of(file):
            counter.step(time, changes)
    return counter.result()


def names_of(file: Iterator[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Nets of the chip (n0, n1 ...) and its observed ports, each by their codes; leaves `file` at the values.

    Raises `RunError` where it ends before.
    """
    nets: dict[str, str] = {}
    observed: dict[str, str] = {}
    scopes: list[str] = []
    for line in file:
        words = line.split()
        if line.startswith("$scope"):
            scopes.append(words[2])
        elif line.startswith("$upscope"):
            scopes.pop()
        elif line.startswith("$var"):
            if scopes[-1] == "chip" and re.fullmatch(r"n\d+", words[4]):
                nets.setdefault(words[3], words[4])
            elif OBSERVED.get(words[4]) == scopes[-1]:
                observed[words[3]] = words[4]
        elif line.startswith("$enddefinitions"):
            return nets, observed
    raise RunError("a wave file must have definitions, which this one has not")


def steps_of(file: Iterator[str]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Changes by time, as (code, value)."""
    time, changes = 0, []  # type: int, list[tuple[str, str]]
    for line in file:
        first = line[0]
        if first == "#":
            yield time, changes
            time, changes = int(line[1:]), []
        elif first in "01xz":
            changes.append((line[1:-1], first))
        elif first == "b":
            value, code = line.split()
            changes.append((code, value[1:]))
    yield time, changes


class _Counter:
    def __init__(self, nets: dict[str, str], observed: dict[str, str], window_cycles: int):
        self.observed = observed
        self.nets = tuple(nets.values())
        self.index = {code: i for i, code in enumerate(nets)}
        self.state = ["x"] * len(nets)
        self.since, self.high = [0] * len(nets), [0] * len(nets)
        self.window = [0] * len(nets)
        self.windows: list[list[int]] = []
        self.values = dict.fromkeys(OBSERVED, "0")
        self.rows: list[np.ndarray] = []
        self.cycles: list[int] = []
        self.row = np.zeros(len(COUNTED), np.int64)
        self.in_window, self.window_cycles, self.time = 0, window_cycles, 0

    def step(self, time: int, changes: list[tuple[str, str]]) -> None:
        index, state = self.index, self.state
        for code, value in changes:  # what the clock's edge sees is from before this step
            if value == "1" and self.observed.get(code) == "clk":
                self._edge()
        window = self.window
        for code, value in changes:
            i = index.get(code)
            if i is not None:
                old = state[i]
                if old != value:
                    window[i] += old in "01" and value in "01"
                    if old == "1":
                        self.high[i] += time - self.since[i]
                    state[i], self.since[i] = value, time
            if code in self.observed:
                self.values[self.observed[code]] = value
        self.time = time

    def _edge(self) -> None:
        self.row += cycle_events(self.values)
        self.in_window += 1
        if self.in_window == self.window_cycles:
            self._close()

    def _close(self) -> None:
        self.windows.append(self.window)
        self.rows.append(self.row)
        self.cycles.append(self.in_window)
        self.window, self.row, self.in_window = [0] * len(self.nets), np.zeros(len(COUNTED), np.int64), 0

    def result(self) -> Activity:
        if self.in_window:
            self._close()
        for i, value in enumerate(self.state):
            if value == "1":
                self.high[i] += self.time - self.since[i]
        events = dict(zip(COUNTED, np.array(self.rows).T, strict=True))
        toggles = np.array(self.windows, np.int64).T
        return Activity(self.nets, toggles, events, np.array(self.cycles), np.array(self.high), self.time)


def cycle_events(values: dict[str, str]) -> np.ndarray:
    """Which of `COUNTED` happen in a cycle whose observed ports have these values, in binary; int64 of 0 or 1."""
    bits = values["events"].rjust(len(DIGITAL_EVENTS), "0")[::-1][: len(DIGITAL_EVENTS)]
    op = values["array_op"] if values["array_latch"] == "1" else "0"
    done = int(op, 2) if set(op) <= {"0", "1"} else 0
    return np.array([bit == "1" for bit in bits] + [done == pulse.value for pulse in PULSES.values()], np.int64)


def saif(activity: Activity, cells: Sequence[Instance] = ()) -> str:
    """All nets as SAIF 2.0: time low and high in ps, and changes; and the same by pin for `cells`.

    The chip's own ports stand beside its nets, so they come as the first of `cells`; pins on constants are at rest.
    """
    length, totals = activity.length_ps, activity.toggles.sum(axis=1)
    said = {net: _saif(length, 0, 0) for net in ("n0", "nx")} | {"n1": _saif(length, length, 0)}
    nets = zip(activity.nets, activity.high_ps.tolist(), totals.tolist(), strict=True)
    said |= {name: _saif(length, high, changes) for name, high, changes in nets}
    lines = ['(SAIFILE (SAIFVERSION "2.0") (DIRECTION "backward") (TIMESCALE 1 ps)']
    lines += [f"(DURATION {length})", f"(INSTANCE {CHIP_NAME} (NET"]
    lines += [f"  ({name} {said[name]})" for name in activity.nets]
    for index, cell in enumerate(cells):
        lines += [f"  (INSTANCE {cell.name} (NET"] * (index > 0)
        lines += [f"  ({_escaped(pin)} {said[f'n{net}']})" for pin, net in cell.bits()]
        lines += [")"] if index == 0 else ["  ))"]
    return "\n".join([*lines, "))" if cells else ")))", ""])


def _saif(length: int, high: int, changes: int) -> str:
    return f"(T0 {length - high}) (T1 {high}) (TX 0) (TC {changes})"


def _escaped(pin: str) -> str:
    return pin.replace("[", "\\[").replace("]", "\\]")
