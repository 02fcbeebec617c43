"""What cycles of one's own devices say: medians and s.d. with their laws, c2c apart from d2d; and what they do not."""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.components import FEW_DEVICES, Components, components, level_sd
from oxmc.cards.correlation import Correlation, correlation
from oxmc.cards.estimate import REACH, Estimate, share_of
from oxmc.cards.groups import Cycles, Groups
from oxmc.cards.laws import LEAST_LEVELS, Law, offset_law, straight_law
from oxmc.cards.oddities import Odd, Sorted, sort_out
from oxmc.cards.shape import Shape, choose_shape
from oxmc.pymodels.errors import InputError

ALIKE = 0.02
"""A law that misses no level by more than this share is good enough, whatever a test of it says."""
SURE = 0.001
"""Chance of a true law to be given up."""
CLEAN = 0.999
"""Share of failed SETs that must be told from others for none to stay among them."""
LEAST_TELLING = 0.3
"""Share of failed SETs that must be told from others for their number to be known."""
ROUGHLY = 8
"""Devices below which their s.d. is said to be known roughly."""


@dataclasses.dataclass(frozen=True)
class Lcs:
    """The conductance after a RESET: its median, and the s.d. of its logarithm within and between devices together."""

    median: Estimate
    sigma_ln: Estimate


@dataclasses.dataclass(frozen=True)
class CyclesFit:
    """All that was found; medians and s.d. (c2c, of one device, in uS) one a level of `x`.

    `d2d` is the s.d. of the devices' medians over the median; `own` what a device does at one level alone on top.
    `drift` is the change of the median a cycle, as a share of it, over `span` cycles. Laws are None with one level.
    `law_holds`: whether a power law goes through the levels. `not_learned`: sentences for a reader.
    """

    cycles: Cycles
    odd: tuple[Odd, ...]
    x: np.ndarray
    median: tuple[Estimate, ...]
    sd: tuple[Estimate, ...]
    median_law: Law | None
    sd_law: Law | None
    law_holds: bool
    d2d: Estimate | None
    own: float
    correlation: Estimate | None
    drift: Estimate | None
    span: int
    lcs: Lcs | None
    set_failure: Estimate | None
    shape: Shape
    not_learned: tuple[str, ...]


def fit_cycles(cycles: Cycles) -> CyclesFit:
    """Fit readings after SETs. Raises `InputError` for readings that vary nowhere, or too few of them."""
    found = sort_out(cycles)
    good = found.cycles
    if good.g_us.size < 3 or len(good.names) < 1:
        raise InputError(f"FILE must have three readings or more of devices that are not stuck, not {good.g_us.size}")
    linear = Groups(good, good.g_us)
    if not (linear.squares.sum(axis=0) > 0).any():
        raise InputError(_nothing_varies(linear))
    related = correlation(good, linear, np.maximum(level_sd(linear), 1e-12))
    drift, span, straight = _drift(good, linear, related)
    if straight is not None:
        good = dataclasses.replace(good, g_us=straight)
        linear = Groups(good, good.g_us)
    logs = Groups(good, np.log(good.g_us))
    sd, sd_ln = (np.maximum(level_sd(groups), 1e-12) for groups in (linear, logs))
    shape = choose_shape(linear, logs, sd, sd_ln)
    groups, own_sd = (logs, sd_ln) if shape.logarithmic else (linear, sd)
    if straight is not None or shape.logarithmic:
        related = correlation(good, groups, own_sd)
    parts = components(groups, related, logarithmic=shape.logarithmic)
    medians, spreads = _in_us(parts, shape)
    median_law, sd_law, holds = _laws(good.x, medians, spreads, parts, shape)
    levels = range(good.x.size)
    lcs = _lcs(good)
    fit = CyclesFit(
        good, found.odd, good.x,
        tuple(Estimate.of(medians[0, k], medians[1:, k], "uS") for k in levels),
        tuple(Estimate.of(spreads[0, k], spreads[1:, k], "uS") for k in levels),
        median_law, sd_law, holds, parts.d2d, parts.own, related.rho, drift, span, lcs,
        _failure(found), shape, (),
    )  # fmt: skip
    return dataclasses.replace(fit, not_learned=_not_learned(fit, found))


def _failure(found: Sorted) -> Estimate | None:
    """The share of SETs that fail; None where the LCS reaches so far up that they cannot be told from others."""
    if found.telling < LEAST_TELLING:
        return None
    seen = share_of(found.failed, found.sets)
    value, low, high = (min(1.0, each / found.telling) for each in (seen.value, seen.low, seen.high))
    return Estimate(value, low, high)


def _nothing_varies(groups: Groups) -> str:
    """Why there is no s.d. from cycle to cycle."""
    if groups.count.max() < 2:
        return "FILE must have two cycles or more of a device at a level to tell cycles from devices, not one"
    return f"FILE must have conductances that vary from cycle to cycle, not {groups.values[0]:g} uS in all of them"


def _drift(cycles: Cycles, groups: Groups, related: Correlation) -> tuple[Estimate | None, int, np.ndarray | None]:
    """The common straight trend over cycles, the cycles it spans, and where it is sure the readings freed from it.

    Its variance is that of correlated cycles in the long run or, if larger, what the devices' own trends show.
    """
    when = Groups(cycles, cycles.cycle.astype(float))
    span = int(cycles.cycle.max() - cycles.cycle.min())
    mean = np.nanmean(groups.mean, axis=0)
    pull = ((mean / np.maximum(level_sd(groups), 1e-12)) ** 2)[cycles.level] * when.rest
    power = float((pull * when.rest).sum())
    if span < 4 or power == 0:
        return None, span, None
    relative = groups.rest / mean[cycles.level]
    slope = float((pull * relative).sum()) / power
    rho = 0.0 if related.rho is None else min(max(0.0, related.rho.high), 0.95)
    variance = (1 + rho) / (1 - rho) / power
    devices = len(cycles.names)
    if devices >= FEW_DEVICES:
        own = np.bincount(cycles.device, pull * (relative - slope * when.rest), minlength=devices)
        variance = max(variance, float((own**2).sum()) / power**2)
    reach = REACH * float(np.sqrt(variance))
    drift = Estimate(slope, slope - reach, slope + reach)
    straight = cycles.g_us - slope * when.rest * mean[cycles.level]
    return drift, span, None if drift.holds(0.0) or (straight <= 0).any() else straight


