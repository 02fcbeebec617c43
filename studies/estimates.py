"""Estimates with their errors: means, medians, paired differences."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A mean and its standard error."""

    mean: float
    sem: float

    def __str__(self) -> str:
        digits = 4 if abs(self.mean) < 10 else 1
        return f"{self.mean:z.{digits}f} +- {self.sem:.{digits}f}"


def estimate(values: Iterable[float]) -> Estimate:
    """Mean and standard error of independent values; one value alone has no error."""
    array = np.fromiter(values, float)
    return Estimate(float(array.mean()), float(array.std(ddof=1) / math.sqrt(len(array))) if len(array) > 1 else 0.0)


def median(values: Iterable[float], seed: int = 0, draws: int = 2000) -> Estimate:
    """Median of independent values and the standard error of it by bootstrap (B. Efron, 1979)."""
    array = np.fromiter(values, float)
    again = np.random.default_rng(seed).integers(0, len(array), (draws, len(array)))
    return Estimate(statistics.median(array.tolist()), float(np.median(array[again], axis=1).std(ddof=1)))


def paired(values: Iterable[float], others: Iterable[float]) -> Estimate:
    """Mean difference of pairs, value less other, and its standard error."""
    return estimate(a - b for a, b in zip(values, others, strict=True))
