"""`oxmc adapt`: the array of a run goes on with new points, from its newest row, in the rows that are oldest."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.energy.life import ALWAYS_ON_W, days_on_cell
from oxmc.energy.parts import parts_of, per_prediction_j
from oxmc.posterior.posterior import FILE
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job, Stored
from oxmc.pymodels.outcome import Outcome, kept_test_set
from oxmc.pymodels.ring import in_array, unrolled
from oxmc.pymodels.tasks import Dataset, DataSource, quantise
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.run.baseline import kept_points
from oxmc.run.checked import STATE, CheckedRun, checked_posterior
from oxmc.run.engine import Watcher, engine_of
from oxmc.run.inference import infer, kept_scaling
from oxmc.run.result import ledger_of, run_record
from oxmc.run.rundir import writing
from oxmc.run.train import Chain, Request, Training, run_engine

MAY_CHANGE = (
    "burn_in", "max_proposals", "temper", "vote_sharpness", "reject_limit", "early_rejection", "sample_order",
    "hard_sample_bits", "verify_window_us", "verify_tries", "verify_memory", "scale_per_us", "prior_sigma_us",
)  # fmt: skip
"""Keys that an adaptation may change; all others say what the array and its stored rows are."""


@dataclasses.dataclass(frozen=True)
class Points:
    """Raw values float64 [n, columns], in the run's columns, and class numbers int64 [n]."""

    raw: np.ndarray
    t: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What `oxmc adapt` was asked for: new points and how often each is learned, test points in the place of the run's
    own, how many rows to fill, keys, and whether the run's training points stay in the training memory."""

    new: Points
    test: Points | None = None
    copies: int = 1
    extend: bool = False
    rows: int | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    engine: str = "twin"
    coupling: str = "python"
    lockstep: bool = False
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the record says of where the new points are from."""


def refuse(checked: CheckedRun, named: str) -> Outcome:
    """The stored state. Raises `InputError` for a run whose array cannot go on."""
    config, run = checked.config, checked.run
    if checked.state is None:
        raise InputError(f"RUN must be a run directory, not {named}")
    if config.acceptance == "reward":
        raise InputError(f"RUN must be of a task with labelled points, not {named}, which learned from rewards")
    if config.counters == "own":
        raise InputError("counters must be shared to adapt, not own: each output's chain has an array of its own")
    if config.calibrate:
        raise InputError("calibrate must be false to adapt, not true: the chip would program the stored rows anew")
    if not engine_of(run["engine"]).in_integers:
        raise InputError(f"RUN must be of an engine with an array to adapt, not of {run['engine']!r}")
    return checked.state


def adapted_config(config: Config, newest: int, asked: Asked, sizes: tuple[int, int]) -> Config:
    """The configuration of an adaptation. Raises `InputError` for a key that it must not change."""
    for name in asked.settings:
        if name not in MAY_CHANGE:
            raise InputError(f"--set must be of {', '.join(MAY_CHANGE)} to adapt, not {name}")
    rows = config.rows - 1 if asked.rows is None else asked.rows
    if not 0 <= rows < config.rows:
        raise InputError(f"--rows must be from 0 to {config.rows - 1}, since row {newest} stays, not {rows}")
    train, test = sizes
    return config.replace(
        ring=True, form=False, start_row=newest, adapt_rows=rows, train_samples=train, test_samples=test,
        own_beats=0, own_copies=1, **asked.settings,
    )  # fmt: skip


def dataset_of(checked: CheckedRun, asked: Asked, path: Path) -> Dataset:
    """Training and test points in the run's own features. Raises `InputError` where it has not kept what is needed."""
    data = checked.run["data"]
    scaling = kept_scaling(checked.run, repr(str(path)))
    bias = scaling.width < len(data["features"])
    train_x = np.repeat(scaling.features(asked.new.raw, bias=bias), asked.copies, axis=0)
    train_t = np.repeat(asked.new.t, asked.copies)
    if asked.extend:
        if not (path / FILE).exists():
            raise InputError(f"--extend needs the training points of RUN, which {FILE} would keep: there is none")
        kept = kept_points(checked_posterior(path, checked.config), checked)
        train_x, train_t = np.concatenate([train_x, kept.train_x]), np.concatenate([train_t, kept.train_t])
    test_x, test_t = kept_test(checked, asked, path, scaling, bias)
    return Dataset(
        train_x=train_x, train_t=train_t, test_x=test_x, test_t=test_t, feature_names=tuple(data["features"]),
        class_names=tuple(data["classes"]), notes=(), scaling=scaling, columns=tuple(data.get("columns", ())),
    )  # fmt: skip


