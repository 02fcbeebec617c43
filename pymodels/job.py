"""One training as it is handed to an engine, also across the border to the simulator's process."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import ARRAY_EVENTS, CLOCK_EVENTS, DIGITAL_EVENTS, LINE_EVENTS, PULSE_EVENTS
from oxmc.pymodels.files import read_arrays

if TYPE_CHECKING:
    from oxmc.pymodels.surroundings import Surroundings

JOB_VARIABLE, OWNER_VARIABLE, LOCKSTEP_VARIABLE = "OXMC_JOB", "OXMC_OWNER", "OXMC_LOCKSTEP"
"""Environment of the simulator: the job's folder, the process that wants the run, whether the twin runs beside it."""
SECONDS = "seconds"
"""File in a job's folder: wall time in s from the release of reset to the end of the inference, for `oxmc bench`."""
SURROUNDINGS = "surroundings.pickle"
"""File beside a job: an environment of a user's own."""
SETS_BITS = 20
"""A training SETs no cell 2^SETS_BITS times."""
STORED = ("conductance_ns", "counters", "number")
"""Arrays of a job that is an adaptation, beside those of each."""
COUNTED = (*DIGITAL_EVENTS, *ARRAY_EVENTS, *PULSE_EVENTS, *LINE_EVENTS, *CLOCK_EVENTS)
"""Order of the counters in the co-simulation top."""


@dataclasses.dataclass(frozen=True)
class Stored:
    """What an adaptation goes on from: rows where they lie in the array, and their counters.

    `conductance_ns` int64 [rows, cells] in nS, `counters` int64 [rows], 0 for an empty row. It is adaptation `number`
    in the array's life, from 1 on.
    """

    conductance_ns: np.ndarray
    counters: np.ndarray
    number: int

    @property
    def sets(self) -> int:
        """SETs that each cell counts as having seen, more than any has: a draw is a function of that number."""
        return self.number << SETS_BITS


@dataclasses.dataclass(frozen=True)
class Job:
    """One training: its configuration, seed and data, training points first.

    `codes` int64 [train + test, features] are the input codes, `labels` int64 [train + test] the class numbers.
    `features` float64 [train + test, features] are the points in real numbers, for engine float alone; `save` leaves
    them out.
    """

    config: Config
    seed: int
    codes: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None = None
    surroundings: Surroundings | None = None
    """The environment of a user's own that rewards."""
    stored: Stored | None = None
    """Rows that an adaptation goes on from, at the configuration's `start_row`."""

    def save(self, path: Path) -> None:
        """Write all of it to one file, numpy's .npz. Raises `InputError` for an environment that cannot be pickled."""
        header = json.dumps({"config": self.config.as_dict(), "seed": str(self.seed)})
        stored = {} if self.stored is None else dataclasses.asdict(self.stored)
        np.savez(path, header=header, codes=self.codes, labels=self.labels, **stored)
        if self.surroundings is not None:
            path.with_name(SURROUNDINGS).write_bytes(_packed(self.surroundings))

    @classmethod
    def load(cls, path: Path) -> Job:
        """A job that was saved, without `features`. Raises `InputError` where the file is not whole."""
        arrays = read_arrays(path, "a job must be whole", ("header", "codes", "labels"), STORED)
        header, beside = json.loads(str(arrays["header"])), path.with_name(SURROUNDINGS)
        surroundings = _unpacked(beside.read_bytes()) if beside.exists() else None
        config, seed = Config(**header["config"]), int(header["seed"])
        stored = None
        if "number" in arrays:
            stored = Stored(arrays["conductance_ns"], arrays["counters"], int(arrays["number"]))
        return cls(config, seed, arrays["codes"], arrays["labels"], surroundings=surroundings, stored=stored)


def _packed(surroundings: Surroundings) -> bytes:
    """An environment for another process, which finds modules where this one does; a notebook's classes go whole."""
    import cloudpickle

    try:
        return pickle.dumps((sys.path, cloudpickle.dumps(surroundings)))
    except Exception as error:  # whatever an object of a user's holds
        raise InputError(f"environment must be one that can be pickled for a simulator ({error})") from error


def _unpacked(content: bytes) -> Surroundings:
    """What this program packed a moment ago."""
    path, inner = pickle.loads(content)
    sys.path += [name for name in path if name not in sys.path]
    found: Surroundings = pickle.loads(inner)
    return found
