"""`oxmc synth`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import options, terminal
from oxmc.pymodels.config import DEFAULT_PRESET, load_toml, resolve


def synth(
    task: options.Task = "cancer",
    preset: options.Preset = DEFAULT_PRESET,
    config: options.Config = None,
    settings: options.Set = None,
    target: Annotated[str, typer.Option(help="sky130: our 130 nm cells; ice40: an FPGA; generic: gates.")] = "sky130",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the netlists; by default one in build/synth.")] = None,
) -> None:
    """Synthesise the chip into gates. The answer is cells and area by block, the longest path, the fastest clock."""
    from oxmc.silicon import synth as synthesis

    toml = load_toml(config) if config else None
    chosen = resolve(task, preset, toml=toml, settings=options.keys(settings))
    folder = out or Path("build/synth") / f"{task}-{preset}-{target}"
    result = synthesis.synthesise(chosen, target, folder)
    if as_json:
        print(json.dumps(result.as_json()))
        return
    terminal.show(synthesis.render(result), synthesis.summary(result, folder))
