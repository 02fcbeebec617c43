"""`oxmc energy`: the ledgers of finished runs as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from energy.ledger import Ledger
from energy.report import render
from pymodels.config import Config
from pymodels.errors import InputError
from tb.result import NODES, ledger_of
from tb.rundir import read_run

FORMATS = ("text", "json", "csv")
CSV_COLUMNS = ("run", "node", "name", "action", "phase", "count", "energy_j", "low", "high", "source")

Accounts = list[tuple[Path, dict[str, Ledger]]]


def report(runs: Sequence[Path], nodes: Iterable[str], output: str) -> str:
    """The report of each run at each node. Raises `InputError` for a bad format, run, node or cost table."""
    if output not in FORMATS:
        raise InputError(f"--format must be one of {', '.join(FORMATS)}, not {output!r}")
    accounts = [(path, _ledgers(path, nodes)) for path in runs]
    return {"text": _text, "json": _json, "csv": _csv}[output](accounts)


def _ledgers(path: Path, nodes: Iterable[str]) -> dict[str, Ledger]:
    run = read_run(path)
    try:
        config, phases = Config().replace(**run["config"]), run["phases"]
        return {node: ledger_of(config, phases, node) for node in nodes}
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"RUN must hold a whole run, which {str(path)!r} does not ({error!r})") from error


def _text(accounts: Accounts) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=120, markup=False, emoji=False, highlight=False)
    for path, ledgers in accounts:
        for node, ledger in ledgers.items():
            console.print(render(ledger, f"{path} at {node}"))
            for line in _sources(ledger):
                console.print(line)
    return stream.getvalue()


def _sources(ledger: Ledger) -> list[str]:
    """One line a cost: what it prices and where it comes from."""
    return list(dict.fromkeys(f"  {line.component}, {line.action}: {line.source}" for line in ledger.lines))


def _json(accounts: Accounts) -> str:
    def entry(path: Path, ledgers: dict[str, Ledger]) -> dict[str, Any]:
        return {"run": str(path), "nodes": {node: ledger.as_json() for node, ledger in ledgers.items()}}

    entries = [entry(*account) for account in accounts]
    return json.dumps(entries[0] if len(entries) == 1 else entries, indent=2) + "\n"


def _csv(accounts: Accounts) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS)
    writer.writeheader()
    for path, ledgers in accounts:
        for node, ledger in ledgers.items():
            for line in ledger.lines:
                writer.writerow({"run": str(path), "node": node, **line.as_json()})
    return stream.getvalue()


__all__ = ["FORMATS", "NODES", "report"]
