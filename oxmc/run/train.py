"""One training from configuration to run directory."""

from __future__ import annotations

import dataclasses
import functools
import time
from pathlib import Path
from typing import Any

from oxmc.posterior.file import write_posterior
from oxmc.posterior.groups import posterior_groups
from oxmc.posterior.posterior import FILE, NOT_WRITTEN, available, tree_of
from oxmc.pymodels.ahead import heard
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import chain_seeds
from oxmc.pymodels.tasks import NO_SOURCE, Dataset, DataSource, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.whole import write_file
from oxmc.run.engine import Options, Watcher, engine_of
from oxmc.run.own_counters import NOTE, joined, output_jobs
from oxmc.run.rundir import write_json, writing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request(Options):
    """What `oxmc train` was asked for."""

    task: str
    preset: str
    engine: str
    seed: int
    config: Config
    out: Path
    chains: int = 1
    source: DataSource = NO_SOURCE


def run_engine(job: Job, request: Request, folder: Path, watcher: Watcher | None) -> Outcome:
    """The outcome of a job on the requested engine, which may leave a log and waves in `folder`."""
    engine = engine_of(request.engine)
    engine.refuse(request)
    engine.refuse_config(job.config)
    return engine.run(job, request, folder, watcher)


def run_outputs(job: Job, request: Request, folder: Path, watcher: Watcher | None) -> Outcome:
    """The outcome of a job whose outputs are chains of their own; what an engine leaves of each is in output-k/."""
    from oxmc.run.result import check_inference

    outcomes = []
    for output, part in enumerate(output_jobs(job)):
        place = folder / f"output-{output}"
        place.mkdir()
        outcomes.append(run_engine(part, request, place, watcher))
        if engine_of(request.engine).in_integers:
            heard(functools.partial(check_inference, part, outcomes[-1]))
        if not any(place.iterdir()):
            place.rmdir()
    return joined(job.config, outcomes)


def run_chain(
    request: Request, dataset: Dataset, seed: int, folder: Path, watcher: Watcher | None
) -> tuple[Outcome, dict[str, Any]]:
    """Train one chain with devices and noise of `seed`; its state goes into `folder`. The outcome and its run.json."""
    job = make_job(request.config, dataset, seed)
    folder.mkdir(exist_ok=True)
    started = time.monotonic()
    outcome = (run_outputs if job.config.counters == "own" else run_engine)(job, request, folder, watcher)
    wall_s = time.monotonic() - started
    from oxmc.run.result import run_record

    names = {"engine": request.engine, "preset": request.preset, "task": request.task}
    record = heard(lambda: run_record(job, outcome, dataset, wall_s=wall_s, **names))
    record["data"] = request.source.record(dataset)
    outcome.save(folder / "state.npz", test_codes=job.codes[request.config.train_samples :], test_t=dataset.test_t)
    return outcome, record


def train(request: Request, watcher: Watcher | None = None) -> dict[str, Any]:
    """Train, write the run directory, return run.json. Raises `InputError` or `RunError`; then nothing is left.

    With several chains, the run is that of the first, and the state of chain c is in chain-c/.
    """
    dataset = load_task(request.task, request.config, request.seed, request.source)
    if request.chains > 1 and request.config.counters == "own":
        raise InputError(f"--chains must be 1 with counters = own, not {request.chains}")
    seeds = chain_seeds(request.seed, request.chains)
    with writing(request.out) as folder:
        parts = [folder, *(folder / f"chain-{chain}" for chain in range(1, len(seeds)))]
        runs = [run_chain(request, dataset, seed, part, watcher) for seed, part in zip(seeds, parts, strict=True)]
        outcomes, records = zip(*runs, strict=True)
        record = records[0]
        if request.config.counters == "own":
            record["notes"].append(NOTE)
        elif available():
            source = {"task": request.task, "engine": request.engine, "preset": request.preset}
            source["seeds"] = " ".join(map(str, seeds))
            groups = posterior_groups(request.config, dataset, outcomes, request.seed, source)
            write_posterior(groups, folder / FILE)
            if len(seeds) > 1:
                from oxmc.run.cautions import warnings_of
                from oxmc.run.chains import chain_statistics

                record["chains"] = chain_statistics(tree_of(groups), request.config, records, seeds)
                record["warnings"] = warnings_of(request.config, record, records[1:])
        else:
            record["notes"].append(NOT_WRITTEN)
        write_file(folder / "config.toml", request.config.to_toml())
        write_json(folder / "run.json", record)
    return record
