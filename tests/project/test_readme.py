"""README and the guide in order, in a fresh copy of the project: each command and block of Python works."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import ROOT, copy_project, share_kernels, share_objects
from pages import Step, steps, unlike

pytestmark = pytest.mark.testpoint(
    "README and guide in order",
    "every command and block of Python in a fresh copy, costly ones by a rule that is written down; answers are those "
    "that a page shows",
)

GUIDE = ("first-hour", "for-device-researchers", "for-chip-designers", "for-mcmc-researchers", "waves")
"""The pages behind README, in the order in which a test reads them. Each needs README and the first of them only."""
ELSEWHERE = {"glossary.md", "own-bench/README.md", "integration.md", "programming.md"}
"""Pages of the guide without commands, or that tests/cocotb/test_cocotb.py and tests/ip/test_guides.py run."""

INSTEAD = {
    "git clone REPOSITORY oxmc": None,  # the copy is this clone
    "cd oxmc": None,
    ". .venv/bin/activate": None,  # `oxmc` is on PATH here, and starts the copy
    "make demo": "oxmc train cancer --preset paper --coupling compiled",  # the same training; .ci/run sets up, too
    "make test": None,  # what runs this
    "oxmc data mitdb --out build/data/mitdb": None,  # needs a network
    "oxmc train ecg --data build/data/mitdb --subject 208 --engine twin": None,  # needs what that fetched
    "oxmc bench --out build/bench.json": None,  # minutes; tests/speed/test_bench.py
    "oxmc synth cancer --preset paper": None,  # minutes; tests/silicon/test_synth.py
}
"""What is run in place of a command, None for nothing; all others run as they stand but for `FEWER`."""
FEWER = (
    ("--repeats 100", "--repeats 3"),
    ("--repeats 20", "--repeats 1"),
    ("--rows 32 --set train_samples=40", "--rows 2"),
)


def read(name: str) -> list[Step]:
    return list(steps((ROOT / name).read_text()))


def shortened(step: Step) -> Step | None:
    """What the test does for a step. What is run in another way need not answer as the page shows."""
    text = INSTEAD[step.text] or "" if step.text in INSTEAD else step.text
    for long, short in FEWER:
        text = text.replace(long, short)
    if not text:
        return None
    return step if text == step.text else Step(text, step.python)


README, PAGES = read("README.md"), {name: read(f"docs/guide/{name}.md") for name in GUIDE}
ALL = [step for page in (README, *PAGES.values()) for step in page]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as git has it, with what is not committed yet, and with what was compiled here at a minute's cost."""
    folder = tmp_path_factory.mktemp("clone") / "oxmc"
    copy_project(folder)
    share_kernels(folder / "pymodels")
    share_objects(folder / "build/sim")
    (folder.parent / "bin").mkdir()
    program = folder.parent / "bin" / "oxmc"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m oxmc "$@"\n')
    program.chmod(0o755)
    return folder


def in_copy(command: Sequence[str], copy: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program in the copy, with the packages that are installed here and the copy's own code."""
    path = os.pathsep.join((str(copy.parent / "bin"), os.environ["PATH"]))
    shell = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "COLUMNS": "120", "PYTHONPATH": str(copy)}
    return subprocess.run(command, cwd=copy, env=shell, input=text, capture_output=True, text=True)


def line(step: Step) -> str:
    """A step as it is run: `make` finds what is installed here."""
    if not step.text.startswith("make ") or step.python:
        return step.text
    here = shlex.quote(str(Path(sys.executable).parents[1]))
    return f"{step.text} -o {here}/.setup VENV={here}"


def check(step: Step, code: int, said: str) -> None:
    assert code == 0, f"{step.text}\n{said[-4000:]}"
    assert said.strip() or step.python or "--out" in step.text, f"{step.text} says nothing"
    assert unlike(step.shown, said) == [], f"{step.text} does not say what the page shows, but\n{said}"


@pytest.mark.slow
@pytest.mark.cosim
def test_a_user_follows_readme_and_guide(copy: Path) -> None:
    """What a command leaves is there for the next. README's commands are processes, the guide is one session."""
    for step in filter(None, map(shortened, README)):
        program = [sys.executable, "-"] if step.python else ["/bin/sh", "-c", line(step)]
        done = in_copy(program, copy, step.text if step.python else "")
        check(step, done.returncode, done.stdout + done.stderr)
    pages = [list(filter(None, map(shortened, page))) for page in PAGES.values()]
    told = json.dumps([[(line(step), step.python) for step in page] for page in pages])
    done = in_copy([sys.executable, str(ROOT / "tests/reader.py")], copy, told)
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    for step, (code, said) in zip([step for page in pages for step in page], answers, strict=False):
        check(step, code, said)
    assert len(answers) == sum(map(len, pages)), done.stderr
    assert not (copy / ".venv").exists(), "nothing was installed anew"


def test_pages_are_read_whole() -> None:
    guide = ROOT / "docs/guide"
    assert {str(page.relative_to(guide)) for page in guide.rglob("*.md")} == {
        f"{name}.md" for name in GUIDE
    } | ELSEWHERE
    lines = [step.text for step in ALL if not step.python]
    assert lines[:4] == ["git clone REPOSITORY oxmc", "cd oxmc", "make demo", "make test"]
    assert set(INSTEAD) <= set(lines), "a rule for a command that no page has any more"
    assert all(any(long in each for each in lines) for long, _ in FEWER)
    assert all(1 <= len(page) <= 40 for page in (README, *PAGES.values()))


def test_a_program_is_activated_before_it_is_called() -> None:
    lines = [step.text for step in README]
    assert lines.index(". .venv/bin/activate") < min(i for i, each in enumerate(lines) if each.startswith("oxmc "))


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_a_step_that_fails_is_seen(copy: Path) -> None:
    told = json.dumps([[("print(1)", True), ("oxmc energy build/runs/gone", False), ("print(2)", True)]])
    done = in_copy([sys.executable, str(ROOT / "tests/reader.py")], copy, told)
    assert [json.loads(answer)[0] for answer in done.stdout.splitlines()] == [0, 2]


def test_steps_of_a_page() -> None:
    page = "x\n\n    make demo  # y\n    oxmc z\n\n```text\n$ oxmc a  # b\nout\n...\n    no\n```\n$ no\n"
    shown = ("out", "...", "    no")
    page += "\n```python\na = 1\n```\n"
    assert list(steps(page)) == [Step("make demo"), Step("oxmc a", shown=shown), Step("a = 1\n", python=True)]


def test_a_wrong_answer_is_found() -> None:
    said = "a 1\nb 2.5 s\nc\n"
    assert unlike(("a 1", "...", "c"), said) == unlike(("b ... s",), said) == []
    assert unlike(("a 2", "c"), said) == ["a 2"] and unlike(("c", "a 1"), said) == ["a 1"]
