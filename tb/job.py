"""What crosses the border between the command line and the simulator's process: one job in, one outcome out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from pymodels.config import Config


@dataclasses.dataclass(frozen=True)
class Job:
    """One training: its configuration, seed and data as input codes, training points first."""

    config: Config
    seed: int
    codes: np.ndarray
    labels: np.ndarray

    def save(self, path: Path) -> None:
        header = json.dumps({"config": self.config.as_dict(), "seed": str(self.seed)})
        np.savez(path, header=header, codes=self.codes, labels=self.labels)

    @classmethod
    def load(cls, path: Path) -> Job:
        with np.load(path) as file:
            header = json.loads(str(file["header"]))
            return cls(Config(**header["config"]), int(header["seed"]), file["codes"], file["labels"])


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What an engine made of a job.

    `conductance_ns` int64 [rows, cells] and `counters` int64 [rows] are the stored state; `classes` int64 [test] and
    `sums` int64 [test, outputs] the inference; `counts`, `quantities` and `joules` are by phase.
    """

    conductance_ns: np.ndarray
    counters: np.ndarray
    classes: np.ndarray
    sums: np.ndarray
    last_row: int
    proposals: int
    clamps: int
    lost_counts: int
    cycles: int
    counts: dict[str, dict[str, int]]
    quantities: dict[str, dict[str, int]]
    joules: dict[str, dict[str, float]]

    _ARRAYS = ("conductance_ns", "counters", "classes", "sums")

    def save(self, path: Path) -> None:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {name: values.pop(name) for name in self._ARRAYS}
        np.savez(path, header=json.dumps(values), **arrays)

    @classmethod
    def load(cls, path: Path) -> Outcome:
        with np.load(path) as file:
            header: dict[str, Any] = json.loads(str(file["header"]))
            return cls(**header, **{name: file[name] for name in cls._ARRAYS})
