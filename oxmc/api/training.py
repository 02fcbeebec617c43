"""`oxmc.train`: one training, of a task of the project or of data of one's own."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from numpy.typing import ArrayLike

from oxmc.api import progress, session
from oxmc.api.arguments import Place, place_of, plain, settings_of, texts_of
from oxmc.api.data import table_of_arrays
from oxmc.api.run import Run
from oxmc.api.task import Task
from oxmc.pymodels.ahead import Ahead
from oxmc.pymodels.config import DEFAULT_PRESET, Config, load_toml
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.rule import Rule
from oxmc.pymodels.tasks import DataSource, load_task, reference_value
from oxmc.run.engine import Options, Watcher, engine_of
from oxmc.run.request import MOST_CHAINS, MOST_SEED, MOST_SUBJECT, configured, integer
from oxmc.run.rundir import free_name, writing
from oxmc.run.train import Request, Training, trained
from oxmc.run.train import train as train_into


class TrainOptions(TypedDict, total=False):
    """Arguments of `train` that `train_many` and `sweep` have, too."""

    preset: str
    engine: str
    seed: int
    rows: int | None
    settings: Mapping[str, Any] | None
    config: Config | Place | None
    data: Place | None
    label: str | None
    subject: int | None
    keep: Sequence[str]
    drop: Sequence[str]
    lockstep: bool
    coupling: str
    accept: Rule | None


def train(
    task: str | Task | ArrayLike,
    y: ArrayLike | None = None,
    *,
    preset: str = DEFAULT_PRESET,
    engine: str = "twin",
    seed: int = 0,
    rows: int | None = None,
    settings: Mapping[str, Any] | None = None,
    config: Config | Place | None = None,
    data: Place | None = None,
    label: str | None = None,
    subject: int | None = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
    chains: int = 1,
    waves: bool = False,
    lockstep: bool = False,
    coupling: str = "python",
    accept: Rule | None = None,
    out: Place | None = None,
    show_progress: bool | None = None,
) -> Run:
    """Train a model on the chip or a model of it, test it, and return the run.

    What is learned is `task`: the name of one ("cancer", "toy", "wine", "digits", "ecg", "cartpole"; "table" with
    `data` and `label`), a `Task` of one's own, or points [n, columns] with labels `y` [n]. Such points are split,
    scaled and quantised as task table does it with a file; every column of them is used.

    `preset` (paper, best, wide, plain; some tasks have more) names the configuration; over it go `config`, a
    `Config` or a TOML file, then `settings`, keys of docs/reference/config.md, then `rows`, which also caps
    `burn_in` at rows / 8. `engine` is twin, float, verilator, icarus or gates: twin, verilator and icarus give the
    same bits for one `seed`, an integer >= 0 from which all randomness comes. `data`, `label`, `subject`, `keep`
    and `drop` are the command line's, as are `chains`, `waves`, `lockstep` and `coupling`. `accept` replaces the
    acceptance rule on a software engine (`oxmc.Task` and docs/reference/api.md say how).

    The run directory is written to `out`, a new or empty folder. Without it the run lies in a temporary folder that
    ends with the program, written when `run.path` is first asked for. Progress of a simulator is shown in a notebook
    and on a terminal unless `show_progress` says otherwise.

    Raises `OxmcError`: `InputError`, a `ValueError`, for what cannot be, and `RunError`, a `RuntimeError`, where the
    run or a check of it fails; then nothing is left.
    """
    request = request_of(
        task, y, preset=preset, engine=engine, seed=seed, rows=rows, settings=settings, config=config, data=data,
        label=label, subject=subject, keep=keep, drop=drop, chains=chains, waves=waves, lockstep=lockstep,
        coupling=coupling, accept=accept,
    )  # fmt: skip
    with progress.training(request.config.rows, show_progress) as watcher:
        return run_request(request, out, watcher)


def request_of(
    task: object,
    y: ArrayLike | None = None,
    *,
    preset: str = DEFAULT_PRESET,
    engine: str = "twin",
    seed: object = 0,
    rows: Any = None,
    settings: Mapping[str, Any] | None = None,
    config: Config | Place | None = None,
    data: Place | None = None,
    label: str | None = None,
    subject: object = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
    chains: object = 1,
    **options: Any,
) -> Request:
    """What was asked for, checked, as the engine will have it; numbers may be texts. `options` are `Options`'."""
    fields = asked_of(engine, seed, options)
    name, source = sourced(task, y, data=data, subject=subject, label=label, keep=keep, drop=drop)
    fixed = ruled(settings, fields)
    rows = row_count(rows, fixed)
    toml = keys_of(config)
    chosen = configured(name, preset, engine, source, toml=toml, settings=fixed, rows=rows, seed=fields["seed"])
    return Request(**fields, task=name, preset=preset, config=chosen, chains=_chains(chains), source=source)


