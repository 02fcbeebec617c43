"""What the command line shows while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Standing
    from oxmc.campaign.repeats import Watcher as RepeatsWatcher
    from oxmc.run.engine import Progress as Position
    from oxmc.run.engine import Watcher

PLAIN_LINE_S = 5.0
"""Seconds between progress lines where there is no terminal."""


def _text(position: Position, rows: int) -> str:
    rate = position.cycles / position.seconds if position.seconds else 0.0
    acceptance = position.row / position.proposals if position.proposals else 0.0
    return (
        f"row {position.row + 1}/{rows}  proposals {position.proposals}  acceptance {acceptance:.3f}  "
        f"{rate / 1e3:.1f} kcycles/s"
    )


def _repeats_text(standing: Standing, repeats: int) -> str:
    failed = f"  failed {standing.failed}" if standing.failed else ""
    mean = f"  mean {standing.mean:.4f}" if standing.done else ""
    left = (repeats - standing.done - standing.failed) * standing.seconds
    return f"repeats {standing.done}/{repeats}{failed}{mean}{f'  {left:.0f} s left' if left else ''}"


@contextmanager
def _shown(total: int, start: str) -> Iterator[Callable[[int, str], None]]:
    """A bar on a terminal, a plain line every few seconds elsewhere; on stderr, so that stdout keeps the result."""
    if not sys.stderr.isatty():
        last = time.monotonic()

        def plain(completed: int, text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= PLAIN_LINE_S:
                last = time.monotonic()
                print(text, file=sys.stderr, flush=True)

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(start, total=total)
        yield lambda completed, text: bar.update(task, completed=completed, description=text)


@contextmanager
def progress(rows: int) -> Iterator[Watcher]:
    """Shows how far one training of `rows` rows is."""
    with _shown(rows, "building and starting the simulation") as show:
        yield lambda position: show(position.row + 1, _text(position, rows))


@contextmanager
def repeats_progress(repeats: int) -> Iterator[RepeatsWatcher]:
    """Shows how many of `repeats` trainings are done."""
    with _shown(repeats, "starting the workers") as show:
        yield lambda standing: show(standing.done + standing.failed, _repeats_text(standing, repeats))


@contextmanager
def sweep_progress(points: int, repeats: int) -> Iterator[Callable[[int, Standing], None]]:
    """Shows how many of the `repeats` trainings at each of `points` points are done."""
    with _shown(points * repeats, "starting the workers") as show:

        def shown(number: int, standing: Standing) -> None:
            done = number * repeats + standing.done + standing.failed
            show(done, f"point {number + 1}/{points}  {_repeats_text(standing, repeats)}")

        yield shown
