"""Wisconsin breast cancer: benign (t = 0) or malignant (t = 1) from features of cell nuclei (Fig 5a-c).

569 points of 30 features, as scikit-learn ships them; the `features` best by chi2 are kept and scaled to mean 0 and
variance 1, so that no bias is needed. Source: W. Wolberg, O. Mangasarian, N. Street, W. Street, UCI (1993).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from pymodels.config import Config
from pymodels.errors import InputError
from pymodels.tasks import Dataset, DataSource
from pymodels.tasks.splits import check, check_points, clipping_note, split_rng

POINTS, FEATURES = 569, 30


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """The split and scaled data set. Raises `InputError` where `config` asks for more than the data has."""
    _check(config)
    t = _targets()
    order = split_rng(config, seed).permutation(POINTS)
    train, test = np.split(order[: config.train_samples + config.test_samples], [config.train_samples])
    scaled, names = (
        _scaled_by_all(config.features) if config.preprocessing == "all" else _scaled(config.features, train)
    )
    return Dataset(
        train_x=scaled[train], train_t=t[train], test_x=scaled[test], test_t=t[test],
        feature_names=names, class_names=("benign", "malignant"), notes=_notes(config, scaled[order]),
    )  # fmt: skip


@cache
def _bunch() -> Bunch:
    """scikit-learn's copy; reading it takes longer than splitting and scaling."""
    return load_breast_cancer()


def _targets() -> np.ndarray:
    targets: np.ndarray = (_bunch().target == 0).astype(np.int64)  # scikit-learn has malignant as 0
    return targets


def _scaled(features: int, seen: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """All points, float64 [569, features], and the features' names, chosen and scaled by the points `seen`."""
    x, t = _bunch().data, _targets()
    selection = SelectKBest(chi2, k=features).fit(x[seen], t[seen])
    kept = selection.transform(x)
    names = tuple(str(name) for name in _bunch().feature_names[selection.get_support()])
    return StandardScaler().fit(kept[seen]).transform(kept), names


@cache
def _scaled_by_all(features: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The same for every split, and a third of a repeat on the twin."""
    return _scaled(features, np.arange(POINTS))


def _check(config: Config) -> None:
    check("cancer", "outputs", config.outputs, 1)
    if config.features > FEATURES:
        raise InputError(f"features must be at most {FEATURES} for task cancer, not {config.features}")
    check_points("cancer", config, POINTS)


def _notes(config: Config, x: np.ndarray) -> tuple[str, ...]:
    clipped = clipping_note(config, x)
    if config.preprocessing == "train":
        return ("feature selection and scaling saw the training points only", clipped)
    return ("feature selection and scaling saw all points, as in the paper: a small leak of test data", clipped)
