"""Which distribution the cycles of one device have: normal, log-normal or empirical, by the Bayesian criterion (BIC).

All three are compared by the density that they give to the same conductances, medians and s.d. by level taken as found.
The empirical one is a density that is constant between quantiles, with exponential tails: its constants are counted
like any others' (G. Schwarz, Ann. Stat. 6, 461, 1978), so that it is chosen only where the others are clearly wrong.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.groups import Groups

BINS = 32
"""Quantiles of an empirical distribution, equally probable apart."""
LEAST_PER_BIN = 10
FINEST = 0.01
"""S.d. that two quantiles are apart at least: readings come in steps of the instrument."""
CLEARLY = 10.0
"""Difference of BIC from which on the worse model has "very strong" evidence against it (Kass and Raftery, 1995)."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """`kind` normal, lognormal or empirical; `bic` of each kind that was compared, smaller is better.

    `quantiles` float64 [32] of the readings less their mean, in s.d., at the probabilities (i + 1/2) / 32; empty unless
    the kind is empirical. `median` is their middle. `clear`: whether the best is clearly better than the second.
    """

    kind: str
    bic: dict[str, float]
    quantiles: np.ndarray
    median: float
    clear: bool

    @property
    def logarithmic(self) -> bool:
        return self.kind == "lognormal"


def choose_shape(linear: Groups, logarithmic: Groups, sd: np.ndarray, sd_ln: np.ndarray) -> Shape:
    """Of the same readings in uS and their logarithms, with their s.d. by level, float64 [levels] each."""
    count = linear.count.ravel()[linear.code]
    many = count > 1
    wide = np.sqrt(count[many] / (count[many] - 1))
    weight = 1 / wide**2  # a group of n residuals says as much as n - 1 readings
    level = linear.cycles.level[many]
    z, z_ln = wide * linear.rest[many] / sd[level], wide * logarithmic.rest[many] / sd_ln[level]
    size = float(weight.sum())
    jacobian = (weight * logarithmic.values[many]).sum()
    scale, scale_ln = (weight * np.log(sd[level])).sum(), (weight * np.log(sd_ln[level])).sum()
    bic = {
        "normal": -2 * (_normal(z, weight) - scale),
        "lognormal": -2 * (_normal(z_ln, weight) - scale_ln - jacobian),
    }
    if size >= LEAST_PER_BIN * BINS:
        bic["empirical"] = -2 * (_empirical(z, weight) - scale) + (BINS + 1) * np.log(size)
    ranked = sorted(bic, key=lambda kind: bic[kind])
    kind, clear = ranked[0], bic[ranked[1]] - bic[ranked[0]] > CLEARLY
    if kind == "empirical" and not clear:
        kind = ranked[1]
    quantiles = np.quantile(z, (np.arange(BINS) + 0.5) / BINS) if kind == "empirical" else np.zeros(0)
    middle = float(np.median(z)) if kind == "empirical" else 0.0
    return Shape(kind, {name: float(value) for name, value in bic.items()}, quantiles, middle, bool(clear))


def _normal(z: np.ndarray, weight: np.ndarray) -> float:
    return float((weight * (-0.5 * z**2 - 0.5 * np.log(2 * np.pi))).sum())


def _empirical(z: np.ndarray, weight: np.ndarray) -> float:
    """Log of the density of all `z`."""
    knots = np.quantile(z, np.arange(1, BINS) / BINS)
    bin_of = np.searchsorted(knots, z)
    density = np.zeros(BINS)
    density[1:-1] = -np.log(BINS * np.maximum(np.diff(knots), FINEST))
    total = (weight * density[bin_of]).sum()
    for end, off in ((0, knots[0] - z), (BINS - 1, z - knots[-1])):
        own = bin_of == end
        tail = max(float(np.average(off[own], weights=weight[own])) if own.any() else FINEST, FINEST)
        total += (weight[own] * (-np.log(BINS * tail) - off[own] / tail)).sum()
    return float(total)
