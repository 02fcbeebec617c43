"""paper.json: every figure with the paper's claims, ours and verdicts (docs/reference/paper.md)."""

from __future__ import annotations

import base64
import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from oxmc.paper.claim import VERDICTS, Line, together
from oxmc.paper.entry import Entry, Part, Plan, Results, Size, joined
from oxmc.paper.work import Kept, Watcher, measure_all
from oxmc.plots.style import drawn, plot_style
from oxmc.pymodels.errors import RunError
from oxmc.run.result import versions

SCHEMA = "oxmc.paper/1"
HEADLINES = ("paper, ideal", "best, real")
"""Series by whose lines alone a figure has a verdict each, beside that of all its lines."""
SOURCE = "T. Dalgaty et al., Nature Electronics 4, 151-161 (2021), doi:10.1038/s41928-020-00523-3"


@dataclasses.dataclass(frozen=True)
class Made:
    """A figure that was measured: its part of paper.json, and its picture as SVG and PNG by name."""

    record: dict[str, Any]
    pictures: dict[Path, bytes]


@dataclasses.dataclass(frozen=True)
class Work:
    """Figures, and what is to be measured for each of them."""

    entries: Sequence[Entry]
    size: Size
    plans: Mapping[str, Plan]

    @classmethod
    def of(cls, entries: Sequence[Entry], size: Size) -> Work:
        return cls(entries, size, {entry.id: entry.plan(size) for entry in entries})

    @property
    def parts(self) -> list[Part]:
        """All parts, each once."""
        return list(dict.fromkeys(part for plan in self.plans.values() for part in parts_of(plan)))

    def make(self, folder: Path, jobs: int, watcher: Watcher) -> list[Made]:
        """Measure, judge and draw the figures; `folder` keeps what is measured. Raises as `measure_all`."""
        found = measure_all(self.parts, folder, jobs, watcher)
        with plot_style():
            return [_made(entry, self.plans[entry.id], found) for entry in self.entries]


def parts_of(plan: Plan) -> list[Part]:
    """All parts of a figure."""
    return [part for parts in plan.values() for part in parts]


def _made(entry: Entry, plan: Plan, found: Mapping[Part, Kept]) -> Made:
    results: Results = {name: joined([found[part]["value"] for part in parts]) for name, parts in plan.items()}
    try:
        lines = list(entry.judge(results))
        pictures = drawn(entry.draw(results), Path(place_of(entry)))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise RunError(f"figure {entry.id} cannot be made: {type(error).__name__}: {error}") from error
    record = {
        "id": entry.id, **entry.text,
        "verdict": together(line.verdict for line in lines),
        "verdicts": {name: together(line.verdict for line in of_series(lines, name)) for name in HEADLINES},
        "lines": [line.as_json() for line in lines], "notes": list(entry.notes(results)),
        "cpu_s": sum(found[part]["cpu_s"] for part in parts_of(plan)),
    }  # fmt: skip
    return Made(record, pictures)


def of_series(lines: Sequence[Line], name: str) -> list[Line]:
    """The lines of one series, whatever else their names say behind it."""
    return [line for line in lines if line.series == name or line.series.startswith(f"{name}:")]


def place_of(entry: Entry) -> str:
    """A figure's name as that of a file and of a place in the page."""
    return "figure-" + "".join(letter if letter.isalnum() else "" for letter in entry.id.lower())


def record_of(made: Sequence[Made], size: Size) -> dict[str, Any]:
    """paper.json."""
    figures = [one.record for one in made]
    return {
        "schema": SCHEMA, "quick": size.quick, "source": SOURCE,
        "data": None if size.data is None else {"file": size.data.name, "subject": size.subject},
        "versions": versions(),
        "counts": {name: sum(figure["verdict"] == name for figure in figures) for name in VERDICTS},
        "cpu_s": sum(figure["cpu_s"] for figure in figures), "figures": figures, "others": others(),
    }  # fmt: skip


def embedded(made: Sequence[Made]) -> list[str]:
    """Each figure's picture as an address that holds it."""
    svg = [next(data for path, data in one.pictures.items() if path.suffix == ".svg") for one in made]
    return [f"data:image/svg+xml;base64,{base64.b64encode(data).decode()}" for data in svg]


@cache
def _works() -> dict[str, Any]:
    text = (resources.files("oxmc.paper") / "works.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def others() -> dict[str, Any]:
    """Works of others, feature by feature: `features` by key, and `works`, each with its source."""
    return _works()
