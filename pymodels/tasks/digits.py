"""Digits: 1,797 handwritten digits of 8 x 8 pixels, as scikit-learn ships them.

A pixel of 0 to 16 becomes (pixel - 8) / 6, a constant scale that needs no statistics. It is not centred: pixels
that are empty in all digits serve as bias. Without one, ten logistic regressions on centred pixels end at 0.90.

Source: E. Alpaydin, C. Kaynak, UCI, "Optical Recognition of Handwritten Digits" (1998), test part.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from oxmc.pymodels.config import Config
from oxmc.pymodels.tasks import Dataset, DataSource
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.splits import check, check_points, clipping_note, split_rng

POINTS, FEATURES, CLASSES = 1797, 64, 10
MIDDLE, SCALE = 8.0, 6.0


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """The split data set. Raises `InputError` where `config` asks for other than the data has."""
    check("digits", "features", config.features, FEATURES)
    check("digits", "outputs", config.outputs, CLASSES)
    check_points("digits", config, POINTS)
    bunch = _bunch()
    x, t = (bunch.data - MIDDLE) / SCALE, bunch.target.astype(np.int64)
    order = split_rng(config, seed).permutation(POINTS)
    train, test = np.split(order[: config.train_samples + config.test_samples], [config.train_samples])
    return Dataset(
        train_x=x[train], train_t=t[train], test_x=x[test], test_t=t[test],
        feature_names=tuple(map(str, bunch.feature_names)), class_names=tuple(map(str, bunch.target_names)),
        notes=("pixels scaled by a constant, not centred", clipping_note(config, x)),
        scaling=Scaling.of(np.full(FEATURES, MIDDLE), np.full(FEATURES, SCALE), bunch.data[train]),
    )  # fmt: skip


@cache
def _bunch() -> Bunch:
    return load_digits()
