"""A job and its outcome cross the border between processes as files, to the bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from oxmc.pymodels.config import Config
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome

pytestmark = pytest.mark.testpoint("jobs and outcomes", "cross the border between processes to the bit")


def test_job(tmp_path: Path) -> None:
    """Also with a seed beyond 64 bits and numbers that decimal text could round."""
    config = Config(rows=7, burn_in=3, scale_per_us=0.1 + 0.2, card="4k")
    job = Job(config, 10**40, np.arange(-6, 6).reshape(4, 3), np.array([0, 1, 1, 0]))
    job.save(tmp_path / "job.npz")
    found = Job.load(tmp_path / "job.npz")
    assert (found.config, found.seed) == (config, 10**40)
    for before, after in ((job.codes, found.codes), (job.labels, found.labels)):
        assert np.array_equal(before, after) and after.dtype == np.int64


def test_outcome(tmp_path: Path) -> None:
    numbers = {
        field.name: 2**50 + index for index, field in enumerate(dataclasses.fields(Outcome)) if field.type == "int"
    }
    assert {"proposals", "cycles"} <= set(numbers)
    outcome = Outcome(
        **numbers,
        conductance_ns=np.arange(12).reshape(3, 4) - 2**40,
        counters=np.array([1, 255, 3]),
        classes=np.array([1, 0]),
        sums=np.array([[5], [-(2**30)]]),
        counts={phase: {name: index for index, name in enumerate(EVENTS)} for phase in PHASES},
        quantities={phase: dict.fromkeys(QUANTITIES, 2**70) for phase in PHASES},
        joules={phase: {"set": 0.1 + 0.2} for phase in PHASES},
    )
    outcome.save(tmp_path / "outcome.npz")
    found = Outcome.load(tmp_path / "outcome.npz")
    for field in dataclasses.fields(Outcome):
        before, after = getattr(outcome, field.name), getattr(found, field.name)
        if field.name in Outcome.ARRAYS:
            assert np.array_equal(before, after) and before.dtype == after.dtype and before.shape == after.shape
        else:
            assert before == after, field.name
