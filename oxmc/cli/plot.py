"""`oxmc plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oxmc.pymodels.errors import printable


def plot(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, repeats or sweep.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; by default RUN/plots.")] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="png, svg or pdf; may be given again.  [default: png and svg]"),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(metavar="MM", help="Width in mm; narrow pictures stack their panels.  [default: 178]"),
    ] = None,
) -> None:
    """Draw a run as pictures. They are chain, parameters, array, accuracy or reward by row, calibration, devices.

    Of a run of repeats: their results beside the reference. Of a sweep: results against joules."""
    from oxmc.plots.pictures import plot_run
    from oxmc.plots.style import FORMATS

    for path in plot_run(run, out or run / "plots", tuple(formats or FORMATS), width):
        print(printable(str(path)))
