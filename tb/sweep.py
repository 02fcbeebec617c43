"""`oxmc sweep`: repeats of a training at every combination of some keys' values, and what each bought for its joules.

A point is a run of repeats (`tb/repeats.py`) under the sweep's seed, so that all points see the same splits and the
same devices; it is kept as a run directory of its own. A sweep that was stopped goes on where it was, to the repeat.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymodels.config import Config, parse_setting
from pymodels.errors import InputError
from tb.partial import check_same, partial_folder, replace_text
from tb.repeats import Plan, Standing, UnfinishedError, train_repeats
from tb.result import NODES
from tb.rundir import check_out, made_parents, take_name, write_json
from tb.sweep_plot import available, draw
from tb.train import Request

SCHEMA = "oxmc.sweep/1"
MAX_POINTS = 10_000
CSV_VALUES = ("n", "mean", "sem", "median", "proposals", "cycles")

Resolve = Callable[[Mapping[str, Any]], Config]
Watcher = Callable[[int, Standing], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """What `oxmc sweep` was asked for: `request` is that of any point, `points` the settings and configuration of each.

    `vary` has the values of each key in the order in which they were given; the last key varies fastest.
    """

    request: Request
    plan: Plan
    vary: dict[str, list[Any]]
    points: list[tuple[dict[str, Any], Config]]


def parse_vary(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Keys and values of `--vary key=v1,v2,...`. Raises `InputError` for what is no such list."""
    vary: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not (equals and name and all(values.split(","))):
            raise InputError(f"--vary must be key=value,value,..., not {text!r}")
        if name in vary:
            raise InputError(f"--vary must name a key once, not {name} twice")
        vary[name] = [parse_setting(f"{name}={value}")[1] for value in values.split(",")]
        if len({str(value) for value in vary[name]}) < len(vary[name]):
            raise InputError(f"--vary must give a value once, not {text!r}")
    return vary


def all_points(vary: Mapping[str, Sequence[Any]], resolve: Resolve) -> list[tuple[dict[str, Any], Config]]:
    """Settings and configuration of every combination. Raises `InputError` for one that cannot be, and says which."""
    combinations = list(itertools.islice(itertools.product(*vary.values()), MAX_POINTS + 1))
    if len(combinations) > MAX_POINTS:
        raise InputError(f"--vary must make at most {MAX_POINTS} points")
    points = []
    for values in combinations:
        settings = dict(zip(vary, values, strict=True))
        try:
            points.append((settings, resolve(settings)))
        except InputError as error:
            raise InputError(f"point {described(settings)}: {error}") from error
    return points


def described(settings: Mapping[str, Any]) -> str:
    """A point in a few words."""
    return " ".join(f"{name}={_text(value)}" for name, value in settings.items())


