"""`oxmc report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oxmc.pymodels.errors import printable
from oxmc.pymodels.whole import write_file


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    out: Annotated[Path | None, typer.Option(help="File to write; by default RUN/report.html.")] = None,
) -> None:
    """Write a run as one page for a browser. It has result, warnings, chain, array, weights, calibration, joules.

    The page needs no network."""
    from oxmc.reports.run_page import run_page

    place = out or run / "report.html"
    write_file(place, run_page(run))
    print(printable(str(place)))
