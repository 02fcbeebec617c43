"""How far a ledger's sums may be off when each figure errs by itself, and which figures matter.

A cost table gives each figure as value, low and high. Here low and high are read as its 5th and 95th percentile, value
as its median: above the median the logarithm is half a normal that has high at its 95th percentile, below it another
half that has low at its 5th (a log-normal in two pieces). Where an end is 0, that piece is half a normal of the figure
itself, cut off at 0. Figures err independently of each other; entries that quote the same figure err together, in every
phase, run and node, because a figure's draws come from its name alone. The bands are the 5th to the 95th percentile.

`Ledger.low_j` and `high_j` are something else: all figures at their lows, or all at their highs, at once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import defaultdict
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np

from oxmc.energy.ledger import Ledger, Line

DRAWS = 20_000
PERCENTS = (5.0, 95.0)
Z95 = 1.6448536269514722
"""95th percentile of the standard normal."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """What one figure of a cost table contributes to a ledger, in J, and how much that moves the total.

    `variance_share` is its part of the variance of the total, which is the sum of the figures' variances.
    """

    name: str
    component: str
    actions: tuple[str, ...]
    """Actions that quote the figure, the one of most joules first."""
    energy_j: float
    low_j: float
    high_j: float
    variance_share: float
    sources: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        more = f" and {len(self.actions) - 1} more" if len(self.actions) > 1 else ""
        return f"{self.component}, {self.actions[0]}{more}"

    def as_json(self, total_j: float) -> dict[str, Any]:
        """The total with this figure alone at its low or high."""
        return {
            "name": self.component,
            "actions": list(self.actions),
            "energy_j": self.energy_j,
            "total_at_low": total_j - self.energy_j + self.low_j,
            "total_at_high": total_j - self.energy_j + self.high_j,
            "variance_share": self.variance_share,
            "sources": list(self.sources),
        }


@dataclasses.dataclass(frozen=True)
class Band:
    """5th percentile, median and 95th percentile, in J or as a ratio."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, draws: np.ndarray) -> Band:
        low, median, high = np.percentile(draws, (PERCENTS[0], 50.0, PERCENTS[1])).tolist()
        return cls(low, median, high)

    def as_json(self) -> dict[str, float]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """Bands of a ledger and its figures, those of the largest variance first. `draws` are the totals, in J."""

    total: Band
    components: dict[str, Band]
    figures: tuple[Figure, ...]
    draws: np.ndarray

    def as_json(self, total_j: float) -> dict[str, Any]:
        return {
            "band": self.total.as_json(),
            "component_bands": {name: band.as_json() for name, band in self.components.items()},
            "sensitivity": [figure.as_json(total_j) for figure in self.figures],
        }


@cache
def _quantiles(count: int) -> np.ndarray:
    """The standard normal at the middles of `count` strata of equal probability."""
    return np.array([NormalDist().inv_cdf((rank + 0.5) / count) for rank in range(count)])


def standard_draws(name: str, count: int = DRAWS) -> np.ndarray:
    """Standard normal draws of the figure `name`, float64 [count]; the same wherever the name is the same.

    One draw a stratum, in random order (a Latin hypercube over the figures): each figure's own law is met exactly, and
    tails as heavy as these do not make its variance a matter of luck.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    return np.random.default_rng(seed).permutation(_quantiles(count))


def spread(value: float, low: float, high: float, z: np.ndarray) -> np.ndarray:
    """Draws of a figure from standard normal `z`, of its shape: median `value`, 5th and 95th percentile `low`, `high`.

    A piece that ends or starts at 0 has no logarithm: there the figure itself is half a normal, cut off at 0.
    """
    steps = z / Z95
    below = _piece(value, low, -steps)
    above = _piece(value, high, steps)
    return np.where(z < 0, below, above)


def _piece(value: float, end: float, steps: np.ndarray) -> np.ndarray:
    """`end` at one step from the median `value`; steps of the other piece give anything."""
    steps = np.maximum(steps, 0.0)
    if value > 0 and end > 0:
        return value * np.exp(math.log(end / value) * steps)
    return np.maximum(value + (end - value) * steps, 0.0)


def uncertainty(ledger: Ledger, count: int = DRAWS) -> Uncertainty:
    """Bands of a ledger from `count` draws of every figure, and the figures' shares in the variance."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in ledger.lines:
        groups[line.component, line.figure or f"{line.component}, {line.action} ({line.item})"].append(line)
    components: dict[str, np.ndarray] = {}
    figures, variances = [], []
    for (component, name), lines in groups.items():
        figure = _figure(component, name, lines)
        draws = spread(figure.energy_j, figure.low_j, figure.high_j, standard_draws(name, count))
        components[component] = components.get(component, 0.0) + draws
        figures.append(figure)
        variances.append(float(np.var(draws)))
    variance = math.fsum(variances) or 1.0
    shared = [dataclasses.replace(f, variance_share=v / variance) for f, v in zip(figures, variances, strict=True)]
    total = np.sum(list(components.values()), axis=0) if components else np.zeros(count)
    bands = {name: Band.of(draws) for name, draws in components.items()}
    ranked = sorted(shared, key=lambda figure: -figure.variance_share)
    return Uncertainty(Band.of(total), bands, tuple(ranked), total)


def _figure(component: str, name: str, lines: list[Line]) -> Figure:
    energy_j, low_j, high_j = (math.fsum(getattr(line, key) for line in lines) for key in ("energy_j", "low", "high"))
    actions: dict[str, float] = defaultdict(float)
    for line in lines:
        actions[line.action] += line.energy_j
    ranked = tuple(sorted(actions, key=lambda action: -actions[action]))
    sources = tuple(dict.fromkeys(line.source for line in lines))
    return Figure(name, component, ranked, energy_j, low_j, high_j, 0.0, sources)


def ratio_band(one: Uncertainty, other: Uncertainty) -> Band:
    """Band of the total of `other` over that of `one`: errors that both share cancel."""
    return Band.of(other.draws / one.draws)
