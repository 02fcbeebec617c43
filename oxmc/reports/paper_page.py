"""`oxmc paper`: the paper's figures with ours and their verdicts, as a page that needs nothing but a browser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from oxmc.reports.markup import rendered, signed

MARKS = {"met": "met", "better": "better", "missed": "missed", "not comparable": "apart"}
"""Class of each verdict."""


def number(value: float, unit: str = "") -> str:
    """Four digits at most, thousands apart, with a unit."""
    text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return signed(f"{text}\u202f{unit}" if unit else text)


def paper_text(claim: dict[str, Any]) -> str:
    """The paper's number, or its range."""
    if claim["number"] is None:
        return "no number in the text"
    text = number(claim["number"], "" if claim["to"] is not None else claim["unit"])
    if claim["to"] is not None:
        text = f"{text} to {number(claim['to'], claim['unit'])}"
    return f"{'above' if claim['good'] == 'higher' else 'below'} {text}" if claim["strict"] else text


def found_text(line: dict[str, Any]) -> str:
    """Ours with its interval."""
    found = line["found"]
    if found is None:
        return "–"
    text = number(found["value"], line["claim"]["unit"])
    if found["low"] < found["high"]:
        text += f" ({number(found['low'])} to {number(found['high'])})"
    return text


def of_text(line: dict[str, Any]) -> str:
    """Of how many and of what."""
    found = line["found"]
    return f"{found['n']:,} {found['of']}" if found and found["of"] else ""


def place(figure: dict[str, Any]) -> str:
    """Where in the page a figure stands."""
    return "figure-" + re.sub(r"\W", "", figure["id"].lower())


def grouped(figure: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The lines of each claim together, in the figure's order."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in figure["lines"]:
        groups.setdefault(line["claim"]["text"], []).append(line)
    return list(groups.values())


def paper_page(record: dict[str, Any], pictures: Sequence[str]) -> str:
    """The page of a paper.json, with the address of each figure's picture."""
    figures = record["figures"]
    contents = {"verdicts": "verdicts"} | {place(figure): figure["id"] for figure in figures}
    return rendered(
        "paper", {}, command="paper", contents=contents | {"others": "works of others", "made": "how it was made"},
        record=record, figures=list(zip(figures, pictures, strict=True)), marks=MARKS, place=place, grouped=grouped,
        paper_text=paper_text, found_text=found_text, of_text=of_text,
    )  # fmt: skip
