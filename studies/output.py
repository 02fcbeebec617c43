"""Where a study's results go: lines kept as they are measured, so that a stopped study goes on, and its tables."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oxmc.pymodels.config import Config
from oxmc.pymodels.files import read_text, understood
from oxmc.pymodels.whole import write_files
from oxmc.studies.common import Estimate, Row, parser, show

RECORDS = "records.jsonl"


def digest(config: Config) -> str:
    """Tells configurations apart in a record: a preset that was changed since is measured anew."""
    return hashlib.sha256(config.to_toml().encode()).hexdigest()[:16]


class Records:
    """Results by key in a file of JSON lines; without a folder in memory only."""

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / RECORDS
        self.known: dict[str, Row] = {}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = read_text(self.path, "--out must hold whole records") if self.path.exists() else ""
            for number, line in enumerate(text.splitlines(), 1):
                with understood(f"line {number} must be a whole record: delete it", self.path):
                    entry = json.loads(line)
                    self.known[json.dumps(entry["key"])] = entry["value"]

    def of(self, key: Sequence[Any], measure: Callable[..., Row], *arguments: Any) -> Row:
        """The result under `key`: what `measure` finds with the arguments, unless it is known already."""
        name = json.dumps(list(key))
        if name not in self.known:
            self.known[name] = measure(*arguments)
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps({"key": list(key), "value": self.known[name]}) + "\n")
        return self.known[name]


class Progress:
    """A line on stderr every few seconds."""

    EVERY_S = 15.0

    def __init__(self, total: int) -> None:
        self.total, self.done, self.started, self.shown = total, 0, time.monotonic(), 0.0

    def step(self, what: str) -> None:
        self.done += 1
        passed = time.monotonic() - self.started
        if passed - self.shown > self.EVERY_S or self.done == self.total:
            self.shown = passed
            print(f"{self.done}/{self.total}  {passed:.0f} s  {what}", file=sys.stderr, flush=True)


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
