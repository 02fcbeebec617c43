"""A table of the user's own: a CSV file with one column to learn and numbers in all others.

The label column may hold anything; its different values, in order of numbers where all are numbers, else of text, are
the classes. Geometry follows from the file: a feature a column, one output for two classes, else one a class.
"""

from __future__ import annotations

import csv
import dataclasses
import difflib
import io
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from pymodels.config import KEYS, Config
from pymodels.errors import InputError
from pymodels.files import read_text, understood
from pymodels.tasks import Dataset, DataSource, Stamp, stamp_of
from pymodels.tasks.splits import check, check_points, outputs_for, scaled_split

TRAIN_SHARE = 0.65
"""As in the paper's 369 of 569."""
MISSING = ("", "?", "na", "n/a", "nan", "null", "none")
"""What a missing value looks like, in lower case."""
LARGEST = 1e100
"""So large that no measurement is, and so small that squares and their sums are finite."""
DISTINCT_SHARE = 0.5
"""Above this share of different values a label is taken for a measurement, if it has more classes than outputs."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A file that was read: x float64 [n, features] without constant columns, t int64 [n], and the names of all."""

    x: np.ndarray
    t: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...]
    constant: tuple[str, ...]


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """The split and scaled table. Raises `InputError` where file and `config` do not fit."""
    table = _table(source)
    check("table", "features", config.features, len(table.features) + config.bias)
    check("table", "outputs", config.outputs, outputs_for(len(table.classes)))
    check_points("table", config, len(table.x))
    data = scaled_split(config, seed, table.x, table.t, table.features, table.classes)
    absent = [table.classes[t] for t in range(len(table.classes)) if not (data.train_t == t).any()]
    if absent:
        raise InputError(
            f"train_samples must be so many that each class is among them, not {config.train_samples}: "
            f"seed {seed} leaves out class {absent[0]!r}"
        )
    dropped = [f"constant columns left out: {', '.join(table.constant)}"] if table.constant else []
    return dataclasses.replace(data, notes=(*data.notes, *dropped))


def fit(config: Config, given: Collection[str], source: DataSource) -> dict[str, Any]:
    """The geometry that the file asks for. Raises `InputError` where no configuration can have it."""
    table = _table(source)
    points = len(table.x)
    train = config.train_samples if "train_samples" in given else max(1, round(TRAIN_SHARE * points))
    if "test_samples" in given and "train_samples" not in given:
        train = max(1, points - config.test_samples)
    changes = {
        "features": len(table.features) + config.bias,
        "outputs": outputs_for(len(table.classes)),
        "train_samples": train,
        "test_samples": max(1, points - train),
    }
    what = {"features": "columns with numbers", "outputs": "classes", "train_samples": "rows", "test_samples": "rows"}
    for name, value in changes.items():
        high = KEYS[name].metadata["high"]
        if value > high and name not in given:
            raise InputError(f"--data must give {name} of at most {high}, not {value} ({what[name]})")
    return changes


def _table(source: DataSource) -> Table:
    for option, value in (("--data", source.data), ("--label", source.label)):
        if value is None:
            raise InputError(f"task table needs {option}: oxmc train table --data FILE.csv --label COLUMN")
    assert source.data is not None and source.label is not None
    return _read(source.data, source.label, stamp_of(source.data))


@cache
def _read(path: Path, label: str, stamp: Stamp) -> Table:
    """The table in `path`, read once a program. Raises `InputError`."""
    lines, names = _lines(path)
    if label not in names:
        near = difflib.get_close_matches(label, names, n=1, cutoff=0.0)
        raise InputError(f"--label must name a column of {str(path)!r}, not {label!r}; did you mean {near[0]!r}?")
    place = names.index(label)
    for number, row in lines:
        if _missing(row[place]):
            _refuse(path, number, label, "holds no value: fill it in or take the line out")
    classes, t = _classes([row[place].strip() for _, row in lines])
    if len(classes) < 2:
        raise InputError(f"--label must have two classes or more, but column {label!r} holds {classes[0]!r} alone")
    columns = [column for column in range(len(names)) if column != place]
    if not columns:
        raise InputError(f"--data must have a column beside the label {label!r}, but {str(path)!r} has none")
    x = np.array([[_number(path, number, names[c], row[c]) for c in columns] for number, row in lines])
    varies = x.min(axis=0) < x.max(axis=0)
    if not varies.any():
        raise InputError(f"--data must have a column that is not constant, but {str(path)!r} has none")
    kept = [(names[c], keep) for c, keep in zip(columns, varies.tolist(), strict=True)]
    return Table(
        x[:, varies], t, tuple(n for n, keep in kept if keep), classes, tuple(n for n, keep in kept if not keep)
    )


def _lines(path: Path) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """(line number, fields) of each row with anything in it, and the header. Raises `InputError`."""
    rule = "--data must be a readable CSV file in UTF-8"
    text = read_text(path, rule)
    with understood(rule, path):
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    if len(rows) < 2:
        raise InputError(f"--data must have a header and rows below it, but {str(path)!r} has {len(rows)} lines")
    names = [field.strip() for field in rows[0][1]]
    if "" in names or len(set(names)) < len(names):
        wrong = "one without a name" if "" in names else repr(next(name for name in names if names.count(name) > 1))
        raise InputError(f"--data must name each column once in its first line, but {str(path)!r} has {wrong}")
    for number, row in rows[1:]:
        if len(row) != len(names):
            raise InputError(f"{str(path)!r} line {number} must have {len(names)} fields as the header, not {len(row)}")
    return rows[1:], names


def _classes(values: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes in order, and the class of each row, int64 [n]."""
    different = set(values)
    try:
        names = sorted(different, key=lambda value: (float(value), value))
    except ValueError:
        names = sorted(different)
    high = KEYS["outputs"].metadata["high"]
    if len(names) > high:
        hint = ""
        if len(names) > DISTINCT_SHARE * len(values):
            hint = "; it looks like a measurement or a name, not a class"
        raise InputError(f"--label must have at most {high} classes, not {len(names)}{hint}")
    number = {name: index for index, name in enumerate(names)}
    return tuple(names), np.array([number[value] for value in values], np.int64)


def _number(path: Path, line: int, column: str, text: str) -> float:
    if _missing(text):
        _refuse(path, line, column, "holds no value: fill it in or take the line or column out")
    try:
        value = float(text.replace("_", "?"))  # Python would take 1_0 for ten
    except ValueError:
        _refuse(path, line, column, f"must be a number, not {text.strip()!r}: encode text as numbers first")
    if not np.isfinite(value):
        _refuse(path, line, column, f"must be a finite number, not {text.strip()!r}")
    if abs(value) > LARGEST:
        _refuse(path, line, column, f"must be at most {LARGEST:g} in size, not {text.strip()!r}")
    return value


def _missing(text: str) -> bool:
    return text.strip().lower() in MISSING


def _refuse(path: Path, line: int, column: str, rule: str) -> NoReturn:
    raise InputError(f"{str(path)!r} line {line} column {column!r} {rule}")
