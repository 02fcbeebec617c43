"""Learning tasks: data sets split, scaled and quantised for the chip."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import os
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.pymodels.config import TASKS, Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import open_plain, understood
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.tasks.components import component_keys, in_components
from oxmc.pymodels.tasks.logistic import accuracy
from oxmc.pymodels.tasks.scaling import Scaling

if TYPE_CHECKING:
    from oxmc.pymodels.surroundings import Surroundings
    from oxmc.pymodels.tasks.table_columns import Table


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """A split data set: features float64 [n, features] of about unit variance, targets int64 [n] (the class number)."""

    train_x: np.ndarray
    train_t: np.ndarray
    test_x: np.ndarray
    test_t: np.ndarray
    feature_names: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader of results should know of the data's treatment."""
    class_names: tuple[str, ...] = ()
    """By class number; empty where the task does not name them."""
    remarks: tuple[str, ...] = ()
    """What was decided about a user's data, who is told at the end of a run."""
    counts: tuple[int, ...] = ()
    """Points of each class in a user's data; empty for data that the project brings."""
    scaling: Scaling | None = None
    """What made these features of raw values; None where there are no points."""
    surroundings: Surroundings | None = None
    """The environment of a user's own that rewards."""
    columns: tuple[str, ...] = ()
    """Names of the raw columns where features are components of them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSource:
    """What a user gave of the data: a file or folder, the record held out for the test, the column to learn.

    `keep` are columns to learn from although they look like an index, `drop` columns to leave out.
    """

    data: Path | None = None
    subject: int | None = None
    label: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    name: str = ""
    """What a task of the user's own is called."""
    table: Table | None = dataclasses.field(default=None, compare=False)
    """Arrays, in the place of a file."""
    surroundings: Surroundings | None = dataclasses.field(default=None, compare=False)
    """An environment, in the place of the cart's."""

    OPTIONS = {"data": "--data", "subject": "--subject", "label": "--label", "keep": "--keep", "drop": "--drop"}

    def identity(self) -> dict[str, Any]:
        """What must be the same for two trainings to be of the same data; the file's contents, not its name."""
        sha256 = None if self.data is None else sha256_of(self.data)
        if self.table is not None:
            sha256 = self.table.sha256
        chosen = {name: list(names) for name, names in (("keep", self.keep), ("drop", self.drop)) if names}
        return {"sha256": sha256, "subject": self.subject, "label": self.label, **chosen}

    def record(self, dataset: Dataset) -> dict[str, Any]:
        """run.json's `data`: what was read, names of features and classes, their scaling, what to tell a user."""
        file = None if self.data is None else str(self.data)
        names = {"features": list(dataset.feature_names), "classes": list(dataset.class_names)}
        counts = {"counts": list(dataset.counts)} if dataset.counts else {}
        remarks = {"remarks": list(dataset.remarks)} if dataset.remarks else {}
        more: dict[str, Any] = {"scaling": dataset.scaling.as_dict()} if dataset.scaling else {}
        if dataset.columns:
            more["columns"] = list(dataset.columns)
        if self.table is not None:
            more["labels"] = self.table.labels
        return {"file": file, **self.identity(), **names, **counts, **remarks, **more}


NO_SOURCE = DataSource()
MOST_RECORDED = 1 << 34
"""Bytes of a file that is told from others by its digest."""
BENDS = ("wine", "table")
"""Tasks whose features can be scaled robustly."""
TAKES = {"ecg": ("data", "subject"), "table": ("data", "label", "keep", "drop")}
"""The fields of `DataSource` that a task reads; its geometry follows from its data, and its module has a `fit`."""


Stamp = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of the files of a path: what tells whether they were read already."""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file or of the files in a folder, in order. Raises `InputError` where it cannot be read."""
    with understood("--data must be readable", path):
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        stats = [(file.name, file.stat()) for file in files]
        if not path.is_dir():
            open_plain(path, MOST_RECORDED).close()
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of the names and digests of a folder's files, in order. Raises `InputError`."""
    return _sha256(path, stamp_of(path))


