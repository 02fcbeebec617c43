"""Learning tasks: data sets split, scaled and quantised for the chip."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np

from pymodels.cartpole import reference_reward
from pymodels.config import TASKS, Config
from pymodels.errors import InputError
from pymodels.fixed import Formats


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """A split data set: features float64 [n, features] of about unit variance, targets int64 [n] (the class number)."""

    train_x: np.ndarray
    train_t: np.ndarray
    test_x: np.ndarray
    test_t: np.ndarray
    feature_names: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader of results should know of the data's treatment."""


def load_task(name: str, config: Config, seed: int) -> Dataset:
    """The data of task `name`. Raises `InputError` for an unknown task or a config that the task cannot serve."""
    if name not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, not {name!r}")
    dataset: Dataset = importlib.import_module(f"pymodels.tasks.{name}").load(config, seed)
    return dataset


def quantise(config: Config, x: np.ndarray) -> np.ndarray:
    """Input DAC codes of features `x`, int64 of the same shape: `Formats.input_code` of each, clipped at full scale."""
    top = Formats(config).input_max
    return np.clip(np.rint(x * top / config.input_range), -top, top).astype(np.int64)


def clipped_share(config: Config, x: np.ndarray) -> float:
    """Share of feature values that lie beyond the input DAC's full scale."""
    return float(np.mean(np.abs(x) > config.input_range))


def reference_value(config: Config, dataset: Dataset, seed: int) -> float:
    """What the result is held against: a logistic regression's accuracy, or the reward of acting at random."""
    if config.acceptance == "reward":
        return reference_reward(config, seed)
    return reference_accuracy(dataset)


def reference_accuracy(dataset: Dataset) -> float:
    """Test accuracy of scikit-learn's logistic regression (its defaults: L2, C = 1) on the same split, unquantised."""
    from sklearn.linear_model import LogisticRegression  # half a second to import

    model = LogisticRegression(max_iter=1000).fit(dataset.train_x, dataset.train_t)
    return float(model.score(dataset.test_x, dataset.test_t))
