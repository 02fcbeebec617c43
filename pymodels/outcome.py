"""What an engine makes of a training, whichever engine it is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pymodels import strict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The stored posterior, the inference, and everything that was counted.

    `conductance_ns` int64 [rows, cells] and `counters` int64 [last_row + 1] are the stored state (a skipped row counts
    0); `classes` int64 [test] and `sums` int64 [test, outputs] the inference; `counts` (events.EVENTS), `quantities`
    (events.QUANTITIES) and `joules` (by array operation) are by phase.

    Of a task with rewards, `classes` and `sums` are actions and sums of all test steps, `rewards` int64
    [test_episodes] those of the test and `row_rewards` int64 [last_row + 1] those with which rows were accepted; else
    both are empty.
    """

    conductance_ns: np.ndarray
    counters: np.ndarray
    classes: np.ndarray
    sums: np.ndarray
    last_row: int
    proposals: int
    skipped: int
    clamps: int
    lost_counts: int
    cycles: int
    counts: dict[str, dict[str, int]]
    quantities: dict[str, dict[str, int]]
    joules: dict[str, dict[str, float]]
    rewards: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    row_rewards: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))

    ARRAYS: ClassVar = ("conductance_ns", "counters", "classes", "sums", "rewards", "row_rewards")

    @property
    def filled_rows(self) -> int:
        """Rows that hold an accepted model; each was counted at least once."""
        return int(np.count_nonzero(self.counters))

    def save(self, path: Path, **more: np.ndarray) -> None:
        """Write all of it, and arrays that `load` leaves to others."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {name: values.pop(name) for name in self.ARRAYS}
        contents: dict[str, Any] = arrays | more
        np.savez(path, header=json.dumps(values), **contents)

    @classmethod
    def load(cls, path: Path) -> Outcome:
        """What `save` wrote. Raises `ValueError` for other arrays, and whatever numpy and zipfile raise for no file."""
        with np.load(path) as file:
            header: dict[str, Any] = strict.loads(str(file["header"]))
            arrays = {name: file[name] for name in cls.ARRAYS}
        for name, array in arrays.items():
            if array.dtype != np.int64:
                raise ValueError(f"{name} must hold int64, not {array.dtype}")
        return cls(**header, **arrays)
