"""Where the program `oxmc` starts: without what a user's shell means for others."""

from __future__ import annotations

import atexit
import gc
import os
import sys

FOR_OTHERS = (
    "PYTHONWARNINGS", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONDEVMODE",
    "PYTHONVERBOSE", "PYTHONPROFILEIMPORTTIME", "MPLBACKEND", "MATPLOTLIBRC",
)  # fmt: skip
"""Variables of a user's other programs that must not change this one or its workers."""

NARROWEST = 40
"""Columns below which a table cannot be read."""


def main() -> None:
    """Run the command line."""
    spare_collections()
    spare_waiting()
    open_standard_streams()
    forget_settings()
    from oxmc.cli.app import main as run

    run()


def spare_collections() -> None:
    """Look for garbage rarely, and not at the end: imports make some hundred thousand objects, none of them garbage.
    Searching among them takes a tenth of a short command's time."""
    gc.set_threshold(100_000, 50, 100)
    atexit.register(leave_garbage)


def leave_garbage() -> None:
    """Nothing is collected at the end, but where worker processes were: what they share is removed by collections."""
    if "joblib.externals.loky" not in sys.modules:
        gc.freeze()


def spare_waiting() -> None:
    """Let idle threads of the linear algebra sleep at once: else they spin first, for 30 ms at numpy's import."""
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


def open_standard_streams() -> None:
    """Give a closed stream to the null device, or the next file that is opened takes its place."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def forget_settings() -> None:
    """Start anew without `FOR_OTHERS`, most of which Python has read by now; tables need some columns."""
    columns = os.environ.get("COLUMNS", "")
    if not (columns.isdecimal() and int(columns) >= NARROWEST):
        os.environ.pop("COLUMNS", None)
    if any(name in os.environ for name in FOR_OTHERS):
        kept = {name: value for name, value in os.environ.items() if name not in FOR_OTHERS}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], kept)


if __name__ == "__main__":
    main()
