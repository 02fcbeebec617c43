"""Toy: two clouds in the plane (Fig 4a-c), drawn anew from each seed.

As in the paper's Methods: points of a normal distribution of mean 0 and variance 1; half of them, t = 1, are shifted
up and to the left, the others, t = 0, by as much down and to the right. The shift is not given there. Test points, of
which the paper has none, are drawn the same way after the training points. Nothing is scaled.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.tasks import Dataset, DataSource
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.splits import check, clipping_note, split_rng

SHIFT = 2.0
"""Along each axis: centres 4 sqrt(2) = 5.7 standard deviations apart. The best rule errs on Phi(-2 sqrt(2)) = 0.23 % of
points, so that nine in ten draws of 50 points can be separated, as the paper's can."""
FEATURES = 2


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """Drawn points, classes alternating. Raises `InputError` for another geometry."""
    check("toy", "features", config.features, FEATURES)
    check("toy", "outputs", config.outputs, 1)
    rng = split_rng(config, seed)
    train_x, train_t = _cloud(rng, config.train_samples)
    test_x, test_t = _cloud(rng, config.test_samples)
    clipped = clipping_note(config, np.concatenate([train_x, test_x]))
    return Dataset(
        train_x=train_x, train_t=train_t, test_x=test_x, test_t=test_t,
        feature_names=("x", "y"), class_names=("lower right", "upper left"),
        notes=("drawn points, unscaled", clipped), scaling=Scaling.none(train_x),
    )  # fmt: skip


def _cloud(rng: np.random.Generator, points: int) -> tuple[np.ndarray, np.ndarray]:
    t = np.arange(points, dtype=np.int64) % 2
    direction = np.where(t == 1, 1.0, -1.0)[:, None] * np.array([-SHIFT, SHIFT])
    return rng.normal(size=(points, FEATURES)) + direction, t
