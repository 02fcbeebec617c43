"""`oxmc sweep`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import options
from oxmc.pymodels.config import resolve
from oxmc.pymodels.errors import InputError
from oxmc.run.engine import Options, engine_of


def sweep(
    task: options.Task,
    vary: Annotated[
        list[str],
        typer.Option(metavar="KEY=V1,V2,...", help="Values of a key; again for more; KEY,KEY=... move together."),
    ],
    one_at_a_time: Annotated[
        bool, typer.Option("--one-at-a-time", help="Each --vary alone around the preset, which is point 0.")
    ] = False,
    preset: options.Preset = options.DEFAULT_PRESET,
    engine: options.Engine = "twin",
    seed: options.Seed = "0",
    rows: options.Rows = None,
    config: options.Config = None,
    settings: options.Set = None,
    repeats: Annotated[str, typer.Option(metavar="R", help="Trainings a point, each with its own split.")] = "10",
    jobs: Annotated[str | None, typer.Option(metavar="N", help="Processes for a point's repeats; else 1.")] = None,
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
    """Train at every combination of some keys' values: mean accuracy, mean energy at both nodes, the Pareto front.

    KEY,KEY=V1,V2 gives both keys V1, then V2; KEY,KEY=V1:W1,V2:W2 gives each its own."""
    from oxmc.campaign import sweep as sweeping
    from oxmc.campaign import sweep_points
    from oxmc.campaign.repeats import default_out
    from oxmc.cli import console, progress
    from oxmc.pymodels.tasks import fit_config
    from oxmc.run import train as training

    if output not in ("text", "json", "csv"):
        raise InputError(f"--format must be one of text, json, csv, not {output!r}")
    engine_of(engine).refuse(Options())
    seed_value = options.seed_value(seed)
    plan = options.repeat_plan(repeats, jobs, cluster, resume, other_code)
    assert plan is not None
    toml, fixed = options.keys_of(config, settings)
    source = options.data_source(data, subject, label, keep, drop)
    fit_config(task, resolve(task, preset), (), source)  # what is wrong with the data is so at each point
    options.row_count(rows, fixed)
    row_count = None if rows is None else options.integer("--rows", rows, 0, options.MOST_SUBJECT)
    axes = sweep_points.parse_vary(vary, again=one_at_a_time)
    for name in () if one_at_a_time else (name for axis in axes for name in axis if name in fixed):
        raise InputError(f"--set {name} must be left out with --vary {name}")

    resolved = sweeping.resolver(task, preset, engine, source, toml=toml, settings=fixed, rows=row_count)
    points = (sweep_points.points_around if one_at_a_time else sweep_points.all_points)(axes, resolved)
    stem = f"sweep-{task}-{preset}-s{seed_value}"
    folder = out or default_out(stem, resume=resume)
    first = points[0][1]
    request = training.Request(
        task=task, preset=preset, engine=engine, seed=seed_value, config=first, out=folder, source=source
    )
    if dry_run:
        from oxmc.cli.dry import show_sweep

        show_sweep(request, points, plan.repeats, folder, as_json=as_json or output == "json")
        return
    with progress.sweep_progress(len(points), plan.repeats) as watcher:
        asked = sweeping.Sweep(request=request, plan=plan, axes=axes, points=points, around=one_at_a_time)
        record = sweeping.run_sweep(asked, watcher)
    if as_json or output == "json":
        print(json.dumps(record, indent=2))
    elif output == "csv":
        print(sweeping.table_csv(record), end="")
    else:
        console.wide().print(console.sweep_table(record, folder))
