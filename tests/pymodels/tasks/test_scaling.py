"""The scaling that a run keeps: scikit-learn's, to the bit what the chip was trained on, and read back whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import RobustScaler, StandardScaler

from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.scaling import Scaling

pytestmark = pytest.mark.testpoint(
    "scaling kept with a run",
    "scikit-learn's, raw points become the features to the bit, numbers read back whole, others refused",
)


def test_wine_is_scaled_as_scikit_learn_does() -> None:
    config = preset("wine", "wide").replace(preprocessing="all")
    scaling, reference = load_task("wine", config, 3).scaling, StandardScaler().fit(load_wine().data)
    assert scaling is not None
    assert np.allclose(scaling.mean, reference.mean_, rtol=1e-14)
    assert np.allclose(scaling.scale, reference.scale_, rtol=1e-14)


@pytest.mark.parametrize("task", ["toy", "cancer", "wine", "digits", "ecg"])
def test_the_scaling_is_that_of_the_features(task: str) -> None:
    """Undone and done again it gives the features; the training points reach its ends and do not pass them."""
    config = preset(task, "wide")
    data = load_task(task, config, 5)
    assert data.scaling is not None
    columns = len(data.scaling.mean)
    raw = data.train_x[:, :columns] * data.scaling.scale + data.scaling.mean
    again = data.scaling.features(raw, bias=columns < config.features)
    assert np.allclose(again, data.train_x, rtol=0, atol=1e-12)
    assert np.allclose(raw.min(axis=0), data.scaling.low) and np.allclose(raw.max(axis=0), data.scaling.high)


def test_raw_points_become_the_features_to_the_bit() -> None:
    data, source = load_task("cancer", preset("cancer", "wide"), 5), load_breast_cancer()
    kept = [list(source.feature_names).index(name) for name in data.feature_names]
    assert data.scaling is not None
    rows = {row.tobytes() for row in data.scaling.features(source.data[:, kept], bias=False)}
    assert all(row.tobytes() in rows for row in np.concatenate([data.train_x, data.test_x]))


def test_it_reads_back_to_the_bit() -> None:
    scaling = load_task("cancer", preset("cancer", "wide"), 5).scaling
    assert scaling is not None
    again = Scaling.read(json.loads(json.dumps(scaling.as_dict())), 16)
    assert all(np.array_equal(getattr(again, name), getattr(scaling, name)) for name in scaling.as_dict())


GOOD = {"mean": [0.0, 1.0], "scale": [1.0, 2.0], "low": [0.0, 0.0], "high": [1.0, 1.0]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": None}, "scaling must have 2 numbers a list, or one less with a bias"),
        ({"mean": [0.0]}, "scaling must have 2 numbers a list, or one less with a bias"),
        ({"mean": [0.0, "1"]}, "scaling must be of finite numbers"),
        ({"scale": [1.0, 0.0]}, "scale must not be 0"),
        ({"more": []}, "scaling must have mean, scale, low, high, and of bent values median and spread"),
    ],
)
def test_what_is_no_scaling_is_refused(changes: dict[str, Any], message: str) -> None:
    assert Scaling.read(GOOD, 2).high.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match=f"^{message}$"):
        Scaling.read(GOOD | changes, 2)


def test_values_beyond_the_training_points_are_found() -> None:
    scaling = Scaling.read(GOOD, 2)
    assert scaling.outside(np.array([[0.0, 1.0], [-0.1, 1.1]])).tolist() == [[False, False], [True, True]]


def test_robust_scaling_is_scikit_learns_bent() -> None:
    """asinh of RobustScaler's, then to variance 1; it reads back, and half of it is refused."""
    raw = np.sinh(np.random.default_rng(1).normal(size=(80, 3)) * 3)
    raw[:, 2] = 0.0
    raw[0, 2] = 5.0  # no distance between its quartiles
    scaling = Scaling.robust(raw)
    first = np.arcsinh(RobustScaler(unit_variance=True).fit_transform(raw[:, :2]))
    features = scaling.features(raw, bias=False)
    assert np.allclose(features[:, :2], StandardScaler().fit_transform(first), atol=2e-3)
    assert np.allclose(features.std(axis=0), 1)
    table = json.loads(json.dumps(scaling.as_dict()))
    assert np.array_equal(Scaling.read(table, 3).features(raw, bias=False), features)
    for wrong in ({"spread": [1.0, 0.0, 1.0]}, {"median": [1.0]}):
        with pytest.raises(ValueError):
            Scaling.read(table | wrong, 3)
    del table["median"]
    with pytest.raises(ValueError, match="of bent values median and spread"):
        Scaling.read(table, 3)
