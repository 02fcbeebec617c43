"""What the tests of the command line share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest import CaptureFixture

from oxmc.cli.app import run
from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.run.books import CONSERVATION_LIMIT

ROOT = Path(__file__).resolve().parents[1]
OXMC = str(Path(sys.executable).parent / "oxmc")
SMALL = ("--rows", "4", "--set", "train_samples=20", "--set", "test_samples=5")
"""A training of some 2,000 clock cycles."""
TWIN = ("train", "cancer", "--preset", "paper", "--engine", "twin", *SMALL)


class Answer(NamedTuple):
    """What a command left behind: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


def oxmc(capsys: CaptureFixture[str], *arguments: object) -> Answer:
    """Run a command line in this process."""
    capsys.readouterr()
    code = run([str(argument) for argument in arguments])
    return Answer(code, *capsys.readouterr())


def failure(answer: Answer, code: int) -> str:
    """The message of a failed command: the only line it wrote."""
    assert answer.code == code, answer
    assert answer.out == ""
    assert answer.err.startswith("oxmc: error: ") and answer.err.count("\n") == 1 and answer.err.endswith("\n"), answer
    return answer.err.removeprefix("oxmc: error: ").removesuffix("\n")


def refusal(capsys: CaptureFixture[str], *arguments: object) -> str:
    """The message with which a command refuses its arguments."""
    return failure(oxmc(capsys, *arguments), 2)


ALIKE = ("result", "chain", "events", "quantities", "phases", "energy_j", "config", "data", "notes")
"""What must be the same in run.json of the RTL and of the twin."""


def run_on(capsys: CaptureFixture[str], engine: str, out: Path, *arguments: object) -> dict[str, Any]:
    """run.json of `oxmc train` on an engine."""
    answer = oxmc(capsys, "train", *arguments, "--engine", engine, "--json", "--out", out)
    assert answer.code == 0, answer
    run: dict[str, Any] = json.loads(answer.out)
    return run


def check_same_joules(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The arrays' joules of two run.json, which an RTL engine sums pulse by pulse in floating point, to 1e-9."""
    for phase, joules in one["array_energy_j"].items():
        assert joules == pytest.approx(other["array_energy_j"][phase], rel=CONSERVATION_LIMIT, abs=0.0), phase


def alike_on_icarus(
    capsys: CaptureFixture[str], folder: Path, *arguments: object, rtl: Sequence[str] = ()
) -> dict[str, Any]:
    """run.json of a small training on the twin, after comparing it to the RTL's on Icarus, to the bit.

    `rtl` are more arguments for Icarus alone.
    """
    chip = run_on(capsys, "icarus", folder / "icarus", *arguments, *rtl)
    twin = run_on(capsys, "twin", folder / "twin", *arguments)
    for key in ALIKE:
        assert chip[key] == twin[key], key
    assert chip["time"]["cycles"] == twin["time"]["cycles"]
    check_same_joules(chip, twin)
    return twin


def share_objects(build: Path) -> None:
    """Verilator's own objects that builds here have compiled so far, for builds in another folder."""
    if (kept := cache_folder() / "verilated").exists():
        shutil.copytree(kept, build / "verilated", ignore=shutil.ignore_patterns("*.lock"))


def share_kernels(room: Path) -> None:
    """The compiled kernels of this project for another copy of its room `pymodels`, whose sources get the same times.

    By links, so that processes here and there wait for each other: a kernel is compiled once, wherever it is first. A
    minute of compiling goes into those of devices with every effect.
    """
    for source in (ROOT / "pymodels").rglob("*.py"):
        copied, kept = room / source.relative_to(ROOT / "pymodels"), source.parent / "__pycache__"
        shutil.copystat(source, copied)
        with suppress(OSError):
            kept.mkdir(exist_ok=True)
        if kept.is_dir() and not (theirs := copied.parent / "__pycache__").is_symlink():
            if theirs.exists():
                shutil.rmtree(theirs)
            theirs.symlink_to(kept)


def copy_project(folder: Path) -> None:
    """The project as git has it, with what is not committed yet; rooms stay links. Skips where there is no git."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository: the project's files can't be told from others")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
