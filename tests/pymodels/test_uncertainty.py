"""Predictive uncertainty against scikit-learn, scipy and hand calculations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, entropy
from sklearn.metrics import brier_score_loss, log_loss

from oxmc.pymodels.config import Config
from oxmc.pymodels.uncertainty import (
    calibration_curve,
    class_probabilities,
    entropy_bits,
    expected_calibration_error,
    rejection_curve,
    uncertainty_record,
    wilson_interval,
)

pytestmark = pytest.mark.testpoint(
    "uncertainty",
    "likelihood, Brier score and entropy against scikit-learn and scipy; calibration and rejection by hand; intervals "
    "of a share against scipy",
)


def random_predictions(seed: int, classes: int) -> tuple[Config, np.ndarray, int, np.ndarray]:
    config = Config(outputs=1 if classes == 2 else classes)
    rng, total = np.random.default_rng(seed), 1000
    largest = 2 ** (config.response_bits - 1) - 1
    sums = rng.integers(-largest * total, largest * total + 1, (200, config.outputs))
    return config, sums, total, rng.integers(0, classes, 200)


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_against_libraries(classes: int, seed: int) -> None:
    config, sums, total, t = random_predictions(seed, classes)
    p = class_probabilities(config, sums, total)
    record = uncertainty_record(config, sums, total, t)
    # 1e-9: both are sums of doubles; probabilities stay within the response table's range, far from 0
    assert p.sum(axis=1) == pytest.approx(np.ones(200), rel=1e-12)
    assert record["negative_log_likelihood"] == pytest.approx(log_loss(t, p, labels=range(classes)), rel=1e-9)
    assert record["entropy_bits"] == pytest.approx(entropy(p, base=2, axis=1).mean(), rel=1e-9)
    if classes == 2:  # ours sums over both classes, as Brier wrote it
        assert record["brier"] == pytest.approx(2 * brier_score_loss(t, p[:, 1]), rel=1e-9)


def test_entropy_of_sure_and_even_predictions() -> None:
    assert entropy_bits(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist() == [0.0, 1.0]


def test_calibration_by_hand() -> None:
    p = np.array([[0.95, 0.05], [0.92, 0.08], [0.45, 0.55], [0.2, 0.8]])
    t = np.array([0, 1, 1, 0])
    curve = calibration_curve(p, t)
    assert [(entry["low"], entry["n"], entry["accuracy"]) for entry in curve] == [
        (0.5, 1, 1.0),
        (0.8, 1, 0.0),
        (0.9, 2, 0.5),
    ]
    # (1 |1 - 0.55| + 1 |0 - 0.8| + 2 |0.5 - 0.935|) / 4
    assert expected_calibration_error(curve) == pytest.approx(0.53, rel=1e-12)


def test_perfect_calibration_has_no_error() -> None:
    p = np.tile([0.25, 0.75], (4, 1))
    assert expected_calibration_error(calibration_curve(p, np.array([1, 1, 1, 0]))) == 0


def test_rejection_keeps_the_surest() -> None:
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.05, 0.95], [0.55, 0.45]])
    t = np.array([0, 0, 1, 1])
    accuracies = {entry["kept"]: entry["accuracy"] for entry in rejection_curve(p, t)}
    assert accuracies[1.0] == 0.5 and accuracies[0.5] == 1.0


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (195, 200), (3, 8)])
def test_interval_of_a_share(right: int, n: int) -> None:
    due = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right, n) == pytest.approx((due.low, due.high), rel=1e-12, abs=1e-15)
