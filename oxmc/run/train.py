"""One training from configuration to run directory."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
import shutil
import time
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.file import write_posterior
from oxmc.posterior.posterior import FILE, NOT_WRITTEN, available, posterior_groups, tree_of
from oxmc.pymodels.ahead import heard
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import JOB_VARIABLE, LOCKSTEP_VARIABLE, OWNER_VARIABLE, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.effects import effects_of
from oxmc.pymodels.streams import chain_seeds
from oxmc.pymodels.tasks import NO_SOURCE, Dataset, DataSource, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.whole import write_file
from oxmc.run.outputs import NOTE, joined, output_jobs
from oxmc.run.result import NODES, check_inference, costs_of, run_record
from oxmc.run.rundir import write_json, writing
from oxmc.silicon.chip_point import point_of
from oxmc.tb.cosim.program import load_word_count, lut_codes
from oxmc.tb.cosim.simulator import CompiledSimulation, EpisodeSimulation, Simulation
from oxmc.tb.cosim.watchdog import PROGRESS

Meanwhile = Callable[[], object]
ENGINES = ("verilator", "icarus", "twin", "float")
RTL_ENGINES = ENGINES[:2]
COUPLINGS = ("python", "compiled")
"""Where the array's arithmetic runs: in Python, woken at each pulse, or beside the chip in the simulator."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a running training is."""

    cycles: int
    row: int
    proposals: int
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What `oxmc train` was asked for."""

    task: str
    preset: str
    engine: str
    seed: int
    config: Config
    out: Path
    waves: bool = False
    lockstep: bool = False
    chains: int = 1
    coupling: str = "python"
    source: DataSource = NO_SOURCE
    meanwhile: Meanwhile | None = None
    """Called while a simulator runs; starts what does not depend on the outcome, in a thread of its own."""


RTL_TEST_EPISODES = 10
"""Test episodes on an RTL engine unless a user names a number: each takes seconds there, milliseconds on the twin."""


def check_rewards(config: Config, engine: str) -> None:
    """Raises `InputError` where an engine cannot learn from rewards, if `config` asks for that."""
    if config.acceptance == "reward" and engine == "float":
        raise InputError("--engine must be verilator, icarus or twin for a task with rewards, not 'float'")


def engine_config(config: Config, engine: str, given: Collection[str]) -> Config:
    """`config` as an engine runs it; `given` are the keys that the user set himself."""
    if config.acceptance == "reward" and engine in RTL_ENGINES and "test_episodes" not in given:
        return config.replace(test_episodes=min(config.test_episodes, RTL_TEST_EPISODES))
    return config


Watcher = Callable[[Progress], None]


def simulation_of(config: Config, engine: str, coupling: str, *, waves: bool = False) -> Simulation:
    """The co-simulation that a coupling takes."""
    compiled = EpisodeSimulation if config.acceptance == "reward" else CompiledSimulation
    return (compiled if coupling == "compiled" else Simulation)(config, engine, waves=waves)


@cache
def ready_for_the_end(config: Config) -> None:
    """Load what every run needs after its simulation and nothing needs before."""
    for node in NODES:
        costs_of(node)
    point_of(config)
    if available():
        importlib.import_module("h5netcdf")


def simulate(
    job: Job,
    engine: str,
    folder: Path,
    *,
    coupling: str = "python",
    waves: bool = False,
    lockstep: bool = False,
    watcher: Watcher | None = None,
    meanwhile: Meanwhile | None = None,
) -> Outcome:
    """Run a job on the RTL in `folder`, which keeps the simulator's log and waves; `lockstep` runs the twin beside it.

    `meanwhile` is called once the simulator runs.

    Raises `RunError` if it fails or the two differ.
    """
    simulation = simulation_of(job.config, engine, coupling, waves=waves)
    simulation.build()
    job.save(folder / "job.npz")
    started = time.monotonic()
    progress_file, waiting = folder / PROGRESS, [meanwhile] if meanwhile else []

    def watch() -> None:
        ready_for_the_end(job.config)
        while waiting:
            waiting.pop()()
        if watcher is not None and progress_file.exists():
            fields = progress_file.read_text().split()
            if len(fields) == 3:  # not caught in the middle of being rewritten
                cycles, row, proposals = map(int, fields)
                watcher(Progress(cycles, row, proposals, time.monotonic() - started))

    beside = {LOCKSTEP_VARIABLE: "1"} if lockstep else {}
    environment = beside | {JOB_VARIABLE: str(folder.absolute()), OWNER_VARIABLE: str(os.getpid())}
    simulation.run(folder, environment, watch)
    if not (folder / "outcome.npz").exists():
        raise RunError(f"{engine} ended without an outcome")
    return Outcome.load(folder / "outcome.npz")


def run_model(job: Job, engine: str, formats: Formats, words: int) -> Outcome:
    """The outcome of a job on the twin or the float engine, for which a host would load `words` words."""
    if engine == "float":
        for name in ("form", "calibrate"):
            if getattr(job.config, name):
                raise InputError(f"{name} must be false with --engine float, which has no pulses, not true")
        if effects_of(load_card(job.config.card), job.config).any:
            raise InputError(
                "fault_mode must be permanent, read_noise and relaxation 0 with --engine float, which knows none"
            )
        assert job.features is not None
        from oxmc.pymodels.real.engine import run_float

        return run_float(job.config, job.seed, job.features, job.labels, words)
    if formats.rewards:
        from oxmc.pymodels.twin.episodes import run_twin_episodes

        return run_twin_episodes(job.config, job.seed, np.array(lut_codes(formats)), words)
    from oxmc.pymodels.twin.chain import run_twin

    return run_twin(job.config, job.seed, job.codes, job.labels, np.array(lut_codes(formats)), words)


def run_engine(job: Job, request: Request, folder: Path, watcher: Watcher | None) -> Outcome:
    """The outcome of a job on the requested engine; an RTL engine leaves its log and waves in `folder`."""
    if request.engine not in RTL_ENGINES:
        formats = Formats(job.config)
        words = load_word_count(formats, len(job.codes))
        return heard(lambda: run_model(job, request.engine, formats, words))
    scratch = folder / "scratch"
    scratch.mkdir()
    outcome = simulate(
        job,
        request.engine,
        scratch,
        coupling=request.coupling,
        waves=request.waves,
        lockstep=request.lockstep,
        watcher=watcher,
        meanwhile=request.meanwhile,
    )
    if request.waves:
        (scratch / "dump.vcd").rename(folder / "waves.vcd")
    (scratch / "simulator.log").rename(folder / "simulator.log")
    shutil.rmtree(scratch)
    return outcome


def run_outputs(job: Job, request: Request, folder: Path, watcher: Watcher | None) -> Outcome:
    """The outcome of a job whose outputs are chains of their own; what an engine leaves of each is in output-k/."""
    outcomes = []
    for output, part in enumerate(output_jobs(job)):
        place = folder / f"output-{output}"
        place.mkdir()
        outcomes.append(run_engine(part, request, place, watcher))
        if request.engine != "float":
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
            groups = posterior_groups(request.config, dataset, outcomes, source | {"seeds": " ".join(map(str, seeds))})
            write_posterior(groups, folder / FILE)
            if len(seeds) > 1:
                from oxmc.run.chains import chain_statistics

                record["chains"] = chain_statistics(tree_of(groups), request.config, records, seeds)
        else:
            record["notes"].append(NOT_WRITTEN)
        write_file(folder / "config.toml", request.config.to_toml())
        write_json(folder / "run.json", record)
    return record
