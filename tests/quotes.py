"""Figures that a page quotes from another one by a link, and those that do not stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")
FIGURE = re.compile(r"(?<![\w.,-])-?\d+(?:,\d{3})*(?:\.\d+)?(?!\w|[.,]\d)")
NO_FIGURES = re.compile(r"\]\([^)]*\)|`[^`]*`|\b(?:28|130) ?nm\b|^\s*\d+\. ", re.M)
"""Addresses of links, names in backticks, manufacturing nodes, numbers of a list."""
BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
WORD = re.compile(r"[A-Za-z][A-Za-z-]{2,}")
NEAR = 40
"""Letters to either side of a number in which the word for it stands."""
CLAUSE_END = re.compile(r"[|;]|[.:*] ")
"""Between cells of a table, and parts of a sentence that say different things."""
SENTENCE_END = re.compile(r"(?<=[.:;*]) +(?=[A-Z`*\[])")


def page_text(page: Path) -> str:
    """The Markdown of a page: all of it, or of a notebook what is no code."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return "#" + re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def section(text: str, fragment: str) -> str:
    """The text from the heading of `fragment` to the next one that is not below it; the whole page without one."""
    level, lines = 0, []
    for line in text.splitlines():
        marks, _, heading = line.partition(" ")
        if marks and not marks.strip("#"):
            if level and len(marks) <= level:
                break
            level = level or len(marks) * (anchor(heading) == fragment)
        if level or not fragment:
            lines.append(line)
    return "\n".join(lines)


def figures(text: str) -> list[str]:
    """Numbers of a text, as they are written."""
    return FIGURE.findall(NO_FIGURES.sub(" ", text))


def stands(figure: str, source: list[float]) -> bool:
    """Whether a source has the figure, or one that it rounds; a difference may be told without its sign."""
    half = 0.5 * 10 ** -len(figure.partition(".")[2]) * (1 + 1e-9)
    told = float(figure.replace(",", ""))
    return any(abs(each - told) <= half or abs(abs(each) - told) <= half for each in source)


def is_small(figure: str) -> bool:
    """Whether a figure is a whole number below 100, which stands somewhere in nearly any section."""
    return figure.lstrip("-").isdigit() and abs(int(figure)) < 100


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in FIGURE.findall(text)]


def words(text: str) -> set[str]:
    """Words that say what a number is of, without their plural."""
    return {word.lower().rstrip("s") for word in WORD.findall(text)}


def places(text: str) -> Iterator[str]:
    """Paragraphs, and rows of tables below the names of their columns."""
    heading = ""
    for part in paragraphs(text):
        heading = (heading or part) if part.startswith("|") else ""
        yield part if part == heading else f"{heading}\n{part}"


def stands_there(figure: str, near: str, others: list[str], source: list[str]) -> bool:
    """Whether a small whole number stands in one place of the source with a word that is `near` it in the quote.

    Where its clause has larger or broken figures (`others`), one of them must stand in that place, too. What it does
    not see: a wrong number that happens to be in such a place, as another column of the same row has it.
    """
    for place in source:
        found = numbers(place)
        if stands(figure, found) and words(near) & words(place):
            if not others or any(stands(other, found) for other in others):
                return True
    return False


def lost(unit: str, sections: list[str], own: str) -> Iterator[str]:
    """Figures of a unit that stand in none of the sections it quotes, nor in `own`; small ones each in its place."""
    text, source = NO_FIGURES.sub(" ", unit), numbers("\n".join([*sections, own]))
    parts = [place for each in sections for place in places(each)]
    for clause in CLAUSE_END.split(text):
        others = [figure for figure in FIGURE.findall(clause) if not is_small(figure)]
        for match in FIGURE.finditer(clause):
            figure, near = match[0], clause[max(0, match.start() - NEAR) : match.end() + NEAR]
            placed = not is_small(figure) or stands(figure, numbers(own)) or stands_there(figure, near, others, parts)
            if not stands(figure, source) or not placed:
                yield figure


def paragraphs(text: str) -> Iterator[str]:
    """Rows of tables, items of lists and paragraphs, without blocks of code."""
    for part in re.split(r"\n\s*\n", BLOCK.sub("\n\n", text)):
        yield from re.split(r"\n(?=[|]|- |\d+\. )", part)


def sentences(text: str) -> Iterator[str]:
    """The same, by sentences."""
    for part in paragraphs(text):
        joined = re.sub(r"\s*\n\s*", " ", part)
        yield from [joined] if joined.startswith("|") else SENTENCE_END.split(joined)


def quoted_sections(page: Path, unit: str, quoted: Callable[[Path], bool]) -> list[str]:
    """The sections that a unit links to; `quoted` says which pages are sources."""
    targets = {((page.parent / name).resolve(), fragment) for name, fragment in LINK.findall(unit)}
    return [section(target.read_text(), fragment) for target, fragment in targets if quoted(target)]


def unfounded(
    page: Path, text: str, units: Callable[[str], Iterator[str]], quoted: Callable[[Path], bool], own: str = ""
) -> list[str]:
    """Figures, each with its unit, that stand in none of the sections which the unit links to, nor in `own`.

    `quoted` says which pages are sources; a unit without a link to one quotes nothing.
    """
    found = []
    for unit in units(text):
        if not (sections := quoted_sections(page, unit, quoted)):
            continue
        found += [f"{figure} in: {unit.strip()}" for figure in lost(unit, sections, own)]
    return found
