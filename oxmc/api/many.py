"""`oxmc.train_many` and `oxmc.sweep`: many trainings, each with its own split, on one machine or a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from oxmc.api import progress, session
from oxmc.api.arguments import Place, listed, place_of, texts_of
from oxmc.api.page import html, table_html, text
from oxmc.api.run import Run, open_run
from oxmc.api.task import Task
from oxmc.api.training import TrainOptions, asked_of, keys_of, request_of, row_count, ruled, sourced, stem_of
from oxmc.pymodels.config import DEFAULT_PRESET, Config
from oxmc.pymodels.config import preset as preset_of
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.tasks import fit_config
from oxmc.run.request import MOST_JOBS, MOST_REPEATS, MOST_SUBJECT, integer
from oxmc.run.train import Request

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Plan
    from oxmc.campaign.repeats import Watcher as RepeatsWatcher
    from oxmc.campaign.sweep import Sweep as Asked
    from oxmc.campaign.sweep import Watcher as SweepWatcher
    from oxmc.campaign.sweep_points import Axis

Vary = Mapping[str | tuple[str, ...], Sequence[Any]]


def train_many(
    task: str | Task | ArrayLike,
    y: ArrayLike | None = None,
    *,
    repeats: int,
    jobs: int = 1,
    cluster: str | None = None,
    resume: bool = False,
    out: Place | None = None,
    show_progress: bool | None = None,
    **options: Unpack[TrainOptions],
) -> Runs:
    """Train `repeats` times, each with a seed, split, devices and noise of its own that follow from `seed`.

    `jobs` processes share the work, or the workers of the Dask scheduler at `cluster`; neither changes a result. With
    `resume` a run that was stopped goes on. Other arguments are those of `oxmc.train`, but `chains` and `waves`. Raises
    `OxmcError`; what is done by then is kept beside `out`.
    """
    for name in ("chains", "waves"):
        if name in options:
            raise InputError(f"--{name} must be left out with --repeats")
    plan = plan_of(repeats, jobs, cluster, resume)
    request = request_of(task, y, **options)
    with progress.repeats(plan.repeats, show_progress) as watcher:
        return run_plan(request, plan, out, watcher)


def plan_of(repeats: object, jobs: object, cluster: str | None, resume: bool, other_code: bool = False) -> Plan:
    """How many trainings and where they run. Raises `InputError`."""
    from oxmc.campaign.repeats import Plan

    return Plan(
        repeats=integer("--repeats", repeats, 1, MOST_REPEATS),
        jobs=integer("--jobs", jobs, 1, MOST_JOBS),
        cluster=cluster,
        resume=resume,
        other_code=other_code,
    )


def run_plan(
    request: Request, plan: Plan, out: Place | None, watcher: RepeatsWatcher, *, parent: Path | None = None
) -> Runs:
    """Train as often as planned, into `out`, or a new folder in `parent` or the session's."""
    from oxmc.campaign.repeats import train_repeats

    place = repeats_place(request, plan, out, parent)
    return Runs(train_repeats(dataclasses.replace(request, out=place), plan, watcher), place)


def repeats_place(request: Request, plan: Plan, out: Place | None, parent: Path | None) -> Path:
    """Where repeats of a training go."""
    return placed(f"{stem_of(request)}-r{plan.repeats}", out, plan, parent)


def sweep_place(asked: Asked, out: Place | None, parent: Path | None) -> Path:
    """Where a sweep goes."""
    request = asked.request
    return placed(f"sweep-{request.name}-{request.preset}-s{request.seed}", out, asked.plan, parent)


def placed(stem: str, out: Place | None, plan: Plan, parent: Path | None) -> Path:
    """`out`, or a folder of that name in `parent` or the session's: a new one, or the last to go on with."""
    from oxmc.campaign.repeats import default_out

    return (
        place_of("out", out)
        if out is not None
        else default_out(stem, resume=plan.resume, parent=parent or session.folder())
    )


class Runs:
    """Finished repeats of one training: `runs[i]` is the line of runs.jsonl of repeat i.

    `record` is run.json, that of repeat 0 with `repeats` (`n`, `values`, `median`, `mean`, `sem`, `low`, `high`);
    `path` is the run directory.
    """

    def __init__(self, record: dict[str, Any], path: Path):
        from oxmc.run.records import read_records

        self.record, self.path = record, path
        self._lines = read_records(path)

    @property
    def values(self) -> np.ndarray:
        """The result of each repeat, float64 [repeats]."""
        return np.array(self.record["repeats"]["values"], float)

    @property
    def baseline(self) -> float:
        """Mean over the repeats of what each is compared with, on its own split: see `Run.baseline`."""
        return float(np.mean([line["reference"] for line in self]))

    def first(self) -> Run:
        """Repeat 0, whose state is kept."""
        return open_run(self.path)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, repeat: int) -> dict[str, Any]:
        return self._lines[repeat]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._lines)

    def __repr__(self) -> str:
        return text(self.record)

    def _repr_html_(self) -> str:
        return html(self.record)


