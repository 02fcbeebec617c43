"""What ends the program from outside, and that it is never lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import NoReturn

AGAIN_S = 0.1
"""After this time what was lost comes again; by then the finalizer has ended, or the next one swallows it again."""


class Terminated(BaseException):
    """SIGTERM came. Like `KeyboardInterrupt` it is no `Exception`, so that nothing but the program's end stops it."""


SIGNALS = {KeyboardInterrupt: signal.SIGINT, Terminated: signal.SIGTERM}


def install() -> None:
    """Take SIGTERM as an exception, and let no finalizer swallow it or Ctrl-C."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = send_again


def _terminate(signum: int, frame: object) -> NoReturn:
    raise Terminated


def send_again(unraisable: sys.UnraisableHookArgs) -> None:
    """An exception left a finalizer, where Python only prints it: one that a signal raised is raised once more.

    A cluster's futures have finalizers that run in the main thread, thousands of times a run.
    """
    signum = SIGNALS.get(unraisable.exc_type)
    if signum is None:
        sys.__unraisablehook__(unraisable)
        return
    timer = threading.Timer(AGAIN_S, os.kill, (os.getpid(), signum))  # not here: this, too, may raise nothing
    timer.daemon = True
    timer.start()
