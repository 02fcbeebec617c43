"""Many trainings of one configuration, each with its own split and its own randomness, on one machine or a cluster.

A repeat is a whole training under a seed of its own (`streams.repeat_seed`), so neither the order nor the place in
which repeats run changes a bit of the result, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import ThreadpoolController

from energy.parts import HEADLINE, PARTS
from pymodels.errors import InputError, RunError
from pymodels.files import read_json_lines, understood
from pymodels.outcome import Outcome
from pymodels.streams import repeat_seed
from pymodels.tasks import load_task, reference_value
from tb.partial import KEPT_RULE, Partial, check_same, opened, partial_folder
from tb.rundir import DEFAULT_PARENT, check_out, read_run
from tb.train import RTL_ENGINES, Request, make_job, run_chain, simulation_of
from tb.workers import end_with_parent

CLUSTER_WAIT_S = 10
"""Longest wait for a scheduler to answer and for the first worker to be there."""
LOW_HIGH_PERCENT = (5, 95)
NAMED_FAILURES = 3
"""Failures that the last message spells out; all of them are in failures.json."""


class UnfinishedError(RunError):
    """A run of repeats that stopped or had failures; what is done is kept. Its cause is what stopped it, if any."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How many repeats, and where they run: `jobs` processes here or the Dask cluster at `cluster`."""

    repeats: int
    jobs: int = 1
    cluster: str | None = None
    resume: bool = False


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where a run of repeats is: `mean` is over the `done` ones, `seconds` is what one took in this session."""

    done: int
    failed: int
    mean: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a worker makes of a repeat: its record (and, for repeat 0, run.json and outcome) or what went wrong."""

    repeat: int
    seed: int
    record: dict[str, Any] | None = None
    first: tuple[dict[str, Any], Outcome] | None = None
    error: str = ""


Watcher = Callable[[Standing], None]


def default_out(stem: str, *, resume: bool, parent: Path = DEFAULT_PARENT) -> Path:
    """The first of parent/stem, parent/stem-2, ... that is neither run nor unfinished run; to resume, the last used."""
    number, latest = 1, parent / stem
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        if not path.exists() and not partial_folder(path).exists():
            return latest if resume else path
        number, latest = number + 1, path


def short_record(repeat: int, run: dict[str, Any], reference: float) -> dict[str, Any]:
    """The line of runs.jsonl: no wall times, so that it is the same each time."""
    result = run["result"]
    return {
        "repeat": repeat,
        "seed": run["seed"],
        **{key: result[key] for key in ("value", "rows_used", "complete", "state_sha256")},
        "chain": run["chain"],
        "events": run["events"],
        "cycles": run["time"]["cycles"],
        "energy_j": {node: joules["total"] for node, joules in run["energy_j"].items()},
        "training_j": {node: joules["parts"][HEADLINE]["total"] for node, joules in run["energy_j"].items()},
        "training_events": {
            name: sum(run["phases"][phase]["events"][name] for phase in PARTS[HEADLINE]) for name in run["events"]
        },
        "reference": reference,
    }


def _described(error: Exception) -> str:
    """One line for a user: the message, after the kind of error where the message was not written for users."""
    first_line = " ".join(str(error).splitlines()[:1]).rstrip(".")
    return str(error) if isinstance(error, (InputError, RunError)) else f"{type(error).__name__}: {first_line}"


@functools.cache
def _libraries() -> ThreadpoolController:
    """The linear algebra of this process; finding it takes as long as a fit."""
    return ThreadpoolController()


def run_repeat(request: Request, repeat: int, scratch: Path | None) -> Answer:
    """One repeat, in whatever process; `scratch` is the parent of its own folder, None the system's."""
    seed = repeat_seed(request.seed, repeat)
    try:
        dataset = load_task(request.task, request.config, seed, request.source)
        with tempfile.TemporaryDirectory(dir=scratch, prefix="oxmc-", ignore_cleanup_errors=True) as folder:
            outcome, run = run_chain(request, dataset, seed, Path(folder), None)
        with _libraries().limit(limits=1):  # a fit this small only waits for its threads
            record = short_record(repeat, run, reference_value(request.config, dataset, seed))
    except Exception as error:  # one bad repeat must not end the others
        return Answer(repeat, seed, error=_described(error))
    return Answer(repeat, seed, record, (run, outcome) if repeat == 0 else None)


def summarise(values: list[float], wall_s: float) -> dict[str, Any]:
    """Statistics over repeats: `sem` is null for one repeat, `low` and `high` are the 5th and 95th percentile.

    Percentiles lie between the two nearest of the sorted values, linearly (numpy's default).
    """
    low, high = np.percentile(values, LOW_HIGH_PERCENT)
    return {
        "n": len(values),
        "values": values,
        "median": float(np.median(values)),
        "mean": float(np.mean(values)),
        "sem": float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
        "low": float(low),
        "high": float(high),
        "wall_s": wall_s,
    }


