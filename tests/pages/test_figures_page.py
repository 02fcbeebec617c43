"""The figures that several documents quote are those of a training, and the documents quote them."""

from __future__ import annotations

import pytest
from commands import ROOT

from oxmc.pages.figures import QUOTED, figures_page, misquoted, trained

pytestmark = pytest.mark.testpoint(
    "quoted figures",
    "the page of figures is that of today's trainings; documents quote them; a misquoted figure is found",
)
PLACES = {page for places in QUOTED.values() for page in places}


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, str]]:
    return trained()


def test_the_page_is_that_of_the_trainings(found: dict[str, dict[str, str]]) -> None:
    assert (ROOT / "docs/measurements/figures.md").read_text() == figures_page(found), "run: make docs"


def test_documents_quote_the_figures(found: dict[str, dict[str, str]]) -> None:
    assert misquoted(found, {page: (ROOT / page).read_text() for page in PLACES}) == []


def test_a_misquoted_figure_is_found(found: dict[str, dict[str, str]]) -> None:
    number = found["paper"]["clock cycles"]
    pages = {page: (ROOT / page).read_text().replace(number, "674,198") for page in PLACES}
    line = f"docs/design.md must quote {number}, the clock cycles of paper"
    assert line in misquoted(found, pages) and len(misquoted(found, pages)) == 3
