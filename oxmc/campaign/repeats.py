"""Many trainings of one configuration, each with its own split and its own randomness, on one machine or a cluster.

A repeat is a whole training under a seed of its own (`streams.repeat_seed`), so neither the order nor the place in
which repeats run changes a bit of the result, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from joblib import delayed
from threadpoolctl import ThreadpoolController

from oxmc.campaign.cluster import Cluster, check_address, connected
from oxmc.campaign.partial import Partial, check_same, opened, partial_folder
from oxmc.campaign.workers import on_processes
from oxmc.pymodels.ahead import Ahead
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.oxram.card_file import load_card
from oxmc.pymodels.streams import repeat_seed
from oxmc.pymodels.tasks import Dataset, load_task, reference_value
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.cards import card_record, check_sent_card
from oxmc.run.checked import checked_run
from oxmc.run.engine import engine_of
from oxmc.run.records import short_record, summarise
from oxmc.run.rundir import DEFAULT_PARENT, check_out, read_run
from oxmc.run.sources import check_code
from oxmc.run.train import Request, run_chain

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
    other_code: bool = False
    """Whether to go on with what other sources have done."""

    def __post_init__(self) -> None:
        """Raises `InputError` for an address that is none."""
        if self.cluster is not None:
            check_address(self.cluster)


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where a run of repeats is: `mean` is over the `done` ones, `seconds` is what one took in this session."""

    done: int
    failed: int
    mean: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a worker makes of a repeat: its record (and, for repeat 0, run.json and state.npz) or what went wrong."""

    repeat: int
    seed: int
    record: dict[str, Any] | None = None
    first: tuple[dict[str, Any], bytes] | None = None
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


def _described(error: Exception) -> str:
    """One line for a user: the message, after the kind of error where the message was not written for users."""
    first_line = " ".join(str(error).splitlines()[:1]).rstrip(".")
    return str(error) if isinstance(error, (InputError, RunError)) else f"{type(error).__name__}: {first_line}"


@functools.cache
def _libraries() -> ThreadpoolController:
    """The linear algebra of this process; finding it takes as long as a fit."""
    return ThreadpoolController()


def _reference(config: Config, dataset: Dataset, seed: int) -> float:
    with _libraries().limit(limits=1):  # a fit this small only waits for its threads
        return reference_value(config, dataset, seed)


def run_repeat(request: Request, repeat: int, scratch: Path | None) -> Answer:
    """One repeat, in whatever process; `scratch` is the parent of its own folder, None the system's."""
    seed = repeat_seed(request.seed, repeat)
    try:
        dataset = load_task(request.task, request.config, seed, request.source)
        reference = Ahead(lambda: _reference(request.config, dataset, seed))
        with tempfile.TemporaryDirectory(dir=scratch, prefix="oxmc-", ignore_cleanup_errors=True) as folder:
            beside = dataclasses.replace(request, meanwhile=reference.start)
            chain = run_chain(beside, dataset, seed, Path(folder), None)
            chain.save(Path(folder))
            state = (Path(folder) / "state.npz").read_bytes()
        record = short_record(repeat, chain.record, reference.value())
    except Exception as error:  # one bad repeat must not end the others
        return Answer(repeat, seed, error=_described(error))
    return Answer(repeat, seed, record, (chain.record, state) if repeat == 0 else None)


Runner = Callable[[Request, Sequence[int], Path], contextlib.AbstractContextManager[Iterator[Answer]]]
"""Runs repeats of a request, whose local scratch folder is the last argument; answers as they come."""


@contextlib.contextmanager
def _runner(plan: Plan) -> Iterator[Runner]:
    """Where repeats run. Raises `InputError` or `RunError` for a cluster that cannot be had."""
    if plan.cluster is None:
        yield functools.partial(_on_processes, plan.jobs)
        return
    with connected(plan.cluster) as cluster:
        yield lambda request, repeats, scratch: contextlib.closing(_on_cluster(cluster, request, repeats))


