"""Wine: three growers told apart by 13 measurements of 178 wines, as scikit-learn ships them.

Source: S. Aeberhard, M. Forina, UCI (1991).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_wine
from sklearn.utils import Bunch

from oxmc.pymodels.config import Config
from oxmc.pymodels.tasks import Dataset, DataSource
from oxmc.pymodels.tasks.splits import check, check_points, scaled_split

POINTS, FEATURES, CLASSES = 178, 13, 3


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """The split and scaled data set. Raises `InputError` where `config` asks for other than the data has."""
    check("wine", "features", config.features, FEATURES + config.bias)
    check("wine", "outputs", config.outputs, CLASSES)
    check_points("wine", config, POINTS)
    bunch = _bunch()
    names, classes = tuple(map(str, bunch.feature_names)), tuple(map(str, bunch.target_names))
    return scaled_split(config, seed, bunch.data, bunch.target.astype(np.int64), names, classes)


@cache
def _bunch() -> Bunch:
    return load_wine()
