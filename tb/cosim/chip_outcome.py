"""The outcome of a run on the RTL, from what was read of the chip, its array and the co-simulation top."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, PULSE_EVENTS
from oxmc.pymodels.interface import Error, Status
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.cells import Cells


def check_counts(counts: dict[str, dict[str, int]], array: Cells) -> None:
    """The chip's strobes and the array's own book must agree. Raises `RunError` naming phase and event."""
    for phase in PHASES:
        for event in (*ARRAY_EVENTS, *PULSE_EVENTS):
            chip, model = counts[phase][event], array.counts[phase][event]
            if chip != model:
                raise RunError(f"event {event} in phase {phase} must count alike in chip ({chip}) and array ({model})")


def outcome_of(
    array: Cells,
    status: Mapping[Status, int],
    counters: np.ndarray,
    classes: np.ndarray,
    sums: np.ndarray,
    cycles: int,
    counts: dict[str, dict[str, int]],
) -> Outcome:
    """Raises `RunError` where the chip refused a word or was upset."""
    if status[Status.ERRORS]:
        names = ", ".join(error.name for error in Error if status[Status.ERRORS] >> error & 1)
        raise RunError(f"ERRORS of the chip must be 0 at the end of a run, not {status[Status.ERRORS]:#x} ({names})")
    return Outcome(
        conductance_ns=array.conductance_ns,
        counters=counters,
        classes=classes,
        sums=sums,
        last_row=status[Status.LAST_ROW],
        proposals=status[Status.PROPOSALS],
        skipped=status[Status.SKIPPED],
        clamps=status[Status.CLAMPS],
        lost_counts=status[Status.LOST_COUNTS],
        cycles=cycles,
        counts=counts,
        quantities=array.quantities,
        joules=array.joules,
        seeds=[int(array.seed)],
    )
