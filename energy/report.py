"""The ledger as a table for the terminal."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from rich.table import Table

from energy.ledger import Ledger, Line


def render(ledger: Ledger, title: str = "energy") -> Table:
    """One row a component and action, summed over phases, in nJ, the largest first; the footer has the total."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in ledger.lines:
        groups[line.component, line.action].append(line)
    total = ledger.total_j * 1e9
    table = Table(title=title, show_footer=True)
    table.add_column("component", footer="total")
    table.add_column("action")
    table.add_column("nJ", footer=f"{total:.4g}", justify="right")
    table.add_column("share", justify="right")
    table.add_column("interval, nJ", footer=f"{ledger.low_j * 1e9:.3g} - {ledger.high_j * 1e9:.3g}", justify="right")
    for (component, action), lines in sorted(groups.items(), key=lambda group: -_nj(group[1], "energy_j")):
        energy, low, high = (_nj(lines, key) for key in ("energy_j", "low", "high"))
        share = f"{energy / total:.1%}" if total else "-"
        table.add_row(component, action, f"{energy:.4g}", share, f"{low:.3g} - {high:.3g}")
    return table


def render_components(ledgers: Mapping[str, Ledger]) -> Table:
    """Components against cost tables, in nJ, the first table's largest component first."""
    sums = {name: ledger.by_component() for name, ledger in ledgers.items()}
    table = Table("component", show_footer=True)
    table.columns[0].footer = "total"
    for name, ledger in ledgers.items():
        table.add_column(f"nJ at {name}", footer=f"{ledger.total_j * 1e9:.4g}", justify="right")
        table.add_column("share", justify="right")
    for component in sorted(next(iter(sums.values())), key=lambda key: -next(iter(sums.values()))[key]):
        cells = []
        for name, ledger in ledgers.items():
            energy = sums[name].get(component, 0.0)
            cells += [f"{energy * 1e9:.4g}", f"{energy / ledger.total_j:.1%}" if ledger.total_j else "-"]
        table.add_row(component, *cells)
    return table


def _nj(lines: list[Line], key: str) -> float:
    return math.fsum(getattr(line, key) for line in lines) * 1e9
