"""Trainings in this process, and what studies look at of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from oxmc.pymodels.config import Config
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import repeat_seed
from oxmc.pymodels.tasks import NO_SOURCE, Dataset, DataSource, load_task, reference_accuracy
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.engine import Options, engine_of
from oxmc.run.own_counters import joined, output_jobs
from oxmc.run.result import ledger_of, phases_of
from oxmc.studies.tables import Row

TASK, NODE = "cancer", "28nm"
SPLIT_KEYS = (
    "train_samples", "test_samples", "features", "outputs", "acceptance", "split", "split_seed", "preprocessing",
    "bias", "balance", "components", "raw_features", "beat_features", "beat_classes", "beat_split", "own_beats",
    "own_copies", "test_after_s",
)  # fmt: skip
"""The keys that decide the data; configurations that agree in them see the same split for the same seed."""


class Training(NamedTuple):
    """What the studies look at of one training; counts are those of the training phase, `energy_uj` of the whole.

    `accuracy` is the mean reward of the test episodes where a task has rewards.
    """

    accuracy: float
    proposals: int
    sets: int
    evaluations: int
    cycles: int
    energy_uj: float
    rows: int
    lost_counts: int
    outcome: Outcome


def seeds_of(seed: int, repeats: int) -> list[int]:
    """The seeds of `oxmc train --seed SEED --repeats REPEATS`, each with a split of its own."""
    return [repeat_seed(seed, repeat) for repeat in range(repeats)]


@functools.lru_cache(maxsize=1024)
def _dataset(task: str, source: DataSource, keys: tuple[tuple[str, Any], ...], seed: int) -> tuple[Dataset, float]:
    """A split, and the accuracy of logistic regression on it; NaN where there is nothing to regress."""
    dataset = load_task(task, Config(**dict(keys)), seed, source)
    with threadpool_limits(1):  # a fit this small only waits for its threads
        return dataset, reference_accuracy(dataset) if len(dataset.train_x) else math.nan


def split_of(config: Config, seed: int, task: str = TASK, source: DataSource = NO_SOURCE) -> tuple[Dataset, float]:
    """The split that a configuration sees, and the accuracy of logistic regression on it."""
    keys = tuple((key, getattr(config, key)) for key in SPLIT_KEYS)
    return _dataset(task, source, keys, 0 if config.split == "fixed" else seed)


def run_job(job: Job, engine: str = "twin") -> Outcome:
    """The outcome of a job on the twin or the float engine, in this process."""
    if job.config.counters == "own":
        return joined(job.config, [run_job(part, engine) for part in output_jobs(job)])
    return engine_of(engine).run(job, Options(), Path(), None)


def training(
    config: Config, seed: int, engine: str = "twin", task: str = TASK, source: DataSource = NO_SOURCE
) -> Training:
    """One training, as `oxmc train` does it."""
    dataset, _ = split_of(config, seed, task, source)
    outcome = run_job(make_job(config, dataset, seed), engine)
    counts = outcome.counts["train"]
    right = outcome.rewards if outcome.rewards.size else outcome.classes == dataset.test_t
    return Training(
        accuracy=float(right.mean()),
        proposals=outcome.proposals,
        sets=counts["set"],
        evaluations=counts["eval"],
        cycles=outcome.cycles,
        energy_uj=1e6 * ledger_of(config, phases_of(outcome), NODE).total_j,
        rows=outcome.filled_rows,
        lost_counts=outcome.lost_counts,
        outcome=outcome,
    )


def trainings(config: Config, seeds: Sequence[int], engine: str = "twin") -> list[Training]:
    return [training(config, seed, engine) for seed in seeds]


def accuracies(runs: Iterable[Training]) -> list[float]:
    return [run.accuracy for run in runs]


def references(config: Config, seeds: Iterable[int]) -> list[float]:
    """Accuracy of logistic regression on each seed's split."""
    return [split_of(config, seed)[1] for seed in seeds]


def mean_costs(runs: Sequence[Training]) -> Row:
    """Mean counts and energy of trainings, a column each."""
    mean = {name: float(np.mean([getattr(run, name) for run in runs])) for name in Training._fields[1:-1]}
    return {
        "proposals": round(mean["proposals"]),
        "SETs": round(mean["sets"]),
        "evaluations": round(mean["evaluations"]),
        "cycles": round(mean["cycles"]),
        f"uJ, {NODE}": round(mean["energy_uj"], 3),
        "rows": round(mean["rows"], 1),
        "counts lost": round(mean["lost_counts"], 1),
    }