def asked_of(engine: str, seed: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Request` that no data is needed for: `Options`', engine and seed. Raises `InputError`."""
    asked = Options(**options)
    if asked.accept is not None and not callable(asked.accept):
        raise InputError(f"accept must be a function, not {shown(asked.accept)}")
    engine_of(engine).refuse(asked)
    fields = {field.name: getattr(asked, field.name) for field in dataclasses.fields(Options)}
    return fields | {"engine": engine, "seed": integer("--seed", seed, 0, MOST_SEED)}


def ruled(settings: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a training: a rule of one's own sees whole sums. Raises `InputError`."""
    return {**settings_of(settings), **({} if fields["accept"] is None else {"early_rejection": False})}


def keys_of(config: Config | Place | None) -> dict[str, Any]:
    """The keys of a configuration, or of a TOML file of some. Raises `InputError`."""
    if config is None:
        return {}
    return config.as_dict() if isinstance(config, Config) else load_toml(place_of("config", config))


def row_count(rows: Any, settings: Mapping[str, Any]) -> Any:
    """`rows`. Raises `InputError` where `settings` has them, too."""
    if rows is not None and "rows" in settings:
        raise InputError(f"--rows {rows} must be left out with --set rows={settings['rows']}")
    return plain(rows)


def sourced(
    task: object,
    y: ArrayLike | None = None,
    *,
    data: Place | None = None,
    subject: object = None,
    label: str | None = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> tuple[str, DataSource]:
    """The name of a task and where its data comes from. Raises `InputError`."""
    source = DataSource(
        data=None if data is None else place_of("data", data),
        subject=None if subject is None else integer("--subject", subject, 0, MOST_SUBJECT),
        label=label,
        keep=texts_of("keep", keep),
        drop=texts_of("drop", drop),
    )
    if isinstance(task, str) and y is None:
        return task, source
    if source != DataSource():
        raise InputError("data, subject, label, keep and drop must be left out where points are given")
    if isinstance(task, str):
        raise InputError(f"y must come with points X, not with the name of a task, {shown(task)}")
    if isinstance(task, Task):
        if y is not None:
            raise InputError("y must be left out with a Task, which has its own")
        return task.base, task.source
    if y is None:
        raise InputError("X must come with the labels y of its points")
    points: Any = task
    return "table", DataSource(table=table_of_arrays(points, y))


def _chains(chains: object) -> int:
    """The number of chains. Raises `InputError` unless it is 1 or more and can be analysed."""
    from oxmc.posterior.posterior import EXTRA, available

    try:
        count = integer("--chains", chains, 1, MOST_CHAINS)
    except InputError as error:
        raise InputError(f"--chains must be an integer from 1 to {MOST_CHAINS}, not {shown(chains)}") from error
    if count > 1 and not available():
        raise InputError(f"--chains above 1 needs {not_installed(EXTRA)}")
    return count


def run_request(request: Request, out: Place | None, watcher: Watcher | None = None, *, ahead: bool = False) -> Run:
    """Train; the run directory goes to `out`, or lies in the session's folder once it is asked for.

    With `ahead` the run's baseline is worked out while a simulator runs.
    """
    config, source, seed = request.config, request.source, request.seed
    baseline = Ahead(lambda: reference_value(config, load_task(request.task, config, seed, source), seed))
    if ahead and request.chains == 1:  # chains end with statistics that import scipy, too: one thread at a time
        request = dataclasses.replace(request, meanwhile=baseline.start)
    if out is not None:
        place = place_of("out", out)
        training = train_into(dataclasses.replace(request, out=place), watcher)
        return _run(training, lambda: place, baseline)
    scratch = session.scratch()
    try:
        training = trained(request, scratch, watcher)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return _run(training, functools.partial(_written, training, scratch), baseline)


def _run(training: Training, place: Any, baseline: Ahead[float]) -> Run:
    first = training.chains[0]
    return Run(
        training.record, training.request.config, first.outcome, place=place, training=training, baseline=baseline
    )


def stem_of(request: Request) -> str:
    """What a run is called that nobody named."""
    return f"{request.name}-{request.preset}-{request.engine}-s{request.seed}"


def _written(training: Training, scratch: Path) -> Path:
    """The run directory of a training, in the session's folder, with what the engine left in `scratch`."""
    out = free_name(stem_of(training.request), session.folder())
    with writing(out) as folder:
        for path in scratch.iterdir():
            path.rename(folder / path.name)
        training.write(folder)
    scratch.rmdir()
    return out
