"""The words of the field that README and the guide use are explained in docs/guide/glossary.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import ROOT
from quotes import page_text

pytestmark = pytest.mark.testpoint(
    "glossary",
    "words of the field and abbreviations in README, guide and tutorials have an entry; entries stand once; the check "
    "can fail",
)

GUIDE = ROOT / "docs/guide"
PAGES = [ROOT / "README.md", *sorted(set(GUIDE.glob("*.md")) - {GUIDE / "glossary.md"})]
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.ipynb"))
GLOSSARY = (GUIDE / "glossary.md").read_text()

WORDS = (
    "acceptance", "burn-in", "chain", "counter", "device card", "draw", "early rejection", "effective draws",
    "energy ledger", "engine", "gate code", "node", "OxRAM", "pair", "posterior", "preset", "prior", "proposal",
    "R-hat", "read noise", "relaxation", "row", "S", "sigma", "split", "total variation", "twin", "uS",
    "verified programming",
)  # fmt: skip
"""What a reader of another field stops at. Abbreviations need not be here: they are found by their capitals."""
KNOWN = {
    "API",
    "BIH",
    "CSV",
    "FPGA",
    "MIT",
    "TOML",
    "UCI",
    "CHANGELOG",
    "CITATION",
    "CONTRIBUTING",
    "LICENSE",
    "README",
    "REPOSITORY",
}
"""Capitals that need no entry: known to whoever programs, or names."""


def prose(page: str) -> str:
    """A page without blocks of code, inline code and targets of links."""
    text = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    return re.sub(r"^    .*$|`[^`]*`|\]\([^)]*\)", " ", text, flags=re.M)


def entries(glossary: str) -> list[str]:
    """The words that a glossary's first column explains."""
    firsts = re.findall(r"^\| (\*\*.*?\*\*) \|", glossary, re.M)
    return [word for first in firsts for word in re.findall(r"\*\*(.+?)\*\*", first)]


def unexplained(page: str, glossary: str) -> set[str]:
    """Words of the field and abbreviations in a page's prose that a glossary does not explain."""
    text, explained = prose(page), set(entries(glossary))
    capitals = {word.removesuffix("s") for word in re.findall(r"\b[A-Z]{2,}s?\b", text)}
    used = {word for word in WORDS if re.search(rf"\b{re.escape(word)}\b", text)}
    used |= {word for word in capitals - KNOWN if len(word) > 2}
    return used - explained


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_words_of_the_field_are_explained(page: Path) -> None:
    text = page.read_text()
    assert unexplained(text, GLOSSARY) == set()
    assert "glossary.md" in text


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_words_of_the_tutorials_are_explained(page: Path) -> None:
    assert unexplained(page_text(page), GLOSSARY) == set()


def test_entries_stand_once_and_words_are_used() -> None:
    words = entries(GLOSSARY)
    assert len(words) == len({word.lower() for word in words}) >= 60
    text = " ".join(prose(page.read_text()) for page in PAGES)
    assert [word for word in WORDS if not re.search(rf"\b{re.escape(word)}\b", text)] == []


def test_a_word_without_an_entry_is_found() -> None:
    page = "A row, some SETs, the NEFs and `XYZ`.\n\n    ABC\n```text\nDEF\n```\n[x](GHI)\n"
    assert unexplained(page, "| **row** | all weights |\n") == {"SET", "NEF"}
