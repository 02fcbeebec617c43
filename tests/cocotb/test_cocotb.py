"""`oxmc.cocotb`: an array port driven by hand, and the example of a user's own bench."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from benches import some
from commands import ROOT
from walk_bench import KEYS

from oxmc.hdl.verilog.netlist import CHIP_NAME, build_config, chip_verilog
from oxmc.pymodels.config import resolve
from oxmc.tb.cosim import runners
from oxmc.tb.cosim.simulator import SIMULATORS, use_simulator

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.testpoint(
        "oxmc.cocotb",
        "the array model behind a port that a bench drives by hand: what pulses do, when answers are there, each kind "
        "of bad pulse; the example of a user's own bench, by its README, and with a register too many; rewards, "
        "forming and calibration on a bare chip, as on the twin",
    ),
]
HERE = Path(__file__).parent
EXAMPLE = ROOT / "docs/guide/own-bench"
QUICK = {"icarus": [], "verilator": ["-Wno-fatal", "-O1"]}
README = (EXAMPLE / "README.md").read_text()
COMMANDS = re.findall(r"^    ((?:oxmc|make)\b.*)$", README, re.M)


on_each = pytest.mark.parametrize("simulator", some(SIMULATORS, "icarus"))


def passed(simulator: str, folder: Path, top: str, module: str, sources: dict[str, str]) -> None:
    """All tests of a bench must pass."""
    use_simulator(simulator)
    for name, text in sources.items():
        (folder / name).write_text(text)
    runners.build(simulator, folder, top, list(sources), arguments=QUICK[simulator], level="-O0")
    plain = {"COCOTB_REWRITE_ASSERTION_FILES": ""}  # kernels cannot be compiled from modules that pytest has rewritten
    runners.simulate(simulator, folder, folder, top, module, plain)
    assert runners.failed_tests(folder / runners.RESULTS) == 0, (folder / runners.SIMULATOR_LOG).read_text()


@on_each
def test_ports_by_hand(simulator: str, tmp_path: Path) -> None:
    passed(simulator, tmp_path, "hands", "hands_bench", {"hands.v": (HERE / "hands.v").read_text()})


@on_each
def test_rewards_forming_and_calibration(simulator: str, tmp_path: Path) -> None:
    config = resolve("cartpole", "best", settings=KEYS)
    passed(simulator, tmp_path, CHIP_NAME, "walk_bench", {"chip.v": chip_verilog(build_config(config))})


def run(folder: Path, command: str) -> tuple[int, str]:
    """Exit code and output of a command in the copied example, whose bench finds this oxmc."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    variables = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_a_users_bench(tmp_path: Path) -> None:
    """The commands of its README; a bench of refusals runs in the same simulation."""
    verilog, good, broken = COMMANDS
    folder = tmp_path / "mine"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    shutil.copy(HERE / "soc_bench.py", folder)
    code, said = run(folder, verilog)
    assert code == 0, said
    code, said = run(folder, f"{good} COCOTB_TEST_MODULES=bench,soc_bench")
    assert code == 0 and "PASS=2 FAIL=0" in said, said
    code, said = run(folder, broken)
    assert code != 0 and "PASS=0 FAIL=1" in said, said
    (words,) = re.findall(r"^    (pulse on .*)$", README, re.M)
    assert words in said and "(clock cycle " in said


def test_the_example_is_short() -> None:
    lines = len((EXAMPLE / "bench.py").read_text().splitlines())
    assert lines <= 40 and f"bench of {lines} lines" in README
