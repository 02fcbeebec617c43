"""cocotb's runners with commands that can be watched and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cocotb_tools.runner import Icarus, Verilator

from pymodels.errors import RunError

POLL_S = 0.1
"""How often a running simulator is looked at."""


class _Watched:
    """Mixed into a cocotb runner: its commands run in a process group of their own, watched and killable."""

    watch: Callable[[], None] | None = None
    env: dict[str, str]

    def _execute_cmds(self, cmds: Sequence[list[str]], cwd: Any, stdout: Any = None) -> None:
        for cmd in cmds:
            process = subprocess.Popen(
                cmd, cwd=cwd, env=self.env, stdout=stdout, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                self._wait(process)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            if process.returncode:
                raise RunError(f"{Path(cmd[0]).name} ended with exit code {process.returncode}")

    def _wait(self, process: subprocess.Popen) -> None:
        # in a thread, which is woken when the process ends: Popen's own wait with a timeout looks now and then
        waiter = threading.Thread(target=process.wait, daemon=True)
        waiter.start()
        while waiter.is_alive():
            if self.watch is not None:
                self.watch()
            waiter.join(POLL_S)


class WatchedVerilator(_Watched, Verilator):
    pass


class WatchedIcarus(_Watched, Icarus):
    def _test_command(self):
        """Without waves cocotb passes -none, with them -fst; the dump of the top is a VCD by itself."""
        command = super()._test_command()[0]
        return [[word for word in command if word not in ("-none", "-fst")]]


RUNNERS: dict[str, Callable[[], Any]] = {"verilator": WatchedVerilator, "icarus": WatchedIcarus}
