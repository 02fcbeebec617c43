"""Raw figures, repetitions in turns, and the exponent of a power law."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Raw = dict[str, dict[str, Any]]
"""Raw figures by name, as `figure` makes them."""


def figure(values: Sequence[float], unit: str) -> dict[str, Any]:
    """A raw figure: `value` is the median of the `n` measurements, between `min` and `max`."""
    median = statistics.median(values)
    return {
        "value": median, "unit": unit, "n": len(values), "min": min(values), "median": median, "max": max(values),
    }  # fmt: skip


def in_turns(actions: Mapping[str, Callable[[], Any]], rounds: int, limit_s: float) -> dict[str, list[Any]]:
    """What each action returned, once a round: what slows the machine for a while then slows all of them.

    After `limit_s` no new round begins; the first is always whole.
    """
    started = time.monotonic()
    results: dict[str, list[Any]] = {name: [] for name in actions}
    for number in range(rounds):
        if number and time.monotonic() - started > limit_s:
            break
        for name, action in actions.items():
            results[name].append(action())
    return results


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The b of cost = a * size**b by least squares over the logarithms; all values positive, two sizes at least."""
    slope, _ = np.polyfit(np.log(sizes), np.log(costs), 1)
    return float(slope)
