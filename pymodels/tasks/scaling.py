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

    `low` and `high` are the least and greatest raw value of the training points. `components` float64 [columns, n], if
    any, makes n features of the scaled columns. A feature of constant 1 (`bias`) is no column; it is appended.
    """

    mean: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    components: np.ndarray | None = None

    @classmethod
    def of(cls, mean: np.ndarray, scale: np.ndarray, raw_train: np.ndarray) -> Scaling:
        """That of training points `raw_train` float64 [train, columns]."""
        return cls(mean, scale, raw_train.min(axis=0), raw_train.max(axis=0))

    @classmethod
    def none(cls, raw_train: np.ndarray) -> Scaling:
        """Of features that are taken as they are."""
        columns = raw_train.shape[1]
        return cls.of(np.zeros(columns), np.ones(columns), raw_train)

    @property
    def width(self) -> int:
        """How many features there are, the bias left out."""
        return len(self.mean) if self.components is None else self.components.shape[1]

    def features(self, raw: np.ndarray, *, bias: bool) -> np.ndarray:
        """Features float64 [n, width + bias] of raw values float64 [n, columns]."""
        scaled: np.ndarray = (raw - self.mean) / self.scale
        if self.components is not None:
            scaled = scaled @ self.components
        return np.column_stack([scaled, np.ones(len(raw))]) if bias else scaled

    def outside(self, raw: np.ndarray) -> np.ndarray:
        """Whether each value lies beyond those trained on, bool [n, columns]."""
        beyond: np.ndarray = (raw < self.low) | (raw > self.high)
        return beyond

    def as_dict(self) -> dict[str, list]:
        """As run.json has it; every number reads back to the bit."""
        found = {name: getattr(self, name).tolist() for name in NAMES}
        return found if self.components is None else found | {"components": self.components.tolist()}

    @classmethod
    def read(cls, value: Mapping[str, Any], features: int) -> Scaling:
        """What `as_dict` wrote for a run of so many features. Raises `ValueError` for anything else."""
        if not isinstance(value, dict) or value.keys() - {"components"} != set(NAMES):
            raise ValueError(f"scaling must have {', '.join(NAMES)}")
        has_table = "components" in value
        lengths = {len(value[name]) if isinstance(value[name], list) else -1 for name in NAMES}
        if not has_table and lengths not in ({features}, {features - 1}):  # one less where the last is the bias
            raise ValueError(f"scaling must have {features} numbers a list, or one less with a bias")
        lists = [value[name] for name in NAMES]
        if has_table:
            lists += _checked_components(value["components"], lengths, features)
        if not all(type(number) is float and strict.is_number(number) for each in lists for number in each):
            raise ValueError("scaling must be of finite numbers")
        if 0.0 in value["scale"]:
            raise ValueError("scale must not be 0")
        arrays = {name: np.array(value[name]) for name in value}
        return cls(**arrays)


NAMES = ("mean", "scale", "low", "high")


def _checked_components(table: Any, lengths: set[int], features: int) -> list[list]:
    """The lines of `components`, one a column. Raises `ValueError` unless they are of `features`, or one less."""
    widths = {len(line) if isinstance(line, list) else -1 for line in table} if isinstance(table, list) else {-1}
    if widths not in ({features}, {features - 1}) or lengths != {len(table)}:
        raise ValueError(f"components must have {features} numbers a column, or one less with a bias")
    lines: list[list] = table
    return lines
