"""What a command says: results for a person on standard output, notes beside them on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def show(*parts: Any) -> None:
    """Tables and texts of a result on standard output."""
    from oxmc.reports.plain import PlainConsole  # rich, which `--json` and `--help` do without

    terminal = PlainConsole()
    for part in parts:
        terminal.print(part)


def say(lines: Iterable[str]) -> None:
    """What goes beside a result that a program reads, on standard error."""
    for line in lines:
        print("oxmc:", " ".join(line.splitlines()), file=sys.stderr)
