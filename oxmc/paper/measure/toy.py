"""The posterior of two weights: of chains and exact (Fig 4), its gradient descent (Fig 1), its prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from oxmc.plots.plane import probability_at
from oxmc.posterior.likelihood import log_likelihood, log_prior
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.tasks import Dataset
from oxmc.studies import toy_posterior
from oxmc.studies.trainings import split_of, training

Values = dict[str, Any]
TASK, GRID = "toy", 60
PEAK = 0.2
"""A peak is a bin above its neighbours and above this share of the highest, after a blur of one bin."""


def _config(name: str, split: int, settings: Values) -> Config:
    return preset(TASK, name).replace(split="fixed", split_seed=split, **settings)


def posterior(preset: str, settings: Values, split: int, seed: int, chains: int) -> Values:
    """Chains of one split together beside the exact posterior, by bins of 4 uS within reach, and their distance."""
    changes = {"test_samples": 1, **settings}
    row, (share, mass) = toy_posterior.line(preset, split, range(seed, seed + chains), changes)
    return {
        "reach_us": toy_posterior.REACH_US[preset], "share": np.round(share, 6).tolist(),
        "mass": np.round(mass, 6).tolist(), "variation": list(row["total variation"]), "noise": row["noise"],
        "beyond": row["beyond reach"], "effective": row["effective draws"], "chains": chains,
        "peaks": peaks(share), "peaks_exact": peaks(mass),
    }  # fmt: skip


def peaks(mass: np.ndarray) -> int:
    """How many separate peaks a map [bins, bins] has (`PEAK`)."""
    blurred = ndimage.gaussian_filter(mass, 1.0, mode="constant")
    top = (blurred == ndimage.maximum_filter(blurred, 3)) & (blurred > PEAK * blurred.max())
    return int(ndimage.label(top, np.ones((3, 3)))[1])


def plane(preset: str, settings: Values, split: int, seed: int) -> Values:
    """One chain: its models in uS, the points, P over the plane (Fig 4), and descent on the same loss (Fig 1b)."""
    config = _config(preset, split, settings)
    data = split_of(config, seed, TASK)[0]
    outcome = training(config, seed, task=TASK).outcome
    rows = np.flatnonzero(outcome.counters)
    w = (outcome.conductance_ns[rows, 0::2] - outcome.conductance_ns[rows, 1::2]) / 1000
    counters = outcome.counters[rows]
    voting = rows >= config.burn_in
    reach = float(1.1 * np.abs(data.train_x).max())
    line = np.linspace(-reach, reach, GRID)
    at = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    p = probability_at(config, w[voting], counters[voting], at).reshape(GRID, GRID)
    p_points = probability_at(config, w[voting], counters[voting], data.train_x)
    return {
        "w_us": np.round(w, 2).tolist(), "counter": counters.tolist(), "burn_in": config.burn_in,
        "x": np.round(data.train_x, 4).tolist(), "t": data.train_t.tolist(), "reach": reach,
        "p": np.round(p, 4).tolist(), "right": float(((p_points >= 0.5) == data.train_t).mean()),
        "descent_us": np.round(descent(config, data), 3).tolist(),
        **_loss(config, data),
    }  # fmt: skip


def _loss(config: Config, data: Dataset) -> Values:
    """The negative log posterior in nats above its least, on a grid of weights."""
    reach = 3 * config.prior_sigma_us
    line = np.linspace(-reach, reach, GRID)
    w = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    logs = log_likelihood(config, w, data.train_x, data.train_t) + log_prior(config, w)
    return {"loss_reach_us": reach, "loss": np.round((logs.max() - logs).reshape(GRID, GRID), 3).tolist()}


def descent(config: Config, data: Dataset, steps: int = 60) -> np.ndarray:
    """Weights in uS of gradient descent on the negative log posterior, float64 [steps + 1, 2].

    Each step's rate is twice the last one's, halved until the loss falls by half of what its slope promises (L. Armijo,
    1966).
    """
    s, prior, x, t = config.scale_per_us, config.prior_sigma_us**-2, data.train_x, data.train_t

    def loss(w: np.ndarray) -> float:
        return -float((log_likelihood(config, w[None], x, t) + log_prior(config, w[None]))[0])

    w, rate = [config.prior_sigma_us * np.array([1.0, -0.5])], 1 / (s**2 * np.linalg.eigvalsh(x.T @ x)[-1])
    for _ in range(steps):
        p = 0.5 + 0.5 * np.tanh(s * x @ w[-1] / 2)
        gradient = s * x.T @ (p - t) + prior * w[-1]
        here, slope, rate = loss(w[-1]), float(gradient @ gradient) / 2, 2 * rate
        while loss(w[-1] - rate * gradient) > here - rate * slope and rate > 1e-12:
            rate /= 2
        w.append(w[-1] - rate * gradient)
    return np.array(w)
