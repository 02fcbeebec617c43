"""`oxmc train` on the RTL: engines agree, waves are kept, a simulator that dies or is stopped leaves nothing."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benches import CHOSEN, on_each_simulator
from commands import OXMC, SMALL, TWIN, oxmc
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.cli.app import run
from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.pymodels.config import Config
from oxmc.run import simulated, train
from oxmc.run.engine import ENGINES, Progress
from oxmc.tb.cosim.simulator import SIMULATORS, Simulation

ENGINES_AGREE = pytest.mark.testpoint(
    "engines agree",
    "one seed on Verilator, Icarus and twin: the same run.json but for times",
)
WAVES_OF_A_TRAINING = pytest.mark.testpoint(
    "waves of a training", "waves of all signals with --waves from either simulator"
)
STOPPED_AND_BROKEN_RUNS = pytest.mark.testpoint(
    "stopped and broken runs",
    "interrupt, termination, killed owner or simulator, broken design or protocol: nothing is left, one line says why",
)
ENGINES_AND_PROGRESS = pytest.mark.testpoint(
    "engines and progress",
    "progress reaches who watches; the engines are the simulators and the models",
)

pytestmark = pytest.mark.cosim

DEADLINE_S = 120.0
"""A simulator takes seconds to start; on a busy machine many."""
PAPER = ("train", "cancer", "--preset", "paper")
ICARUS = (*PAPER, "--engine", "icarus", *SMALL)


class Runs:
    """The run.json of each engine for one command line, each made when first asked for."""

    def __init__(self, parent: Path):
        self.parent = parent

    def __getitem__(self, engine: str) -> dict[str, Any]:
        out = self.parent / engine
        if not out.exists():
            code = run([*PAPER, "--seed", "3", "--rows", "8", "--engine", engine, "--out", str(out)])
            assert code == 0
        return json.loads((out / "run.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


@ENGINES_AGREE
@on_each_simulator
def test_engines_agree(runs: Runs, simulator: str) -> None:
    """To the bit: everything in run.json that is neither time nor the order of a floating-point sum."""
    rtl, twin = runs[simulator], runs["twin"]
    assert rtl["engine"] == simulator
    for key in ("result", "chain", "events", "quantities", "phases", "energy_j", "config", "notes"):
        assert rtl[key] == twin[key], key
    for key in ("cycles", "clock_hz", "chip_s"):
        assert rtl["time"][key] == twin["time"][key]
    assert sorted(path.name for path in (runs.parent / simulator).iterdir()) == [
        "config.toml", "posterior.nc", "run.json", "simulator.log", "state.npz",
    ]  # fmt: skip


def check_waves(path: Path) -> None:
    """The chip with its blocks inside the top, and a clock that runs until the end, as another program reads them."""
    waves = pytest.importorskip("pywellen").Waveform(str(path))
    signals = {each.full_name: each.signal for each in waves.all_vars()}
    assert "cosim.chip.array_wl" in signals
    for block in ("trainer", "acceptance"):
        assert any(name.startswith(f"cosim.chip.{block}.") for name in signals)
    clock = [signals["cosim.clk"].value_at(time) for time in range(25_000, 50_000_000, 50_000)]  # two edges a cycle
    assert all(one != next for one, next in itertools.pairwise(clock[1:]))


@WAVES_OF_A_TRAINING
@on_each_simulator
def test_waves(capsys: CaptureFixture[str], tmp_path: Path, simulator: str) -> None:
    if simulator == "verilator" and CHOSEN != simulator:
        pytest.skip("takes a Verilator build of its own; OXMC_SIM=verilator asks for it")
    out = tmp_path / "run"
    answer = oxmc(capsys, *PAPER, "--engine", simulator, *SMALL, "--waves", "--json", "--out", out)
    assert answer.code == 0 and json.loads(answer.out)["engine"] == simulator
    (waves,) = out.glob("waves.[fv]*")
    assert sorted(path.name for path in out.iterdir()) == [
        ".surfer", "config.toml", "posterior.nc", "run.json", "simulator.log", "state.npz", waves.name, "waves.gtkw",
        "waves.sucl",
    ]  # fmt: skip
    assert waves.suffix == ".fst" or simulator == "verilator"
    check_waves(waves)


def children(parent: int, name: str) -> list[int]:
    """Processes called `name` that `parent` started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, tail = stat.read_text().rpartition(")")
            if head.endswith(f"({name}") and int(tail.split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """An `oxmc train` into folder/new/run and its simulator's process, once the simulation runs."""
    arguments = [OXMC, *PAPER, "--engine", "icarus", "--rows", "200", "--out", str(folder / "new" / "run")]
    environment = os.environ | {"OXMC_BUILD": str(cache_folder())}
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + DEADLINE_S
        while not any(log.stat().st_size for log in folder.glob("new/.run-*/scratch/simulator.log")):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)
        (simulator,) = children(process.pid, "vvp")
        yield process, simulator
    finally:
        process.kill()
        process.wait()


