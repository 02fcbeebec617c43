"""Progress of what runs: a bar in a notebook and on a terminal; plain lines every few seconds where they are wanted."""

from __future__ import annotations

import builtins
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Standing
    from oxmc.campaign.repeats import Watcher as RepeatsWatcher
    from oxmc.run.engine import Progress as Position
    from oxmc.run.engine import Watcher

PLAIN_LINE_S = 5.0
"""Seconds between plain lines."""
NOTEBOOK_S = 0.2
"""Seconds between two looks of a notebook's bar."""
Show = Callable[[int, str], None]
"""Takes how much is completed, and what to say of it."""


@contextmanager
def training(rows: int, wanted: bool | None = None, *, plain: bool = False) -> Iterator[Watcher]:
    """How far one training of `rows` rows is; nothing unless `wanted`, by default where a bar can be seen.

    `plain` lines go to stderr where none can.
    """
    with _shown(rows, "building and starting the simulation", wanted, plain) as show:
        yield lambda position: show(position.row + 1, _text(position, rows))


@contextmanager
def repeats(count: int, wanted: bool | None = None, *, plain: bool = False) -> Iterator[RepeatsWatcher]:
    """How many of `count` trainings are done."""
    with _shown(count, "starting the workers", wanted, plain) as show:
        yield lambda standing: show(standing.done + standing.failed, _repeats_text(standing, count))


@contextmanager
def sweep(
    points: int, count: int, wanted: bool | None = None, *, plain: bool = False
) -> Iterator[Callable[[int, Standing], None]]:
    """How many of the `count` trainings at each of `points` points are done."""
    with _shown(points * count, "starting the workers", wanted, plain) as show:

        def shown(number: int, standing: Standing) -> None:
            done = number * count + standing.done + standing.failed
            show(done, f"point {number + 1}/{points}  {_repeats_text(standing, count)}")

        yield shown


@contextmanager
def parts(count: int, wanted: bool | None = None, *, plain: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """How many of `count` parts are done, and which ended last."""
    with _shown(count, "measuring", wanted, plain) as show:
        yield lambda done, wanted, text: show(done, f"parts {done}/{wanted}  {text}")


@contextmanager
def _shown(total: int, start: str, wanted: bool | None, plain: bool) -> Iterator[Show]:
    """On stderr, so that stdout keeps the result; in a notebook below the cell."""
    notebook = hasattr(builtins, "get_ipython")
    seen = notebook or sys.stderr.isatty()
    if wanted is False or not (seen or plain or wanted):
        yield lambda completed, text: None
    elif notebook:
        with _in_notebook(total, start) as show:
            yield show
    elif not seen:
        yield _plain_lines()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(start, total=total)
            yield lambda completed, text: bar.update(task, completed=completed, description=text)


@contextmanager
def _in_notebook(total: int, start: str) -> Iterator[Show]:
    """One output of the cell that is updated in place and emptied at the end. It needs no widgets."""
    from IPython.display import HTML, display

    output, last = display(HTML(_bar(0, total, start)), display_id=True), time.monotonic()

    def show(completed: int, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= NOTEBOOK_S:
            last = time.monotonic()
            output.update(HTML(_bar(completed, total, text)))

    try:
        yield show
    finally:
        output.update(HTML(""))


def _bar(completed: int, total: int, text: str) -> str:
    return f'<progress value="{completed}" max="{total}"></progress> {escape(text)}'


def _plain_lines() -> Show:
    last = time.monotonic()

    def show(completed: int, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_LINE_S:
            last = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    return show


def _text(position: Position, rows: int) -> str:
    rate = position.cycles / position.seconds if position.seconds else 0.0
    acceptance = position.row / position.proposals if position.proposals else 0.0
    return (
        f"row {position.row + 1}/{rows}  proposals {position.proposals}  acceptance {acceptance:.3f}  "
        f"{rate / 1e3:.1f} kcycles/s"
    )


def _repeats_text(standing: Standing, count: int) -> str:
    failed = f"  failed {standing.failed}" if standing.failed else ""
    mean = f"  mean {standing.mean:.4f}" if standing.done else ""
    left = (count - standing.done - standing.failed) * standing.seconds
    return f"repeats {standing.done}/{count}{failed}{mean}{f'  {left:.0f} s left' if left else ''}"
