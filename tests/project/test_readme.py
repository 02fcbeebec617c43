"""README from top to bottom, in a fresh copy of the project: its commands work one after the other."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import ROOT, copy_project

pytestmark = pytest.mark.testpoint(
    "README top to bottom",
    "its commands in order in a fresh copy, costly ones by a rule that is written down; the first waves are of "
    "a whole design",
)

COMMAND = re.compile(r"^(?:    (?!\s|oxmc )|\$ )(.*?)(?:\s+#.*)?$", re.M)
"""A line of a block of commands, or one after a prompt in a block that shows an answer, too; without its remark."""

INSTEAD = {
    "git clone REPOSITORY oxmc": None,  # the copy is this clone
    "cd oxmc": None,
    ". .venv/bin/activate": None,  # `oxmc` is on PATH here, and starts the copy
    "make demo": "oxmc train cancer --preset paper --coupling compiled",  # the same training; .ci/run sets up, too
    "make test": None,  # what runs this
    "oxmc data mitdb --out build/data/mitdb": None,  # needs a network
    "oxmc train ecg --data build/data/mitdb --subject 208 --preset best --engine twin": None,  # needs what that fetched
    "oxmc bench --out build/bench.json": None,  # minutes; tests/speed/test_bench.py
    "oxmc synth cancer --preset paper": None,  # minutes; tests/silicon/test_synth.py
}
"""What is run in place of a command, None for nothing; all others run as they stand but for `FEWER`."""
FEWER = (("--repeats 100", "--repeats 3"), ("--repeats 20", "--repeats 1"))


def commands(text: str) -> Iterator[str]:
    """The commands of a page in order, those outside blocks of code left out."""
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif found := COMMAND.match(line):
            if inside == line.startswith("$"):
                yield found[1]


def shortened(command: str) -> str | None:
    """What the test runs for `command`."""
    command = INSTEAD[command] or "" if command in INSTEAD else command
    for long, short in FEWER:
        command = command.replace(long, short)
    return command or None


README = list(commands((ROOT / "README.md").read_text()))
TO_RUN = [command for command in map(shortened, README) if command]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as git has it, with what is not committed yet, and with compiled kernels, which cost a minute."""
    folder = tmp_path_factory.mktemp("clone") / "oxmc"
    copy_project(folder)
    for kernels in (ROOT / "pymodels").rglob("__pycache__"):
        shutil.copytree(kernels, folder / kernels.relative_to(ROOT), dirs_exist_ok=True)
    (folder.parent / "bin").mkdir()
    program = folder.parent / "bin" / "oxmc"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m oxmc "$@"\n')
    program.chmod(0o755)
    return folder


def run(command: str, copy: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of README in the copy, with the packages that are installed here."""
    if command.startswith("make "):
        command += f" -o {shlex.quote(str(installed()))}/.setup VENV={shlex.quote(str(installed()))}"
    path = os.pathsep.join((str(copy.parent / "bin"), os.environ["PATH"]))
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=copy, env={"PATH": path, "HOME": os.environ.get("HOME", "/")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


def installed() -> Path:
    """The environment that this Python belongs to."""
    return Path(sys.executable).parents[1]


@pytest.mark.slow
@pytest.mark.cosim
def test_a_user_follows_readme(copy: Path) -> None:
    """One after the other; what a command leaves is there for the next."""
    for command in TO_RUN:
        done = run(command, copy)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert done.stdout.strip(), f"{command} says nothing"
        if command.startswith("make waves"):
            first = next(line for line in done.stdout.splitlines() if "dump." in line)
            assert first.startswith("waves: ") and "-broken/" not in first, first
            assert (copy / first.removeprefix("waves: ")).is_file()
    assert not (copy / ".venv").exists(), "nothing was installed anew"


def test_readme_is_read_whole() -> None:
    assert README[:4] == ["git clone REPOSITORY oxmc", "cd oxmc", "make demo", "make test"]
    assert len(README) >= 20 and set(INSTEAD) <= set(README), "a rule for a command that README has no more"
    assert all(any(long in command for command in README) for long, _ in FEWER)
    assert sum(command.startswith("oxmc ") for command in TO_RUN) >= 12


def test_a_program_is_activated_before_it_is_called() -> None:
    assert README.index(". .venv/bin/activate") < min(i for i, line in enumerate(README) if line.startswith("oxmc "))


def test_a_command_that_fails_is_seen(copy: Path) -> None:
    assert run("oxmc energy build/runs/gone", copy).returncode == 2
    assert list(commands("x\n    make demo  # y\n```text\n$ oxmc a\nout\n    no\n```\n$ no\n")) == [
        "make demo",
        "oxmc a",
    ]