def _on_processes(
    jobs: int, request: Request, repeats: Sequence[int], scratch: Path
) -> contextlib.AbstractContextManager[Iterator[Answer]]:
    """Repeats on this machine."""
    return on_processes(jobs, (delayed(run_repeat)(request, repeat, scratch) for repeat in repeats))


def _on_cluster(cluster: Cluster, request: Request, repeats: Sequence[int]) -> Generator[Answer, None, None]:
    """Repeats on the workers of a cluster, and on no other machine."""
    data = request.source.identity()
    card = load_card(request.config.card).sha256
    sent = [pickle.dumps((request, repeat, data, card)) for repeat in repeats]
    for place, result in cluster.results(f"{__name__}:run_sent", sent):
        if isinstance(result, bytes):
            yield pickle.loads(result)
        else:
            yield Answer(repeats[place], repeat_seed(request.seed, repeats[place]), error=result)


def run_sent(sent: bytes) -> bytes:
    """A repeat on a worker of a cluster, which must find the same data and card under the same names."""
    request, repeat, data, card = pickle.loads(sent)
    try:
        check_sent_card(request.config, card)
        if request.source.identity() != data:
            raise InputError(f"--data must be the same file on each worker, which {str(request.source.data)!r} is not")
    except InputError as error:
        return pickle.dumps(Answer(repeat, repeat_seed(request.seed, repeat), error=str(error)))
    return pickle.dumps(run_repeat(request, repeat, None))


def _collect(request: Request, plan: Plan, runner: Runner, partial: Partial, watcher: Watcher) -> None:
    """Run what is missing and keep each answer as it comes."""
    missing = [repeat for repeat in range(plan.repeats) if repeat not in partial.values]
    first = 0.0
    with runner(request, missing, partial.scratch) as answers:
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
    if "repeats" not in run:
        raise InputError(f"--out must be a run of repeats to go on with it, not {str(request.out)!r}")
    checked_run(request.out)
    check_same(identity, run, str(request.out))
    check_code(run["versions"].get("sources"), request.out, other_code=plan.other_code)
    n = run["repeats"]["n"]
    if n != plan.repeats:
        raise InputError(f"--repeats must be {n} as in {str(request.out)!r}, which is whole, not {plan.repeats}")
    shutil.rmtree(partial_folder(request.out), ignore_errors=True)  # left where it was killed on its last step
    return run


def _prepare(request: Request, plan: Plan) -> None:
    """What fails for all repeats alike fails here; a simulator is built once, not in each worker."""
    engine = engine_of(request.engine)
    engine.refuse(request)
    engine.refuse_config(request.config)
    check_out(request.out)
    dataset = load_task(request.task, request.config, request.seed, request.source)
    make_job(request.config, dataset, request.seed)
    if not plan.cluster:
        engine.prepare(request.config, request)


def train_repeats(request: Request, plan: Plan, watcher: Watcher) -> dict[str, Any]:
    """Train `plan.repeats` times, write the run directory, return run.json: that of repeat 0 with `repeats`.

    Raises `InputError`, or `UnfinishedError` if it was stopped or a repeat failed; then what is done is kept.
    """
    identity = {key: getattr(request, key) for key in ("task", "preset", "engine", "seed")}
    identity |= {"data": request.source.identity(), "config": request.config.as_dict()}
    identity |= {"card": card_record(request.config)}
    run = _finished(request, plan, identity)
    if run is not None:
        return run
    _prepare(request, plan)
    seed_of = functools.partial(repeat_seed, request.seed)
    with (
        _runner(plan) as runner,
        opened(request.out, identity, seed_of, resume=plan.resume, other_code=plan.other_code) as partial,
    ):
        try:
            _collect(request, plan, runner, partial, watcher)
            _check_failures(partial, plan)
            values = [partial.values[repeat] for repeat in range(plan.repeats)]
            return partial.finish(request.out.resolve(), summarise(values, partial.wall_s), request.config.to_toml())
        except (InputError, UnfinishedError):
            raise
        except Exception as error:
            raise UnfinishedError(f"{_described(error)}; {_kept(partial, plan)}") from error
        except BaseException as error:
            raise UnfinishedError(_kept(partial, plan)) from error
