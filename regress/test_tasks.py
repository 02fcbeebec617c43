"""Every task at full size on Verilator, by the command's way: the twin's bits, and what a training costs a core.

`ecg` takes the published beats where OXMC_DATA names a folder with them, else the made-up recordings.
"""

from __future__ import annotations

import csv
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from oxmc.pymodels.config import TASKS, resolve
from oxmc.pymodels.tasks import DataSource, fit_config
from oxmc.run.books import CONSERVATION_LIMIT
from oxmc.run.engine import COUPLINGS, engine_of
from oxmc.run.train import Request, train

PRESET = "wide"
DIGITS = {"rows": 64, "burn_in": 32}
"""A quarter of the preset's rows, a sixth of its SETs."""
ALIKE = ("result", "chain", "events", "quantities", "phases", "energy_j", "data", "notes")
BEATS = "mitbih_beats.npz"


def iris(path: Path) -> Path:
    """scikit-learn's iris flowers as a CSV file."""
    from sklearn.datasets import load_iris

    data = load_iris()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(name.replace(" ", "_") for name in data.feature_names), "species"])
        writer.writerows([*x, data.target_names[t]] for x, t in zip(data.data.tolist(), data.target, strict=True))
    return path


def source_of(task: str, folder: Path) -> DataSource:
    """Data that a task does not bring itself."""
    if task == "table":
        return DataSource(data=iris(folder / "iris.csv"), label="species")
    if task == "ecg" and os.environ.get("OXMC_DATA"):
        return DataSource(data=Path(os.environ["OXMC_DATA"]) / BEATS, subject=208)
    return DataSource()


def request_of(task: str, engine: str, coupling: str, folder: Path) -> Request:
    """As `oxmc train TASK --preset wide --engine ENGINE --coupling COUPLING` has it, digits with 64 rows."""
    given, source = DIGITS if task == "digits" else {}, source_of(task, folder)
    config = fit_config(task, resolve(task, PRESET, settings=given), given, source)
    return Request(
        task=task, preset=PRESET, engine=engine, seed=0, config=engine_of("verilator").sized(config, given),
        out=folder / engine, coupling=coupling, source=source,
    )  # fmt: skip


def cpu_s() -> float:
    """CPU time of this process and of all that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, who))


def timed(request: Request) -> tuple[dict[str, Any], float, float]:
    """run.json, CPU seconds and seconds of a training whose simulator is built already."""
    engine_of(request.engine).prepare(request.config, request)
    cpu, wall = cpu_s(), time.monotonic()
    run = train(request).record
    return run, cpu_s() - cpu, time.monotonic() - wall


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("task", TASKS)
def test_verilator_equals_twin(tmp_path: Path, task: str, coupling: str) -> None:
    """The same state, chain, counts, joules and cycles; what it took is printed, and judged by whoever reads it."""
    chip, cpu, wall = timed(request_of(task, "verilator", coupling, tmp_path))
    twin, *_ = timed(request_of(task, "twin", "python", tmp_path))
    config, cycles = chip["config"], chip["time"]["cycles"]
    print(
        f"\n{task}, {coupling}: {config['rows']} rows of {request_of(task, 'twin', 'python', tmp_path).config.pairs} "
        f"pairs, {cycles} cycles, CPU {cpu:.1f} s, wall {wall:.1f} s, state {chip['result']['state_sha256'][:16]}, "
        f"{chip['result']['metric']} {chip['result']['value']:.4f}"
    )
    assert {name: chip[name] for name in ALIKE} == {name: twin[name] for name in ALIKE}
    assert cycles == twin["time"]["cycles"]
    for phase, joules in chip["array_energy_j"].items():  # summed pulse by pulse in floating point, there from sums
        assert joules == pytest.approx(twin["array_energy_j"][phase], rel=CONSERVATION_LIMIT, abs=0.0), phase
