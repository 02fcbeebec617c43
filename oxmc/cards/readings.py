"""Measurements from CSV files: which columns, in which units, and one clear line for what cannot be understood.

A file is read in parts of many rows, so that ten million rows take seconds and the memory of their numbers.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import warnings
from collections.abc import Mapping
from itertools import count, islice
from pathlib import Path
from typing import NoReturn

import numpy as np

from oxmc.cards.groups import Cycles
from oxmc.cards.relaxation import Relaxing, relaxing
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import MOST_DATA, open_plain, understood

RULE = "FILE must be a readable CSV file in UTF-8"
PART = 200_000
"""Rows that are turned into numbers at once."""
SEPARATORS = ",;\t|"
LONGEST_NAME = 48
"""Characters that no name of a device has."""
MOST_LEVELS = 512
MOST_CYCLE = 2**40
G_US, LCS_US, TIME_S, RATE_HZ = "g_us", "lcs_us", "time_s", "rate_hz"
DEVICE, CYCLE, CELL, LEVEL = "device", "cycle", "cell", "level"
AXES = {"current": "current_ua"}
"""Column of the axis by default."""
OTHER_UNITS = {"ohm": lambda g: 1e6 / g, "S": lambda g: 1e6 * g, "nS": lambda g: 1e-3 * g}
"""What a number would be in uS if it were in these units."""
SUSPICIOUS, LIKE = 8.0, 1.6
"""Factor from the level's median from which a conductance may be in another unit, and within which it then lies."""
PLAUSIBLE_US = (1e-3, 1e4)
"""Median conductances that a resistive memory may have: 1 Gohm to 100 ohm."""


@dataclasses.dataclass(frozen=True)
class Columns:
    """Columns of a file: float64 [n] by name, but for `names`, whose values are int64 indices into their texts."""

    path: Path
    values: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    first_line: int = 2

    def refuse(self, row: int, column: str, rule: str) -> NoReturn:
        """Raises `InputError` that names file, line and column."""
        raise InputError(f"{str(self.path)!r} line {row + self.first_line} column {column!r} {rule}")


def header(path: Path) -> list[str]:
    """The names of a file's columns. Raises `InputError`."""
    with understood(RULE, path), open_plain(path, MOST_DATA) as file:
        return _fields(file.readline(1 << 20).decode("utf-8-sig"))[0]


def _fields(line: str) -> tuple[list[str], str]:
    separator = max(SEPARATORS, key=line.count)
    return [field.strip() for field in next(csv.reader([line], delimiter=separator), [])], separator


def read_columns(path: Path, numbers: list[str], texts: list[str]) -> Columns:
    """The columns `numbers` as numbers and `texts` as names. Raises `InputError` for what is missing or no number."""
    with understood(RULE, path), open_plain(path, MOST_DATA) as file:
        lines = io.TextIOWrapper(file, "utf-8-sig", newline="")
        found, separator = _fields(lines.readline())
        places = {name: _place(path, found, name) for name in (*numbers, *texts)}
        parts: dict[str, list[np.ndarray]] = {name: [] for name in places}
        known: dict[str, dict[str, int]] = {name: {} for name in texts}
        for start in count(2, PART):
            part = list(islice(lines, PART))
            if not part:
                break
            for name, values in _values(path, start, part, separator, len(found), places, texts).items():
                parts[name].append(_indices(values, known[name]) if name in texts else values)
    if not parts or not next(iter(parts.values())):
        raise InputError(f"FILE must have rows below its header, but {str(path)!r} has none")
    joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Columns(path, joined, {name: tuple(index) for name, index in known.items()})


def _place(path: Path, found: list[str], name: str) -> int:
    if found.count(name) != 1:
        many = "two columns" if name in found else "no column"
        raise InputError(
            f"FILE must have one column {name!r}, but {str(path)!r} has {many} of that name: {shown(found)}"
        )
    return found.index(name)


