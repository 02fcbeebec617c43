"""`oxmc bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import terminal


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A ratio, scaling or energy; may be given more than once.")
    ] = None,
    energy: Annotated[
        bool, typer.Option("--energy", help="Joules of this processor; the same as --only energy.")
    ] = False,
    cpu_power_w: Annotated[
        float, typer.Option("--cpu-power", metavar="W", help="Package power where it has no counters.")
    ] = 65.0,
    quick: Annotated[bool, typer.Option(help="Measure everything once: a look, no figures to keep.")] = False,
    out: Annotated[Path | None, typer.Option(help="File that also gets the JSON.")] = None,
) -> None:
    """Measure how fast simulations run on this machine. Co-simulation, twin and repeats take less than ten minutes.

    --energy adds what a training takes on its processor: by the kernel's counters, or as seconds times --cpu-power."""
    from oxmc.speed import plan, report

    names = [*(only or []), *(["energy"] if energy else [])]
    chosen = plan.plan_of(names, quick=quick, cpu_power_w=cpu_power_w)
    with report.output(out) as write:
        record = plan.measure(chosen)
        write(record)
    print(json.dumps(record)) if as_json else terminal.show(report.text(record))
