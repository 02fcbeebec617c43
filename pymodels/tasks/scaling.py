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
    any, makes n features of the scaled columns. With `median` and `spread` float64 [columns] the raw values are bent
    before: asinh((raw - median) / spread). A feature of constant 1 (`bias`) is no column; it is appended.
    """

    mean: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    components: np.ndarray | None = None
    median: np.ndarray | None = None
    spread: np.ndarray | None = None

    @classmethod
    def of(cls, mean: np.ndarray, scale: np.ndarray, raw_train: np.ndarray) -> Scaling:
        """That of training points `raw_train` float64 [train, columns]."""
        return cls(mean, scale, raw_train.min(axis=0), raw_train.max(axis=0))

    @classmethod
    def robust(cls, raw_train: np.ndarray) -> Scaling:
        """That of bent values, which one point far out moves little, to mean 0 and variance 1.

        The spread is the quartiles' distance over that of a normal of s.d. 1, or the s.d. where they are equal.
        """
        low, median, high = np.quantile(raw_train, (0.25, 0.5, 0.75), axis=0)
        spread = np.where(high > low, (high - low) / QUARTILES, _some(raw_train.std(axis=0)))
        bent = np.arcsinh((raw_train - median) / spread)
        plain = cls.of(bent.mean(axis=0), _some(bent.std(axis=0)), raw_train)
        return dataclasses.replace(plain, median=median, spread=spread)

    @classmethod
    def standard(cls, seen: np.ndarray, raw_train: np.ndarray) -> Scaling:
        """That of points `seen` float64 [n, columns], to mean 0 and variance 1; a column that is constant to 0."""
        return cls.of(seen.mean(axis=0), _some(seen.std(axis=0)), raw_train)

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
        if self.median is not None:
            raw = np.arcsinh((raw - self.median) / self.spread)
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
        arrays = {name: getattr(self, name) for name in (*NAMES, *BENT, "components")}
        return {name: array.tolist() for name, array in arrays.items() if array is not None}

    @classmethod
    def read(cls, value: Mapping[str, Any], features: int) -> Scaling:
        """What `as_dict` wrote for a run of so many features. Raises `ValueError` for anything else."""
        names = [*NAMES, *(name for name in BENT if isinstance(value, dict) and name in value)]
        if not isinstance(value, dict) or value.keys() - {"components"} != set(names) or len(names) == len(NAMES) + 1:
            raise ValueError(f"scaling must have {', '.join(NAMES)}, and of bent values {' and '.join(BENT)}")
        has_table = "components" in value
        lengths = {len(value[name]) if isinstance(value[name], list) else -1 for name in names}
        if not has_table and lengths not in ({features}, {features - 1}):  # one less where the last is the bias
            raise ValueError(f"scaling must have {features} numbers a list, or one less with a bias")
        lists = [value[name] for name in names]
        if has_table:
            lists += _checked_components(value["components"], lengths, features)
        if not all(type(number) is float and strict.is_number(number) for each in lists for number in each):
            raise ValueError("scaling must be of finite numbers")
        for name in ("scale", "spread"):
            if 0.0 in value.get(name, ()):
                raise ValueError(f"{name} must not be 0")
        arrays = {name: np.array(value[name]) for name in value}
        return cls(**arrays)


NAMES = ("mean", "scale", "low", "high")
BENT = ("median", "spread")
QUARTILES = 1.349
"""Distance of the quartiles of a normal distribution of s.d. 1."""


def _some(spread: np.ndarray) -> np.ndarray:
    """A spread to divide by, 1 where there is none."""
    return np.where(spread > 0, spread, 1.0)


def _checked_components(table: Any, lengths: set[int], features: int) -> list[list]:
    """The lines of `components`, one a column. Raises `ValueError` unless they are of `features`, or one less."""
    widths = {len(line) if isinstance(line, list) else -1 for line in table} if isinstance(table, list) else {-1}
    if widths not in ({features}, {features - 1}) or lengths != {len(table)}:
        raise ValueError(f"components must have {features} numbers a column, or one less with a bias")
    lines: list[list] = table
    return lines
