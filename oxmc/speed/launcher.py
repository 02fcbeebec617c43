"""Runs a command from a small process: `python launcher.py COMMAND...`; last line of stdout: wall s, CPU s, peak kB.

A new process inherits the peak memory of the one that starts it, so the bench, which has a sampler's libraries loaded,
cannot be that one. SIGTERM goes on to the command.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time


def main() -> int:
    started = time.monotonic()
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to the command, too
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    wall_s = time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
