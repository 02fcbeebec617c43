"""One training from configuration to run directory."""

from __future__ import annotations

import dataclasses
import functools
import time
from pathlib import Path
from typing import Any

from oxmc.posterior.file import write_posterior
from oxmc.posterior.groups import Group, posterior_groups
from oxmc.posterior.posterior import FILE, NOT_WRITTEN, available, tree_of
from oxmc.pymodels.ahead import heard
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.card_file import load_card
from oxmc.pymodels.ring import unrolled
from oxmc.pymodels.rule import NOTE as RULE_NOTE
from oxmc.pymodels.streams import chain_seeds
from oxmc.pymodels.tasks import NO_SOURCE, Dataset, DataSource, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.whole import write_file
from oxmc.run.cards import keep_card, same_card
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
    out: Path = Path()
    chains: int = 1
    source: DataSource = NO_SOURCE

    @property
    def name(self) -> str:
        """What run.json calls the task: a user's own has a name of its own."""
        return self.source.name or self.task


def run_engine(job: Job, request: Request, folder: Path, watcher: Watcher | None) -> Outcome:
    """The outcome of a job on the requested engine, which may leave a log and waves in `folder`."""
    engine = engine_of(request.engine)
    engine.refuse(request)
    engine.refuse_config(job.config)
    return engine.run(job, request, folder, watcher)


def run_outputs(job: Job, request: Request, folder: Path, watcher: Watcher | None) -> Outcome:
    """The outcome of a job whose outputs are chains of their own; what an engine leaves of each is in output-k/."""
    from oxmc.run.result import check_inference, is_checked

    outcomes = []
    for output, part in enumerate(output_jobs(job)):
        place = folder / f"output-{output}"
        place.mkdir()
        outcomes.append(run_engine(part, request, place, watcher))
        if is_checked(request.engine, part.config):
            heard(functools.partial(check_inference, part, outcomes[-1]))
        if not any(place.iterdir()):
            place.rmdir()
    return joined(job.config, outcomes)


@dataclasses.dataclass(frozen=True)
class Chain:
    """One trained chain: what it was given, what came of it, and its run.json."""

    job: Job
    dataset: Dataset
    outcome: Outcome
    record: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write its state, and beside it the test points."""
        test_codes = self.job.codes[self.job.config.train_samples :]
        self.outcome.save(folder / "state.npz", test_codes=test_codes, test_t=self.dataset.test_t)


def run_chain(request: Request, dataset: Dataset, seed: int, folder: Path, watcher: Watcher | None) -> Chain:
    """Train one chain with devices and noise of `seed`; what an engine leaves of itself lies in `folder`."""
    job, card = make_job(request.config, dataset, seed), load_card(request.config.card)
    folder.mkdir(exist_ok=True)
    started = time.monotonic()
    outcome = (run_outputs if job.config.counters == "own" else run_engine)(job, request, folder, watcher)
    wall_s, outcome = time.monotonic() - started, unrolled(request.config, outcome)
    from oxmc.run.result import run_record

    names: dict[str, Any] = {"engine": request.engine, "preset": request.preset, "task": request.name}
    record = heard(lambda: run_record(job, outcome, dataset, wall_s=wall_s, **names))
    record["data"] = request.source.record(dataset)
    same_card(request.config, card)
    return Chain(job, dataset, outcome, record)


@dataclasses.dataclass(frozen=True)
class Training:
    """A finished training: its chains, one or several; the run is that of the first."""

    request: Request
    chains: tuple[Chain, ...]

    @property
    def record(self) -> dict[str, Any]:
        """run.json."""
        return self.chains[0].record

    @functools.cached_property
    def groups(self) -> dict[str, Group] | None:
        """The posterior of all chains by groups; None where outputs are chains of their own."""
        request, dataset = self.request, self.chains[0].dataset
        if request.config.counters == "own":
            return None
        source = {"task": request.name, "engine": request.engine, "preset": request.preset}
        source["seeds"] = " ".join(map(str, chain_seeds(request.seed, len(self.chains))))
        return posterior_groups(request.config, dataset, [chain.outcome for chain in self.chains], request.seed, source)

    def write(self, folder: Path) -> None:
        """Write all of a run directory; the state of chain c is in chain-c/."""
        for number, chain in enumerate(self.chains):
            place = folder / f"chain-{number}" if number else folder
            place.mkdir(exist_ok=True)
            chain.save(place)
        if available() and self.groups is not None:
            write_posterior(self.groups, folder / FILE)
        write_file(folder / "config.toml", self.request.config.to_toml())
        keep_card(self.record, folder)
        write_json(folder / "run.json", self.record)


def _advice(request: Request, dataset: Dataset, record: dict[str, Any]) -> list[str]:
    from oxmc.run.advice import advice

    config = request.config
    columns = (config.raw_features or config.features - config.bias) + config.bias
    plain = config.replace(components=0, raw_features=0, features=columns)
    data = load_task(request.task, plain, request.seed, request.source)
    return heard(lambda: advice(config, data, dataset, record))


def trained(request: Request, folder: Path, watcher: Watcher | None = None) -> Training:
    """Train; logs and waves of an engine lie in `folder`. Raises `InputError` or `RunError`."""
    dataset = load_task(request.task, request.config, request.seed, request.source)
    if request.chains > 1 and request.config.counters == "own":
        raise InputError(f"--chains must be 1 with counters = own, not {request.chains}; counters = shared has them")
    if request.lockstep and dataset.surroundings is not None:
        raise InputError("--lockstep must be left out with an environment of one's own")
    seeds = chain_seeds(request.seed, request.chains)
    places = [folder, *(folder / f"chain-{chain}" for chain in range(1, len(seeds)))]
    chains = [run_chain(request, dataset, seed, place, watcher) for seed, place in zip(seeds, places, strict=True)]
    training = Training(request, tuple(chains))
    if request.task == "table" and dataset.counts:
        training.record["notes"] += _advice(request, dataset, training.record)
    if request.accept is not None:
        training.record["notes"].append(RULE_NOTE)
    if request.config.counters == "own":
        training.record["notes"].append(NOTE)
    elif not available():
        training.record["notes"].append(NOT_WRITTEN)
    elif len(seeds) > 1:
        from oxmc.run.cautions import warnings_of
        from oxmc.run.chains import chain_statistics

        assert training.groups is not None
        records = [chain.record for chain in chains]
        training.record["chains"] = chain_statistics(tree_of(training.groups), request.config, records, seeds)
        training.record["warnings"] = warnings_of(request.config, training.record, records[1:])
    return training


def train(request: Request, watcher: Watcher | None = None) -> Training:
    """Train and write the run directory. Raises `InputError` or `RunError`; then nothing is left."""
    with writing(request.out) as folder:
        training = trained(request, folder, watcher)
        training.write(folder)
    return training
