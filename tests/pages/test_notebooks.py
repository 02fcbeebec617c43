"""The tutorials: each notebook of docs/tutorials runs from top to bottom and says what it is kept with."""

from __future__ import annotations

import base64
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT

from oxmc.pages.notebooks import TUTORIALS, executed, run_cell, shown, text_of, texts

pytestmark = pytest.mark.testpoint(
    "tutorials",
    "each runs from top to bottom and its texts are those that it is kept with, pictures are small; a wrong output and "
    "a cell that fails are seen; the first explains its words before it uses them",
)
NOTEBOOKS = sorted((ROOT / TUTORIALS).glob("*.ipynb"))
QUICK = ("a-chip-learns", "your-data")
"""Those that `make test` executes; `make regress` has the others."""
MOST_BYTES, MOST_CELLS, WIDEST = 80_000, 22, 96


def read(path: Path) -> dict[str, Any]:
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return book


def case(path: Path) -> Any:
    return pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else (pytest.mark.campaign,))


def different(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The code of cells that say something else than they are kept with."""
    codes = ["".join(cell["source"]) for cell in kept["cells"] if cell["cell_type"] == "code"]
    return [code for code, one, other in zip(codes, texts(kept), texts(now), strict=True) if one != other]


@pytest.mark.parametrize("path", [case(path) for path in NOTEBOOKS])
def test_a_tutorial_says_what_it_is_kept_with(path: Path) -> None:
    kept = read(path)
    assert different(kept, executed(kept)) == [], "run: make tutorials"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tutorial_is_short_and_kept_as_executed(path: Path) -> None:
    book = read(path)
    codes = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert book["nbformat"] == 4 and text_of(book) == path.read_text(encoding="utf-8")
    assert [cell["execution_count"] for cell in codes] == list(range(1, len(codes) + 1))
    assert len(path.read_bytes()) < MOST_BYTES and len(book["cells"]) <= MOST_CELLS
    assert max(len(line.rstrip()) for cell in codes for line in cell["source"]) <= WIDEST
    pictures = [
        each["data"]["image/png"] for out in codes for each in out["outputs"] if "image/png" in each.get("data", {})
    ]
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)


def test_the_tutorials_are_those_that_were_asked_for() -> None:
    assert {path.stem for path in NOTEBOOKS} == {
        "a-chip-learns", "follow-one-proposal", "your-device", "your-data", "your-chip", "is-it-a-posterior",
        "where-the-joules-go", "adapt-to-a-patient",
    }  # fmt: skip


def test_the_first_explains_its_words_before_any_code() -> None:
    first = read(ROOT / TUTORIALS / "a-chip-learns.ipynb")["cells"][0]
    words = re.findall(r"^- A \*\*(\w+)\*\*", "".join(first["source"]), re.M)
    assert words == ["cell", "SET", "pair", "row", "proposal", "counter"]


def test_a_wrong_output_and_a_cell_that_fails_are_seen() -> None:
    cells = [
        {"cell_type": "code", "source": ["x = 1\n", "print(x)\n", "x + 1"], "outputs": [], "execution_count": None}
    ]
    book = executed({"cells": [*cells, {"cell_type": "markdown", "source": ["y"]}]})
    assert [each.get("text", each.get("data")) for each in book["cells"][0]["outputs"]] == [
        ["1\n"],
        {"text/plain": ["2"]},
    ]
    wrong = copy.deepcopy(book)
    wrong["cells"][0]["outputs"][1]["data"]["text/plain"] = ["3"]
    assert different(book, executed(book)) == [] and different(wrong, executed(book)) == ["x = 1\nprint(x)\nx + 1"]
    with pytest.raises(AssertionError):
        run_cell("assert 1 == 2", {})
    assert run_cell("", {}) == ("", None)


def test_pictures_are_apart_from_texts() -> None:
    from matplotlib.figure import Figure

    data = shown(Figure(figsize=(1, 1)))
    assert data["text/plain"] == ["<Figure>"]
    book = {
        "cells": [{"cell_type": "code", "source": [], "outputs": [{"output_type": "execute_result", "data": data}]}]
    }
    assert texts(book)[0][0]["data"]["image/png"] == "" and data["image/png"]
