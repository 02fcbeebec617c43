"""`oxmc quality`: samplers side by side, as text and as a page that needs nothing but a browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from rich.table import Table

from oxmc.reports.markup import rendered
from oxmc.reports.plain import PlainConsole

WIDTH = 160
GOODNESS = {
    "sd_low": "s.d. over the exact one, least",
    "sd_high": "s.d. over the exact one, greatest",
    "mean_shift": "shift of a mean, exact s.d.",
    "total_variation": "total variation of a weight",
    "wasserstein": "sliced Wasserstein, exact s.d.",
    "p_mean": "|P - exact P|, mean",
    "p_most": "|P - exact P|, most",
}
SCORES = {
    "accuracy": "accuracy", "log_score": "log score, nat", "brier": "Brier score", "calibration_error": "ECE",
}  # fmt: skip
EFFICIENCY = {
    "joules": ("energy of all chains, uJ", 1e6),
    "seconds": ("time of all chains, ms", 1e3),
    "area_mm2": ("area, mm2", 1.0),
    "ess_per_uj": ("effective draws a uJ", 1.0),
    "ess_per_s": ("effective draws a second", 1.0),
    "ess_per_s_mm2": ("effective draws a second and mm2", 1.0),
}
BEYOND = "*"
"""Marks a figure outside its noise."""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def is_beyond(name: str, figure: dict[str, float]) -> bool:
    """Whether a figure cannot be that of exact draws, by its noise."""
    return figure["value"] < figure["noise"] if name == "sd_low" else figure["value"] > figure["noise"]


def _fit(name: str, figure: dict[str, float]) -> str:
    mark = BEYOND if is_beyond(name, figure) else ""
    return f"{_number(figure['value'])}{mark} ({_number(figure['noise'])})"


def sections(record: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Heading, and lines of a name and a cell an entry."""
    entries = record["entries"]

    def line(name: str, cell: Any) -> tuple[str, list[str]]:
        return name, [cell(entry) for entry in entries]

    rules = record["rules"]
    yield (
        "convergence",
        [
            line("weights, chains, draws a chain", lambda e: "{weights}, {chains}, {draws}".format(**e["convergence"])),
            line("R-hat of the worst weight", lambda e: _number(e["convergence"]["rhat_max"])),
            line("effective draws of the worst weight", lambda e: _number(e["convergence"]["ess_bulk_min"])),
            line(
                f"R-hat to {rules['rhat_most']:g}, {rules['ess_least']:g} effective draws",
                lambda e: "passes" if e["convergence"]["passes"] else "fails",
            ),
        ],
    )
    yield (
        "sampling efficiency",
        [
            line(name, lambda e, key=key, scale=scale: _number(_scaled(e["efficiency"][key], scale)))
            for key, (name, scale) in EFFICIENCY.items()
        ],
    )
    yield (
        "goodness of fit: figure (noise)",
        [line(name, lambda e, key=key: _fit(key, e["goodness"][key])) for key, name in GOODNESS.items()],
    )
    yield (
        "test points: figure (exact posterior)",
        [
            line(name, lambda e, key=key: f"{_number(e['scores'][key])} ({_number(e['exact_scores'][key])})")
            for key, name in SCORES.items()
        ],
    )


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def remarks(record: dict[str, Any]) -> list[str]:
    """What should be known of the table: what its marks mean, and of each entry what was noted."""
    rules = record["rules"]
    said = [
        f"Noise: what {rules['noise_quantile']:.0%} of {rules['noise_sets']} sets of as many exact draws as there are "
        f"effective ones stay within. {BEYOND} marks what is outside: it is not exact.",
        f"The exact posterior is of the chip's quantised features, S and prior, by {rules['exact_draws']} draws. "
        "Of a weight it is the worst one that is shown.",
    ]
    for entry in record["entries"]:
        said += [f"{entry['name']}: cost by {entry['efficiency']['source']}."]
        said += [f"{entry['name']}: {note}" for note in entry["notes"]]
    return said


def quality_text(record: dict[str, Any]) -> str:
    """The samplers as a table for a terminal, with its remarks."""
    table = Table("figure")
    for entry in record["entries"]:
        table.add_column(entry["name"], justify="right", overflow="fold")
    for heading, lines in sections(record):
        table.add_section()
        table.add_row(heading.upper())
        for name, cells in lines:
            table.add_row(name, *cells)
    text = io.StringIO()
    PlainConsole(file=text, width=WIDTH).print(table)
    said = remarks(record) + [
        f"{work['name']}: {work['what']} ({work['source']}). Comparable: {work['comparable']}."
        for work in record["published"]
    ]
    return text.getvalue() + "".join(f"{line}\n" for line in said)


def quality_page(record: dict[str, Any]) -> str:
    """The same as HTML."""
    places = {heading.split()[0].strip(":"): heading.partition(":")[0] for heading, _ in sections(record)}
    return rendered(
        "quality",
        record,
        command="quality",
        contents=places | {"others": "hardware of others"},
        names=[entry["name"] for entry in record["entries"]],
        sections=[(heading.split()[0].strip(":"), heading, lines) for heading, lines in sections(record)],
        remarks=remarks(record),
        published=record["published"],
        node=record["node"],
    )
