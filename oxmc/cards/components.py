"""Medians, s.d. from cycle to cycle and s.d. from device to device, kept apart: a mixed model with one factor a device.

    value = median_l (1 + D_device) + C_cycle          on the scale of the conductance
    ln value = ln median_l + D_device + C_cycle        on the scale of its logarithm

D has the variance d2d^2, C that of its level. Variance components are those of the analysis of variance, which need no
iteration and any numbers of cycles, corrected for correlated cycles. Intervals are a parametric bootstrap of the sums
that the estimates are made of: mean squares by their chi-squared law with as many degrees of freedom as devices and
cycles give, means by the normal law under these (generalised intervals: S. Weerahandi, J. Am. Stat. Assoc. 88, 899,
1993). With four devices they are as wide as four devices deserve, which a bootstrap over devices would not be.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.correlation import Correlation
from oxmc.cards.estimate import DRAWS, Estimate
from oxmc.cards.groups import Groups

FEW_DEVICES = 10
"""Fewer devices do not show how their own scatter differs."""


@dataclasses.dataclass(frozen=True)
class Components:
    """By level, float64 [levels] each: `mean` and s.d. `sd` of one device's cycles; draws [draws, levels] of both.

    `d2d` is relative to the mean, None with one device; `own` is the s.d. of what a device does at one level alone,
    beyond its factor and cycles, relative as well. `mean_variance` is that of each mean but for the factor, `freedom`
    the degrees of freedom of each s.d.
    """

    mean: np.ndarray
    sd: np.ndarray
    mean_draws: np.ndarray
    sd_draws: np.ndarray
    mean_variance: np.ndarray
    freedom: np.ndarray
    d2d: Estimate | None
    own: float
    between_draws: np.ndarray
    """Draws of d2d^2, float64 [draws], 0 with one device."""
    factors: np.ndarray
    """Each device's factor less 1, float64 [devices], nan where none is known."""


def components(groups: Groups, found: Correlation, *, logarithmic: bool, seed: int = 0) -> Components:
    """Of groups whose values are in uS, or their logarithms."""
    rng = np.random.default_rng(seed)
    mean = np.nanmean(groups.mean, axis=0)
    unit = np.ones_like(mean) if logarithmic else mean
    sd = level_sd(groups, found)
    freedom = _freedom(groups, found, sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.where(groups.count > 0, (sd / unit) ** 2 * found.mean_factor / groups.count, np.nan)
    relative = (groups.mean - mean) / unit
    devices = (groups.count > 0).sum(axis=0)
    square_factor, mean_factor = found.factor_draws(rng, DRAWS)
    chi = rng.chisquare(np.broadcast_to(freedom, (DRAWS, sd.size)))
    sd_draws = sd * np.sqrt(freedom / chi / square_factor[:, None])
    noise_draws = (sd_draws / sd) ** 2 * mean_factor[:, None]
    factors, factor_noise = _factors(relative, noise)
    own = _own_variance(relative, noise, factors)
    shared, shared_draws = _shared(factors, factor_noise, noise_draws.mean(axis=1), rng)
    single = (np.nanmean(noise, axis=0) + own) / devices
    apart = np.sqrt(np.nanmean(noise, axis=0) * noise_draws + own) / np.sqrt(devices)
    common = rng.standard_normal((DRAWS, 1)) * np.sqrt(shared_draws / devices.max())[:, None]
    mean_draws = mean + unit * (common + apart * rng.standard_normal(sd_draws.shape))
    spread = Estimate.of(np.sqrt(shared), np.sqrt(shared_draws)) if np.isfinite(factors).sum() > 1 else None
    return Components(
        mean, sd, mean_draws, sd_draws, single * unit**2, freedom, spread, float(np.sqrt(own)), shared_draws, factors
    )  # fmt: skip


def level_sd(groups: Groups, found: Correlation | None = None) -> np.ndarray:
    """S.d. of one device's cycles at each level, float64 [levels]; of all readings where each has one cycle."""
    factor = 1.0 if found is None else found.square_factor
    within = groups.squares.sum(axis=0) / np.maximum(groups.freedom * factor, 1e-9)
    return np.sqrt(within)


def _freedom(groups: Groups, found: Correlation, sd: np.ndarray) -> np.ndarray:
    """Degrees of freedom of each level's s.d.: fewer than cycles where these are correlated, or devices differ."""
    measured = (groups.count > 1).sum(axis=0)
    spread = found.square_spread
    many = groups.count > 1
    if measured.max() >= FEW_DEVICES:
        seen = groups.squares / (np.maximum(groups.count - 1, 1) * found.square_factor * sd**2)
        spread = max(spread, float(np.var(seen[many])))
    return np.maximum(2 * measured / spread, 1.0)


def _factors(relative: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each device's factor less 1 over its levels, by their precision, and the variance that cycles give it."""
    weights = 1 / np.maximum(np.nanmean(noise, axis=0), 1e-18)
    weights = np.where(np.isfinite(relative), weights, 0.0)
    total = weights.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.nansum(weights * np.nan_to_num(relative), axis=1) / total
        variance = np.nansum(weights**2 * np.nan_to_num(noise), axis=1) / total**2
    return factor, variance


def _own_variance(relative: np.ndarray, noise: np.ndarray, factors: np.ndarray) -> float:
    """Variance of what a device does at one level beyond its factor; 0 with one level or device."""
    devices, levels = relative.shape
    known = np.isfinite(relative).sum()
    spare = known - np.isfinite(factors).sum() - levels + 1
    if levels < 2 or devices < 2 or spare < 1:
        return 0.0
    left = np.nansum((relative - factors[:, None]) ** 2) / spare - np.nanmean(noise)
    return max(0.0, float(left))


def _shared(
    factors: np.ndarray, noise: np.ndarray, noise_draws: np.ndarray, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Variance between devices and its draws, float64 [draws]; both 0 with one device."""
    known = np.isfinite(factors)
    freedom = int(known.sum()) - 1
    if freedom < 1:
        return 0.0, np.zeros(DRAWS)
    total, own = float(np.var(factors[known], ddof=1)), float(noise[known].mean())
    draws = total * freedom / rng.chisquare(freedom, DRAWS) - own * noise_draws
    return max(0.0, total - own), np.maximum(0.0, draws)
