"""Notebooks and scripts of the guide: they run, and show what the API can do."""

from __future__ import annotations

import ast
import builtins
import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import ROOT
from pytest import CaptureFixture, MonkeyPatch

from oxmc.api import progress

pytestmark = pytest.mark.testpoint(
    "notebooks and scripts",
    "each runs from top to bottom and has at most 15 lines of code; its runs show as tables, the twin's states "
    "are the RTL's, a setosa stays a setosa; a cell that fails is seen; a notebook's bar of progress needs no widgets",
)
GUIDE = ROOT / "docs" / "guide"
MOST_LINES = 15
SCRIPTS = {"table.py": "['dry' 'wet']\nEnergy at 28nm: ", "rules.py": "Barker's  accuracy 0.9"}


def cells(path: Path) -> Iterator[str]:
    """The code of a notebook, a text a cell."""
    notebook = json.loads(path.read_text())
    assert notebook["nbformat"] == 4
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, (
                f"{path.name} must be kept without outputs"
            )
            yield "".join(cell["source"])


def executed(codes: list[str]) -> list[Any]:
    """What each cell ends with, as a kernel shows it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for code in codes:
        body = ast.parse(code).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None)
    return shown


def test_points_of_your_own() -> None:
    run, summary, probability, joules = executed(list(cells(GUIDE / "points.ipynb")))
    assert run.classes.tolist() == ["setosa", "versicolor", "virginica"] and "95 % interval" in run._repr_html_()
    assert len(summary) == 5 and probability.shape == (3, 3)
    assert sum(joules.values()) == pytest.approx(run.energy("28nm").total)


@pytest.mark.cosim
def test_twin_chip_and_a_rule() -> None:
    equal, picture, sweep = executed(list(cells(GUIDE / "chip.ipynb")))
    assert equal is None and picture.axes and len(sweep) == 2 and "64" in sweep._repr_html_()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name: str, capsys: CaptureFixture[str]) -> None:
    runpy.run_path(str(GUIDE / name), run_name="__main__")
    assert SCRIPTS[name] in capsys.readouterr().out


def test_they_are_short() -> None:
    notebooks = {path.name: "\n".join(cells(path)) for path in GUIDE.glob("*.ipynb")}
    codes = notebooks | {name: (GUIDE / name).read_text() for name in SCRIPTS}
    lines = {name: len([line for line in code.splitlines() if line.strip()]) for name, code in codes.items()}
    assert len(lines) == 4 and max(lines.values()) <= MOST_LINES, lines


def test_a_cell_that_fails_is_seen() -> None:
    with pytest.raises(AssertionError):
        executed(["x = 1", "assert x == 2"])
    assert executed(["x = 1\nx + 1", "y = x"]) == [2, None]


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
