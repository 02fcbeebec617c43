"""The twin's softmax: powers of a sample's outputs, folded one by one as the chip folds them, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.kernels import njit


class Fold(NamedTuple):
    """`log_sums` and `shares` int64 by a distance; `shift` makes a cost of a difference of powers. Not `built`, none of
    it is used."""

    built: bool
    log_sums: np.ndarray
    shares: np.ndarray
    shift: int


def fold_of(formats: Formats) -> Fold:
    log_sums, shares = (formats.log_sum_table, formats.response_table) if formats.softmax else ((0,), (0,))
    return Fold(formats.softmax, np.array(log_sums, np.int64), np.array(shares, np.int64), max(0, formats.power_shift))


@njit(cache=True, nogil=True, borrows=True)
def log_sum(fold: Fold, powers: np.ndarray, sample: int) -> int:
    """log2 of the sum of 2^power over the outputs of a sample, `powers` int32 [outputs, samples]."""
    total, last = int(powers[0, sample]), len(fold.log_sums) - 1
    for output in range(1, len(powers)):
        power = int(powers[output, sample])
        distance = total - power
        total = max(total, power) + fold.log_sums[min(distance if distance >= 0 else ~distance, last)]
    return total


@njit(cache=True, nogil=True, borrows=True)
def fold_costs(fold: Fold, costs: np.ndarray, label: int, sample: int) -> None:
    """The powers of a sample in `costs` int32 [outputs, samples] become what its outputs add to the sum: the last one
    -log2 of the label's softmax, the others nothing."""
    cost = (log_sum(fold, costs, sample) - costs[label, sample]) << fold.shift
    for output in range(len(costs) - 1):
        costs[output, sample] = 0
    costs[len(costs) - 1, sample] = cost


@njit(cache=True, nogil=True, borrows=True)
def fold_all(fold: Fold, costs: np.ndarray, labels: np.ndarray) -> None:
    """`fold_costs` of all samples, where there is a softmax; `labels` int64 [samples]."""
    if fold.built:
        for sample in range(len(labels)):
            fold_costs(fold, costs, labels[sample], sample)


@njit(cache=True, nogil=True, borrows=True)
def add_shares(fold: Fold, powers: np.ndarray, count: int, sums: np.ndarray) -> None:
    """`count` times the shares of a row's outputs, whose `powers` are int32 [outputs, n], to `sums` int64 [n,
    outputs]."""
    for point in range(len(sums)):
        total = log_sum(fold, powers, point)
        for output in range(len(powers)):
            place = min((total - powers[output, point]) >> 1, len(fold.shares) - 1)
            sums[point, output] += count * fold.shares[place]


def share_sums(formats: Formats, powers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Response sums int64 [n, outputs] by powers int64 [outputs, rows, n] and counters int64 [rows], in numpy."""
    log_sums, shares = np.array(formats.log_sum_table), np.array(formats.response_table)
    total = powers[0]
    for power in powers[1:]:
        distance = total - power
        distance = np.where(distance < 0, ~distance, distance)
        total = np.maximum(total, power) + log_sums[np.minimum(distance, len(log_sums) - 1)]
    places = (np.minimum(total - power >> 1, len(shares) - 1) for power in powers)
    return np.stack([counts @ shares[place] for place in places], axis=1)
