"""What README and the documents quote from a page of measurements stands there, in the section that they link to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import ROOT
from quotes import (
    BLOCK,
    FIGURE,
    anchor,
    figures,
    is_small,
    lost,
    paragraphs,
    quoted_sections,
    section,
    sentences,
    unfounded,
)

pytestmark = pytest.mark.testpoint(
    "quoted measurements",
    "figures of README's table, and of sentences that link to a measurement, stand in the section linked to; a wrong "
    "figure, a wrong link and a row without a source are found; small whole numbers stand beside a word or figure "
    "of the quote",
)

README = ROOT / "README.md"
TABLE = "What was measured, and what it leaves out"
MEASUREMENTS = ROOT / "docs/measurements"
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if MEASUREMENTS not in page.parents]


def is_page(target: Path) -> bool:
    return target.suffix == ".md" and target != README


def is_measurement(target: Path) -> bool:
    return is_page(target) and target.parent == MEASUREMENTS


def table(text: str) -> str:
    """README's table of figures."""
    rows = [row for row in paragraphs(section(text, anchor(TABLE))) if row.startswith("|")]
    assert len(rows) > 6, f"README has a table under {TABLE!r}"
    return "\n".join(rows)


def in_readme(text: str) -> list[str]:
    """Figures of README without a source: its blocks, whose answers a test compares, are one, too."""
    return unfounded(README, text, paragraphs, is_page, "\n".join(BLOCK.findall(text)))


def sourceless(text: str) -> list[str]:
    """Rows of README's table that have a figure and no link to a page."""
    return [row for row in table(text).splitlines() if figures(row) and ".md" not in row]


def test_readme_quotes_what_was_measured() -> None:
    text = README.read_text()
    assert in_readme(text) == [] and sourceless(text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_documents_quote_what_was_measured(page: Path) -> None:
    assert unfounded(page, page.read_text(), sentences, is_measurement) == []


def test_a_wrong_figure_of_readme_is_found() -> None:
    text = README.read_text()
    rows = table(text)
    told = [figure for figure in figures(rows) if float(figure.replace(",", "")) > 0.9 and "." in figure]
    assert len(told) > 5
    for figure in told:  # a whole number is easily found somewhere in a section: this one is not
        assert in_readme(text.replace(rows, rows.replace(figure, f"{float(figure) - 0.3333:.4f}"))), figure


def test_a_figure_of_another_section_is_found() -> None:
    text = README.read_text()
    assert in_readme(re.sub(r"statistics.md#accuracy-of-\w+", "statistics.md#temper", text))
    assert len(sourceless(text.replace("docs/guide/for-device-researchers.md#", "#"))) == 1


def test_a_wrong_sentence_is_found() -> None:
    page, link = ROOT / "docs/design.md", "[seen](measurements/statistics.md#posterior-of-the-toy)"
    text = f"`wide` is 0.04 off, 12 of 13. So {link}: 0.036, `paper` 0.28 at 28 nm. Not so 5.\n\n- 0.3 is {link}.\n"
    assert unfounded(page, text, sentences, is_measurement) == []
    assert unfounded(page, text.replace("0.28", "0.29"), sentences, is_measurement) == [
        f"0.29 in: So {link}: 0.036, `paper` 0.29 at 28 nm."
    ]


def test_a_small_number_stands_in_its_place() -> None:
    """Anywhere in the section is not enough: 12 stands there as another thing."""
    page, link = ROOT / "docs/design.md", "[an offset](measurements/circuit.md)"
    text = f"Measured {link} of -5 mV cost 0.25."
    assert unfounded(page, text, sentences, is_measurement) == []
    wrong = text.replace("-5", "20")
    assert "20" in FIGURE.findall((MEASUREMENTS / "circuit.md").read_text())
    assert unfounded(page, wrong, sentences, is_measurement) == [f"20 in: {wrong}"]


def test_most_wrong_small_numbers_are_found() -> None:
    """Of the neighbours of every small number that is quoted. One in the same place of the source is not seen."""
    wrong = seen = 0
    for unit in sentences("\n\n".join(paragraphs(README.read_text()))):
        sources = quoted_sections(README, unit, is_page)
        for match in FIGURE.finditer(unit) if sources else ():
            if is_small(match[0]) and match[0] in figures(unit):
                for other in (int(match[0]) + step for step in (1, 2, 3)):
                    wrong += 1
                    seen += str(other) in lost(unit[: match.start()] + str(other) + unit[match.end() :], sources, "")
    assert wrong > 30 and seen / wrong > 0.5, (seen, wrong)
