"""`oxmc sweep`: repeats of a training at every combination of some keys' values, and what each bought for its joules.

A point is a run of repeats (`oxmc.campaign.repeats`) under the sweep's seed, so that all points see the same splits and
the same devices; it is kept as a run directory of its own. A sweep that was stopped goes on where it was.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oxmc.campaign.partial import KEPT_RULE, check_config, check_same, partial_folder
from oxmc.campaign.repeats import Plan, Standing, UnfinishedError, train_repeats
from oxmc.campaign.sweep_points import Axis, Point, Resolve, described, value_text
from oxmc.plots.sweep import available, draw
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import read_json, understood
from oxmc.pymodels.strict import first_difference
from oxmc.pymodels.tasks import DataSource
from oxmc.pymodels.whole import write_file
from oxmc.run.checked import checked_run
from oxmc.run.records import read_records
from oxmc.run.request import configured
from oxmc.run.result import NODES
from oxmc.run.rundir import (
    SWEEP_SCHEMA,
    check_out,
    json_text,
    made_parents,
    take_name,
    write_json,
)
from oxmc.run.sources import check_code
from oxmc.run.train import Request

CSV_VALUES = ("n", "mean", "sem", "median", "proposals", "sets", "evaluations", "cycles", "chip_s", "training_s")

Watcher = Callable[[int, Standing], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """What `oxmc sweep` was asked for: `request` is that of any point, `points` the settings and configuration of each.

    `axes` are in the order in which they were given. Around a centre (`around`), point 0 is the centre and each other
    one is a step of one axis; else the points are all combinations, the last axis fastest.
    """

    request: Request
    plan: Plan
    axes: list[Axis]
    points: list[Point]
    around: bool = False

    @property
    def vary(self) -> dict[str, list[Any]]:
        """The values of each key; of one on several axes those of all, once each."""
        found: dict[str, list[Any]] = {}
        for axis in self.axes:
            for name, values in axis.items():
                known = found.setdefault(name, [])
                known += [value for value in dict.fromkeys(values) if value not in known]
        return found


def resolver(
    task: str,
    preset: str,
    engine: str,
    source: DataSource,
    *,
    toml: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    rows: int | None = None,
    seed: int = 0,
) -> Resolve:
    """What makes a configuration of a point's settings, over those of all points; `rows` cap the burn-in as --rows."""
    fixed = settings or {}

    def resolved(point: Mapping[str, Any]) -> Config:
        given = {**fixed, **point}
        count = given.pop("rows", rows)
        return configured(task, preset, engine, source, toml=toml, settings=given, rows=count, seed=seed)

    return resolved


def run_sweep(sweep: Sweep, watcher: Watcher) -> dict[str, Any]:
    """Train every point, write the sweep's folder, return sweep.json.

    Raises `InputError`, or `UnfinishedError` if it was stopped or a repeat failed; then what is done is kept.
    """
    out, identity = sweep.request.out, _identity(sweep)
    if sweep.plan.resume and (out / "sweep.json").exists():
        found = read_json(out / "sweep.json", KEPT_RULE)
        _check_same(identity, found, out)
        _check_kept(sweep, found, out)
        return found
    check_out(out)
    folder = partial_folder(out)
    if folder.exists() and not sweep.plan.resume:
        raise InputError(f"--out has an unfinished sweep beside it, {str(folder)!r}: --resume goes on with it")
    with made_parents(out) as target:
        folder.mkdir(exist_ok=True)
        request = folder / "request.json"
        if request.exists():
            _check_same(identity, read_json(request, KEPT_RULE), folder)
        write_file(request, json_text(identity))
        try:
            runs = [_train_point(sweep, number, folder, watcher) for number in range(len(sweep.points))]
        finally:
            if not (folder / "points").exists() or not any((folder / "points").iterdir()):
                shutil.rmtree(folder, ignore_errors=True)
        told = {kind: list(dict.fromkeys(text for run in runs for text in run[kind])) for kind in ("warnings", "notes")}
        record = identity | {"points": _points(sweep, runs, folder), **told}
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
        "schema": SWEEP_SCHEMA, **names, "data": data, "repeats": sweep.plan.repeats, "vary": sweep.vary,
        "axes": sweep.axes, "around": sweep.around, "config": config,
    }  # fmt: skip


