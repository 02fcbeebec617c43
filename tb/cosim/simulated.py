"""What runs beside each training under cocotb: progress, and an end where there would be none."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from cocotb.triggers import Timer

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import OWNER_VARIABLE
from oxmc.tb.cosim.watchdog import PROGRESS, Watchdog

CLOCK_NS = 100
FEWEST_CYCLES, MOST_CYCLES = 100, 10_000
"""Between two looks at the chip: few on gates, which make some hundred cycles a second."""
LOOK_S = 0.2


async def report_progress(dut: Any, folder: Path, config: Config) -> None:
    """Rewrite the progress, at most five times a second.

    Raises `RunError` where the chip goes on beyond its cycle budget.
    """
    last, owner, watchdog = 0.0, int(os.environ[OWNER_VARIABLE]), Watchdog(Formats(config))
    wait = FEWEST_CYCLES
    while True:
        started = time.monotonic()
        if os.getppid() != owner:  # whoever wanted this run was killed
            os._exit(1)
        seen = [value.value.to_unsigned() for value in (dut.cycle, dut.row, dut.proposals, dut.phase)]
        if started - last > LOOK_S:
            last = started
            (folder / PROGRESS).write_text(" ".join(map(str, seen)))
        watchdog.check(*seen)
        await Timer(wait * CLOCK_NS, unit="ns")
        if time.monotonic() - started < LOOK_S / 2:
            wait = min(2 * wait, MOST_CYCLES)
