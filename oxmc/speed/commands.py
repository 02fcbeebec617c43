"""A command line of ours in a process of its own, timed from outside."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

from oxmc.pymodels.errors import RunError
from oxmc.speed import launcher


@dataclasses.dataclass(frozen=True)
class Finished:
    """Wall time, CPU time with that of all children, and the largest process' peak resident memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run_oxmc(*arguments: object) -> Finished:
    """Run `oxmc` with `arguments`. Raises `RunError` with its last line if it fails."""
    command = [sys.executable, launcher.__file__, sys.executable, "-m", "oxmc", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        figures, said = process.communicate()
    except BaseException:
        process.terminate()  # the command ends its own children, a simulator or workers
        process.wait()
        raise
    if process.returncode:
        last = said.strip().rpartition("\n")[2]
        raise RunError(f"{' '.join(map(str, arguments))} ended with exit code {process.returncode}: {last}")
    wall_s, cpu_s, peak_kb = map(float, figures.split())
    return Finished(wall_s, cpu_s, peak_kb / 1024)
