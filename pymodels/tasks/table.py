"""A table of the user's own: a CSV file with one column to learn and numbers in all others.

The label column may hold anything; its different values, in order of numbers where all are numbers, else of text, are
the classes. Geometry follows from the file: a feature a column, one output for two classes, else one a class. Several
outputs are chains of their own: accepted together, one change must suit all classes at once, and from some 50 pairs on
a chain hardly moves (earlier trainings: digits 0.12, vehicle 0.69 in place of 0.94 and 0.78 at half the energy). A
softmax is of all outputs together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.config import KEYS, Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import Dataset, DataSource, Stamp, stamp_of
from oxmc.pymodels.tasks.splits import check, check_points, outputs_for, scaled_split, split_rng, stratified
from oxmc.pymodels.tasks.table_columns import Table, table_of
from oxmc.pymodels.tasks.table_file import read_sheet

TRAIN_SHARE = 0.65
"""As in the paper's 369 of 569."""


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """The split and scaled table. Raises `InputError` where file and `config` do not fit."""
    table = table_in(source)
    check("table", "features", config.features, len(table.features) + config.bias)
    check("table", "outputs", config.outputs, outputs_for(len(table.classes)))
    if len(table.x) <= len(table.classes):
        name = "--data" if source.table is None else "X"
        raise InputError(f"{name} must have more rows than classes ({len(table.classes)}), not {len(table.x)}")
    check_points("table", config, len(table.x))
    if config.train_samples < len(table.classes):
        rule = f"train_samples must be at least {len(table.classes)}, a row of each class"
        raise InputError(f"{rule}, not {config.train_samples}")
    order = _order(config, seed, table)
    data = scaled_split(config, seed, table.x, table.t, table.features, table.classes, order)
    return dataclasses.replace(data, remarks=(*table.notes, *_sizes(config, table)), counts=table.counts)


def _sizes(config: Config, table: Table) -> list[str]:
    """A note where rows are left over."""
    used, n = config.train_samples + config.test_samples, len(table.x)
    how = "the first of each part" if table.train_rows else "drawn by the seed"
    return [f"{used:,} of {n:,} rows used, {how} (train_samples, test_samples)"] if used < n else []


def fit(keys: Mapping[str, Any], given: Collection[str], source: DataSource) -> dict[str, Any]:
    """The geometry that the file asks for. Raises `InputError` where no configuration can have it.

    A file of more rows than a chip's memory takes is used in part.
    """
    table = table_in(source)
    points = len(table.x)
    most = {name: KEYS[name].metadata["high"] for name in ("features", "outputs", "train_samples", "test_samples")}
    train = table.train_rows or max(round(TRAIN_SHARE * points), len(table.classes))
    if "test_samples" in given and not table.train_rows:
        train = points - keys["test_samples"]
    train = keys["train_samples"] if "train_samples" in given else min(max(1, train), most["train_samples"])
    changes = {
        "features": len(table.features) + keys["bias"],
        "outputs": (outputs := outputs_for(len(table.classes))),
        "counters": "own" if outputs > 1 and keys["likelihood"] == "one_versus_rest" else "shared",
        "train_samples": train,
        "test_samples": min(max(1, points - (table.train_rows or train)), most["test_samples"]),
    }
    if changes["features"] > most["features"] and "features" not in given:
        rule = f"--data must give features of at most {most['features']}, not {changes['features']}"
        raise InputError(f"{rule} (columns with numbers; --drop NAME leaves one out)")
    return changes


def _order(config: Config, seed: int, table: Table) -> np.ndarray:
    """Places of the points in the table, those of the training first; drawn, unless the table says which these are."""
    if table.train_rows:
        parts = {"train_samples": (0, table.train_rows), "test_samples": (table.train_rows, len(table.x))}
        for name, (first, end) in parts.items():
            if getattr(config, name) > end - first:
                raise InputError(f"{name} must be at most {end - first} for this task, not {getattr(config, name)}")
        return np.concatenate([np.arange(first, first + getattr(config, name)) for name, (first, _) in parts.items()])
    return stratified(split_rng(config, seed).permutation(len(table.x)), table.t, config.train_samples)


def table_in(source: DataSource) -> Table:
    """What a user gave: arrays, or a file that is read once. Raises `InputError`."""
    if source.table is not None:
        return source.table
    for option, value in (("--data", source.data), ("--label", source.label)):
        if value is None:
            raise InputError(f"task table needs {option}: oxmc train table --data FILE.csv --label COLUMN")
    assert source.data is not None and source.label is not None
    return _read(source.data, source.label, source.keep, source.drop, stamp_of(source.data))


@cache
def _read(path: Path, label: str, keep: tuple[str, ...], drop: tuple[str, ...], stamp: Stamp) -> Table:
    """The table in `path`, read once a program. Raises `InputError`."""
    return table_of(read_sheet(path, label), label, keep, drop)
