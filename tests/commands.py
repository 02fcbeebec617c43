"""What the tests of the command line share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from pytest import CaptureFixture

from tb.cli import run

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
