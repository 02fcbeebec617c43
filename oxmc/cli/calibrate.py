"""`oxmc calibrate`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from oxmc.cli import options, terminal
from oxmc.pymodels.config import DEFAULT_PRESET
from oxmc.run.engine import ENGINES

CALIBRATING = "; ".join(f"{name}: {engine.help}" for name, engine in ENGINES.items() if engine.calibrates) + "."


def calibrate(
    task: options.Task = "cancer",
    preset: options.Preset = DEFAULT_PRESET,
    engine: Annotated[str, typer.Option(help=CALIBRATING)] = "twin",
    seed: Annotated[str, typer.Option(metavar="N", help="Devices and noise come from it; an integer >= 0.")] = "0",
    rows: Annotated[str | None, typer.Option(metavar="N", help="Array rows.")] = None,
    config: options.Config = None,
    settings: options.Set = None,
    card: options.Card = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Let the chip fill its gate LUT by a sweep over the array. The device card's law stands beside it."""
    from oxmc.api.tools import calibrate as calibrated
    from oxmc.run.calibration import render

    record = calibrated(
        task, preset=preset, engine=engine, seed=seed, rows=options.row_value(rows), config=config,
        settings=options.keys(settings, card),
    )  # fmt: skip
    print(json.dumps(record)) if as_json else terminal.show(render(record))
