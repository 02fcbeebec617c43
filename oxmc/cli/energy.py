"""`oxmc energy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import options, terminal
from oxmc.pymodels.errors import InputError, printable
from oxmc.pymodels.whole import write_file


def energy(
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN...", help="Run directories.")] = None,
    node: options.Node = None,
    output: Annotated[str, typer.Option("--format", help="text, json, csv, html or accelergy.")] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write, not standard output; accelergy: folder.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every action, bound and source as text, not one screen.")
    ] = False,
    template: Annotated[bool, typer.Option("--template", help="Print a cost table to fill in, without a run.")] = False,
) -> None:
    """Say where the energy of runs went. Training and test are apart, by component, each with its band.

    FILE of --node may be an overlay: base = "28nm" and the figures that differ. ASSUMPTION is one that we do not share,
    to see what it does: free-pumps, free-rail, free-buffers, no-bias, walden-adc, small-front-end; as-before is all.
    html is a page of its own, with sliders for voltages, pulse widths, clock and converters."""
    from oxmc.energy.template import template as cost_template
    from oxmc.reports import accounts

    if template and runs:
        raise InputError("RUN must be left out with --template")
    if not (template or runs):
        raise InputError("Missing argument 'RUN...'.")
    if output == "accelergy" and runs:
        if out is None:
            raise InputError("--format accelergy must come with --out, the folder to write")
        for path in accounts.write_accelergy(runs, tuple(node or accounts.NODES), out):
            print(printable(str(path)))
        terminal.say(accounts.told(runs))
        return
    text = (
        cost_template() if not runs else accounts.report(runs, tuple(node or accounts.NODES), output, whole=everything)
    )
    if output == "csv" and runs:
        terminal.say(accounts.told(runs))
    if out is None:
        print(printable(text), end="")
        return
    write_file(out, text)
