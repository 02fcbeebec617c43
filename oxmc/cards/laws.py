"""Power laws through medians and s.d. by level, with the draws of a bootstrap fitted all at once."""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.estimate import Estimate

EXPONENTS = np.geomspace(0.04, 6.0, 240)
"""Exponents of a median that are tried; the best is then found between its neighbours."""
LEAST_LEVELS = 4
"""Levels that a law with an offset takes, for one more than it has constants."""


@dataclasses.dataclass(frozen=True)
class Law:
    """offset + gain x^exponent, in uS; `misfit` is the largest distance of a level from it over the level's value."""

    offset: Estimate | None
    gain: Estimate
    exponent: Estimate
    misfit: float
    known: bool = True
    """Whether the exponent's interval ends before those that were tried do."""

    def at(self, x: np.ndarray) -> np.ndarray:
        """The law at levels `x`, float64 of its shape."""
        offset = 0.0 if self.offset is None else self.offset.value
        found: np.ndarray = offset + self.gain.value * np.asarray(x, float) ** self.exponent.value
        return found


def straight_law(x: np.ndarray, values: np.ndarray, draws: np.ndarray, weights: np.ndarray) -> Law:
    """gain x^exponent through positive values, a line in the logarithms; draws float64 [draws, levels]."""
    gain, exponent = _line(np.log(x), np.log(np.vstack([values, draws])), weights)
    gain = np.exp(gain)
    found = Law(None, Estimate.of(gain[0], gain[1:], "uS"), Estimate.of(exponent[0], exponent[1:]), 0.0)
    return dataclasses.replace(found, misfit=_misfit(found, x, values))


def offset_law(x: np.ndarray, values: np.ndarray, draws: np.ndarray, weights: np.ndarray) -> Law:
    """offset + gain x^exponent with a gain above 0, by least squares in uS with a weight a level (1 / variance).

    For each exponent the other two are linear: so all draws are fitted at once over a grid of exponents.
    """
    all_values = np.vstack([values, draws])
    scale = x[-1]  # powers of x / scale stay near 1
    exponent = _between(_costs(x / scale, all_values, weights))
    offset, gain = _line((x / scale)[None, :] ** exponent[:, None], all_values, weights)
    gain = np.maximum(gain, 1e-9) * scale**-exponent
    ends = np.quantile(exponent[1:], (0.025, 0.975))
    known = bool(ends[0] > EXPONENTS[1] and ends[1] < EXPONENTS[-2])
    found = Law(
        Estimate.of(offset[0], offset[1:], "uS"), Estimate.of(gain[0], gain[1:], "uS"),
        Estimate.of(exponent[0], exponent[1:]), 0.0, known,
    )  # fmt: skip
    return dataclasses.replace(found, misfit=_misfit(found, x, values))


def _line(t: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offset and slope of weighted lines, float64 [draws] each; `t` is [levels] or [draws, levels], `y` the latter."""
    w = weights / weights.sum()
    t_mean, y_mean = (t * w).sum(axis=-1, keepdims=True), (y * w).sum(axis=-1, keepdims=True)
    slope = (w * (t - t_mean) * (y - y_mean)).sum(axis=-1) / (w * (t - t_mean) ** 2).sum(axis=-1)
    return y_mean[:, 0] - slope * np.ravel(t_mean), slope


def _costs(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted squares that the best line leaves, float64 [exponents, draws]; infinite where the law would fall."""
    w = weights / weights.sum()
    t = x ** EXPONENTS[:, None]
    t, y = t - (t * w).sum(axis=1, keepdims=True), y - (y * w).sum(axis=1, keepdims=True)
    slope = (w * t) @ y.T / (w * t**2).sum(axis=1, keepdims=True)
    left = (w * y**2).sum(axis=1) - slope**2 * (w * t**2).sum(axis=1, keepdims=True)
    return np.where(slope > 0, left, np.inf)


def _between(costs: np.ndarray) -> np.ndarray:
    """The exponent of least cost of each draw, by a parabola through the best of the grid and its neighbours."""
    best = np.clip(costs.argmin(axis=0), 1, len(EXPONENTS) - 2)
    column = np.arange(costs.shape[1])
    before, at, after = (costs[best + step, column] for step in (-1, 0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        step = 0.5 * (before - after) / (before - 2 * at + after)
    step = np.where(np.isfinite(step), np.clip(step, -1, 1), 0.0)
    found: np.ndarray = EXPONENTS[best] * (EXPONENTS[1] / EXPONENTS[0]) ** step
    return found


def _misfit(law: Law, x: np.ndarray, values: np.ndarray) -> float:
    return float(np.abs(law.at(x) / values - 1).max())
