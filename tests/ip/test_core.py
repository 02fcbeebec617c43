"""The FuseSoC core of an IP: `fusesoc` itself reads it, lints and elaborates, and sets the synthesis up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest import TempPathFactory

from oxmc.ip.core import core
from oxmc.ip.package import ip_files
from oxmc.pymodels.config import resolve
from oxmc.tb.cosim.runners import VERILATOR_ROOT
from oxmc.tb.cosim.simulator import use_simulator

pytest.importorskip("fusesoc")
pytestmark = pytest.mark.testpoint(
    "core of an IP",
    "FuseSoC lints it with Verilator without a message, elaborates it with Icarus, sets Yosys up; a mistake in the "
    "Verilog and one in the core are seen",
)
SMALL = {"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 7, "gate_codes": 8}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return ip_files(resolve("toy", "paper", settings=SMALL).chip, "apb", "ipx")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: TempPathFactory) -> Path:
    """A folder with our `verilator`, which FuseSoC looks for on PATH."""
    out = tmp_path_factory.mktemp("bin")
    verilator = VERILATOR_ROOT / "bin" / "verilator_bin"
    (out / "verilator").write_text(f'#!/bin/sh\nVERILATOR_ROOT="{VERILATOR_ROOT}" exec "{verilator}" --quiet "$@"\n')
    (out / "verilator").chmod(0o755)
    return out


def run(folder: Path, files: dict[str, str], tools: Path, target: str, *more: str, top: str = "ipx") -> tuple[int, str]:
    """`fusesoc run` of a target: its exit code and what it says."""
    cores = folder / "cores"
    cores.mkdir()
    for file, text in files.items():
        (cores / file).write_text(text)
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "XDG_CONFIG_HOME": str(folder)}
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", "cores", "run", *more, f"--target={target}", top]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
@pytest.mark.cosim
def test_lint(files: dict[str, str], tools: Path, tmp_path: Path) -> None:
    code, said = run(tmp_path, files, tools, "lint")
    assert code == 0 and "verilator -f" in said and "%" not in said, said
    (tmp_path / "broken").mkdir()
    broken = files["ipx.v"].replace("module ipx(", "module ipx(gone, ")
    code, said = run(tmp_path / "broken", files | {"ipx.v": broken}, tools, "lint")
    assert code != 0 and "%Error" in said and "gone" in said


@needs_make
@pytest.mark.cosim
def test_elaboration(files: dict[str, str], tools: Path, tmp_path: Path) -> None:
    use_simulator("icarus")
    code, said = run(tmp_path, files, tools, "sim")
    assert code == 0 and "iverilog -sipx" in said and "warning" not in said, said


def test_synthesis_is_set_up(files: dict[str, str], tools: Path, tmp_path: Path) -> None:
    """The files in order, memories with bodies. FuseSoC wants a Yosys that has Tcl, which ours has not."""
    code, said = run(tmp_path, files, tools, "synth", "--setup", "--work-root=work")
    script = "".join(path.read_text() for path in sorted((tmp_path / "work").glob("*.tcl")))
    assert code == 0 and "OXMC_INFER_MEMORIES" in script and "synth_ice40  -top $top" in script, said
    assert script.index("/ipx_chip.v}") < script.index("/ipx.v}")
    (tmp_path / "broken").mkdir()
    wrong = {"ipx.core": files["ipx.core"].replace("toplevel: ipx", "toplevels: ipx")}
    assert run(tmp_path / "broken", files | wrong, tools, "synth", "--setup")[0] != 0


def test_a_version_has_three_numbers() -> None:
    assert 'name: "::ipx:1.2.3"\n' in core("ipx", "a chip", "1.2.3.dev4", ["ipx.v"])
