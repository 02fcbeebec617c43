"""Wisconsin breast cancer: benign (t = 0) or malignant (t = 1) from features of cell nuclei (Fig 5a-c).

569 points of 30 features (`data/cancer.csv`, the same as scikit-learn ships); the `features` best by chi2 are kept and
scaled to mean 0 and variance 1, so that no bias is needed. All of it is to the bit what scikit-learn's `SelectKBest`
and `StandardScaler` make, whose import takes longer than a training on the simulated chip.

Source: W. Wolberg, O. Mangasarian, N. Street, W. Street, UCI (1993).
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import Dataset, DataSource
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.splits import check, check_points, clipping_note, split_rng

POINTS, FEATURES = 569, 30


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """The split and scaled data set. Raises `InputError` where `config` asks for more than the data has."""
    _check(config)
    t = points()[1]
    order = split_rng(config, seed).permutation(POINTS)
    train, test = np.split(order[: config.train_samples + config.test_samples], [config.train_samples])
    kept, mean, scale = (
        _chosen_by_all(config.features) if config.preprocessing == "all" else _chosen(config.features, train)
    )
    raw, _, names = points()
    raw = raw[:, kept]
    scaling = Scaling.of(mean, scale, raw[train])
    scaled = scaling.features(raw, bias=False)
    return Dataset(
        train_x=scaled[train], train_t=t[train], test_x=scaled[test], test_t=t[test],
        feature_names=tuple(map(str, names[kept])), class_names=("benign", "malignant"),
        notes=_notes(config, scaled[order]), scaling=scaling,
    )  # fmt: skip


@cache
def points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features float64 [569, 30], classes int64 [569], and the features' names [30]."""
    lines = resources.files("oxmc.pymodels.tasks").joinpath("data", "cancer.csv").read_text().splitlines()
    header, *rows = (line for line in lines if not line.startswith("#"))
    table = np.loadtxt(rows, delimiter=",")
    return table[:, :-1].copy(), table[:, -1].astype(np.int64), np.array(header.split(",")[:-1])


def best_features(x: np.ndarray, t: np.ndarray, count: int) -> np.ndarray:
    """Which `count` features of x [n, features] >= 0 tell the classes t [n] best by chi2, bool [features].

    Chi2 is that of a feature's sums over each class against what the classes' shares would make of its whole sum.
    """
    classes = np.stack([1 - t, t]).astype(float)
    expected = classes.mean(axis=1)[:, None] * x.sum(axis=0)
    chi2 = ((classes @ x - expected) ** 2 / expected).sum(axis=0)
    kept = np.zeros(x.shape[1], bool)
    kept[np.argsort(chi2, kind="stable")[-count:]] = True
    return kept


def moments(x: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and s.d. of x [n, features] over points `seen`, float64 [features]; the last term corrects for rounding."""
    n = len(seen)
    mean = x[seen].sum(axis=0) / n
    off = x[seen] - mean
    variance = ((off**2).sum(axis=0) - off.sum(axis=0) ** 2 / n) / n
    return mean, np.sqrt(variance)


def _chosen(features: int, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which features are kept, bool [30], and mean and s.d. of those, chosen and computed by the points `seen`."""
    x, t, _ = points()
    kept = best_features(x[seen], t[seen], features)
    return kept, *moments(x[:, kept], seen)


@cache
def _chosen_by_all(features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for every split, and a third of a repeat on the twin."""
    return _chosen(features, np.arange(POINTS))


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
