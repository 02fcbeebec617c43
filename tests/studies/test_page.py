"""Sections of docs/measurements say by which command and at which commit, and are written anew by their studies."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import ROOT

from oxmc.pymodels.errors import InputError
from oxmc.studies.page import MEASURED, STUDY, TABLE, rewritten, run_study

pytestmark = pytest.mark.testpoint(
    "pages of measurements",
    "each section with a table names a commit and a command, whose study exists; a study writes its own table and no "
    "other; mismatches are refused",
)

PAGES = [path for path in sorted((ROOT / "docs" / "measurements").glob("*.md")) if path.stem != "figures"]
COMMAND = re.compile(r"oxmc (?:train|bench|sweep|synth|energy)|python -m|make \w+|pytest|COCOTB_ENABLE_PROFILING")


def unfounded(text: str) -> list[str]:
    """Headings of sections with a table that name no commit or no command."""
    sections = re.split(r"^(?=## )", text, flags=re.M)[1:]
    return [
        section.partition("\n")[0]
        for section in sections
        if TABLE.search(section) and not (MEASURED.search(section) and COMMAND.search(section))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_table_has_a_command_and_a_commit(page: Path) -> None:
    text = page.read_text()
    assert unfounded(text) == []
    names = [name for name, _ in STUDY.findall(text)]
    assert [name for name in names if importlib.util.find_spec(f"oxmc.studies.{name}") is None] == []


PAGE = """\
# A page

## Other

| a |
|---|

## Ours

Measured at commit `1234567`, 2026-01-01.

    .venv/bin/python -m oxmc.studies.one --try 'a b'
    python -m oxmc.studies.two

| old |
|---|
| 1 |

Between.

| old |
|---|

After.
"""


def test_a_section_without_its_origin_is_found() -> None:
    assert unfounded(PAGE) == ["## Other"]
    assert unfounded(PAGE.replace("Measured at commit", "At")) == ["## Other", "## Ours"]


def test_the_tables_of_one_section_are_replaced() -> None:
    asked: list[tuple[str, Sequence[str]]] = []

    def run(name: str, options: Sequence[str]) -> str:
        asked.append((name, options))
        return f"| {name} |\n|---|\n"

    page = rewritten(PAGE, "Ours", run, "commit `abcdef0`, 2026-02-02")
    assert asked == [("one", ["--try", "a b"]), ("two", [])]
    before, _, ours = page.partition("## Ours")
    assert before == PAGE.partition("## Ours")[0]
    assert "Measured at commit `abcdef0`, 2026-02-02." in ours and "old" not in ours
    assert ours.index("| one |") < ours.index("Between.") < ours.index("| two |") < ours.index("After.")


def test_what_does_not_match_is_refused() -> None:
    with pytest.raises(InputError, match=r"^the section must be a heading of the page, not 'None'$"):
        rewritten(PAGE, "None", run_study, "")
    with pytest.raises(InputError, match="^a section must have a table a study, not 1 tables and 0 studies$"):
        rewritten(PAGE, "Other", run_study, "")


def test_a_study_s_table_is_what_it_prints() -> None:
    table = run_study("rounding", ["--repeats", "2"])
    assert TABLE.fullmatch(table) and table.startswith("| input_bits | input_range |")
