"""How well chains have mixed: rank-normalised split R-hat and effective sample sizes, by pair.

After A. Vehtari, A. Gelman, D. Simpson, B. Carpenter and P.-C. Bürkner, "Rank-normalization, folding, and
localization: an improved R-hat", Bayesian Analysis 16 (2021), doi:10.1214/20-BA1221; the sum over lags stops as in
C. Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7 (1992). ArviZ computes the same, and the tests
compare. It is done here again since a training on the twin takes less time than the import of ArviZ.

Draws are given as the models that they are of: a model that the chain stayed at is many draws, and is ranked once.
"""

from __future__ import annotations

import dataclasses
from statistics import NormalDist

import numpy as np

FEWEST = 4
"""Draws of a chain below which nothing is said of it."""
_SCORE = NormalDist().inv_cdf


@dataclasses.dataclass(frozen=True)
class Mixing:
    """Of each pair, float64 [pairs]; NaN where it never moved or the chains are shorter than `FEWEST`."""

    rhat: np.ndarray
    """The larger one of the R-hat of the values and of their distances from the median."""
    ess_bulk: np.ndarray
    """Effective draws of all chains, for the middle of the distribution."""


def mixing(w: np.ndarray, draws: np.ndarray) -> Mixing:
    """The mixing of chains whose draws, int [chains, draws], are models `w` float64 [models, pairs]."""
    pairs = w.shape[1]
    if draws.shape[1] < FEWEST:
        return Mixing(*np.full((2, pairs), np.nan))
    halves = _halves(draws)
    weights = np.bincount(halves.ravel(), minlength=len(w))
    scores = _normal_scores(np.concatenate([w, np.abs(w - _median(w, weights))], axis=1), weights)[halves]
    rhat = _rhat(scores)
    return Mixing(np.maximum(rhat[:pairs], rhat[pairs:]), _ess(scores[..., :pairs]))


def ess_mean(w: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Effective draws for the mean of each pair, float64 [pairs]; arguments and NaN as for `mixing`."""
    return np.full(w.shape[1], np.nan) if draws.shape[1] < FEWEST else _ess(w[_halves(draws)])


def _halves(draws: np.ndarray) -> np.ndarray:
    """Each chain split into two; of an odd number of draws the one in the middle is left out."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _ranked(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each column of `values` [n, pairs] its order, the values in it, and up to each the sum of `weights` [n]."""
    order = np.argsort(values, axis=0, kind="stable")
    return order, np.take_along_axis(values, order, axis=0), np.cumsum(weights[order], axis=0)


def _median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The median of each column, each value as often as its weight says, float64 [pairs]; the sum of them is even."""
    _, ordered, passed = _ranked(values, weights)
    half = weights.sum() // 2
    places = np.stack([(passed >= half).argmax(axis=0), (passed > half).argmax(axis=0)])
    return np.take_along_axis(ordered, places, axis=0).mean(axis=0)


def _normal_scores(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Quantiles of the normal distribution at each value's rank in its column, float64 [n, pairs]; equals share one."""
    order, ordered, passed = _ranked(values, weights)
    total = int(weights.sum())
    changes = ordered[1:] != ordered[:-1]
    edge = np.ones((1, values.shape[1]), bool)
    is_first, is_last = np.concatenate([edge, changes]), np.concatenate([changes, edge])
    first = np.maximum.accumulate(np.where(is_first, passed - weights[order], 0), axis=0)
    last = np.minimum.accumulate(np.where(is_last, passed, total)[::-1], axis=0)[::-1]
    twice, place = np.unique(first + last, return_inverse=True)  # less one, twice the mean rank of the equals
    table = np.array([_score(int(each), total) for each in twice])
    scores = np.empty(values.shape)
    np.put_along_axis(scores, order, table[place.reshape(values.shape)], axis=0)
    return scores


def _score(twice: int, total: int) -> float:
    """The quantile of mean rank (twice + 1) / 2 of `total`, as G. Blom (1958) places it; none for a weight of 0."""
    return _SCORE(((twice + 1) / 2 - 3 / 8) / (total + 1 / 4)) if 0 < twice < 2 * total else np.nan


def _rhat(chains: np.ndarray) -> np.ndarray:
    """R-hat of `chains` float64 [chains, draws, pairs], float64 [pairs]."""
    n = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean(axis=0)
    between = chains.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(all="ignore"):
        rhat: np.ndarray = np.sqrt((n - 1) / n + between / within)
    return rhat


def _ess(chains: np.ndarray) -> np.ndarray:
    """Effective draws of `chains` float64 [chains, draws, pairs] for the mean, float64 [pairs].

    Autocorrelations of neighbouring lags are summed up to the first pair of lags whose sum is not positive, of which
    the first lag still counts where it is; the sums must not rise.
    """
    n = chains.shape[1]
    covariance = _autocovariance(chains)
    within = covariance[0] * n / (n - 1)
    variance = covariance[0] + chains.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(all="ignore"):
        rho = 1 - (within - covariance) / variance
    rho[0] = np.where(variance > 0, 1.0, np.nan)
    lags = 2 * max(1, (n - 1) // 2)
    even, sums = rho[0:lags:2], rho[0:lags:2] + rho[1:lags:2]
    stop = np.concatenate([sums[:-1] <= 0, np.ones_like(sums[-1:], bool)]).argmax(axis=0)
    falling = np.minimum.accumulate(sums, axis=0)
    summed = np.where(np.arange(len(sums))[:, None] < stop, falling, 0).sum(axis=0)
    last, whole = (np.take_along_axis(each, stop[None], axis=0)[0] for each in (even, sums))
    tau = 2 * summed - 1 + np.where((last > 0) | (whole >= 0), last, 0)
    total = chains.shape[0] * n
    ess: np.ndarray = total / np.maximum(tau, 1 / np.log10(total))
    return np.where(variance > 0, ess, np.nan)


def _autocovariance(chains: np.ndarray) -> np.ndarray:
    """The covariance of each series with itself by lag, the mean over the chains, float64 [draws, pairs]."""
    n = chains.shape[1]
    series = np.ascontiguousarray((chains - chains.mean(axis=1, keepdims=True)).transpose(2, 0, 1))
    spectrum = np.fft.rfft(series, 2 << (n - 1).bit_length())
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    found: np.ndarray = np.fft.irfft(power)[:, :n].T / n
    return found
