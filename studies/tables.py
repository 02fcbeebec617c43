"""A study's command line, and its table: printed, and written where `--out` says."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oxmc.pymodels.whole import write_files
from oxmc.studies.estimates import Estimate

Row = dict[str, Any]
"""A line of a study's table, by column."""


def parser(description: str | None, *, seed: int, repeats: int) -> argparse.ArgumentParser:
    """The options that every study takes."""
    options = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    options.add_argument("--seed", type=int, default=seed, help=f"seed of repeat 0 (default {seed})")
    options.add_argument("--repeats", type=int, default=repeats, help=f"trainings each (default {repeats})")
    options.add_argument("--json", action="store_true", help="print JSON, one object a line of the table")
    return options


def show(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print a study's lines as a Markdown table or as JSON."""
    if as_json:
        plain = [
            {key: value._asdict() if isinstance(value, Estimate) else value for key, value in row.items()}
            for row in rows
        ]
        print(json.dumps(plain))
        return
    print(as_markdown(rows))


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A study's lines as a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |\n|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def study_parser(description: str | None, *, seed: int, repeats: int) -> argparse.ArgumentParser:
    """The options of every study, and `--out`."""
    options = parser(description, seed=seed, repeats=repeats)
    options.add_argument(
        "--out", type=Path, help="folder for table.csv, table.json, pictures and records to go on from"
    )
    return options


def finish(rows: Sequence[Mapping[str, Any]], given: argparse.Namespace) -> None:
    """Print a study's lines, and write them where `--out` says."""
    show(rows, given.json)
    if given.out is None:
        return
    plain = [flat(row) for row in rows]
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(plain[0]))
    writer.writeheader()
    writer.writerows(plain)
    contents = {"table.json": json.dumps(plain, indent=1) + "\n", "table.csv": table.getvalue()}
    write_files({given.out / name: text for name, text in contents.items()}, given.out)


def flat(row: Mapping[str, Any]) -> Row:
    """A line with a column for each estimate's standard error."""
    found: Row = {}
    for name, value in row.items():
        if isinstance(value, Estimate):
            found |= {name: value.mean, f"{name}, s.e.": value.sem}
        else:
            found[name] = value
    return found


def save_figure(figure: Any, folder: Path, name: str) -> None:
    """A figure as PNG and SVG."""
    from oxmc.plots.style import save

    save(figure, folder / name)
