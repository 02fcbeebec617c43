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


def paragraphs(text: str) -> Iterator[str]:
    """Rows of tables, items of lists and paragraphs, without blocks of code."""
    for part in re.split(r"\n\s*\n", BLOCK.sub("\n\n", text)):
        yield from re.split(r"\n(?=[|]|- |\d+\. )", part)


def sentences(text: str) -> Iterator[str]:
    """The same, by sentences."""
    for part in paragraphs(text):
        joined = re.sub(r"\s*\n\s*", " ", part)
        yield from [joined] if joined.startswith("|") else SENTENCE_END.split(joined)


def unfounded(
    page: Path, text: str, units: Callable[[str], Iterator[str]], quoted: Callable[[Path], bool], own: str = ""
) -> list[str]:
    """Figures, each with its unit, that stand in none of the sections which the unit links to, nor in `own`.

    `quoted` says which pages are sources; a unit without a link to one quotes nothing.
    """
    found = []
    for unit in units(text):
        targets = {((page.parent / name).resolve(), fragment) for name, fragment in LINK.findall(unit)}
        sections = [section(target.read_text(), fragment) for target, fragment in targets if quoted(target)]
        if not sections:
            continue
        source = [float(number.replace(",", "")) for number in FIGURE.findall("\n".join([*sections, own]))]
        found += [f"{figure} in: {unit.strip()}" for figure in figures(unit) if not stands(figure, source)]
    return found
