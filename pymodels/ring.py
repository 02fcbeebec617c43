"""Rows as a ring: which of them vote, and the order of their age."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from oxmc.pymodels.config import Config

if TYPE_CHECKING:
    from oxmc.pymodels.outcome import Outcome


def voting_rows(config: Config, current: int) -> list[range]:
    """Rows of the array that vote, in pieces of neighbours, where `current` is the newest.

    They are those from burn_in to `current`, or that one alone. Of a ring they are the newest rows - burn_in ones, back
    round its end.
    """
    if not config.ring:
        return [range(min(config.burn_in, current), current + 1)]
    first = current + 1 + config.burn_in - config.rows
    return [range(first, current + 1)] if first >= 0 else [range(first + config.rows, config.rows), range(current + 1)]


def unrolled(config: Config, outcome: Outcome, adaptation: int = 0) -> Outcome:
    """An engine's outcome as a run has it: of a ring with its rows oldest first, so that they vote from burn_in on.

    `pointer` is where the newest row lies in the array.
    """
    if not config.ring:
        return outcome
    shift = -(outcome.last_row + 1)
    rows, counters = (np.roll(array, shift, axis=0) for array in (outcome.conductance_ns, outcome.counters))
    return dataclasses.replace(
        outcome, conductance_ns=rows, counters=counters, last_row=config.rows - 1, pointer=outcome.last_row,
        adaptation=adaptation,
    )  # fmt: skip


def in_array(outcome: Outcome) -> tuple[np.ndarray, np.ndarray, int]:
    """Conductances and counters of a run as they lie in the array, and the newest row."""
    if outcome.pointer is None:
        return outcome.conductance_ns, outcome.counters, outcome.last_row
    rows, counters = (rolled(array, outcome.pointer) for array in (outcome.conductance_ns, outcome.counters))
    return rows, counters, outcome.pointer


def rolled(rows: np.ndarray, pointer: int) -> np.ndarray:
    """Rows [rows, ...] oldest first as they lie in the array, where the newest one is row `pointer`."""
    return np.roll(rows, pointer + 1, axis=0)
