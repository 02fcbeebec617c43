"""Draws from the exact posterior of a logistic regression with a normal prior, by Gibbs sampling.

N. Polson, J. Scott and J. Windle, "Bayesian inference for logistic models using Polya-Gamma latent variables", J. Am.
Stat. Assoc. 108 (2013), doi:10.1080/01621459.2013.829001: given a variable PG(1, x.w) a point, the weights are normal.
The variable is drawn by their section 4, after L. Devroye, "On exact simulation algorithms for some distributions
related to Jacobi theta functions", Stat. Probab. Lett. 79 (2009). Nothing is approximate but the number of
draws, of which hundreds may be worth an independent one where the classes are all but separable.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

CUT = 0.64
"""Where the two series of the density take turns, as in the paper."""


def gibbs_draws(
    x: np.ndarray, t: np.ndarray, sd: float, draws: int, rng: np.random.Generator, burn_in: int = 200
) -> np.ndarray:
    """Weights float64 [draws, features] of points `x` [n, features], classes `t` [n] of 0 and 1, prior N(0, sd)."""
    right, precision = x.T @ (t - 0.5), np.eye(x.shape[1]) / sd**2
    w: np.ndarray = np.zeros(x.shape[1])
    found = np.empty((draws, x.shape[1]))
    for step in range(-burn_in, draws):
        omega = polya_gamma(x @ w, rng)
        root = np.linalg.cholesky(precision + (x.T * omega) @ x)
        mean = np.linalg.solve(root, right)
        w = np.linalg.solve(root.T, mean + rng.normal(size=len(w)))
        if step >= 0:
            found[step] = w
    return found


def polya_gamma(tilt: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw of PG(1, `tilt`) each, float64 of its shape."""
    z = np.abs(tilt) / 2
    rate = math.pi**2 / 8 + z**2 / 2
    right = math.pi / (2 * rate) * np.exp(-rate * CUT)
    share = right / (right + 2 * np.exp(-z + _log_mass(z)))
    found, open_ = np.empty(len(z)), np.arange(len(z))
    while len(open_):
        is_right = rng.random(len(open_)) < share[open_]
        x = CUT + rng.exponential(size=len(open_)) / rate[open_]
        x[~is_right] = _inverse_gaussian(z[open_[~is_right]], rng)
        taken = _accepted(x, rng)
        found[open_[taken]] = x[taken] / 4
        open_ = open_[~taken]
    return found


def _log_mass(z: np.ndarray) -> np.ndarray:
    """Log of the probability that an inverse Gaussian of mean 1 / z and shape 1 is below `CUT`."""
    root = math.sqrt(CUT)
    both: np.ndarray = np.logaddexp(log_ndtr(root * z - 1 / root), 2 * z + log_ndtr(-root * z - 1 / root))
    return both


def _inverse_gaussian(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """That variable, given that it is below `CUT`."""
    found, open_ = np.empty(len(z)), np.arange(len(z))
    while len(open_):
        at = z[open_]
        x = np.where(at < 1 / CUT, _below_by_tail(at, rng), _plain_inverse_gaussian(np.maximum(at, 1e-9), rng))
        taken = x < CUT
        found[open_[taken]] = x[taken]
        open_ = open_[~taken]
    return found


def _below_by_tail(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One try for a mean above `CUT`; infinite where it is rejected."""
    first, second = rng.exponential(size=(2, len(z)))
    x = CUT / (1 + CUT * first) ** 2
    taken = (first**2 <= 2 * second / CUT) & (rng.random(len(z)) < np.exp(-(z**2) * x / 2))
    tried: np.ndarray = np.where(taken, x, np.inf)
    return tried


def _plain_inverse_gaussian(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    found: np.ndarray = rng.wald(1 / z, 1.0)
    return found


def _accepted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whether each proposal is taken: its alternating series is summed until it decides."""
    total = _term(0, x)
    limit, decided, taken, k = rng.random(len(x)) * total, np.zeros(len(x), bool), np.zeros(len(x), bool), 0
    while not decided.all():
        k += 1
        total = total + (-1) ** k * _term(k, x)
        now = (limit < total) if k % 2 else (limit > total)
        taken |= now & ~decided & (k % 2 == 1)
        decided |= now
    return taken


def _term(k: int, x: np.ndarray) -> np.ndarray:
    half = k + 0.5
    low = (2 / (math.pi * x)) ** 1.5 * np.exp(-2 * half**2 / x)
    found: np.ndarray = math.pi * half * np.where(x <= CUT, low, np.exp(-(half**2) * math.pi**2 * x / 2))
    return found
