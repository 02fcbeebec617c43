"""A user's own file type-checks against the public API, whose docstrings say what each part of it raises."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT

import oxmc
import oxmc.cocotb

pytestmark = pytest.mark.testpoint(
    "words of the API",
    "a file that uses every public name passes mypy --strict, wrong uses do not; every public function that takes "
    "something says what it raises, and names what its body raises; one that does not is found",
)

USER = """
from pathlib import Path

import numpy as np
import oxmc


def learn(x: np.ndarray, y: np.ndarray) -> float:
    config: oxmc.Config = oxmc.preset("cancer", "paper").replace(rows=64)
    run: oxmc.Run = oxmc.train("cancer", config=config, engine="twin", seed=7)
    task = oxmc.Task(name="mine", train=(x, y), test=(x, y))
    try:
        own = oxmc.train(task, rows=32, settings={"scale_per_us": 0.05})
        also = oxmc.train(x, y, seed=3)
    except oxmc.OxmcError as error:
        raise SystemExit(str(error)) from error
    many = oxmc.train_many("cancer", repeats=2, jobs=1)
    mean: float = float(many.values.mean())
    grid = oxmc.sweep("cancer", {"rows": [32, 64]}, repeats=2)
    print(grid, oxmc.calibrate("cancer"), oxmc.verilog("cancer", out="folder"), also.predict_proba(x).shape)
    again = oxmc.open_run(Path("folder"))
    print(again.predict(x), own.config.rows, own.classes, own.report(), run.record["result"], run.state.counters)
    joules: float = run.energy("28nm").total
    return joules + mean
"""
WRONG = """
import oxmc

oxmc.train("cancer", seed="seven")  # wrong
oxmc.open_run()  # wrong
rows: str = oxmc.preset("cancer", "paper").rows  # wrong
oxmc.trian("cancer")  # wrong
"""
QUIET = {"as_dict", "to_toml", "cycles", "wait", "OxramArray.start", "ledgers"}
"""Public functions that raise nothing on purpose."""


def public() -> Iterator[tuple[str, Any]]:
    """Functions and methods that a user calls, by name."""
    for module in (oxmc, oxmc.cocotb):
        for name in module.__all__:
            each = getattr(module, name)
            if inspect.isfunction(each):
                yield name, each
            elif inspect.isclass(each) and each.__module__.startswith("oxmc.") and not issubclass(each, Exception):
                methods = ((key, method) for key, method in vars(each).items() if inspect.isfunction(method))
                yield from ((f"{name}.{key}", method) for key, method in methods if not key.startswith("_"))


def unsaid(source: str) -> list[str]:
    """Public functions that raise an error of ours, or Python's, which their docstring does not name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        raised = {call.func.id for call in (each.exc for each in ast.walk(node) if isinstance(each, ast.Raise))
                  if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}  # fmt: skip
        words = ast.get_docstring(node) or ""
        found += [
            f"{node.name}: {name}" for name in sorted(raised) if f"`{name}`" not in words and "`OxmcError`" not in words
        ]
    return found


def test_a_users_file_type_checks(tmp_path: Path) -> None:
    """Strictly, and against the stub that an installed package has; what is wrong is seen on its line."""
    for name, text in (("user.py", USER), ("wrong.py", WRONG)):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in ("user.py", "wrong.py")]
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--disable-error-code=type-arg"]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True)
    wrong = [number for number, line in enumerate(WRONG.splitlines(), 1) if "# wrong" in line]
    seen = re.findall(r"(\w+\.py):(\d+): error", done.stdout)
    assert sorted(set(seen)) == [("wrong.py", str(number)) for number in wrong], done.stdout + done.stderr


@pytest.mark.parametrize("name, function", list(public()))
def test_what_is_raised_is_said(name: str, function: Any) -> None:
    words = " ".join((inspect.getdoc(function) or "").split())
    assert words, f"{name} has no docstring"
    assert {name, name.rpartition(".")[2]} & QUIET or re.search(r"Raises (as )?`\w+`", words)


@pytest.mark.parametrize("path", sorted([*(ROOT / "oxmc/api").glob("*.py"), *(ROOT / "oxmc/cocotb").glob("*.py")]))
def test_errors_of_a_body_are_named(path: Path) -> None:
    assert unsaid(path.read_text()) == []


def test_an_error_that_is_not_named_is_found() -> None:
    body = '    if x:\n        raise RunError("x")\n    raise InputError("y")\n'
    source = f'def f(x):\n    """Of x. Raises `RunError`."""\n{body}'
    assert unsaid(source) == ["f: InputError"]
    assert unsaid(source.replace("`RunError`", "`OxmcError`")) == []