@STOPPED_AND_BROKEN_RUNS
@pytest.mark.parametrize(
    ("sent", "to_simulator", "code", "message"),
    [
        (signal.SIGKILL, True, 1, "oxmc: error: icarus failed: vvp ended with exit code -9"),
        (signal.SIGINT, False, 130, "oxmc: error: interrupted"),
        (signal.SIGTERM, False, 143, "oxmc: error: terminated"),
    ],
)
def test_a_stopped_run_leaves_nothing(
    tmp_path: Path, sent: signal.Signals, to_simulator: bool, code: int, message: str
) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("SIGINT is ignored here, and what this process starts inherits that")
    with running(tmp_path) as (process, simulator):
        os.kill(simulator if to_simulator else process.pid, sent)
        out, err = process.communicate(timeout=DEADLINE_S)
        assert not Path(f"/proc/{simulator}").exists()
    # a slow machine shows progress before that
    lines = [line for line in err.splitlines() if not line.startswith("row ")]
    assert (process.returncode, out, lines) == (code, "", [message])
    assert list(tmp_path.iterdir()) == []


@STOPPED_AND_BROKEN_RUNS
def test_a_simulator_whose_owner_was_killed_ends(tmp_path: Path) -> None:
    with running(tmp_path) as (process, simulator):
        process.kill()
        process.wait()
        end = time.monotonic() + DEADLINE_S
        while Path(f"/proc/{simulator}").exists():
            assert time.monotonic() < end
            time.sleep(0.05)


@STOPPED_AND_BROKEN_RUNS
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "EVENTS + op - 1] + masked;",
            "EVENTS + op - 1] + (masked << (op == SET));",
            "RunError: event set in phase train must count alike in chip (",
        ),
        (
            "if (latch) begin",
            "if (latch && !(op == READ && array_row == 2)) begin",
            "RunError: event read in phase train must count alike in chip (",
        ),
    ],
)
def test_a_broken_co_simulation_is_caught(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch, old: str, new: str, message: str
) -> None:
    """Doubled and dropped events: exit 1, and no run directory."""

    class Broken(Simulation):
        def __init__(self, config: Config, simulator: str, *, waves: bool = False):
            super().__init__(config, simulator, waves=waves)
            assert self.sources["cosim.v"].count(old) == 1
            self.sources["cosim.v"] = self.sources["cosim.v"].replace(old, new)
            self.folder = tmp_path / "build"

    monkeypatch.setattr(simulated, "Simulation", Broken)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # cocotb's runner ends the program if a test fails under pytest
    answer = oxmc(capsys, *ICARUS, "--out", tmp_path / "run")
    lines = [line for line in answer.err.splitlines() if not line.startswith("row ")]
    assert (answer.code, answer.out, len(lines)) == (1, "", 1)
    assert lines[0].startswith("oxmc: error: ") and message in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


@STOPPED_AND_BROKEN_RUNS
def test_a_design_that_cannot_be_built(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """Neither a run directory nor half a build is left, but the log that the message names."""
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr("oxmc.tb.cosim.simulator.chip_verilog", lambda config, observed: "module oxmc_chip(); endmodul")
    answer = oxmc(capsys, *ICARUS, "--out", tmp_path / "run")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err.startswith("oxmc: error: building the co-simulation failed: iverilog ended with exit code ")
    log = Path(answer.err.strip().rpartition("the whole log is in ")[2])
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "build", log] and "syntax error" in log.read_text()


@ENGINES_AND_PROGRESS
def test_progress_reaches_the_watcher(tmp_path: Path) -> None:
    """From the end of reset on; cycles, row and proposals never go back."""
    config = Config(rows=4, train_samples=20, test_samples=5, burn_in=0)
    dataset = train.load_task("cancer", config, 0)
    seen: list[Progress] = []
    simulated.simulate(train.make_job(config, dataset, 0), "icarus", tmp_path, watcher=seen.append)
    assert seen and (seen[0].row, seen[0].proposals) == (0, 0) and seen[0].cycles < 10
    for before, after in zip(seen, seen[1:], strict=False):
        assert before.cycles <= after.cycles and before.row <= after.row and before.proposals <= after.proposals


@ENGINES_AND_PROGRESS
def test_engines_are_the_simulators_and_the_models() -> None:
    assert tuple(ENGINES) == (*SIMULATORS, "twin", "float", "gates") and TWIN[5] in ENGINES
