"""Each task on Icarus as `oxmc train TASK --preset best` has it, a few rows and points: the twin's bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import alike_on_icarus
from pytest import CaptureFixture

from oxmc.pymodels.config import TASKS
from oxmc.pymodels.outcome import Outcome

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.testpoint(
        "each task on the RTL",
        "all seven tasks with preset best, by the command's way on Icarus: the twin's digest, chain, events, "
        "joules, cycles and arrays; cartpole also with the compiled coupling; another seed is told apart",
    ),
]

SIZES = {
    "toy": "rows=4 train_samples=20 test_samples=5",
    "cancer": "rows=4 train_samples=20 test_samples=5",
    "ecg": "rows=3 train_samples=6 test_samples=2",
    "cartpole": "rows=4 test_episodes=1 episode_steps=30",
    "wine": "rows=3 train_samples=12 test_samples=4",
    "digits": "rows=3 train_samples=6 test_samples=1 max_proposals=1 counters=shared",
    "table": "rows=3",
}
"""Keys of each training, over preset `best`. All outputs of digits are one chain of 1,280 cells a row."""
TABLE = "kind,a,b,c\n10,1,2,0\n9,2,1,0\n2,3,5,0\n10,4,1,0\n9,5,5,0\n2,6,2,0\n10,7,5,0\n9,8,1,0\n2,1,1,0\n"


def arguments(task: str, folder: Path) -> list[str]:
    """What `oxmc train` is told, but for the engine."""
    keys = SIZES[task].split()
    rows = keys[0].removeprefix("rows=")
    sets = [part for key in keys[1:] for part in ("--set", key)]
    data = []
    if task == "table":
        (folder / "t.csv").write_text(TABLE)
        data = ["--data", str(folder / "t.csv"), "--label", "kind"]
    return [task, "--preset", "best", "--seed", "3", "--rows", rows, *sets, *data]


CASES = [*((task, "python") for task in TASKS), ("cartpole", "compiled")]
"""`tests/tb/test_coupling.py` has the compiled coupling of what learns from labels."""


@pytest.mark.parametrize(("task", "coupling"), CASES)
def test_icarus_is_the_twin(capsys: CaptureFixture[str], tmp_path: Path, task: str, coupling: str) -> None:
    """Digest of the state, chain, events, quantities, joules, data and cycles in run.json; every array of the state."""
    run = alike_on_icarus(capsys, tmp_path, *arguments(task, tmp_path), rtl=("--coupling", coupling))
    print(f"{task}, {coupling}: {run['time']['cycles']} cycles")
    states = [Outcome.load(tmp_path / engine / "state.npz") for engine in ("icarus", "twin")]
    for name in Outcome.ARRAYS:
        assert np.array_equal(getattr(states[0], name), getattr(states[1], name)), name


def test_a_run_of_another_seed_is_not_alike(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """The comparison can fail."""
    with pytest.raises(AssertionError, match="result"):
        alike_on_icarus(capsys, tmp_path, *arguments("toy", tmp_path), rtl=("--seed", "4"))