def _text(value: Any) -> str:
    """A value as `--vary` takes it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def run_sweep(sweep: Sweep, watcher: Watcher) -> dict[str, Any]:
    """Train every point, write the sweep's folder, return sweep.json.

    Raises `InputError`, or `UnfinishedError` if it was stopped or a repeat failed; then what is done is kept.
    """
    out, identity = sweep.request.out, _identity(sweep)
    if sweep.plan.resume and (out / "sweep.json").exists():
        found = json.loads((out / "sweep.json").read_text())
        _check_same(identity, found, out)
        return found
    check_out(out)
    folder = partial_folder(out)
    if folder.exists() and not sweep.plan.resume:
        raise InputError(f"--out has an unfinished sweep beside it, {str(folder)!r}: --resume goes on with it")
    with made_parents(out) as target:
        folder.mkdir(exist_ok=True)
        request = folder / "request.json"
        if request.exists():
            _check_same(identity, json.loads(request.read_text()), folder)
        replace_text(request, json.dumps(identity, indent=2) + "\n")
        try:
            runs = [_train_point(sweep, number, folder, watcher) for number in range(len(sweep.points))]
        finally:
            if not (folder / "points").exists() or not any((folder / "points").iterdir()):
                shutil.rmtree(folder, ignore_errors=True)
        record = identity | {"points": _points(sweep, runs, folder)}
        _write(record, folder)
        request.unlink()
        take_name(folder, target)
    return record


def _identity(sweep: Sweep) -> dict[str, Any]:
    """What must be the same for a sweep to go on."""
    request = sweep.request
    names = {key: getattr(request, key) for key in ("task", "preset", "engine", "seed")}
    config, data = request.config.as_dict(), request.source.identity()
    return {
        "schema": SCHEMA, **names, "data": data, "repeats": sweep.plan.repeats, "vary": sweep.vary, "config": config,
    }  # fmt: skip


def _check_same(given: Mapping[str, Any], kept: Mapping[str, Any], where: Path) -> None:
    if not isinstance(kept, dict) or kept.get("schema") != SCHEMA:
        raise InputError(f"--out must be a sweep to go on with it, not {str(where)!r}")
    for key in ("vary", "repeats"):
        if given[key] != kept[key]:
            raise InputError(f"--{key} must be {kept[key]!r} as in {str(where)!r} to go on with it, not {given[key]!r}")
    check_same(given, kept, str(where))


def point_name(number: int) -> str:
    return f"points/{number:04d}"


def _train_point(sweep: Sweep, number: int, folder: Path, watcher: Watcher) -> dict[str, Any]:
    """run.json of one point, from before if it is whole."""
    settings, config = sweep.points[number]
    out = folder / point_name(number)
    request = dataclasses.replace(sweep.request, config=config, out=out)
    plan = dataclasses.replace(sweep.plan, resume=True)  # a point is whole, in part or not there
    try:
        return train_repeats(request, plan, lambda standing: watcher(number, standing))
    except InputError as error:
        raise InputError(f"point {described(settings)}: {error}") from error
    except UnfinishedError as error:
        kept = f"{number} of {len(sweep.points)} points are done and kept"
        raise UnfinishedError(f"{kept}; point {described(settings)}: {error}") from error.__cause__


def _points(sweep: Sweep, runs: Sequence[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    points = []
    for number, ((settings, _), run) in enumerate(zip(sweep.points, runs, strict=True)):
        with (folder / point_name(number) / "runs.jsonl").open() as lines:
            records = [json.loads(line) for line in lines]
        found = {key: run["repeats"][key] for key in ("n", "mean", "sem", "median")}
        found |= {"metric": run["result"]["metric"]}
        found |= {"proposals": statistics.fmean(record["chain"]["proposals"] for record in records)}
        found |= {"cycles": statistics.fmean(record["cycles"] for record in records)}
        joules = {node: [record["energy_j"][node] for record in records] for node in NODES}
        energy = {node: {"mean": statistics.fmean(values), "sem": _sem(values)} for node, values in joules.items()}
        points.append({"run": point_name(number), "settings": settings, **found, "energy_j": energy})
    for node in NODES:
        front = pareto([(point["mean"], point["energy_j"][node]["mean"]) for point in points])
        for point, on_front in zip(points, front, strict=True):
            point.setdefault("pareto", {})[node] = on_front
    return points


def _sem(values: Sequence[float]) -> float | None:
    """Standard error of the mean; none for one value."""
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def pareto(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which points (value, joules) no other beats: none has at least the value for at most the joules, one strictly.

    Compared to twelve digits: means that differ in the rounding of their sums are equal.
    """
    exact = [(float(f"{value:.11e}"), float(f"{joules:.11e}")) for value, joules in points]
    return [
        not any(v >= value and j <= joules and (v > value or j < joules) for v, j in exact) for value, joules in exact
    ]


def table_csv(record: Mapping[str, Any]) -> str:
    """The points as CSV: a column a key, then the values, and mean, s.e. and front of each node."""
    stream = io.StringIO()
    nodes = [f"{node}_{part}" for node in NODES for part in ("j_mean", "j_sem", "pareto")]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["run", *record["vary"], *CSV_VALUES, *nodes])
    for point in record["points"]:
        joules = [
            value
            for node in NODES
            for value in (*point["energy_j"][node].values(), "yes" if point["pareto"][node] else "no")
        ]
        settings = [_text(point["settings"][key]) for key in record["vary"]]
        writer.writerow([point["run"], *settings, *(point[key] for key in CSV_VALUES), *joules])
    return stream.getvalue()


def _write(record: Mapping[str, Any], folder: Path) -> None:
    write_json(folder / "sweep.json", record)
    (folder / "sweep.csv").write_text(table_csv(record))
    if available():
        draw(record, folder / "sweep")
