"""What the cocotb tests of both couplings share: progress, the check of counts, the outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import Timer

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, PULSE_EVENTS
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Error, Status
from oxmc.pymodels.job import OWNER_VARIABLE
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.cells import Cells
from oxmc.tb.cosim.watchdog import PROGRESS, Watchdog

CLOCK_NS = 100
FEWEST_CYCLES, MOST_CYCLES = 100, 10_000
"""Between two looks at the chip: few on gates, which make some hundred cycles a second."""
LOOK_S = 0.2


async def report_progress(dut: Any, folder: Path, config: Config) -> None:
    """Rewrite the progress with cycle, row and proposals, at most five times a second.

    Raises `RunError` where the chip goes on beyond its cycle budget.
    """
    last, owner, watchdog = 0.0, int(os.environ[OWNER_VARIABLE]), Watchdog(Formats(config))
    wait = FEWEST_CYCLES
    while True:
        started = time.monotonic()
        if os.getppid() != owner:  # whoever wanted this run was killed
            os._exit(1)
        cycle, row, proposals = (value.value.to_unsigned() for value in (dut.cycle, dut.row, dut.proposals))
        if started - last > LOOK_S:
            last = started
            (folder / PROGRESS).write_text(f"{cycle} {row} {proposals}")
        fault = watchdog.look(cycle, proposals)
        if fault:
            raise RunError(f"the chip does not end: {fault}, phase {PHASES[dut.phase.value.to_unsigned()]}")
        await Timer(wait * CLOCK_NS, unit="ns")
        if time.monotonic() - started < LOOK_S / 2:
            wait = min(2 * wait, MOST_CYCLES)


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
    """The outcome of a run on the RTL from what was read of the chip, its array and the co-simulation top.

    Raises `RunError` where the chip refused a word or was upset.
    """
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
    )