def _in_us(parts: Components, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Medians and s.d. in uS, float64 [1 + draws, levels] each, the estimates first."""
    mean, sd = np.vstack([parts.mean, parts.mean_draws]), np.vstack([parts.sd, parts.sd_draws])
    if shape.logarithmic:
        median = np.exp(mean)
        return median, median * np.sqrt(np.exp(sd**2) * np.expm1(sd**2))
    return np.maximum(mean + shape.median * sd, 1e-9), sd


def _laws(
    x: np.ndarray, medians: np.ndarray, spreads: np.ndarray, parts: Components, shape: Shape
) -> tuple[Law | None, Law | None, bool]:
    """Laws of median and s.d., and whether the levels lie on them."""
    if x.size < 2:
        return None, None, False
    variance = parts.mean_variance * (medians[0] ** 2 if shape.logarithmic else 1.0)
    if x.size >= LEAST_LEVELS:
        median_law = offset_law(x, medians[0], medians[1:], 1 / variance)
    else:
        median_law = straight_law(x, medians[0], medians[1:], medians[0] ** 2 / variance)
    sd_law = straight_law(x, spreads[0], spreads[1:], parts.freedom)
    misses = ((medians[0] - median_law.at(x)) ** 2 / variance).sum()
    sd_misses = (2 * parts.freedom * np.log(spreads[0] / sd_law.at(x)) ** 2).sum()
    holds = _passes(misses, x.size - (3 if median_law.offset else 2), median_law.misfit)
    return median_law, sd_law, holds and _passes(sd_misses, x.size - 2, sd_law.misfit)


def _passes(misses: float, freedom: int, misfit: float) -> bool:
    """Whether the squared misses of a law, in standard errors, are as small as chance makes them."""
    from scipy.special import gammaincc

    return misfit <= ALIKE or freedom < 1 or float(gammaincc(freedom / 2, misses / 2)) > SURE


def _lcs(cycles: Cycles) -> Lcs | None:
    """From all levels together: a RESET starts anew."""
    if cycles.lcs_us is None or not np.isfinite(cycles.lcs_us).any():
        return None
    known = cycles.kept(np.isfinite(cycles.lcs_us))
    assert known.lcs_us is not None
    one = dataclasses.replace(known, level=np.zeros_like(known.level), g_us=known.lcs_us, x=np.ones(1))
    groups = Groups(one, np.log(one.g_us))
    if not (groups.squares > 0).any():
        return None
    related = correlation(one, groups, level_sd(groups))
    parts = components(groups, related, logarithmic=True)
    between = 0.0 if parts.d2d is None else parts.d2d.value
    draws = np.sqrt(parts.sd_draws[:, 0] ** 2 + parts.between_draws)
    total = float(np.hypot(parts.sd[0], between))
    median = float(np.exp(parts.mean[0]))
    return Lcs(Estimate.of(median, np.exp(parts.mean_draws[:, 0]), "uS"), Estimate.of(total, draws))


def _none(share: Estimate | None) -> bool:
    return share is not None and share.value == 0


def _most(share: Estimate | None) -> float:
    return 1.0 if share is None else share.high


def _not_learned(fit: CyclesFit, found: Sorted) -> tuple[str, ...]:
    """What this file could not say, and why."""
    devices, levels, law = len(fit.cycles.names), fit.x.size, fit.median_law
    cases = (
        (devices == 1, "how devices differ: the file has one device"),
        (1 < devices < ROUGHLY, f"how devices differ, but for a wide interval: the file has {devices} devices"),
        (fit.d2d is not None and fit.d2d.low == 0, "whether devices differ at all: their s.d. may be 0"),
        (levels == 1, "a law: the file has one level"),
        (1 < levels < LEAST_LEVELS, f"an offset of the median's law: it takes {LEAST_LEVELS} levels, not {levels}"),
        (law is not None and not law.known, "the exponent of the median's law: too few levels, or too close together"),
        (levels > 1 and not fit.law_holds, "a power law: the levels do not lie on one, so the card has their points"),
        (fit.correlation is None, "correlation between cycles: too few successive cycles"),
        (fit.drift is None, "drift: too few cycles"),
        (fit.lcs is None, "the LCS: no column holds the conductance after a RESET"),
        (not fit.shape.clear, "the distribution, for sure: two of them fit about as well"),
        ("empirical" not in fit.shape.bic, "whether neither normal nor log-normal is true: it takes 320 readings"),
        (found.outliers_kept > 0, f"whether {found.outliers_kept} far readings are outliers: so many were kept"),
        (
            found.failed > 0 and found.telling < CLEAN,
            "s.d. free of failed SETs: the LCS overlaps with the lowest levels, where some of them stay in",
        ),
        (fit.set_failure is None, "how often a SET fails: the LCS reaches up to what SETs leave"),
        (_none(fit.set_failure), f"how often a SET fails, but for less than {_most(fit.set_failure):.2g} of all"),
    )  # fmt: skip
    return tuple(text for true, text in cases if true)
