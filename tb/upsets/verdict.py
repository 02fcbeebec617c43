"""What an upset did to a training, against the same training without it; shares of each verdict with intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.uncertainty import NORMAL_95, wilson_interval
from oxmc.tb.upsets.simulation import Ending

VERDICTS = ("masked", "detected", "changed", "lost", "hang")
"""The same final state; ERRORS is not 0; another state, silently, within a point of the accuracy; silently more than a
point worse; no end by the cycle limit."""
POINT = 0.01
"""Accuracy that may be lost before a silent change counts as a loss."""


def accuracy(ending: Ending, formats: Formats, labels: np.ndarray) -> float:
    """Share of the test points, int64 [test], whose result left and is right."""
    bits, label_bits = formats.response_sum_bits, formats.label_bits
    words = np.array(ending.results, np.uint64)
    last = words >> np.uint64(bits + label_bits) == 1
    classes = (words >> np.uint64(bits) & np.uint64(2**label_bits - 1))[last][: len(labels)].astype(np.int64)
    return float(np.sum(classes == labels[: len(classes)]) / len(labels))


def same_state(one: Ending, other: Ending) -> bool:
    """Whether rows, counters, registers and results are the same to the bit; the cycles they took may differ."""
    arrays = (
        np.array_equal(one.conductance_ns, other.conductance_ns),
        np.array_equal(one.set_count, other.set_count),
    )
    return all(arrays) and (one.answers, one.results) == (other.answers, other.results)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`how` is one of `VERDICTS`, `loss` the accuracy that was lost, below 0 where it was gained."""

    how: str
    loss: float
    refused: bool


def judged(ending: Ending, right: Ending, formats: Formats, labels: np.ndarray) -> Verdict:
    """The verdict on a run; `right` is the one without an upset, `labels` int64 [test] are those of the test points."""
    loss = accuracy(right, formats, labels) - accuracy(ending, formats, labels)
    if not ending.ended:
        how = "hang"
    elif ending.errors:
        how = "detected"
    elif same_state(ending, right):
        how = "masked"
    else:
        how = "lost" if loss > POINT else "changed"
    return Verdict(how, loss, ending.refused)


@dataclasses.dataclass(frozen=True)
class Share:
    """Of `n` upsets, in per cent, with its 95 % interval (Wilson's)."""

    count: int
    n: int

    def __str__(self) -> str:
        low, high = wilson_interval(self.count, self.n)
        return f"{100 * self.count / self.n:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def weighted(counts: Iterable[tuple[int, int]], weights: Iterable[float]) -> str:
    """A share of all bits alike, from (count, n) of each class and its part of the bits, in per cent.

    Its 95 % interval is that of a stratified sample, with a count of one half added to both outcomes of each class
    (W. G. Cochran, Sampling Techniques, 1977, chapter 5).
    """
    share, variance = 0.0, 0.0
    for (count, n), weight in zip(counts, weights, strict=True):
        p = (count + 0.5) / (n + 1)
        share += weight * count / n
        variance += weight**2 * p * (1 - p) / n
    half = NORMAL_95 * variance**0.5
    return f"{100 * share:.2f} ({100 * max(0.0, share - half):.2f}-{100 * min(1.0, share + half):.2f})"


Tally = Mapping[str, Mapping[str, int]]
"""Counts of the verdicts by class."""
