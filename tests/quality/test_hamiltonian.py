"""The exact posterior that samplers are held against: integration on a grid, importance sampling, another sampler."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from oxmc.pymodels.errors import RunError
from oxmc.quality import hamiltonian
from oxmc.quality.hamiltonian import exact_draws
from oxmc.quality.polya_gamma import gibbs_draws

pytestmark = pytest.mark.testpoint(
    "the exact posterior",
    "its moments are those of a grid, of importance sampling and of Polya-Gamma sampling; chains that disagree are "
    "an error",
)


def points(features: int, n: int = 60, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features))
    w = np.linspace(1.5, -1.0, features)
    return x, (rng.random(n) < 1 / (1 + np.exp(-x @ w))).astype(int)


def cost(w: np.ndarray, x: np.ndarray, t: np.ndarray, sd: float) -> np.ndarray:
    """Negative log density of weights [..., features]."""
    found: np.ndarray = np.logaddexp(0, -np.where(t, 1, -1) * (w @ x.T)).sum(-1) + (w**2).sum(-1) / (2 * sd**2)
    return found


@pytest.mark.parametrize("separable", [False, True])
def test_moments_of_a_grid(separable: bool) -> None:
    """Two weights; of separable classes the posterior is a cone that a prior of 10 ends, far from a normal one."""
    x, t = points(2)
    sd = 1.0
    if separable:
        t, sd = (x @ np.array([1.0, -2.0]) > 0).astype(int), 10.0
    axis = np.linspace(-4.5 * sd, 4.5 * sd, 801)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    density = -cost(grid, x, t, sd)
    p = np.exp(density - density.max())
    p /= p.sum()
    mean = p @ grid
    deviation = np.sqrt(p @ (grid - mean) ** 2)
    found = exact_draws(x, t, sd, 4000, np.random.default_rng(3))
    assert np.allclose(found.mean(axis=0), mean, atol=0.08 * deviation.max())  # 4 s.e. of 2,500 effective draws
    assert np.allclose(found.std(axis=0), deviation, rtol=0.07)


def test_moments_of_importance_sampling_and_of_another_sampler() -> None:
    x, t = points(3)
    best = minimize(lambda w: cost(w, x, t, 2.0), np.zeros(3))
    z = np.random.default_rng(4).normal(size=(60_000, 3))
    w = best.x + z @ (1.2 * np.linalg.cholesky(best.hess_inv)).T
    weight = np.exp(best.fun - cost(w, x, t, 2.0) + (z**2).sum(-1) / 2)
    mean = np.average(w, axis=0, weights=weight)
    sd = np.sqrt(np.average((w - mean) ** 2, axis=0, weights=weight))
    for sampler in (exact_draws, gibbs_draws):
        found = sampler(x, t, 2.0, 3000, np.random.default_rng(5))
        assert np.allclose(found.mean(axis=0), mean, atol=0.12 * sd.max())
        assert np.allclose(found.std(axis=0), sd, rtol=0.08)


def test_chains_that_disagree_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamiltonian, "WANTED", 0.0)  # a step that is never accepted
    monkeypatch.setattr(hamiltonian, "TURN", 400.0)
    x, t = points(3)
    with pytest.raises(RunError, match="own chains must agree"):
        exact_draws(x, t, 2.0, 2000, np.random.default_rng(6))
