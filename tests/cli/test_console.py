"""Progress of a run: plain lines where nobody looks, a bar on a terminal."""

from __future__ import annotations

import io

import pytest
from pytest import CaptureFixture, MonkeyPatch

from oxmc.api import progress
from oxmc.run.engine import Progress

pytestmark = pytest.mark.testpoint("progress and summary", "plain lines where nobody looks, a bar on a terminal")

AT_ROW_2 = Progress(cycles=5000, row=2, proposals=10, seconds=2.0)


def test_plain_lines(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
    """On stderr, so that stdout keeps the result, and none before there is a rate."""
    monkeypatch.setattr(progress, "PLAIN_LINE_S", 0.0)
    with progress.training(8, plain=True) as watch:
        watch(AT_ROW_2)
        watch(Progress(cycles=0, row=0, proposals=0, seconds=0.0))
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.splitlines() == [
        "row 3/8  proposals 10  acceptance 0.200  2.5 kcycles/s",
        "row 1/8  proposals 0  acceptance 0.000  0.0 kcycles/s",
    ]


def test_plain_lines_are_rare(capsys: CaptureFixture[str]) -> None:
    with progress.training(8, plain=True) as watch:
        for _ in range(100):
            watch(AT_ROW_2)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("fails", [False, True])
def test_a_bar_on_a_terminal(monkeypatch: MonkeyPatch, fails: bool) -> None:
    """The cursor comes back, also after a failure."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    try:
        with progress.training(8, plain=True) as watch:
            watch(AT_ROW_2)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    text = terminal.getvalue()
    assert "row 3/8" in text and text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
