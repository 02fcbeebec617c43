"""`oxmc sweep`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oxmc.cli import options
from oxmc.pymodels.config import DEFAULT_PRESET
from oxmc.pymodels.errors import InputError

if TYPE_CHECKING:
    from oxmc.api.many import Sweep


def sweep(
    task: options.Task,
    vary: options.Vary,
    one_at_a_time: Annotated[
        bool, typer.Option("--one-at-a-time", help="Each --vary alone around the preset, which is point 0.")
    ] = False,
    preset: options.Preset = DEFAULT_PRESET,
    engine: options.Engine = "twin",
    seed: options.Seed = "0",
    rows: options.Rows = None,
    config: options.Config = None,
    settings: options.Set = None,
    card: options.Card = None,
    repeats: Annotated[str, typer.Option(metavar="R", help="Trainings a point, each with its own split.")] = "10",
    jobs: Annotated[
        str | None, typer.Option(metavar="N", help="Processes for a point's repeats; 1 without it.")
    ] = None,
    cluster: options.Cluster = None,
    out: Annotated[Path | None, typer.Option(help="Folder; by default a new one in build/runs.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a sweep that was stopped.")] = False,
    other_code: options.OtherCode = False,
    output: Annotated[str, typer.Option("--format", help="What to print: text, json or csv.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    data: options.Data = None,
    subject: options.Subject = None,
    label: options.Label = None,
    keep: options.Keep = None,
    drop: options.Drop = None,
    dry_run: options.DryRun = False,
) -> None:
    """Train at every combination of some keys' values. Mean accuracy stands beside mean energy at both nodes.

    KEY,KEY=V1,V2 moves two keys together: both are V1, then V2. KEY,KEY=V1:W1,V2:W2 gives each its own values."""
    from oxmc.api import many, progress
    from oxmc.campaign.sweep_points import parse_vary
    from oxmc.run.rundir import DEFAULT_PARENT

    if output not in ("text", "json", "csv"):
        raise InputError(f"--format must be one of text, json, csv, not {output!r}")
    plan = options.repeat_plan(repeats, jobs, cluster, resume, other_code)
    assert plan is not None
    asked = many.sweep_of(
        task, parse_vary(vary, again=one_at_a_time), plan, around=one_at_a_time, preset=preset, engine=engine,
        seed=seed, rows=rows, config=config, settings=options.keys(settings, card), data=data, subject=subject,
        label=label, keep=keep or (), drop=drop or (),
    )  # fmt: skip
    if dry_run:
        from oxmc.cli.dry import show_sweep

        show_sweep(asked, out, as_json=as_json or output == "json")
        return
    with progress.sweep(len(asked.points), plan.repeats, plain=True) as watcher:
        done = many.run_asked(asked, out, watcher, parent=DEFAULT_PARENT)
    _print(done, "json" if as_json else output)


def _print(done: Sweep, output: str) -> None:
    """A finished sweep on standard output."""
    from oxmc.campaign.sweep import table_csv
    from oxmc.cli import console

    if output == "json":
        print(json.dumps(done.record, indent=2))
    elif output == "csv":
        print(table_csv(done.record), end="")
    else:
        terminal = console.wide()
        terminal.print(console.sweep_table(done.record, done.path))
        terminal.print(console.pairs(console.caution_rows(done.record)))
