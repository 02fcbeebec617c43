"""`oxmc energy RUN`: the answer on one screen; `--all` has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from oxmc.energy.interval import DRAWS, Band, uncertainty
from oxmc.energy.ledger import Ledger
from oxmc.energy.parts import HEADLINE, ledger_of_part
from oxmc.reports.accounts import Account, spread_line
from oxmc.run.result import costs_of

LEAST_SHARE = 0.01
"""Components below it at every node share a row."""
WIDTH = 100


def short(account: Account) -> Iterator[Any]:
    """Lines and a table of one run, for a console `WIDTH` wide."""
    run = account.run
    yield f"{account.path}: {run['task']}, preset {run['preset']}, engine {run['engine']}, seed {run['seed']}"
    for node, joules in account.training_repeats.items():
        yield f"{HEADLINE} at {node}, {spread_line(joules)}"
    if account.share:
        yield f"What follows is {account.share}."
    yield from (_answer(account, node) for node in account.ledgers)
    for node in account.ledgers:
        if comparison := account.paper(node):
            yield f"{node}: {comparison.sentences[0]}"
    yield from account.cautions
    yield from (f"costs: {costs_of(node).title}" for node in account.ledgers if costs_of(node).base)
    yield _table(account)
    yield f"Ranges hold 5 to 95 % of {DRAWS:,} draws of all figures; bounds and sources: oxmc energy RUN --all"


def _answer(account: Account, node: str) -> str:
    """The training at a node, and the other parts."""
    bands = account.part_bands(node)
    parts = [
        f"{name} {_three(part.ledger.total_j)} uJ ({_span(bands[name])})" for name, part in account.parts(node).items()
    ]
    return f"at {node}: {', '.join(parts)}"


def _table(account: Account) -> Table:
    """The training's components at each node, the first node's largest first."""
    trainings = {node: ledger_of_part(ledger, HEADLINE) for node, ledger in account.ledgers.items()}
    sums = {node: training.by_component() for node, training in trainings.items()}
    names = sorted(dict.fromkeys(name for each in sums.values() for name in each), key=lambda name: _order(sums, name))
    small = [name for name in names if all(_share(trainings[node], sums[node], [name]) < LEAST_SHARE for node in sums)]
    rows = [[name] for name in names if name not in small or len(small) < 2] + [small] * (len(small) > 1)
    in_nj = next(iter(trainings.values())).total_j < 1e-6
    unit, scale = ("nJ", 1e9) if in_nj else ("uJ", 1e6)
    table = Table(HEADLINE, box=None, pad_edge=False, show_footer=True)
    table.columns[0].footer = "total"
    for node, training in trainings.items():
        total, _, span = _cells(training, sums[node], names, scale)
        table.add_column(f"{Path(node).name}, {unit}", footer=total, justify="right", overflow="fold")
        table.add_column("of it", justify="right")
        table.add_column(f"5 to 95 %, {unit}", footer=span, justify="right")
    for row in rows:
        cells = [text for node, training in trainings.items() for text in _cells(training, sums[node], row, scale)]
        table.add_row(row[0] if len(row) == 1 else f"{len(row)} others", *cells)
    return table


def _order(sums: dict[str, dict[str, float]], name: str) -> float:
    return -next(iter(sums.values())).get(name, 0.0)


def _cells(training: Ledger, sums: dict[str, float], names: list[str], scale: float) -> tuple[str, str, str]:
    """Joules times `scale`, share and range of some components."""
    own = Ledger(tuple(line for line in training.lines if line.component in names))
    share = f"{100 * _share(training, sums, names):.1f} %"
    return _three(own.total_j, scale), share, _span(uncertainty(own).total, scale) if own.lines else "-"


def _share(training: Ledger, sums: dict[str, float], names: list[str]) -> float:
    return sum(sums.get(name, 0.0) for name in names) / training.total_j if training.total_j else 0.0


def _three(joules: float, scale: float = 1e6) -> str:
    return f"{joules * scale:.3g}"


def _span(band: Band, scale: float = 1e6) -> str:
    return f"{_three(band.low, scale)} to {_three(band.high, scale)}"
