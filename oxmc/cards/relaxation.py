"""How conductances move after a SET, by level and time: mean, s.d. and quantiles of the change since the first one.

Measured changes have a narrow middle, long tails and a skew that depends on the level: no law of two constants holds
them. So each node of level and time has its own quantiles. Between nodes all is straight in the level and in the
logarithm of the time.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.estimate import TAILS
from oxmc.pymodels.errors import InputError

QUANTILES = 16
MOST_LEVELS = 8
LEAST_CELLS = 100
"""Cells of a level for quantiles that mean something."""
APART = 0.15
"""Decades between two times that are not the same one read again."""
RESAMPLES = 200


@dataclasses.dataclass(frozen=True)
class Relaxing:
    """Changes of cells: int64 [n] `cell`, float64 [n] `time_s` since the SET, the conductance `g_us` then and the
    cell's first one, `start_us`. Readings at time 0 are taken out."""

    cell: np.ndarray
    time_s: np.ndarray
    g_us: np.ndarray
    start_us: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """The change as a share of the first conductance, float64 [n]."""
        found: np.ndarray = self.g_us / self.start_us - 1
        return found

    def kept(self, keep: np.ndarray) -> Relaxing:
        """Those for which bool [n] `keep` says so."""
        return Relaxing(self.cell[keep], self.time_s[keep], self.g_us[keep], self.start_us[keep])


def relaxing(cell: np.ndarray, time_s: np.ndarray, g_us: np.ndarray) -> Relaxing:
    """From readings of cells, each with one at time 0. Raises `InputError` where too few cells have it."""
    first = time_s == 0
    start = np.full(int(cell.max(initial=-1)) + 1, np.nan)
    start[cell[first]] = g_us[first]
    begun = start[cell]
    good = ~first & (begun > 0)
    cells = np.unique(cell[good]).size
    if cells < LEAST_CELLS:
        raise InputError(
            f"FILE must have {LEAST_CELLS} cells or more with a conductance above 0 at time_s 0 and another later, "
            f"not {cells}"
        )
    return Relaxing(cell[good], time_s[good], g_us[good], begun[good])


@dataclasses.dataclass(frozen=True)
class RelaxationFit:
    """Nodes: float64 [times] `time_s`, float64 [levels] `level_us`; float64 [levels, times] `shift` and `sd` of the
    change as a share of the conductance with the ends of their 95 % intervals, [2, levels, times] each, `quantiles`
    float64 [levels, times, 16] of (change - shift) / sd at (i + 1/2) / 16, and the readings of each node."""

    time_s: np.ndarray
    level_us: np.ndarray
    shift: np.ndarray
    sd: np.ndarray
    shift_ends: np.ndarray
    sd_ends: np.ndarray
    quantiles: np.ndarray
    readings: np.ndarray

    def share_quantiles(self, level_us: np.ndarray, time: int) -> np.ndarray:
        """Quantiles of the change at a node of time, as shares, float64 [n, 16] at levels [n]."""
        own = self.shift[:, time, None] + self.sd[:, time, None] * self.quantiles[:, time]
        return np.stack([np.interp(level_us, self.level_us, column) for column in own.T], axis=1)

    def probability(self, readings: Relaxing, time: int) -> np.ndarray:
        """How probable a change below each reading's is at a node of time, float64 [n]: uniform if the fit is true."""
        quantiles = self.share_quantiles(readings.start_us, time)
        share = readings.share[:, None]
        below = (quantiles <= share).sum(axis=1)
        row = np.arange(below.size)
        low, high = quantiles[row, np.maximum(below - 1, 0)], quantiles[row, np.minimum(below, QUANTILES - 1)]
        inside = np.where(high > low, (share[:, 0] - low) / np.where(high > low, high - low, 1.0), 0.5)
        found = (below - 0.5 + np.clip(inside, 0, 1)) / QUANTILES
        return np.where(below == 0, 0.25 / QUANTILES, np.where(below == QUANTILES, 1 - 0.25 / QUANTILES, found))


def time_nodes(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times that stand apart, float64 [times], and the time of each reading by index, int64 [n]."""
    order = np.argsort(time_s, kind="stable")
    step = np.diff(np.log10(time_s[order]), prepend=-np.inf) > APART
    index = np.empty(time_s.size, np.int64)
    index[order] = np.cumsum(step) - 1
    return np.array([np.median(time_s[index == node]) for node in range(index.max() + 1)]), index


def fit_relaxation(readings: Relaxing) -> RelaxationFit:
    """Fit the nodes. Raises `InputError` where too few cells were read at any time."""
    times, at = time_nodes(readings.time_s)
    level, levels = _levels(readings)
    full = [node for node in range(times.size) if np.bincount(level[at == node], minlength=levels).min() >= LEAST_CELLS]
    if not full:
        raise InputError(f"FILE must have a time at which {LEAST_CELLS} cells were read at each level, not none")
    rng, share = np.random.default_rng(0), readings.share
    nodes = [[_node(share[(level == k) & (at == t)], rng) for t in full] for k in range(levels)]
    mean, sd, mean_ends, sd_ends, quantiles, count = (
        np.array([[node[part] for node in row] for row in nodes]) for part in range(6)
    )
    level_us = np.array([np.median(readings.start_us[level == k]) for k in range(levels)])
    return RelaxationFit(
        times[full], level_us, mean, sd, np.moveaxis(mean_ends, -1, 0), np.moveaxis(sd_ends, -1, 0), quantiles, count
    )


def _levels(readings: Relaxing) -> tuple[np.ndarray, int]:
    """Level of each reading by index: as many cells in each, by first conductance; and how many levels."""
    cells, first = np.unique(readings.cell, return_index=True)
    start = readings.start_us[first]
    count = max(1, min(MOST_LEVELS, cells.size // (2 * LEAST_CELLS), np.unique(start).size))
    edges = np.quantile(start, np.linspace(0, 1, count + 1)[1:-1])
    level = np.unique(np.searchsorted(edges, readings.start_us, side="right"), return_inverse=True)[1]
    return level, int(level.max()) + 1


def _node(share: np.ndarray, rng: np.random.Generator) -> tuple[float, float, np.ndarray, np.ndarray, np.ndarray, int]:
    mean, sd = float(share.mean()), max(float(share.std(ddof=1)), 1e-9)
    again = share[rng.integers(share.size, size=(RESAMPLES, share.size))]
    ends = [np.quantile(values, TAILS) for values in (again.mean(axis=1), again.std(axis=1, ddof=1))]
    quantiles = (np.quantile(share, (np.arange(QUANTILES) + 0.5) / QUANTILES) - mean) / sd
    return mean, sd, ends[0], ends[1], quantiles, share.size


def distance(probabilities: np.ndarray) -> float:
    """Kolmogorov and Smirnov's distance of values from a uniform distribution."""
    ordered, size = np.sort(probabilities), probabilities.size
    steps = np.arange(size + 1) / size
    return float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))
