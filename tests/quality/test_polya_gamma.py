"""The exact posterior that chains are held against: known moments, and another way to the same posterior."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from oxmc.quality.polya_gamma import gibbs_draws, polya_gamma

pytestmark = pytest.mark.testpoint(
    "Polya-Gamma sampling",
    "Polya-Gamma variables have their known moments, the posterior's are those of importance sampling",
)


@pytest.mark.parametrize("tilt", [0.0, 0.5, 2.0, 6.0, 40.0])
def test_moments_of_the_variable(tilt: float) -> None:
    """Polson et al. (2013): mean tanh(z / 2) / (2 z), variance (sinh z - z) / (4 z^3 cosh^2(z / 2))."""
    found, z = polya_gamma(np.full(40_000, tilt), np.random.default_rng(1)), max(tilt, 1e-2)
    mean, variance = np.tanh(z / 2) / (2 * z), (np.sinh(z) - z) / (4 * z**3 * np.cosh(z / 2) ** 2)
    assert abs(found.mean() - mean) < 4 * np.sqrt(variance / len(found))
    assert abs(found.var() / variance - 1) < 0.1


def test_the_posterior_is_that_of_importance_sampling() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 3))
    t = (rng.random(60) < 1 / (1 + np.exp(-x @ np.array([1.5, -1.0, 0.0])))).astype(int)

    def cost(w: np.ndarray) -> np.ndarray:
        logits = np.tensordot(w, x.T, 1)
        found: np.ndarray = np.logaddexp(0, -np.where(t, 1, -1) * logits).sum(-1) + (w**2).sum(-1) / (2 * 2.0**2)
        return found

    best = minimize(cost, np.zeros(3))
    root = 1.2 * np.linalg.cholesky(best.hess_inv)
    z = rng.normal(size=(60_000, 3))
    w = best.x + z @ root.T
    weight = np.exp(-cost(w) + (z**2).sum(-1) / 2 + best.fun)
    mean = np.average(w, axis=0, weights=weight)
    sd = np.sqrt(np.average((w - mean) ** 2, axis=0, weights=weight))
    found = gibbs_draws(x, t, 2.0, 3000, rng)
    assert np.allclose(found.mean(axis=0), mean, atol=0.12 * sd.max())
    assert np.allclose(found.std(axis=0), sd, rtol=0.08)
