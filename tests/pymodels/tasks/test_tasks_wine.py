"""Task wine: three classes."""

from __future__ import annotations

import numpy as np
import pytest
from commands import refusal
from pytest import CaptureFixture
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler, scale

from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import load_task, reference_accuracy

pytestmark = pytest.mark.testpoint(
    "wine task",
    "points and scaling are scikit-learn's; bias; known accuracy of logistic regression; RTL and twin agree, "
    "outputs together and each for itself",
)

BUNCH = load_wine()
WIDE = preset("wine", "wide")
PLAIN_X = WIDE.replace(bias=False, features=13)


def test_scaling_is_scikit_learns() -> None:
    """Of all points or of the training points; every point is used once, with its own class."""
    for preprocessing in ("all", "train"):
        d = load_task("wine", PLAIN_X.replace(preprocessing=preprocessing), 3)
        both = np.concatenate([d.train_x, d.test_x])
        if preprocessing == "all":
            order = [int(np.abs(scale(BUNCH.data) - row).sum(axis=1).argmin()) for row in both]
            assert np.allclose(scale(BUNCH.data)[order], both, rtol=0, atol=1e-12)
        else:
            assert np.allclose(d.train_x, StandardScaler().fit_transform(BUNCH.data[order[:116]]), rtol=0, atol=1e-12)
        assert sorted(order) == list(range(178))
        assert np.array_equal(np.concatenate([d.train_t, d.test_t]), BUNCH.target[order])
    assert d.feature_names == tuple(BUNCH.feature_names) and d.class_names == tuple(BUNCH.target_names)


def test_bias_is_a_last_feature_of_one() -> None:
    with_bias, without = load_task("wine", WIDE, 4), load_task("wine", PLAIN_X, 4)
    assert np.array_equal(with_bias.train_x[:, :-1], without.train_x) and with_bias.feature_names[-1] == "bias"
    assert (with_bias.train_x[:, -1] == 1).all() and (with_bias.test_x[:, -1] == 1).all()


def test_logistic_regression_reaches_its_known_accuracy() -> None:
    """0.981 (docs/measurements/tasks.md); 20 splits of 62 points: s.e. sqrt(.981*.019/62/20) = 0.0039, four of them."""
    scores = [reference_accuracy(load_task("wine", WIDE, seed)) for seed in range(20)]
    assert abs(np.mean(scores) - 0.981) < 4 * 0.0039


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--set features=13", "features must be 14 for task wine, not 13"),
        ("--set bias=false", "features must be 13 for task wine, not 14"),
        ("--set outputs=2", "outputs must be 3 for task wine, not 2"),
        (
            "--set train_samples=150",
            "train_samples + test_samples must be at most 178 for task wine, not 212",
        ),
    ],
)
def test_refusals(capsys: CaptureFixture[str], arguments: str, message: str) -> None:
    assert refusal(capsys, "train", "wine", "--preset", "wide", "--engine", "twin", *arguments.split()) == message
