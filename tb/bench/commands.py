"""A command line of ours in a process of its own, timed from outside."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time

from pymodels.errors import RunError


@dataclasses.dataclass(frozen=True)
class Finished:
    """Wall time, CPU time with that of all children, and the largest process' peak resident memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run_oxmc(*arguments: object) -> Finished:
    """Run `oxmc` with `arguments`. Raises `RunError` with its last line if it fails."""
    command = [sys.executable, "-m", "tb", *map(str, arguments)]
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()  # it ends its own children, a simulator or workers
            process.wait()
            raise
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise RunError(f"{' '.join(map(str, arguments))} ended with exit code {process.returncode}: {last}")
    return Finished(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
