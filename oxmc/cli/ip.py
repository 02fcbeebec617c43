"""`oxmc ip`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import options
from oxmc.ip import BUSES
from oxmc.pymodels.config import DEFAULT_PRESET, load_toml, resolve
from oxmc.pymodels.errors import printable

Bus = Annotated[str, typer.Option(help=f"One of {', '.join(BUSES)}.", autocompletion=options.one_of(BUSES))]


def ip(
    task: options.Task = "cancer",
    bus: Bus = "apb",
    preset: options.Preset = DEFAULT_PRESET,
    config: options.Config = None,
    settings: options.Set = None,
    name: Annotated[str, typer.Option(help="Name of the top, beginning of all other modules' names.")] = "oxmc_ip",
    out: Annotated[Path, typer.Option(help="Folder to write; an IP in it is replaced.")] = Path("build/ip"),
) -> None:
    """Write the chip as an IP behind a bus. With it come registers for C and other tools, and an instance to copy."""
    from oxmc.ip.package import write_ip

    toml = load_toml(config) if config else None
    chosen = resolve(task, preset, toml=toml, settings=options.keys(settings))
    for path in write_ip(chosen, bus, out, name=name):
        print(printable(str(path)))
