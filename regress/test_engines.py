"""Long campaigns, run by `make regress`: whole trainings on the RTL against the twin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from oxmc.pymodels.config import PRESETS, resolve
from oxmc.run.engine import COUPLINGS
from oxmc.run.train import Request, train

SEEDS = range(1, 1 + int(os.environ.get("OXMC_REGRESS_SEEDS", "5")))
LOCKSTEP_CYCLES = int(float(os.environ.get("OXMC_REGRESS_CYCLES", "1e8")))
COMPARED = ("result", "chain", "events", "quantities", "energy_j")


def run(folder: Path, preset: str, seed: int, engine: str, dacs: int = 1, **options: Any) -> dict[str, Any]:
    request = Request(
        task="cancer", preset=preset, engine=engine, seed=seed,
        config=resolve("cancer", preset).replace(gate_dacs=dacs),
        out=folder / f"{preset}-{engine}-{seed}-{dacs}-{options.get('coupling', '')}", **options,
    )  # fmt: skip
    return train(request).record


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", SEEDS)
def test_verilator_equals_twin(tmp_path: Path, preset: str, seed: int, coupling: str) -> None:
    """Full size: the same state, chain, events, quantities, energy and cycles."""
    chip = run(tmp_path, preset, seed, "verilator", coupling=coupling)
    twin = run(tmp_path, preset, seed, "twin")
    assert {name: chip[name] for name in COMPARED} == {name: twin[name] for name in COMPARED}
    assert chip["time"]["cycles"] == twin["time"]["cycles"]


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_gate_dacs_keep_the_bits(tmp_path: Path, coupling: str) -> None:
    """Full size with eight gate DACs: all as in the twin, and the state of one DAC."""
    chip = run(tmp_path, "paper", 1, "verilator", 8, coupling=coupling)
    eight, one = (run(tmp_path, "paper", 1, "twin", dacs) for dacs in (8, 1))
    assert {name: chip[name] for name in COMPARED} == {name: eight[name] for name in COMPARED}
    assert chip["result"] == one["result"] and chip["time"]["cycles"] == eight["time"]["cycles"] < one["time"]["cycles"]


def test_lockstep(tmp_path: Path) -> None:
    """Every proposal of as many trainings as make up the cycles asked for, `paper` and `wide` in turn."""
    cycles, seed = 0, 1_000_000
    while cycles < LOCKSTEP_CYCLES:
        preset = ("paper", "wide")[seed % 2]
        cycles += run(tmp_path, preset, seed, "verilator", lockstep=True)["time"]["cycles"]
        seed += 1
    print(f"{cycles} clock cycles in lockstep, seeds 1000000 to {seed - 1}")
