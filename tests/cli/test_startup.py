"""What a command loads: nothing that it does not use. No test looks at a clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from oxmc.pymodels.ahead import Ahead

pytestmark = pytest.mark.testpoint(
    "start of a command",
    "the command line, a training and the Python in the simulator load no package that they do not use",
)

LARGE = (
    "amaranth", "arviz", "arviz_stats", "cocotb", "dask", "h5py", "joblib", "matplotlib", "numba", "numpy", "pandas",
    "pytest", "rich", "scipy", "sklearn", "xarray",
)  # fmt: skip
"""Packages that take 20 ms or more to import, most of them a tenth of a second."""

LOAD = """
from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import load_task
import oxmc.api.progress, oxmc.api.training, oxmc.run.rundir, oxmc.tb.cosim.simulator, oxmc.run.train
oxmc.run.train.make_job(preset("cancer", "paper"), load_task("cancer", preset("cancer", "paper"), 0), 0)
"""
"""What `oxmc train cancer` does ahead of the simulator."""
SIMULATE = """
import tempfile
from pathlib import Path
from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import load_task
from oxmc.tb.cosim.compiled import load_for
from oxmc.tb.cosim.simulator import CompiledSimulation
from oxmc.pymodels.tasks.jobs import make_job
config = preset("cancer", "paper")
with tempfile.TemporaryDirectory() as folder:
    load_for(make_job(config, load_task("cancer", config, 0), 0), Path(folder))
"""
"""What the compiled coupling does ahead of the simulator."""
SIMULATED = """
import os
os.environ["NUMBA_DISABLE_JIT"] = "1"
import oxmc.tb.blocks.trainer, oxmc.tb.cosim.training, oxmc.tb.system.chip
"""
"""What simulators import: a small bench starts longer than it runs."""


def loaded(program: str) -> set[str]:
    """Those of `LARGE` that a Python has loaded after `program`."""
    show = f"import sys; print(*(name for name in {LARGE!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"{program}\n{show}"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("program", "allowed"),
    [
        ("import oxmc; dir(oxmc)", set()),
        ("import oxmc.cli.app", set()),
        (LOAD, {"numpy"}),
        (SIMULATE, {"numpy"}),
        (SIMULATED, {"numpy", "cocotb", "pytest"}),  # cocotb imports pytest
    ],
    ids=["package", "command line", "training", "compiled coupling", "in a simulator"],
)
def test_nothing_large_is_loaded(program: str, allowed: set[str]) -> None:
    assert loaded(program) - allowed == set()


def test_what_is_loaded_is_seen() -> None:
    assert loaded("import numba") >= {"numba"}


def test_a_value_is_computed_ahead_once() -> None:
    asked: list[int] = []
    late, ahead = (Ahead(lambda: asked.append(1) or len(asked)) for _ in range(2))
    assert late.value() == 1
    ahead.start()
    ahead.start()
    assert ahead.value() == ahead.value() == 2 and len(asked) == 2
    failing = Ahead(lambda: 1 / 0)
    failing.start()
    with pytest.raises(ZeroDivisionError):
        failing.value()
