"""Where the program `oxmc` starts: with the project's own packages and without what a user's shell means for others."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOMS = ("energy", "hdl", "pymodels", "tb")
"""The project's top-level packages, whose names others have, too."""
FOR_OTHERS = (
    "PYTHONWARNINGS", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONDEVMODE",
    "PYTHONVERBOSE", "PYTHONPROFILEIMPORTTIME", "MPLBACKEND", "MATPLOTLIBRC",
)  # fmt: skip
"""Variables of a user's other programs that must not change this one or its workers."""

NARROWEST = 40
"""Columns below which a table cannot be read."""


def main() -> None:
    """Run the command line."""
    open_standard_streams()
    forget_settings()
    if foreign := prefer_own_packages():
        name = foreign[0]
        print(f"oxmc: error: PYTHONPATH must not hold a package {name!r} that Python imports at start", file=sys.stderr)
        sys.exit(2)
    from oxmc.cli.app import main as run

    run()


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


def prefer_own_packages() -> list[str]:
    """Let this project's packages come before others of their names; those that are still foreign."""
    if any(map(_is_foreign, ROOMS)):
        sys.path.insert(0, str(HERE))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
        importlib.invalidate_caches()
    return [room for room in ROOMS if _is_foreign(room)]


def _is_foreign(room: str) -> bool:
    spec = importlib.util.find_spec(room)
    return spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != HERE


if __name__ == "__main__":
    main()
