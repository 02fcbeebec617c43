"""What an engine makes of a training, whichever engine it is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from oxmc.pymodels import strict
from oxmc.pymodels.config import Config
from oxmc.pymodels.files import read_arrays, understood


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The stored posterior, the inference (Eq 8 of the paper), and everything that was counted.

    `conductance_ns` int64 [rows, cells] in nS and `counters` int64 [last_row + 1] are the stored state (a skipped row
    counts 0); `classes` int64 [test] and `sums` int64 [test, outputs] the inference; `counts` (events.EVENTS),
    `quantities` (events.QUANTITIES) and `joules` (by array operation) are by phase.

    Of a task with rewards, `classes` and `sums` are actions and sums of all test steps, `rewards` int64
    [test_episodes] those of the test and `row_rewards` int64 [last_row + 1] those with which rows were accepted; else
    both are empty. `seeds` are those of the chips that its chains ran on, whose circuits follow from them.

    Of a ring an engine's `counters` are int64 [rows], and `last_row` is the newest row. In a run its rows are oldest
    first (`oxmc.pymodels.ring.unrolled`), and `pointer` is where the newest one lies in the array. `adaptation` is its
    number in the array's life, 0 for a training.
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
    seeds: list[int] = dataclasses.field(default_factory=list)
    pointer: int | None = None
    adaptation: int = 0

    ARRAYS: ClassVar = ("conductance_ns", "counters", "classes", "sums", "rewards", "row_rewards")

    def accepted_rows(self, config: Config) -> int:
        """Rows whose models were accepted, the first one of each chain with them; of an adaptation those it filled, and
        the row that it went on from."""
        if not self.adaptation:
            return self.filled_rows
        assert self.pointer is not None
        filled = (self.pointer - config.start_row) % config.rows
        return 1 + int(np.count_nonzero(self.counters[len(self.counters) - filled :]))

    @property
    def filled_rows(self) -> int:
        """Rows that hold an accepted model; each was counted at least once."""
        return int(np.count_nonzero(self.counters))

    def save(self, path: Path, **more: np.ndarray) -> None:
        """Write all of it, and arrays of any shape that `load` leaves to others."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {name: values.pop(name) for name in self.ARRAYS}
        contents: dict[str, Any] = arrays | more
        np.savez(path, header=json.dumps(values), **contents)

    @classmethod
    def load(cls, path: Path) -> Outcome:
        """An outcome that was saved. Raises `InputError` where the file is not whole or its arrays are none of ours."""
        rule = "RUN must hold a whole state.npz"
        arrays = read_arrays(path, rule, ("header", *cls.ARRAYS))
        with understood(rule, path):
            values: dict[str, Any] = strict.loads(str(arrays["header"]))
            values |= {name: arrays[name] for name in cls.ARRAYS}
            found = cls(**values)
            found._check_arrays()
        return found

    def _check_arrays(self) -> None:
        """Raises `ValueError` for an array that cannot be a state."""
        for name in self.ARRAYS:
            array, dimensions = getattr(self, name), 2 if name in ("conductance_ns", "sums") else 1
            if array.dtype != np.int64 or array.ndim != dimensions:
                raise ValueError(f"{name} must be int64 of {dimensions} dimensions, not {array.dtype} of {array.ndim}")
        if not all(type(seed) is int and seed >= 0 for seed in self.seeds):
            raise ValueError(f"seeds must be integers from 0 on, not {self.seeds!r:.80}")
        rows = len(self.conductance_ns)
        if not (self.pointer is None or type(self.pointer) is int and 0 <= self.pointer < rows):
            raise ValueError(f"pointer must be a row from 0 to {rows - 1}, not {self.pointer!r:.80}")
        if not 0 < len(self.counters) <= rows:
            raise ValueError(f"counters must be those of 1 to {rows} rows, not {len(self.counters)}")


def kept_test_set(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Input codes int64 [n, features] and classes int64 [n] of the test points kept with a state; None without any.

    Raises `InputError` where they are there and are none.
    """
    rule = "RUN must hold a whole state.npz"
    arrays = read_arrays(path, rule)
    if "test_t" not in arrays or not arrays["test_t"].size:
        return None
    with understood(rule, path):
        codes, t = arrays["test_codes"], arrays["test_t"]
        if codes.dtype != np.int64 or t.dtype != np.int64 or codes.ndim != 2 or t.shape != codes.shape[:1]:
            raise ValueError("test_codes and test_t must be int64, a row and a class a test point")
    return codes, t