@cache
def _sha256(path: Path, stamp: Stamp) -> str:
    with understood("--data must be readable", path):
        if not path.is_dir():
            return _digest(path)
        names = (name for name, *_ in stamp if (path / name).is_file())
        lines = "".join(f"{name} {_digest(path / name)}\n" for name in names)
    return hashlib.sha256(os.fsencode(lines)).hexdigest()


def _digest(path: Path) -> str:
    with open_plain(path, MOST_RECORDED) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(name: str, source: DataSource) -> None:
    """Raises `InputError` for an unknown task or an option that the task does not take."""
    if name not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, not {name!r}")
    for field, option in DataSource.OPTIONS.items():
        value = getattr(source, field)
        if value not in (None, ()) and field not in TAKES.get(name, ()):
            shown = ", ".join(value) if isinstance(value, tuple) else str(value)
            raise InputError(f"{option} must be left out for task {name}, which does not take it, not {shown!r}")


def load_task(name: str, config: Config, seed: int, source: DataSource = NO_SOURCE) -> Dataset:
    """The data of task `name`. Raises `InputError` for an unknown task or a config or source that it cannot serve."""
    _check(name, source)
    module = importlib.import_module(f"oxmc.pymodels.tasks.{name}")
    if config.preprocessing == "robust" and name not in BENDS:
        raise InputError(f"preprocessing must be all or train for task {name}, not 'robust'")
    if not config.components:
        dataset: Dataset = module.load(config, seed, source)
        return dataset
    return in_components(config, module.load(raw_of(config), seed, source))


def raw_of(config: Config) -> Config:
    """The same without components; `config` itself where it has none."""
    if not config.components:
        return config
    return config.replace(components=0, raw_features=0, bias=False, features=config.raw_features)


def fit_config(name: str, config: Config, given: Collection[str], source: DataSource = NO_SOURCE) -> Config:
    """`config` with the keys that follow from the data, but for those `given` by the user. Raises `InputError`."""
    changes = fitted_keys(name, config.as_dict(), given, source)
    return config.replace(**changes) if changes else config


def fitted_keys(
    name: str, keys: Mapping[str, Any], given: Collection[str], source: DataSource = NO_SOURCE
) -> dict[str, Any]:
    """The keys that follow from the data, but for those `given`; `keys` are all, which need not fit each other yet.

    Raises `InputError`.
    """
    _check(name, source)
    if source.surroundings is not None:
        sizes = {"features": len(source.surroundings.observations), "outputs": source.surroundings.actions}
        return {key: value for key, value in sizes.items() if key not in given}
    changes = {}
    if name in TAKES:
        changes = importlib.import_module(f"oxmc.pymodels.tasks.{name}").fit(keys, given, source)
    changes |= component_keys(name, keys, changes)
    return {key: value for key, value in changes.items() if key not in given}


def quantise(config: Config, x: np.ndarray) -> np.ndarray:
    """Input DAC codes of features `x`, int64 of the same shape: `Formats.input_code` of each, clipped at full scale."""
    top = Formats(config).input_max
    return np.clip(np.rint(x * top / config.input_range), -top, top).astype(np.int64)


def clipped_share(config: Config, x: np.ndarray) -> float:
    """Share of feature values that lie beyond the input DAC's full scale."""
    return float(np.mean(np.abs(x) > config.input_range))


def reference_value(config: Config, dataset: Dataset, seed: int) -> float:
    """What the result is held against: a logistic regression's accuracy, or the reward of acting at random."""
    if dataset.surroundings is not None:
        from oxmc.pymodels.environment import random_rewards

        return random_rewards(config, seed, dataset.surroundings)
    if config.acceptance == "reward":
        from oxmc.pymodels.cartpole import reference_reward

        return reference_reward(config, seed)
    return reference_accuracy(dataset)


def reference_accuracy(dataset: Dataset) -> float:
    """Test accuracy of a logistic regression, as scikit-learn's defaults have it, on the same split, unquantised.

    Where the training points are of one class, which it refuses, that of always answering this class.
    """
    if (dataset.train_t == dataset.train_t[0]).all():
        return float(np.mean(dataset.test_t == dataset.train_t[0]))
    return accuracy(dataset.train_x, dataset.train_t, dataset.test_x, dataset.test_t)
