"""`oxmc train cartpole` with the environment in the loop: engines agree to the bit, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benches import on_each_simulator
from commands import oxmc, refusal
from pytest import CaptureFixture

from oxmc.hdl.verilog.netlist import chip_verilog
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run import simulated
from oxmc.run.engine import ENGINES
from oxmc.run.simulated import simulate
from oxmc.tb.cosim import simulator as cosim

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.testpoint(
        "episodes in the loop",
        "Icarus and the twin give the same bits, plain and with verified pairs, under lockstep; lockstep names a "
        "wrong reward; a broken compiled array fails the run; the engine that cannot; test episodes by engine; "
        "repeats",
    ),
]

SMALL = ("--rows", "3", "--set", "test_episodes=2", "--set", "episode_steps=60")


@pytest.mark.parametrize("preset", ["paper", "wide"])
def test_icarus_is_the_twin(capsys: CaptureFixture[str], tmp_path: Path, preset: str) -> None:
    """Everything in run.json that is neither time nor a floating-point sum, and the stored state; lockstep agrees."""
    runs, states = [], []
    for engine, extra in (("icarus", ["--lockstep"]), ("twin", [])):
        out = tmp_path / engine
        arguments = ("train", "cartpole", "--preset", preset, "--engine", engine, "--seed", "5", *SMALL, *extra)
        answer = oxmc(capsys, *arguments, "--json", "--out", out)
        assert answer.code == 0, answer.err
        runs.append(json.loads(answer.out))
        states.append(Outcome.load(out / "state.npz"))
    rtl, twin = runs
    for key in ("result", "chain", "events", "quantities", "phases", "energy_j", "config", "notes"):
        assert rtl[key] == twin[key], key
    assert rtl["time"]["cycles"] == twin["time"]["cycles"]
    for name in Outcome.ARRAYS:
        assert np.array_equal(getattr(states[0], name), getattr(states[1], name)), name
    assert rtl["result"]["metric"] == "reward" and len(rtl["result"]["rewards"]) == 2


def test_lockstep_names_a_wrong_reward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(config: Config, *, observed: bool) -> str:
        text = chip_verilog(config, observed=observed)
        assert "log * exponent" in text
        return text.replace("log * exponent", "(log ^ 12'h001) * exponent", 1)

    monkeypatch.setattr(cosim, "chip_verilog", broken)
    config = resolve("cartpole", "wide", settings={"episode_steps": 20, "test_episodes": 1}, rows=3)
    job = make_job(config, load_task("cartpole", config, 5), 5)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # under pytest cocotb's runner exits by itself
    with pytest.raises(RunError, match=r"lockstep: cycle \d+, row 0, Reward: likelihood is"):
        simulate(job, "icarus", tmp_path, lockstep=True)


BROKEN_ARRAYS = {
    "a cell is not formed": (
        ('$readmemh("load/stuck.hex"', 'state[9] = 0; $readmemh("load/stuck.hex"'),
        r"RESET of row 0 cell 9 must meet a formed cell, not an unformed one \(clock cycle \d+\)",
    ),
    "evaluations count twice": (
        ("books[page+op-1] + cells;", "books[page+op-1] + (cells << (op == EVAL));"),
        r"event eval in phase train must count alike in chip \(\d+\) and array \(\d+\)",
    ),
}


@pytest.mark.parametrize("fault", BROKEN_ARRAYS)
def test_a_broken_compiled_array_fails_the_run(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused pulse ends the run here, too, and the chip's counts are held against the array's."""
    change, message = BROKEN_ARRAYS[fault]

    class Broken(cosim.EpisodeSimulation):
        def __init__(self, config: Config, simulator: str, *, waves: bool = False):
            super().__init__(config, simulator, waves=waves)
            assert self.sources["oxram_array.v"].count(change[0]) == 1
            self.sources["oxram_array.v"] = self.sources["oxram_array.v"].replace(*change)
            self.folder = tmp_path / "build"

    monkeypatch.setattr(simulated, "EpisodeSimulation", Broken)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # under pytest cocotb's runner exits by itself
    config = resolve("cartpole", "wide", settings={"episode_steps": 20, "test_episodes": 1}, rows=3)
    job = make_job(config, load_task("cartpole", config, 5), 5)
    (tmp_path / "run").mkdir()
    with pytest.raises(RunError, match=message):
        simulate(job, "icarus", tmp_path / "run", coupling="compiled")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--engine", "float"),
            "--engine must be verilator, icarus, twin or gates for a task with rewards, not 'float'",
        ),
        (("--set", "outputs=1"), "outputs must be at least 2 with acceptance reward, not 1"),
        (("--set", "outputs=4"), "outputs must be 2 for task cartpole, not 4"),
    ],
)
def test_refusals(capsys: CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    assert refusal(capsys, "train", "cartpole", *arguments, "--out", tmp_path / "run") == message


@on_each_simulator
def test_rtl_engines_test_fewer_episodes_unless_told(simulator: str) -> None:
    config = resolve("cartpole", "wide")
    assert ENGINES["twin"].sized(config, ()).test_episodes == config.test_episodes == 100
    assert ENGINES[simulator].sized(config, ("rows",)).test_episodes == 10
    assert ENGINES[simulator].sized(config, ("test_episodes",)).test_episodes == 100


def test_repeats_and_summary(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    answer = oxmc(capsys, "train", "cartpole", "--engine", "twin", *SMALL, "--repeats", "2", "--out", out)
    assert answer.code == 0, answer.err
    assert "test reward" in answer.out and "random actions" in answer.out
    answer = oxmc(capsys, "train", "cartpole", "--engine", "twin", *SMALL, "--out", tmp_path / "one")
    assert "test reward" in answer.out and "on 2 episodes (on the chip)" in answer.out
