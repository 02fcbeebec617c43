"""Where a result comes from, as every picture of it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def provenance(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Task, preset, engine, seed, data and card of a run.json or sweep.json, by name."""
    data = run["data"]
    kept = (
        f"{data.get('file') or 'a file or arrays'}, SHA-256 {data['sha256'][:12]}"
        if data["sha256"]
        else "those of the task"
    )
    of = {"label": "column", "subject": "subject"}
    kept += "".join(f", {word} {data[name]}" for name, word in of.items() if data[name] is not None)
    names = ("task", "preset", "engine", "seed")
    return [*((name, str(run[name])) for name in names), ("data", kept), *_card(run.get("card"))]


def _card(card: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The device card with what of it is extrapolated; a sweep may have one a point."""
    if card is None:
        return []
    kept = f"{card['name']}, SHA-256 {card['sha256'][:12]}"
    if card["extrapolated"]:
        kept += f", extrapolated ({', '.join(sentence.split()[1] for sentence in card['extrapolated'])})"
    return [("card", kept)]


def sentences(run: Mapping[str, Any], of: str = "") -> list[str]:
    """What stands below a picture: where it comes from, which part of a run it shows (`of`), warnings and notes."""
    where = ", ".join(f"{name} {value}" for name, value in provenance(run))
    return [where + (f"; {of}" if of else ""), *cautions(run)]


def cautions(run: Mapping[str, Any]) -> list[str]:
    """What warns of a run.json or sweep.json, and what a reader should know of it."""
    return [f"{kind}: {text}" for kind in ("warning", "note") for text in run[f"{kind}s"]]