def mean_reference(out: Path) -> float:
    """Mean of the reference over a run of repeats."""
    file, rule = out / "runs.jsonl", "RUN must hold whole repeats"
    lines = read_json_lines(file, rule)
    with understood(rule, file):
        return float(np.mean([line["reference"] for line in lines]))


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    """A client of a Dask cluster that has workers. Raises `InputError` where there is none."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--cluster needs the packages of oxmc[cluster], which are not installed") from error
    try:
        client = Client(address, timeout=CLUSTER_WAIT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        rule = "--cluster must be the address of a running Dask scheduler, as in tcp://host:8786"
        raise InputError(f"{rule}, not {address!r} ({error})") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CLUSTER_WAIT_S)
        except TimeoutError as error:
            raise InputError(f"--cluster must have workers, but {address!r} has none") from error
        yield client


@contextlib.contextmanager
def _pool(plan: Plan) -> Iterator[Parallel]:
    """Where repeats run, one to a task, answers as they come. Raises `InputError` for a cluster that is not there."""
    pool = functools.partial(Parallel, batch_size=1, return_as="generator_unordered")
    if plan.cluster is None:
        with parallel_config(backend="loky", initializer=end_with_parent):
            local = pool(n_jobs=plan.jobs)
        yield local
        return
    with _client(plan.cluster) as client:
        with parallel_config(backend="dask", client=client):
            remote = pool(n_jobs=-1)
        yield remote


@contextlib.contextmanager
def _closing(answers: Any) -> Iterator[Iterator[Answer]]:
    """Stops the workers, who may not have got to the end, without joblib's advice to the programmer."""
    try:
        yield answers
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*tasks which were still being processed", UserWarning)
            answers.close()


def _collect(request: Request, plan: Plan, pool: Parallel, partial: Partial, watcher: Watcher) -> None:
    """Run what is missing and keep each answer as it comes."""
    missing = [repeat for repeat in range(plan.repeats) if repeat not in partial.values]
    scratch = None if plan.cluster else partial.scratch
    first = 0.0
    with _closing(pool(delayed(run_repeat)(request, repeat, scratch) for repeat in missing)) as answers:
        for number, answer in enumerate(answers):
            if answer.record is None:
                partial.fail({"repeat": answer.repeat, "seed": answer.seed, "error": answer.error})
            else:
                partial.add(answer.record, answer.first)
            now = time.monotonic()
            first = first or now
            watcher(Standing(len(partial.values), len(partial.failures), partial.mean, (now - first) / max(1, number)))


def _kept(partial: Partial, plan: Plan) -> str:
    done = sum(repeat < plan.repeats for repeat in partial.values)
    if not done:
        return "no repeat is done"
    return f"{done} of {plan.repeats} repeats are done and kept, the same command with --resume goes on"


def _check_failures(partial: Partial, plan: Plan) -> None:
    """Raises `UnfinishedError` if a repeat failed."""
    if not partial.failures:
        return
    named = [f"repeat {f['repeat']} (seed {f['seed']}): {f['error']}" for f in partial.failures[:NAMED_FAILURES]]
    more = len(partial.failures) - len(named)
    if more:
        named.append(f"{more} more in {str(partial.folder / 'failures.json')!r}")
    share = f"{len(partial.failures)} of {plan.repeats} repeats failed"
    raise UnfinishedError(f"{share}: {'; '.join(named)}; {_kept(partial, plan)}")


def _finished(request: Request, plan: Plan, identity: dict[str, Any]) -> dict[str, Any] | None:
    """run.json of a run that is whole, where `plan` asks to resume it. Raises `InputError` if it is another."""
    if not (plan.resume and (request.out / "run.json").exists()):
        return None
    run = read_run(request.out)
    with understood(KEPT_RULE, request.out):
        n = run.get("repeats", {}).get("n")
    if n is None:
        raise InputError(f"--out must be a run of repeats to go on with it, not {str(request.out)!r}")
    check_same(identity, run, str(request.out))
    if n != plan.repeats:
        raise InputError(f"--repeats must be {n} as in {str(request.out)!r}, which is whole, not {plan.repeats}")
    shutil.rmtree(partial_folder(request.out), ignore_errors=True)  # left where it was killed on its last step
    return run


def _prepare(request: Request, plan: Plan) -> None:
    """What fails for all repeats alike fails here; an RTL engine is built once, not in each worker."""
    check_out(request.out)
    dataset = load_task(request.task, request.config, request.seed, request.source)
    make_job(request.config, dataset, request.seed)
    if request.engine in RTL_ENGINES and not plan.cluster:
        simulation_of(request.config.chip, request.engine, request.coupling).build()


def train_repeats(request: Request, plan: Plan, watcher: Watcher) -> dict[str, Any]:
    """Train `plan.repeats` times, write the run directory, return run.json: that of repeat 0 with `repeats`.

    Raises `InputError`, or `UnfinishedError` if it was stopped or a repeat failed; then what is done is kept.
    """
    identity = {key: getattr(request, key) for key in ("task", "preset", "engine", "seed")}
    identity |= {"data": request.source.identity(), "config": request.config.as_dict()}
    run = _finished(request, plan, identity)
    if run is not None:
        return run
    _prepare(request, plan)
    seed_of = functools.partial(repeat_seed, request.seed)
    with _pool(plan) as pool, opened(request.out, identity, seed_of, resume=plan.resume) as partial:
        try:
            _collect(request, plan, pool, partial, watcher)
            _check_failures(partial, plan)
            values = [partial.values[repeat] for repeat in range(plan.repeats)]
            return partial.finish(request.out.resolve(), summarise(values, partial.wall_s), request.config.to_toml())
        except (InputError, UnfinishedError):
            raise
        except Exception as error:
            raise UnfinishedError(f"{_described(error)}; {_kept(partial, plan)}") from error
        except BaseException as error:
            raise UnfinishedError(_kept(partial, plan)) from error