def _values(
    path: Path, start: int, lines: list[str], separator: str, length: int, places: dict[str, int], texts: list[str]
) -> dict[str, np.ndarray]:
    """Columns of some lines, of which `start` is the first, by name. Raises `InputError`."""
    kinds = [(f"f{place}", f"U{LONGEST_NAME}" if name in texts else "f8") for name, place in places.items()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no data, where lines are empty
            table = np.loadtxt(
                lines,
                dtype=kinds,
                delimiter=separator,
                usecols=list(places.values()),
                comments=None,
                quotechar='"',
                ndmin=1,
            )
    except ValueError as error:
        raise _wrong(path, start, lines, separator, length, places, texts) or InputError(f"{RULE}: {error}") from error
    for name, (field, kind) in zip(places, kinds, strict=True):
        bad = ~np.isfinite(table[field]) if kind == "f8" else np.char.str_len(table[field]) == LONGEST_NAME
        if bad.any():
            raise _wrong(path, start, lines, separator, length, places, texts) or InputError(
                f"FILE must have names of fewer than {LONGEST_NAME} characters in column {name!r} of {str(path)!r}"
            )
    return {name: table[field] for name, (field, _) in zip(places, kinds, strict=True)}


def _wrong(
    path: Path, start: int, lines: list[str], separator: str, length: int, places: dict[str, int], texts: list[str]
) -> InputError | None:
    """What is wrong with the first of these lines that cannot be understood."""
    for line, fields in enumerate(csv.reader(lines, delimiter=separator), start):
        if fields and len(fields) != length:
            return InputError(f"{str(path)!r} line {line} must have {length} fields as the header, not {len(fields)}")
        for name, place in places.items():
            if fields and name not in texts and not _is_number(fields[place]):
                value = shown(fields[place])
                return InputError(f"{str(path)!r} line {line} column {name!r} must be a finite number, not {value}")
    return None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _indices(names: np.ndarray, known: dict[str, int]) -> np.ndarray:
    found = (known.setdefault(name, len(known)) for name in map(str.strip, names.tolist()))
    return np.fromiter(found, np.int64, names.size)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Names:
    """What the columns of a file of cycles are called; `axis` is "current" or "gate", `x` its column."""

    device: str = DEVICE
    cycle: str = CYCLE
    g_us: str = G_US
    axis: str = "current"
    x: str = AXES["current"]
    lcs_us: str | None = None


def names_of(*, device: str, cycle: str, gate: str | None, current: str | None, g_us: str, lcs_us: str | None) -> Names:
    """From options. Raises `InputError` for two axes."""
    if gate is not None and current is not None:
        raise InputError(f"--gate must be left out with --current {current!r}, not {gate!r}")
    axis, x = ("gate", gate) if gate is not None else ("current", current or AXES["current"])
    return Names(device=device, cycle=cycle, g_us=g_us, axis=axis, x=x, lcs_us=lcs_us)


def read_cycles(path: Path, names: Names) -> Cycles:
    """A file of cycles; the column `lcs_us` is read where the file has it. Raises `InputError`."""
    lcs = names.lcs_us or (LCS_US if LCS_US in header(path) else None)
    wanted = [names.cycle, names.x, names.g_us, *([lcs] if lcs else [])]
    found = read_columns(path, wanted, [names.device])
    cycle, x, g_us = (found.values[name] for name in (names.cycle, names.x, names.g_us))
    for name in wanted[1:]:
        _check(found, name, found.values[name] > 0, "must be above 0")
    _check(found, names.cycle, (cycle == np.floor(cycle)) & (np.abs(cycle) < MOST_CYCLE), "must be a whole number")
    levels, level = np.unique(x, return_inverse=True)
    if levels.size > MOST_LEVELS:
        raise InputError(
            f"FILE must have at most {MOST_LEVELS} values in column {names.x!r}, not {levels.size}: round them"
        )
    check_units(found, names.g_us, level)
    return Cycles(
        found.values[names.device], level.astype(np.int64), cycle.astype(np.int64), g_us, found.names[names.device],
        levels, names.axis, found.values[lcs] if lcs else None,
    )  # fmt: skip


def read_relaxation(path: Path, cell: str = CELL, g_us: str = G_US) -> Relaxing:
    """A file of conductances after one SET of each cell: columns of cell, `time_s` and conductance; `level` where it is
    there tells apart SETs of one cell. Raises `InputError`."""
    texts = [cell, *([LEVEL] if LEVEL in header(path) else [])]
    found = read_columns(path, [TIME_S, g_us], texts)
    time_s = found.values[TIME_S]
    _check(found, TIME_S, time_s >= 0, "must be 0 or more")
    each = found.values[cell]
    if len(texts) > 1:
        each = np.unique(each * len(found.names[LEVEL]) + found.values[LEVEL], return_inverse=True)[1]
    check_units(found, g_us, np.zeros(each.size, np.int64))
    return relaxing(each, time_s, found.values[g_us])


@dataclasses.dataclass(frozen=True)
class Series:
    """Readings of one cell at equal intervals: its level's name, float64 [n] in uS, and readings a second."""

    level: str
    g_us: np.ndarray
    rate_hz: float


def read_noise(path: Path, cell: str = CELL, g_us: str = G_US, rate_hz: float | None = None) -> list[Series]:
    """Series of conductances in order of time, one a `level` and cell where the file has these columns.

    Without `rate_hz` the file must have a column `rate_hz`. Raises `InputError`.
    """
    there = header(path)
    texts = [name for name in (LEVEL, cell) if name in there] or [LEVEL]
    found = read_columns(path, [g_us, *([RATE_HZ] if rate_hz is None else [])], texts)
    check_units(found, g_us, found.values[texts[0]])
    code = found.values[texts[0]] * len(found.names[texts[-1]]) + (found.values[texts[1]] if len(texts) > 1 else 0)
    series = []
    for each in np.unique(code):
        own = np.flatnonzero(code == each)
        rate = np.unique(found.values[RATE_HZ][own]) if rate_hz is None else np.array([rate_hz])
        if rate.size > 1 or rate[0] <= 0:
            found.refuse(int(own[0]), RATE_HZ, f"must be one number above 0 for all of a series, not {rate[-1]:g}")
        level = found.names[texts[0]][found.values[texts[0]][own[0]]]
        series.append(Series(level, found.values[g_us][own], float(rate[0])))
    return series


def _check(found: Columns, name: str, good: np.ndarray, rule: str) -> None:
    if not good.all():
        row = int((~good).argmax())
        found.refuse(row, name, f"{rule}, not {found.values[name][row]:g}")


def check_units(found: Columns, name: str, level: np.ndarray) -> None:
    """Raises `InputError` where a column, or part of it, is in another unit than uS."""
    g_us = found.values[name]
    usual = float(np.median(g_us))
    if not PLAUSIBLE_US[0] <= usual <= PLAUSIBLE_US[1]:
        unit = "ohm" if usual > PLAUSIBLE_US[1] else "S"
        raise InputError(
            f"column {name!r} of {str(found.path)!r} must be in uS, but its median is {usual:g}: it looks like {unit}"
        )
    order = np.argsort(level, kind="stable")
    ends = np.cumsum(np.bincount(level))[:-1]
    medians = np.array([np.median(own) for own in np.split(g_us[order], ends)])
    ratio = g_us / medians[level]
    far = np.flatnonzero((ratio > SUSPICIOUS) | ((ratio < 1 / SUSPICIOUS) & (ratio > 0)))
    for unit, in_us in OTHER_UNITS.items():
        near = np.abs(np.log(in_us(g_us[far]) / medians[level[far]])) < np.log(LIKE)
        if near.sum() > max(1, far.size // 2):
            row = int(far[near.argmax()])
            rule = f"must be in uS as the others, not {g_us[row]:g}: it looks like {unit}, as {near.sum()} values do"
            found.refuse(row, name, rule)
