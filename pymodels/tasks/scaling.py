"""How a task's raw features become what the chip learns from, kept with a run so that new data is treated alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from oxmc.pymodels import strict


@dataclasses.dataclass(frozen=True)
class Scaling:
    """A feature is (raw - `mean`) / `scale`, all float64 [columns] in the unit of the raw values.

    `low` and `high` are the least and greatest raw value of the training points. A feature of constant 1 (`bias`) is no
    column; it is appended to the scaled ones.
    """

    mean: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, scale: np.ndarray, raw_train: np.ndarray) -> Scaling:
        """That of training points `raw_train` float64 [train, columns]."""
        return cls(mean, scale, raw_train.min(axis=0), raw_train.max(axis=0))

    @classmethod
    def none(cls, raw_train: np.ndarray) -> Scaling:
        """Of features that are taken as they are."""
        columns = raw_train.shape[1]
        return cls.of(np.zeros(columns), np.ones(columns), raw_train)

    def features(self, raw: np.ndarray, *, bias: bool) -> np.ndarray:
        """Features float64 [n, columns + bias] of raw values float64 [n, columns]."""
        scaled: np.ndarray = (raw - self.mean) / self.scale
        return np.column_stack([scaled, np.ones(len(raw))]) if bias else scaled

    def outside(self, raw: np.ndarray) -> np.ndarray:
        """Whether each value lies beyond those trained on, bool [n, columns]."""
        beyond: np.ndarray = (raw < self.low) | (raw > self.high)
        return beyond

    def as_dict(self) -> dict[str, list[float]]:
        """As run.json has it; every number reads back to the bit."""
        return {field.name: getattr(self, field.name).tolist() for field in dataclasses.fields(self)}

    @classmethod
    def read(cls, value: Mapping[str, Any], features: int) -> Scaling:
        """What `as_dict` wrote for a run of so many features. Raises `ValueError` for anything else."""
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(value, dict) or value.keys() != set(names):
            raise ValueError(f"scaling must have {', '.join(names)}")
        lengths = {len(value[name]) if isinstance(value[name], list) else -1 for name in names}
        if lengths not in ({features}, {features - 1}):  # one less where the last is the bias
            raise ValueError(f"scaling must have {features} numbers a list, or one less with a bias")
        if not all(type(number) is float and strict.is_number(number) for name in names for number in value[name]):
            raise ValueError("scaling must be of finite numbers")
        if 0.0 in value["scale"]:
            raise ValueError("scale must not be 0")
        return cls(**{name: np.array(value[name]) for name in names})