def _check_same(given: Mapping[str, Any], kept: Mapping[str, Any], where: Path) -> None:
    if not isinstance(kept, dict) or kept.get("schema") != SWEEP_SCHEMA:
        raise InputError(f"--out must be a sweep to go on with it, not {str(where)!r}")
    options = {"vary": "--vary", "axes": "--vary", "around": "--one-at-a-time", "repeats": "--repeats"}
    for key, option in options.items():
        new, old = given[key], kept.get(key)
        if new != old:
            raise InputError(f"{option} must be {shown(old)} as in {str(where)!r} to go on with it, not {new!r}")
    check_same(given, kept, str(where))


def _check_kept(sweep: Sweep, found: Mapping[str, Any], out: Path) -> None:
    """Raises `InputError` unless each point of a whole sweep is whole, and the sweep's table is of them."""
    runs = []
    for number, (_, config) in enumerate(sweep.points):
        place = out / point_name(number)
        runs.append(checked_run(place).run)
        check_code(runs[-1]["versions"].get("sources"), place, other_code=sweep.plan.other_code)
        check_config(config.as_dict(), runs[-1]["config"], str(place))
    difference = first_difference(found["points"], _points(sweep, runs, out), "points")
    if difference:
        raise InputError(f"--out must be a whole sweep to go on with it, which {str(out)!r} is not: {difference}")


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


def point_records(folder: Path, number: int) -> list[dict[str, Any]]:
    """The lines of runs.jsonl of one point of the sweep in `folder`, by repeat."""
    return read_records(folder / point_name(number))


def _points(sweep: Sweep, runs: Sequence[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    with understood(KEPT_RULE, folder):
        return _costed(sweep, runs, folder)


def _costed(sweep: Sweep, runs: Sequence[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    points, first = [], [record["value"] for record in point_records(folder, 0)]
    for number, ((settings, config), run) in enumerate(zip(sweep.points, runs, strict=True)):
        records = point_records(folder, number)
        found: dict[str, Any] = {"run": point_name(number), "change": described(settings)}
        found |= {"settings": {key: settings.get(key, getattr(config, key)) for key in sweep.vary}}
        found |= {key: run["repeats"][key] for key in ("n", "mean", "sem", "median")}
        found |= {"metric": run["result"]["metric"], "extrapolated": run["card"]["extrapolated"]}
        found |= {"difference": _mean([one["value"] - other for one, other in zip(records, first, strict=True)])}
        points.append(found | _costs(records, config.clock_hz))
    for node in NODES:
        front = pareto([(point["mean"], point["energy_j"][node]["mean"]) for point in points])
        for point, on_front in zip(points, front, strict=True):
            point.setdefault("pareto", {})[node] = on_front
    return points


def _costs(records: Sequence[Mapping[str, Any]], clock_hz: float) -> dict[str, Any]:
    """Means of what the repeats of a point took; SETs and evaluations are those of the training."""
    cycles = statistics.fmean(record["cycles"] for record in records)
    of_training = {
        name: statistics.fmean(record["training_events"][name] for record in records)
        for name in ("set", "eval", "cycle")
    }
    return {
        "proposals": statistics.fmean(record["chain"]["proposals"] for record in records),
        "sets": of_training["set"],
        "evaluations": of_training["eval"],
        "cycles": cycles,
        "chip_s": cycles / clock_hz,
        "training_s": of_training["cycle"] / clock_hz,
        "energy_j": {node: _mean([record["energy_j"][node] for record in records]) for node in NODES},
        "training_j": {node: _mean([record["training_j"][node] for record in records]) for node in NODES},
    }


def _mean(values: Sequence[float]) -> dict[str, float | None]:
    return {"mean": statistics.fmean(values), "sem": _sem(values)}


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
    """The points as CSV: a column a key, then the values; of each node the joules, those of the training, the front."""
    stream = io.StringIO()
    of_node = ("j_mean", "j_sem", "training_j_mean", "training_j_sem", "pareto")
    nodes = [f"{node}_{part}" for node in NODES for part in of_node]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["run", *record["vary"], *CSV_VALUES, "difference_mean", "difference_sem", *nodes])
    for point in record["points"]:
        settings = [value_text(point["settings"][key]) for key in record["vary"]]
        joules: list[Any] = []
        for node in NODES:
            joules += [*point["energy_j"][node].values(), *point["training_j"][node].values()]
            joules.append("yes" if point["pareto"][node] else "no")
        values = [point[key] for key in CSV_VALUES]
        writer.writerow([point["run"], *settings, *values, *point["difference"].values(), *joules])
    return stream.getvalue()


def _write(record: Mapping[str, Any], folder: Path) -> None:
    write_json(folder / "sweep.json", record)
    write_file(folder / "sweep.csv", table_csv(record))
    if available():
        draw(record, folder / "sweep")
