"""`oxmc train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from oxmc.cli import options, terminal
from oxmc.pymodels.config import DEFAULT_PRESET, KEYS, parse_setting
from oxmc.pymodels.errors import InputError

OWN_S = 300.0
"""The first five minutes of a recording are the patient's own to learn from (ANSI/AAMI EC57)."""


def _preparation(age: str | None, calibrate: bool, form: bool) -> dict[str, Any]:
    """Settings that the options of a training stand for."""
    switches = {"calibrate": calibrate, "form": form}
    aged = {} if age is None else dict([parse_setting(f"age_cycles={age}")])
    return aged | {name: True for name, given in switches.items() if given}


def _own_beats(task: str, own: str | None) -> dict[str, Any]:
    """Settings of `--own`, over which `--set` goes. Raises `InputError` for a task without a subject."""
    if own is None:
        return {}
    if task != "ecg":
        raise InputError(f"--own must be left out for task {task}, which does not take it, not {own!r}")
    from oxmc.run.request import integer

    return {"own_beats": integer("--own", own, 1, KEYS["own_beats"].metadata["high"]), "test_after_s": OWN_S}


def train(
    task: options.Task,
    preset: options.Preset = DEFAULT_PRESET,
    engine: options.Engine = "verilator",
    seed: options.Seed = "0",
    rows: options.Rows = None,
    config: options.Config = None,
    settings: options.Set = None,
    card: options.Card = None,
    out: Annotated[Path | None, typer.Option(help="Run directory; by default a new one in build/runs.")] = None,
    age: Annotated[str | None, typer.Option(metavar="CYCLES", help="Age of the array; sets age_cycles.")] = None,
    calibrate: Annotated[bool, typer.Option(help="Let the chip calibrate its gate LUT first.")] = False,
    form: Annotated[bool, typer.Option(help="Let the chip form and condition the array first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json and nothing else.")] = False,
    chains: Annotated[str, typer.Option(metavar="C", help="Chains on one split, each with its own devices.")] = "1",
    coupling: Annotated[str, typer.Option(help="Where the array's model runs: python or compiled.")] = "python",
    waves: Annotated[bool, typer.Option(help="Keep waves of all signals, and views for GTKWave and Surfer.")] = False,
    lockstep: Annotated[bool, typer.Option(help="Run the twin beside the RTL; stop at the first difference.")] = False,
    repeats: Annotated[str | None, typer.Option(metavar="N", help="Trainings, each with its own split.")] = None,
    jobs: Annotated[
        str | None, typer.Option(metavar="N", help="Processes that share the repeats; 1 without it.")
    ] = None,
    cluster: options.Cluster = None,
    resume: Annotated[bool, typer.Option(help="Go on with repeats that were stopped or failed.")] = False,
    other_code: options.OtherCode = False,
    data: options.Data = None,
    subject: options.Subject = None,
    label: options.Label = None,
    keep: options.Keep = None,
    drop: options.Drop = None,
    own: Annotated[
        str | None,
        typer.Option(metavar="N", help="First beats of ecg's subject to learn; those after 300 s are tested."),
    ] = None,
    dry_run: options.DryRun = False,
) -> None:
    """Train a model on the chip, and test it there. The chip's RTL runs with the array model in the loop.

    The twin gives the same bits without the clock, in a fraction of a second."""
    from oxmc.api import progress, training  # what `oxmc --help` need not load
    from oxmc.run.rundir import DEFAULT_PARENT, free_name

    plan = options.repeat_plan(repeats, jobs, cluster, resume, other_code)
    for option, given in (("--waves", waves), ("--chains", chains != "1")):
        if plan and given:
            raise InputError(f"{option} must be left out with --repeats")
    keys = _own_beats(task, own) | options.keys(settings, card) | _preparation(age, calibrate, form)
    request = training.request_of(
        task, preset=preset, engine=engine, seed=seed, rows=options.row_value(rows), config=config,
        settings=keys, chains=chains, coupling=coupling, waves=waves,
        lockstep=lockstep, data=data, subject=subject, label=label, keep=keep or (), drop=drop or (),
    )  # fmt: skip
    if dry_run:
        from oxmc.cli.dry import show_training

        show_training(request, plan, out, as_json=as_json)
        return
    if plan:
        from oxmc.api import many

        with progress.repeats(plan.repeats, plain=True) as repeats_watcher:
            runs = many.run_plan(request, plan, out, repeats_watcher, parent=DEFAULT_PARENT)
        from oxmc.cli import console

        summary = console.repeats_summary(runs.record, runs.path, runs.baseline)
        print(json.dumps(runs.record)) if as_json else terminal.show(summary)
        return
    place = out or free_name(training.stem_of(request))
    with progress.training(request.config.rows, plain=True) as watcher:
        run = training.run_request(request, place, watcher, ahead=not as_json)
    if as_json:
        print(json.dumps(run.record))
        return
    from oxmc.cli import console
    from oxmc.energy.report import render_components

    answer, where = console.summary(run.record, run.baseline), console.ending(run.record, run.path)
    terminal.show(answer, render_components(run.ledgers()), where)
