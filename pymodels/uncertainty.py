"""What a posterior knows of its own doubt: predictive probabilities, their entropy, calibration, rejection."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.twin.inference import probability

BINS = 10
"""Equal bins of confidence for the calibration curve (C. Guo et al., On calibration of neural networks, 2017)."""
KEPT = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
"""Shares of the test points, the surest first, for which the accuracy is given."""
NORMAL_95 = 1.959963984540054
"""Standard deviations from the mean that hold 95 % of a normal distribution."""


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of which `right` of `n` points tell (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    share, z2 = right / n, NORMAL_95**2 / n
    middle = (share + z2 / 2) / (1 + z2)
    half = NORMAL_95 * ((share * (1 - share) + z2 / 4) / n) ** 0.5 / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def class_probabilities(config: Config, sums: np.ndarray, total: int | np.ndarray) -> np.ndarray:
    """Predictive probability of each class, float64 [n, classes], from response sums int64 [n, outputs] (Eq 8).

    One output is P(t = 1). Several, one a class against the rest, are divided by their sum. So are those of a softmax,
    whose sum is 1 but for roundings; none is taken for less than a quarter of a unit of the response, as 0 stands for
    all below half a unit. `total` is that of the counters that voted, one or int64 [outputs]. Raises `RunError` as
    `inference.probability`.
    """
    p = np.clip(probability(config, sums, total), 0.0, 1.0)
    if config.likelihood == "softmax":
        p = np.maximum(p, Formats(config).response_gain / 4)
    if config.outputs == 1:
        return np.column_stack([1 - p[:, 0], p[:, 0]])
    whole = p.sum(axis=1, keepdims=True)
    even = np.full_like(p, 1 / p.shape[1])
    return np.divide(p, whole, out=even, where=whole > 0)


def entropy_bits(p: np.ndarray) -> np.ndarray:
    """Entropy of each predictive distribution, float64 [n] in bits."""
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=1) + 0.0


def calibration_curve(p: np.ndarray, t: np.ndarray, bins: int = BINS) -> list[dict[str, float]]:
    """Points, mean confidence and accuracy of each bin of confidence that has any; confidence: the winner's P."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == t
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "low": b / bins,
            "high": (b + 1) / bins,
            "n": int((place == b).sum()),
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
        }
        for b in range(bins)
        if (place == b).any()
    ]


def expected_calibration_error(curve: list[dict[str, float]]) -> float:
    """Mean gap between confidence and accuracy, weighted by points (Guo et al., Eq 3)."""
    points = sum(entry["n"] for entry in curve)
    return sum(entry["n"] * abs(entry["accuracy"] - entry["confidence"]) for entry in curve) / points


def rejection_curve(p: np.ndarray, t: np.ndarray) -> list[dict[str, float]]:
    """Accuracy on the share `kept` of points that are surest, and the confidence below which the others lie."""
    order = np.argsort(-p.max(axis=1), kind="stable")
    curve = []
    for share in KEPT:
        kept = order[: max(1, round(share * len(order)))]
        accuracy = float((p[kept].argmax(axis=1) == t[kept]).mean())
        curve.append({"kept": share, "confidence": float(p[kept[-1]].max()), "accuracy": accuracy})
    return curve


def uncertainty_record(config: Config, sums: np.ndarray, total: int | np.ndarray, t: np.ndarray) -> dict[str, Any]:
    """All of it for test points of classes `t` int64 [n]; likelihoods in nats, of probabilities no lower than 1e-12."""
    p = class_probabilities(config, sums, total)
    own = p[np.arange(len(t)), t]
    curve = calibration_curve(p, t)
    return {
        "negative_log_likelihood": float(-np.log(np.maximum(own, 1e-12)).mean()),
        "brier": float(((p - np.eye(p.shape[1])[t]) ** 2).sum(axis=1).mean()),
        "entropy_bits": float(entropy_bits(p).mean()),
        "expected_calibration_error": expected_calibration_error(curve),
        "calibration": curve,
        "rejection": rejection_curve(p, t),
    }
