"""`oxmc verilog`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import options
from oxmc.pymodels.config import DEFAULT_PRESET
from oxmc.pymodels.errors import printable


def verilog(
    task: options.Task = "cancer",
    preset: options.Preset = DEFAULT_PRESET,
    config: options.Config = None,
    settings: options.Set = None,
    out: Annotated[Path, typer.Option(help="Folder to write; a chip in it is replaced.")] = Path("build/v"),
    name: Annotated[str, typer.Option(help="Beginning of the names of all modules and files.")] = "oxmc_chip",
    observers: Annotated[
        bool, typer.Option("--observers", help="Add the ports that a simulation looks at; not for silicon.")
    ] = False,
) -> None:
    """Write the chip as synthesizable Verilog. Lint waivers, its memories and its configuration are beside it."""
    from oxmc.api.tools import verilog as written

    keys = options.keys(settings)
    for path in written(task, preset=preset, config=config, settings=keys, out=out, name=name, observers=observers):
        print(printable(str(path)))
