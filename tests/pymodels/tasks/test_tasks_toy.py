"""Task toy: two drawn clouds."""

from __future__ import annotations

import numpy as np
import pytest
from commands import refusal
from pytest import CaptureFixture
from scipy.stats import norm

from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import Dataset, load_task, reference_accuracy
from oxmc.pymodels.tasks.toy import SHIFT

pytestmark = pytest.mark.testpoint(
    "toy task",
    "clouds, classes and the best rule's errors as documented, by the normal distribution itself; refusals; RTL "
    "and twin agree",
)

WIDE = preset("toy", "wide")


def data(seed: int, **changes: object) -> Dataset:
    return load_task("toy", WIDE.replace(**changes), seed)


def test_clouds_are_where_the_paper_puts_them() -> None:
    """Half of the points each, of variance 1; 4,000 a class: four standard errors of a mean are 4 / sqrt(4000)."""
    d = data(0, train_samples=8000)
    assert d.train_t.mean() == 0.5
    for t, centre in ((1, (-SHIFT, SHIFT)), (0, (SHIFT, -SHIFT))):
        cloud = d.train_x[d.train_t == t]
        assert np.abs(cloud.mean(axis=0) - centre).max() < 4 / 4000**0.5
        # the variance of a variance of n normal draws is 2 / n
        assert np.abs(np.cov(cloud.T) - np.eye(2)).max() < 4 * (2 / 4000) ** 0.5


def test_the_best_rule_errs_as_documented() -> None:
    """Beyond the line between the centres lies Phi(-SHIFT sqrt(2)) of a cloud; 16,000 points, four standard errors."""
    d = data(1, train_samples=16000)
    wrong = np.mean(((d.train_x[:, 1] > d.train_x[:, 0]) != d.train_t).astype(float))
    p = norm.cdf(-SHIFT * 2**0.5)
    assert abs(wrong - p) < 4 * (p * (1 - p) / 16000) ** 0.5


def test_seeds_draw_anew_and_training_points_come_first() -> None:
    assert not np.array_equal(data(0).train_x, data(1).train_x)
    assert np.array_equal(data(0).train_x, data(0, test_samples=7).train_x)
    assert np.array_equal(data(0, split="fixed").train_x, data(1, split="fixed").train_x)


def test_logistic_regression_separates_the_clouds() -> None:
    """0.9977 at best; 20 x 200 points: four standard errors are 0.003, and 50 points fit the line only so well."""
    assert np.mean([reference_accuracy(data(seed)) for seed in range(20)]) > 0.99


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--set features=3", "features must be 2 for task toy, not 3"),
        ("--set outputs=2", "outputs must be 1 for task toy, not 2"),
        ("--data x.csv", "--data must be left out for task toy, which does not take it, not 'x.csv'"),
        ("--subject 3", "--subject must be left out for task toy, which does not take it, not '3'"),
        ("--label t", "--label must be left out for task toy, which does not take it, not 't'"),
    ],
)
def test_refusals(capsys: CaptureFixture[str], arguments: str, message: str) -> None:
    assert refusal(capsys, "train", "toy", "--engine", "twin", *arguments.split()) == message
