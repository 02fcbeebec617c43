"""R-hat and effective draws by pair: ArviZ's figures, and what it has none of."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from oxmc.posterior.mixing import ess_mean, mixing

pytestmark = pytest.mark.testpoint(
    "mixing of chains", "R-hat and effective draws are ArviZ's, of chains of any length and of one; what has neither"
)

RTOL = 1e-8
"""Rounding of Fourier transforms of some hundred draws, whose sums over lags cancel."""


@pytest.fixture(scope="module")
def arviz() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its next major version
        return importlib.import_module("arviz")


def chains_of(rng: np.random.Generator, chains: int, models: int) -> tuple[np.ndarray, np.ndarray]:
    """Models [n, 3] of some equal values, walking or not, and chains that stay at each for some draws."""
    w = np.round(rng.standard_normal((chains * models, 3)) * rng.choice([1, 3, 30]), rng.integers(0, 3))
    if rng.random() < 0.3:
        w = np.cumsum(w, axis=0)
    stays = rng.integers(1, rng.integers(2, 9), (chains, models))
    length = stays.sum(axis=1).min()
    draws = [np.repeat(np.arange(models) + i * models, stay)[:length] for i, stay in enumerate(stays)]
    return w, np.stack(draws)


def split_rhat(arviz: Any, chain: np.ndarray) -> float:
    """What ArviZ, which wants two chains, gives for the halves of one, ranked by scipy."""
    half = len(chain) // 2
    halves = np.stack([chain[:half], chain[-half:]])
    both = (halves, np.abs(halves - np.median(halves)))
    ranked = [norm.ppf((rankdata(each).reshape(each.shape) - 3 / 8) / (each.size + 1 / 4)) for each in both]
    return max(float(arviz.rhat(each, method="identity")) for each in ranked)


@pytest.mark.parametrize("chains", [1, 2, 4])
@pytest.mark.parametrize("models", [8, 60])
def test_figures_are_arvizs(seed: int, arviz: Any, chains: int, models: int) -> None:
    rng = np.random.default_rng([seed, chains, models])
    for _ in range(12):
        w, draws = chains_of(rng, chains, models)
        found, mean = mixing(w, draws), ess_mean(w, draws)
        for pair in range(3):
            series = w[draws][:, :, pair]
            if np.ptp(series) == 0:
                continue
            rhat = arviz.rhat(series) if chains > 1 else split_rhat(arviz, series[0])
            assert found.rhat[pair] == pytest.approx(float(rhat), rel=RTOL, nan_ok=True)
            assert found.ess_bulk[pair] == pytest.approx(float(arviz.ess(series)), rel=RTOL)
            assert mean[pair] == pytest.approx(float(arviz.ess(series, method="mean")), rel=RTOL)


def test_a_pair_that_never_moves_has_no_figures() -> None:
    w = np.column_stack([np.arange(40.0), np.full(40, 3.0)])
    draws = np.arange(40)[None]
    assert np.isfinite(mixing(w, draws).ess_bulk[0])
    for values in (mixing(w, draws).rhat, mixing(w, draws).ess_bulk, ess_mean(w, draws)):
        assert np.isnan(values[1])


def test_three_draws_have_no_figures() -> None:
    w, draws = np.arange(3.0)[:, None], np.arange(3)[None]
    assert np.isnan(mixing(w, draws).rhat).all() and np.isnan(ess_mean(w, draws)).all()


def test_halves_that_disagree_show() -> None:
    """A chain that drifts is none that mixes, however smooth; the draw in the middle belongs to neither half."""
    w = np.linspace(0, 1, 201)[:, None]
    assert mixing(w, np.arange(201)[None]).rhat[0] > 2
    alike = np.tile(np.random.default_rng(0).standard_normal(100), 2)
    w = np.concatenate([alike[:100], [1e9], alike[100:]])[:, None]
    assert mixing(w, np.arange(201)[None]).rhat[0] == pytest.approx(1.0, abs=0.01)