def sweep(
    task: str | Task | ArrayLike,
    vary: Vary,
    y: ArrayLike | None = None,
    *,
    one_at_a_time: bool = False,
    repeats: int = 10,
    jobs: int = 1,
    cluster: str | None = None,
    resume: bool = False,
    out: Place | None = None,
    show_progress: bool | None = None,
    **options: Unpack[TrainOptions],
) -> Sweep:
    """Train at every combination of some keys' values, `repeats` times each, or at each value alone around the preset.

    `vary` has the values of each key, {"rows": [32, 96]}; keys that move together are a tuple,
    {("rows", "burn_in"): [(32, 4), (96, 12)]}. All points see the same splits and devices. Other arguments are those of
    `oxmc.train_many`. Raises `OxmcError`; what is done by then is kept beside `out`.
    """
    plan = plan_of(repeats, jobs, cluster, resume)
    asked = sweep_of(task, axes_of(vary), plan, y=y, around=one_at_a_time, **options)
    with progress.sweep(len(asked.points), plan.repeats, show_progress) as watcher:
        return run_asked(asked, out, watcher)


def axes_of(vary: Vary) -> list[Axis]:
    """The axes of a sweep. Raises `InputError` for what is no list of values."""
    if not isinstance(vary, Mapping):
        raise InputError(f"vary must be a dict of keys and the values of each, not {shown(vary)}")
    axes = []
    for key, given in vary.items():
        names, values = texts_of("vary", [key] if isinstance(key, str) else key), listed(given)
        steps = [[value] if isinstance(key, str) else listed(value) for value in values]
        if not steps or any(len(step) != len(names) for step in steps):
            raise InputError(f"vary must give {', '.join(names)} values, one each, not {shown(values or given)}")
        axes.append({name: list(column) for name, column in zip(names, zip(*steps, strict=True), strict=True)})
    if not axes:
        raise InputError("vary must name a key, not none")
    return axes


def sweep_of(
    task: object,
    axes: list[Axis],
    plan: Plan,
    *,
    y: ArrayLike | None = None,
    around: bool = False,
    preset: str = DEFAULT_PRESET,
    engine: str = "twin",
    seed: object = 0,
    rows: object = None,
    settings: Mapping[str, Any] | None = None,
    config: Config | Place | None = None,
    data: Place | None = None,
    label: str | None = None,
    subject: object = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
    **options: Any,
) -> Asked:
    """What was asked for, checked, with the configuration of every point; numbers may be texts. Raises `InputError`."""
    from oxmc.campaign.sweep import Sweep as Asked
    from oxmc.campaign.sweep import resolver
    from oxmc.campaign.sweep_points import all_points, points_around

    fields = asked_of(engine, seed, options)
    name, source = sourced(task, y, data=data, subject=subject, label=label, keep=keep, drop=drop)
    toml, fixed = keys_of(config), ruled(settings, fields)
    fit_config(name, preset_of(name, preset), (), source)  # what is wrong with the data is so at each point
    row_count(rows, fixed)
    count = None if rows is None else integer("--rows", rows, 0, MOST_SUBJECT)
    for key in () if around else (key for axis in axes for key in axis if key in fixed):
        raise InputError(f"--set {key} must be left out with --vary {key}")
    resolved = resolver(name, preset, engine, source, toml=toml, settings=fixed, rows=count, seed=fields["seed"])
    points = (points_around if around else all_points)(axes, resolved)
    request = Request(**fields, task=name, preset=preset, config=points[0][1], source=source)
    return Asked(request=request, plan=plan, axes=axes, points=points, around=around)


def run_asked(asked: Asked, out: Place | None, watcher: SweepWatcher, *, parent: Path | None = None) -> Sweep:
    """Train all points, into `out`, or a new folder in `parent` or the session's."""
    from oxmc.campaign.sweep import run_sweep

    place = sweep_place(asked, out, parent)
    asked = dataclasses.replace(asked, request=dataclasses.replace(asked.request, out=place))
    return Sweep(run_sweep(asked, watcher), place)


class Sweep:
    """A finished sweep: `points` are dicts, one a point, with `settings`, `mean`, `sem`, `energy_j` (J) and more.

    `record` is sweep.json and `path` the folder, in which each point is a run directory.
    """

    def __init__(self, record: dict[str, Any], path: Path):
        self.record, self.path = record, path
        self.points: list[dict[str, Any]] = record["points"]

    def __len__(self) -> int:
        return len(self.points)

    def run(self, point: int) -> Run:
        """Repeat 0 of a point."""
        return open_run(self.path / self.points[point]["run"])

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for point in self.points:
            sem = "" if point["sem"] is None else f" +- {point['sem']:.4f} (standard error)"
            joules = ", ".join(f"{mean['mean'] * 1e6:.3g} uJ {node}" for node, mean in point["energy_j"].items())
            rows.append((point["change"] or "none", f"{point['metric']} {point['mean']:.4f}{sem}, {joules}"))
        return rows

    def _title(self) -> str:
        return f"sweep of {self.record['task']} {self.record['preset']} on {self.record['engine']}"

    def __repr__(self) -> str:
        return "\n".join([self._title(), *(f"  {name}: {value}" for name, value in self._rows())])

    def _repr_html_(self) -> str:
        return table_html(self._title(), self._rows())