def kept_test(
    checked: CheckedRun, asked: Asked, path: Path, scaling: Scaling, bias: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Features float64 [test, features] and classes int64 [test]: those given, or those that the run was tested on."""
    if asked.test is not None:
        return scaling.features(asked.test.raw, bias=bias), asked.test.t
    kept = kept_test_set(path / STATE)
    if kept is None:
        raise InputError("--test must give points, since RUN has kept none")
    codes, t = kept
    return codes * (checked.config.input_range / Formats(checked.config).input_max), t


def adapt(path: Path, checked: CheckedRun, asked: Asked, out: Path, watcher: Watcher | None = None) -> Training:
    """Adapt and write the run directory. Raises `InputError` or `RunError`; then nothing is left."""
    with writing(out) as folder:
        training = adapted(path, checked, asked, folder, watcher)
        training.write(folder)
    return training


def adapted(path: Path, checked: CheckedRun, asked: Asked, folder: Path, watcher: Watcher | None = None) -> Training:
    """An adaptation; what an engine leaves of itself lies in `folder`."""
    run, state = checked.run, refuse(checked, repr(str(path)))
    engine = engine_of(asked.engine)
    if not engine.adapts:
        raise InputError(f"--engine must be twin, verilator or icarus to adapt, not {asked.engine!r}")
    rows, counters, newest = in_array(state)
    dataset = dataset_of(checked, asked, path)
    config = adapted_config(checked.config, newest, asked, (len(dataset.train_t), len(dataset.test_t)))
    number = 1 + state.adaptation
    stored = Stored(rows, np.pad(counters, (0, config.rows - len(counters))), number)
    x, labels = np.concatenate([dataset.train_x, dataset.test_x]), np.concatenate([dataset.train_t, dataset.test_t])
    job = Job(config, run["seed"], quantise(config, x), labels, stored=stored)
    names = {"engine": asked.engine, "preset": run["preset"], "task": run["task"]}
    options = {name: getattr(asked, name) for name in ("coupling", "lockstep")}
    request = Request(
        **names, **options, seed=run["seed"], config=config, source=DataSource(name=run["task"]),
    )  # fmt: skip
    started = time.monotonic()
    outcome = unrolled(config, run_engine(job, request, folder, watcher), number)
    wall_s = time.monotonic() - started
    before = infer(checked.config, state, dataset.test_x).classes
    told = {
        "parent": run["result"]["state_sha256"], "number": number, "points": len(asked.new.t), "copies": asked.copies,
        "extended": asked.extend, "value_before": float((before == dataset.test_t).mean()), **asked.data,
    }  # fmt: skip
    record = run_record(job, outcome, dataset, **names, wall_s=wall_s, adapted=told)
    record["data"] = run["data"]
    return Training(request, (Chain(job, dataset, outcome, record),))


@dataclasses.dataclass(frozen=True)
class Price:
    """What an adaptation costs at a node, and a cell of 1 mAh lasts with one a day: J, J, days."""

    adaptation_j: float
    beat_j: float
    days: float


def price_of(record: Mapping[str, Any], config: Config, node: str) -> Price:
    """From a run.json's events alone."""
    ledger, counts = ledger_of(config, record["phases"], node), {p: v["events"] for p, v in record["phases"].items()}
    adaptation_j = parts_of(ledger, counts, config.clock_hz)["training"].ledger.total_j
    point_j = per_prediction_j(ledger, counts) or 0.0
    return Price(adaptation_j, point_j, days_on_cell(point_j, adaptation_j))


def price_lines(record: Mapping[str, Any], config: Config, nodes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Lines of a summary."""
    found = {node: price_of(record, config, node) for node in nodes}
    return [
        (f"adaptation at {node}", f"{price.adaptation_j * 1e6:.3g} uJ, then {price.beat_j * 1e9:.3g} nJ a point; "
                                  f"{price.days:.3g} days on 1 mAh with one adaptation a day, "
                                  f"{ALWAYS_ON_W * 1e6:.0f} uW always on assumed")
        for node, price in found.items()
    ]  # fmt: skip
