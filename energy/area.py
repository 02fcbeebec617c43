"""Area of a chip by component, in um2: one figure a part, with its interval and source, times what the chip has of it.

The figures are those of `area.toml`. Most of the analogue ones are estimates; their intervals say how good.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from oxmc.energy.point import OperatingPoint

CURRENT = "row_current_ma"
"""What a pump is sized by; not of the operating point, but of a run."""


@dataclasses.dataclass(frozen=True)
class AreaLine:
    """One part's area; `um2`, `low` and `high` are `value`, its low and high times `factor`."""

    component: str
    part: str
    um2: float
    low: float
    high: float
    value: float
    unit: str
    factor: float
    source: str

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def areas(node: str, point: OperatingPoint, row_current_a: float) -> tuple[AreaLine, ...]:
    """The parts of a chip at "28nm" or "130nm"; `row_current_a` is that of a row's RESET.

    Raises `KeyError` for another node, whose areas nothing here knows.
    """
    lines = []
    for entry in _entries():
        factor = math.prod(_factor(name, point, row_current_a) for name in entry["per"])
        value, low, high = map(float, entry[node])
        figures = (value * factor, low * factor, high * factor)
        lines.append(
            AreaLine(entry["component"], entry["part"], *figures, value, entry["unit"], factor, entry["source"])
        )
    return tuple(lines)


def by_component(lines: tuple[AreaLine, ...]) -> dict[str, float]:
    names = dict.fromkeys(line.component for line in lines)
    return {name: math.fsum(line.um2 for line in lines if line.component == name) for name in names}


def total(lines: tuple[AreaLine, ...]) -> dict[str, float]:
    """Sums of the values, the lows and the highs."""
    return {end: math.fsum(getattr(line, end) for line in lines) for end in ("um2", "low", "high")}


def _factor(name: str, point: OperatingPoint, row_current_a: float) -> float:
    return row_current_a * 1e3 if name == CURRENT else point.figure(name)


@cache
def _entries() -> tuple[Mapping[str, Any], ...]:
    text = (resources.files("oxmc.energy") / "area.toml").read_text()
    return tuple(tomllib.loads(text)["area"])
