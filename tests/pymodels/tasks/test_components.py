"""Whitened components of the training points: scikit-learn's, of those points alone, the same wherever used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA

import oxmc
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import Dataset, fit_config, load_task
from oxmc.run.request import configured

pytestmark = pytest.mark.testpoint(
    "learning from components",
    "scikit-learn's whitened components of the training points alone, kept with a run, mapped back, refused elsewhere",
)
SMALL: dict[str, Any] = {"components": 5, "rows": 8, "burn_in": 1, "preprocessing": "train"}


def data_of(task: str, **keys: Any) -> tuple[Config, Dataset, Dataset]:
    """A configuration with components, its data, and the same data without."""
    config = configured(task, "wide", "twin", settings=keys)
    raw = config.replace(components=0, raw_features=0, features=config.raw_features, bias=False)
    return config, load_task(task, config, 3), load_task(task, raw, 3)


@pytest.mark.parametrize("task", ["cancer", "wine", "digits", "ecg"])
def test_they_are_scikit_learns(task: str) -> None:
    config, found, raw = data_of(task, components=5, bias=True)
    due = PCA(5, whiten=True, svd_solver="full").fit(raw.train_x)
    shrunk = np.sqrt(len(raw.train_x) / (len(raw.train_x) - 1))  # scikit-learn's variance is that of a sample
    for ours, theirs in ((found.train_x, raw.train_x), (found.test_x, raw.test_x)):
        expected = due.transform(theirs) * shrunk
        assert np.allclose(np.abs(ours[:, :5]), np.abs(expected), rtol=0, atol=1e-6)
        assert (ours[:, 5] == 1).all() and config.features == 6
    assert found.columns == raw.feature_names and found.feature_names[0] == "component 1"


def test_they_are_of_the_training_points_alone() -> None:
    """Test points that are far away change nothing of the transform."""
    from oxmc.pymodels.tasks.components import in_components

    config, found, raw = data_of("cancer", components=5)
    far = raw.test_x + 100.0
    other = in_components(config, Dataset(**{**vars(raw), "test_x": far}))
    assert found.scaling is not None and other.scaling is not None
    assert np.array_equal(found.scaling.components, other.scaling.components)
    assert np.array_equal(found.train_x, other.train_x) and not np.allclose(found.test_x, other.test_x)


def test_a_run_keeps_them(tmp_path: Path) -> None:
    """A run that is opened again predicts from raw columns, and as the chip did its test points."""
    run = oxmc.train("cancer", preset="wide", seed=3, settings=SMALL, out=tmp_path / "run")
    again = oxmc.open_run(tmp_path / "run")
    raw = load_breast_cancer(as_frame=True).data
    assert len(again.feature_names_in_) == 16 == again.n_features_in_
    data = load_task("cancer", run.config, 3)
    assert data.scaling is not None
    features = data.scaling.features(raw[list(data.columns)].to_numpy(), bias=False)
    places = [np.abs(features - point).sum(axis=1).argmin() for point in data.test_x]
    assert np.array_equal(again.predict(raw)[places], np.array(["benign", "malignant"])[run.state.classes])


def test_weights_map_back() -> None:
    """The response of components is that of the raw features, scaled and centred, by the weights mapped back."""
    run = oxmc.train("cancer", preset="wide", seed=3, settings=SMALL)
    tree = run.posterior
    posterior, constant = tree["posterior"], tree["constant_data"]
    _, _, raw = data_of("cancer", **SMALL)
    centred = raw.train_x - raw.train_x.mean(axis=0)
    by_components = constant["x"].values @ posterior["w"].values[0, -1]
    assert np.allclose(centred @ tree["original_features"]["w"].values[0, -1], by_components, atol=1e-6)
    assert list(tree["original_features"]["original_pair"].values) == list(raw.feature_names)
    assert len(arviz_stats.summary(tree)) == posterior.sizes["pair"]  # an outside reader takes the parameters alone
    assert np.allclose(centred @ constant["components"].values, constant["x"].values, atol=1e-6)


@pytest.mark.parametrize(
    ("task", "keys", "message"),
    [
        ("cartpole", {"components": 2}, "components must be 0 for task cartpole, which has no training points, not 2"),
        ("toy", {"components": 2}, "components must be 0 for task toy, whose posterior is shown in the plane"),
        ("cancer", {"components": 17}, "components must be at most raw_features (16), not 17"),
        ("cancer", {"components": 4, "features": 5}, "features must be 4 with components = 4 and bias = false, not 5"),
        ("cancer", {"raw_features": 4}, "raw_features must be 0 without components, not 4"),
    ],
)
def test_what_has_none_says_so(task: str, keys: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as refused:
        configured(task, "wide", "twin", settings=keys)
    assert str(refused.value).startswith(message)


def test_directions_without_variance_are_refused() -> None:
    config = configured("cancer", "wide", "twin", settings={"components": 9, "train_samples": 6, "test_samples": 2})
    with pytest.raises(InputError, match="components must be at most 5, the rank of the training points, not 9"):
        load_task("cancer", config, 3)


def test_none_again_gives_the_features_back() -> None:
    config = configured("cancer", "wide", "twin", settings={"components": 5})
    assert fit_config("cancer", config.replace(rows=8, burn_in=1), ()).features == 5
    keys = config.as_dict() | {"components": 0}
    from oxmc.pymodels.tasks import fitted_keys

    assert fitted_keys("cancer", keys, {"components"}) == {"features": 16, "raw_features": 0}
    assert preset("cancer", "wide").features == 16
