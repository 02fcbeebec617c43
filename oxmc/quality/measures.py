"""How far weighted draws are from the exact posterior, each figure beside what exact draws of the same number give.

A figure is compared with its `noise`: the same figure of as many independent draws from the exact posterior as the
chains have effective ones. What is within the noise cannot be told from exact.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from oxmc.quality.target import Target

SETS = 40
"""Sets of exact draws whose figures are the noise."""
DIRECTIONS = 20
BINS = 20
"""Equally likely intervals of the exact marginal distribution for its total variation."""
QUANTILE = 0.95


@dataclasses.dataclass(frozen=True)
class Draws:
    """Weights of one output, float64 [draws, features], and how much each counts, float64 [draws].

    Their votes are `sharpness` times as steep as the logistic function.
    """

    w: np.ndarray
    weight: np.ndarray
    sharpness: float = 1.0


def goodness(target: Target, draws: list[Draws], exact: np.ndarray, ess: float, seed: int = 0) -> dict[str, Any]:
    """Figures of `draws`, one a output, each {value, noise}; `exact` as of `target.exact`, `ess` effective draws.

    `sd_low` and `sd_high` are the least and the greatest ratio of a weight's s.d. to the exact one, `mean_shift` the
    largest difference of means in exact s.d., `total_variation` that of the worst weight's marginal distribution,
    `wasserstein` the sliced Wasserstein-1 distance in exact s.d., `p_mean` and `p_most` the difference of the test
    points' probabilities. Each noise is the 95 % quantile over `SETS` sets, of `sd_low` the 5 % one.
    """
    rng = np.random.default_rng(seed)
    references, p = _references(target, exact, rng)
    found = _figures(target, draws, references, p)
    size = int(np.clip(ess, 2, exact.shape[1]))
    sets = []
    for _ in range(SETS):
        chosen = rng.integers(0, exact.shape[1], (len(exact), size))
        drawn = [Draws(w[places], np.ones(size)) for w, places in zip(exact, chosen, strict=True)]
        sets.append(_figures(target, drawn, references, p))
    at = {"sd_low": 1 - QUANTILE}
    noise = {name: float(np.quantile([each[name] for each in sets], at.get(name, QUANTILE))) for name in found}
    return {name: {"value": value, "noise": noise[name]} for name, value in found.items()}


def distances(target: Target, draws: list[Draws], exact: np.ndarray) -> dict[str, float]:
    """The figures of `goodness` by themselves, without their noise."""
    rng = np.random.default_rng(0)
    return _figures(target, draws, *_references(target, exact, rng))


def _references(target: Target, exact: np.ndarray, rng: np.random.Generator) -> tuple[list[_Reference], np.ndarray]:
    """What draws are compared with: each output's exact draws along some directions, and the exact probabilities."""
    lines = rng.normal(size=(DIRECTIONS, exact.shape[2]))
    lines /= np.linalg.norm(lines, axis=1, keepdims=True)
    p = probabilities(target, [Draws(w, np.ones(len(w))) for w in exact])
    return [_Reference(w, lines) for w in exact], p


class _Reference:
    """What one output's exact draws float64 [draws, features] are compared by; `lines` are directions."""

    def __init__(self, w: np.ndarray, lines: np.ndarray):
        self.w, self.mean, self.sd = w, w.mean(axis=0), w.std(axis=0)
        self.lines = lines.T / self.sd[:, None]
        along = (w - self.mean) @ self.lines
        self.lines = self.lines / along.std(axis=0)
        self.along = along / along.std(axis=0)


def _figures(target: Target, draws: list[Draws], references: list[_Reference], p: np.ndarray) -> dict[str, float]:
    parts = [_of_weights(each, due) for each, due in zip(draws, references, strict=True)]
    apart = np.abs(probabilities(target, draws) - p)
    return {
        "sd_low": min(part["sd_low"] for part in parts),
        "sd_high": max(part["sd_high"] for part in parts),
        "mean_shift": max(part["mean_shift"] for part in parts),
        "total_variation": max(part["total_variation"] for part in parts),
        "wasserstein": max(part["wasserstein"] for part in parts),
        "p_mean": float(apart.mean()),
        "p_most": float(apart.max()),
    }


def _of_weights(draws: Draws, due: _Reference) -> Mapping[str, float]:
    """The figures of one output's weights."""
    own = np.average(draws.w, axis=0, weights=draws.weight)
    spread = np.sqrt(np.average((draws.w - own) ** 2, axis=0, weights=draws.weight))
    pairs = zip(draws.w.T, due.w.T, strict=True)
    return {
        "sd_low": float((spread / due.sd).min()),
        "sd_high": float((spread / due.sd).max()),
        "mean_shift": float(np.abs((own - due.mean) / due.sd).max()),
        "total_variation": max(total_variation(a, draws.weight, b) for a, b in pairs),
        "wasserstein": float(wasserstein((draws.w - due.mean) @ due.lines, draws.weight, due.along).mean()),
    }


def total_variation(values: np.ndarray, weight: np.ndarray, exact: np.ndarray) -> float:
    """Total variation between two sets of numbers, by `BINS` intervals that are equally likely in `exact`."""
    edges = np.quantile(exact, np.linspace(0, 1, BINS + 1)[1:-1])
    shares = np.bincount(np.searchsorted(edges, values), weight, BINS) / weight.sum()
    due = np.bincount(np.searchsorted(edges, exact), minlength=BINS) / len(exact)
    return float(np.abs(shares - due).sum() / 2)


def wasserstein(values: np.ndarray, weight: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Wasserstein-1 distance of weighted numbers [n, columns] to `exact` [m, columns] of equal weight, by column.

    It is the area between their distributions.
    """
    points = np.concatenate([values, exact])
    order = np.argsort(points, axis=0, kind="stable")
    steps = np.concatenate([weight / weight.sum(), np.full(len(exact), -1 / len(exact))])[order]
    apart = np.abs(np.cumsum(steps, axis=0))[:-1]
    found: np.ndarray = (apart * np.diff(np.take_along_axis(points, order, axis=0), axis=0)).sum(axis=0)
    return found


def probabilities(target: Target, draws: list[Draws]) -> np.ndarray:
    """Probability of each class at the test points, float64 [n, classes]; of several outputs divided by their sum."""
    votes = [logistic(part.sharpness * part.w @ target.test_x.T) for part in draws]
    each = [np.average(vote, axis=0, weights=part.weight) for vote, part in zip(votes, draws, strict=True)]
    p = np.column_stack(each)
    if target.outputs == 1:
        return np.column_stack([1 - p[:, 0], p[:, 0]])
    found: np.ndarray = p / p.sum(axis=1, keepdims=True)
    return found


def logistic(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow."""
    found: np.ndarray = 0.5 + 0.5 * np.tanh(z / 2)
    return found
