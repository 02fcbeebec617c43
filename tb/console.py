"""What the command line shows: progress while it runs, a summary at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tb.train import Progress as Position
from tb.train import Watcher

PLAIN_LINE_S = 5.0
"""Seconds between progress lines where there is no terminal."""


def _text(position: Position, rows: int) -> str:
    rate = position.cycles / position.seconds if position.seconds else 0.0
    acceptance = position.row / position.proposals if position.proposals else 0.0
    return (
        f"row {position.row + 1}/{rows}  proposals {position.proposals}  acceptance {acceptance:.3f}  "
        f"{rate / 1e3:.1f} kcycles/s"
    )


@contextmanager
def progress(rows: int) -> Iterator[Watcher]:
    """A bar on a terminal, a plain line every few seconds elsewhere; on stderr, so that stdout keeps the result."""
    if not sys.stderr.isatty():
        last = time.monotonic()

        def plain(position: Position) -> None:
            nonlocal last
            if time.monotonic() - last >= PLAIN_LINE_S:
                last = time.monotonic()
                print(_text(position, rows), file=sys.stderr, flush=True)

        yield plain
        return
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("building and starting the simulation", total=rows)

        def update(position: Position) -> None:
            bar.update(task, completed=position.row + 1, description=_text(position, rows))

        yield update


def _mixing(chains: dict[str, Any]) -> str:
    if chains["rhat_max"] is None or chains["ess_bulk_min"] is None:
        return "too short to tell how well they mix"
    return (
        f"R-hat at most {chains['rhat_max']:.2f}, effective draws at least {chains['ess_bulk_min']:.3g}, "
        f"{chains['ess_per_uj']:.3g} a uJ ({chains['node']})"
    )


def summary(run: dict[str, Any], out: Path, reference: float) -> Table:
    """The end of `oxmc train` on a terminal; `reference` is a logistic regression's accuracy on the same split."""
    result, chain, clock, config = run["result"], run["chain"], run["time"], run["config"]
    table = Table(show_header=False, box=None, pad_edge=False)
    where = "in real numbers" if run["engine"] == "float" else "on the chip"
    rows = [
        (f"test {result['metric']}", f"{result['value']:.4f} on {config['test_samples']} points ({where})"),
        ("logistic regression", f"{reference:.4f} on the same split"),
        ("rows", f"{result['rows_used']} of {config['rows']}, burn-in {result['burn_in']}"),
        ("proposals", f"{chain['proposals']}, acceptance {chain['acceptance']:.3f}"),
        ("row counters", f"largest {chain['counter_max']}, counts lost {chain['counters_saturated']}"),
        ("clamped gate codes", f"{chain['dac_clamps']} of {run['events']['set']} SETs"),
        ("chip time", f"{clock['cycles']} cycles, {clock['chip_s'] * 1e3:.1f} ms at {clock['clock_hz'] / 1e6:g} MHz"),
        ("simulation", f"{clock['wall_s']:.1f} s, {clock['cycles_per_s'] / 1e3:.1f} kcycles/s ({run['engine']})"),
    ]
    for node, joules in run["energy_j"].items():
        span = f"{joules['low'] * 1e6:.3g} - {joules['high'] * 1e6:.3g}"
        rows.append((f"energy at {node}", f"{joules['total'] * 1e6:.3g} uJ (interval {span} uJ)"))
    if chains := run.get("chains"):
        rows.append((f"{chains['n']} chains", _mixing(chains)))
    rows.append(("state", result["state_sha256"][:16]))
    rows.append(("run directory", str(out)))
    for name, value in rows:
        table.add_row(name, value)
    return table
