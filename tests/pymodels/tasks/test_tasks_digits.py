"""Task digits: ten classes of 64 features."""

from __future__ import annotations

import numpy as np
import pytest
from commands import refusal
from pytest import CaptureFixture
from sklearn.datasets import load_digits

from oxmc.pymodels.config import preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import INDEX_BITS, sample_lane_bits
from oxmc.pymodels.tasks import load_task, quantise, reference_accuracy

pytestmark = pytest.mark.testpoint(
    "digits task",
    "points are scikit-learn's, every one has a host address; known accuracy of logistic regression; RTL and "
    "twin agree at 1,280 cells a row",
)

BUNCH = load_digits()
WIDE = preset("digits", "wide")


def test_points_are_scikit_learns() -> None:
    """All of them, once, as codes that tell the 17 grey levels apart."""
    d = load_task("digits", WIDE, 3)
    x = np.concatenate([d.train_x, d.test_x])
    pixels = np.rint(x * 6 + 8)
    assert np.allclose(pixels, x * 6 + 8, rtol=0, atol=1e-12)
    t = np.concatenate([d.train_t, d.test_t])
    assert sorted(map(tuple, np.column_stack([pixels, t]))) == sorted(
        map(tuple, np.column_stack([BUNCH.data, BUNCH.target]))
    )
    assert len(np.unique(quantise(WIDE, x))) == 17 and "0.00 % of feature values clip" in d.notes[1]


def test_logistic_regression_reaches_its_known_accuracy() -> None:
    """0.968 (docs/measurements/tasks.md); 3 splits of 629 points: s.e. sqrt(.968*.032/629/3) = 0.0041, four of them."""
    scores = [reference_accuracy(load_task("digits", WIDE, seed)) for seed in range(3)]
    assert abs(np.mean(scores) - 0.968) < 4 * 0.0041


def test_all_points_have_host_addresses() -> None:
    formats = Formats(WIDE)
    assert formats.sample_bits + sample_lane_bits(formats) <= INDEX_BITS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--set features=32", "features must be 64 for task digits, not 32"),
        ("--set outputs=3", "outputs must be 10 for task digits, not 3"),
        (
            "--set test_samples=700",
            "train_samples + test_samples must be at most 1797 for task digits, not 1868",
        ),
    ],
)
def test_refusals(capsys: CaptureFixture[str], arguments: str, message: str) -> None:
    assert refusal(capsys, "train", "digits", "--preset", "wide", "--engine", "twin", *arguments.split()) == message
