"""Scripts of the guide run and show what the API can do; a notebook's bar of progress."""

from __future__ import annotations

import builtins
import runpy
import sys
from types import SimpleNamespace

import pytest
from commands import ROOT
from pytest import CaptureFixture, MonkeyPatch

from oxmc.api import progress

pytestmark = pytest.mark.testpoint(
    "scripts of the guide",
    "each runs from top to bottom and has at most 15 lines of code; a notebook's bar of progress needs no widgets",
)
GUIDE = ROOT / "docs" / "guide"
MOST_LINES = 15
SCRIPTS = {"table.py": "['dry' 'wet']\nEnergy at 28nm: ", "rules.py": "Barker's  accuracy 0.9"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name: str, capsys: CaptureFixture[str]) -> None:
    runpy.run_path(str(GUIDE / name), run_name="__main__")
    assert SCRIPTS[name] in capsys.readouterr().out


@pytest.mark.parametrize("name", SCRIPTS)
def test_they_are_short(name: str) -> None:
    assert len([line for line in (GUIDE / name).read_text().splitlines() if line.strip()]) <= MOST_LINES


def test_progress_in_a_notebook(monkeypatch: MonkeyPatch) -> None:
    """One output that is updated in place, and empty at the end; IPython is what a kernel brings."""
    looks: list[str] = []
    output = SimpleNamespace(update=looks.append)
    display = SimpleNamespace(HTML=str, display=lambda html, display_id: looks.append(html) or output)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(builtins, "get_ipython", lambda: None, raising=False)
    monkeypatch.setattr(progress, "NOTEBOOK_S", 0.0)
    with progress._shown(4, "a < b", None, plain=False) as show:
        show(3, "row 3/4")
    assert looks == [
        '<progress value="0" max="4"></progress> a &lt; b',
        '<progress value="3" max="4"></progress> row 3/4',
        "",
    ]
