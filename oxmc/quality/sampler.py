"""A sampler that is judged: draws of several chains on one target, what they cost, and what it makes of the figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxmc.posterior.mixing import mixing
from oxmc.pymodels.uncertainty import calibration_curve, expected_calibration_error
from oxmc.quality.measures import Draws, goodness, probabilities
from oxmc.quality.target import Target, exact

RHAT_MOST, ESS_LEAST = 1.1, 50.0
"""What the chains of a default must keep."""
LEAST_P = 1e-4
"""The least probability that a log score counts."""


@dataclasses.dataclass(frozen=True)
class Chains:
    """Models of one output's chains, float64 [models, features], and the model of each draw, int64 [chains, draws].

    `sharpness` is that of their votes.
    """

    models: np.ndarray
    draws: np.ndarray
    sharpness: float = 1.0

    def weighted(self) -> Draws:
        """All chains as one set of weighted models."""
        weight = np.bincount(self.draws.ravel(), minlength=len(self.models)).astype(float)
        return Draws(self.models, weight, self.sharpness)

    def mixed(self) -> tuple[float, float]:
        """R-hat and bulk effective draws of the worst weight; infinite and 0 where one never moved."""
        found = mixing(self.models, self.draws)
        worst = float(found.rhat.max()), float(found.ess_bulk.min())
        return worst if np.isfinite(worst).all() else (np.inf, 0.0)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of all chains, one after the other; None where it is not known."""

    joules: float | None = None
    seconds: float | None = None
    area_mm2: float | None = None
    source: str = ""


@dataclasses.dataclass(frozen=True)
class Sampler:
    """A name, chains an output, cost, and what should be known of it.

    `chip_p` are the probabilities float64 [n, classes] that each chip gives the test points, where there is a chip; the
    scores are of these, else of the weights'.
    """

    name: str
    target: Target
    outputs: Sequence[Chains]
    cost: Cost
    notes: tuple[str, ...] = ()
    chip_p: Sequence[np.ndarray] = ()


def judged(sampler: Sampler) -> dict[str, Any]:
    """An entry of quality.json (docs/reference/quality.md). `exact` posteriors are found or read from the cache."""
    target, reference = sampler.target, exact(sampler.target)
    rhat, ess = zip(*(chains.mixed() for chains in sampler.outputs), strict=True)
    effective = float(min(ess))
    draws = [chains.weighted() for chains in sampler.outputs]
    fit = goodness(target, draws, reference, effective)
    even = [Draws(w, np.ones(len(w))) for w in reference]
    return {
        "name": sampler.name,
        "convergence": {
            "chains": len(sampler.outputs[0].draws),
            "draws": int(sampler.outputs[0].draws.shape[1]),
            "weights": sum(chains.models.shape[1] for chains in sampler.outputs),
            "rhat_max": _number(max(rhat)),
            "ess_bulk_min": effective,
            "passes": max(rhat) <= RHAT_MOST and effective >= ESS_LEAST,
        },
        "efficiency": efficiency(effective, sampler.cost),
        "goodness": fit,
        "scores": _mean_scores(sampler.chip_p or [probabilities(target, draws)], target.test_t),
        "exact_scores": scores(probabilities(target, even), target.test_t),
        "notes": list(sampler.notes),
    }


def efficiency(ess: float, cost: Cost) -> dict[str, Any]:
    """Effective draws by microjoule, second and mm2 of the chains' cost, and that cost."""
    joules, seconds, area = cost.joules, cost.seconds, cost.area_mm2
    return {
        "joules": joules, "seconds": seconds, "area_mm2": area, "source": cost.source,
        "ess_per_uj": ess / (1e6 * joules) if joules else None,
        "ess_per_s": ess / seconds if seconds else None,
        "ess_per_s_mm2": ess / seconds / area if seconds and area else None,
    }  # fmt: skip


def scores(p: np.ndarray, t: np.ndarray) -> dict[str, float]:
    """Of probabilities float64 [n, classes] and classes int64 [n]: accuracy, log score in nats, Brier score, ECE."""
    own = np.maximum(p[np.arange(len(t)), t], LEAST_P)
    return {
        "accuracy": float((p.argmax(axis=1) == t).mean()),
        "log_score": float(np.log(own).mean()),
        "brier": float(((p - np.eye(p.shape[1])[t]) ** 2).sum(axis=1).mean()),
        "calibration_error": expected_calibration_error(calibration_curve(p, t)),
    }


def _mean_scores(each: Sequence[np.ndarray], t: np.ndarray) -> dict[str, float]:
    found = [scores(p, t) for p in each]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
