"""`oxmc train`."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from oxmc.cli import options, terminal
from oxmc.pymodels.config import parse_setting, resolve
from oxmc.pymodels.errors import InputError, shown
from oxmc.run.engine import Options, engine_of

MAX_CHAINS = 64


def _chains(text: str) -> int:
    """The number of chains in `text`. Raises `InputError` unless it is 1 or more and can be analysed."""
    from oxmc.posterior.posterior import EXTRA, available
    from oxmc.pymodels.machine import not_installed

    if not (text.isdecimal() and len(text) <= len(str(MAX_CHAINS)) and 1 <= int(text) <= MAX_CHAINS):
        raise InputError(f"--chains must be an integer from 1 to {MAX_CHAINS}, not {shown(text)}")
    if int(text) > 1 and not available():
        raise InputError(f"--chains above 1 needs {not_installed(EXTRA)}")
    return int(text)


def _preparation(age: str | None, calibrate: bool, form: bool) -> dict[str, Any]:
    """Settings that the options of a training stand for."""
    switches = {"calibrate": calibrate, "form": form}
    aged = {} if age is None else dict([parse_setting(f"age_cycles={age}")])
    return aged | {name: True for name, given in switches.items() if given}


def train(
    task: options.Task,
    preset: options.Preset = options.DEFAULT_PRESET,
    engine: options.Engine = "verilator",
    seed: options.Seed = "0",
    rows: options.Rows = None,
    config: options.Config = None,
    settings: options.Set = None,
    out: Annotated[Path | None, typer.Option(help="Run directory; by default a new one in build/runs.")] = None,
    age: Annotated[str | None, typer.Option(metavar="CYCLES", help="Age of the array; sets age_cycles.")] = None,
    calibrate: Annotated[bool, typer.Option(help="The chip calibrates its gate LUT first.")] = False,
    form: Annotated[bool, typer.Option(help="The chip forms and conditions the array first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json and nothing else.")] = False,
    chains: Annotated[str, typer.Option(metavar="C", help="Chains on one split, each with its own devices.")] = "1",
    coupling: Annotated[str, typer.Option(help="Where the array's model runs: python or compiled.")] = "python",
    waves: Annotated[bool, typer.Option(help="Keep a VCD of all signals in the run directory.")] = False,
    lockstep: Annotated[bool, typer.Option(help="Run the twin beside the RTL; the first difference ends it.")] = False,
    repeats: Annotated[str | None, typer.Option(metavar="N", help="Trainings, each with its own split.")] = None,
    jobs: Annotated[str | None, typer.Option(metavar="N", help="Processes that share the repeats; else 1.")] = None,
    cluster: options.Cluster = None,
    resume: Annotated[bool, typer.Option(help="Go on with repeats that were stopped or failed.")] = False,
    other_code: options.OtherCode = False,
    data: options.Data = None,
    subject: options.Subject = None,
    label: options.Label = None,
    keep: options.Keep = None,
    drop: options.Drop = None,
    dry_run: options.DryRun = False,
) -> None:
    """Train a model on the chip's RTL with the array model in the loop, then test it on the chip.

    The twin gives the same bits without the clock, in a fraction of a second."""
    from oxmc.cli import progress
    from oxmc.pymodels.ahead import Ahead
    from oxmc.pymodels.tasks import fitted_keys, load_task, reference_value  # what `oxmc --help` need not load
    from oxmc.run import train as training
    from oxmc.run.rundir import check_out, free_name

    runner = engine_of(engine)
    runner.refuse(Options(waves=waves, lockstep=lockstep, coupling=coupling))
    seed_value = options.seed_value(seed)
    plan = options.repeat_plan(repeats, jobs, cluster, resume, other_code)
    for option, given in (("--waves", waves), ("--chains", chains != "1")):
        if plan and given:
            raise InputError(f"{option} must be left out with --repeats")
    toml, keys = options.keys_of(config, settings)
    keys |= _preparation(age, calibrate, form)
    source = options.data_source(data, subject, label, keep, drop)
    fitted = resolve(
        task, preset, toml=toml, settings=keys, rows=options.row_count(rows, keys),
        fit=functools.partial(fitted_keys, task, source=source),
    )  # fmt: skip
    runner.refuse_config(fitted)
    stem = f"{task}-{preset}-{engine}-s{seed_value}"
    if plan:
        from oxmc.campaign import repeats as repeating

        unnamed = repeating.default_out(f"{stem}-r{plan.repeats}", resume=resume)
    else:
        unnamed = free_name(stem)
    request = training.Request(
        task=task,
        preset=preset,
        engine=engine,
        seed=seed_value,
        config=runner.sized(fitted, {*toml, *keys}),
        out=out or unnamed,
        waves=waves,
        lockstep=lockstep,
        chains=_chains(chains),
        coupling=coupling,
        source=source,
    )
    if dry_run:
        from oxmc.cli.dry import show_training

        show_training(request, request.out, plan.repeats if plan else None, as_json=as_json)
        return
    if plan:
        with progress.repeats_progress(plan.repeats) as repeats_watcher:
            run = repeating.train_repeats(request, plan, repeats_watcher)
        from oxmc.cli import console
        from oxmc.run.records import mean_reference

        summary = console.repeats_summary(run, request.out, mean_reference(request.out))
        print(json.dumps(run)) if as_json else terminal.show(summary)
        return
    check_out(request.out)
    reference = Ahead(
        lambda: reference_value(request.config, load_task(task, request.config, seed_value, source), seed_value)
    )
    # chains end with statistics that import scipy, as the reference does: one thread at a time
    meanwhile = None if as_json or request.chains > 1 else reference.start
    with progress.progress(request.config.rows) as watcher:
        run = training.train(dataclasses.replace(request, meanwhile=meanwhile), watcher)
    if as_json:
        print(json.dumps(run))
        return
    from oxmc.cli import console
    from oxmc.energy.report import render_components
    from oxmc.run import result

    ledgers = {node: result.ledger_of(request.config, run["phases"], node) for node in result.NODES}
    terminal.show(render_components(ledgers), console.summary(run, request.out, reference.value()))
