"""One training as it is handed to an engine, also across the border to the simulator's process."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.events import ARRAY_EVENTS, CLOCK_EVENTS, DIGITAL_EVENTS, PULSE_EVENTS
from oxmc.pymodels.files import read_arrays

JOB_VARIABLE, OWNER_VARIABLE, LOCKSTEP_VARIABLE = "OXMC_JOB", "OXMC_OWNER", "OXMC_LOCKSTEP"
"""Environment of the simulator: the job's folder, the process that wants the run, whether the twin runs beside it."""
SECONDS = "seconds"
"""File in a job's folder: wall time in s from the release of reset to the end of the inference, for `oxmc bench`."""
COUNTED = (*DIGITAL_EVENTS, *ARRAY_EVENTS, *PULSE_EVENTS, *CLOCK_EVENTS)
"""Order of the counters in the co-simulation top."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One training: its configuration, seed and data as input codes, training points first.

    `features` float64 [n, features] is the same data in real numbers; it stays on this side of the border.
    """

    config: Config
    seed: int
    codes: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None = None

    def save(self, path: Path) -> None:
        header = json.dumps({"config": self.config.as_dict(), "seed": str(self.seed)})
        np.savez(path, header=header, codes=self.codes, labels=self.labels)

    @classmethod
    def load(cls, path: Path) -> Job:
        arrays = read_arrays(path, "a job must be whole", ("header", "codes", "labels"))
        header = json.loads(str(arrays["header"]))
        return cls(Config(**header["config"]), int(header["seed"]), arrays["codes"], arrays["labels"])
