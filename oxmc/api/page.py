"""How a run shows itself, as a line or two of text and as a table in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from oxmc.pymodels.errors import printable
from oxmc.run.interval import interval_of, tested_on


def lines_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What a reader wants to know first of a run.json, by name."""
    result, chain = record["result"], record["chain"]
    (low, high), _ = interval_of(record)
    interval = f"95 % interval {low:.4f} to {high:.4f} of {tested_on(record)[1]}"
    rows = [("result", f"test {result['metric']} {result['value']:.4f}, {interval}")]
    if repeats := record.get("repeats"):
        spread = f"5 to 95 % of them {repeats['low']:.4f} to {repeats['high']:.4f}"
        rows = [("repeats", f"{repeats['n']}, mean test {result['metric']} {repeats['mean']:.4f}, {spread}")]
    unfinished = "" if result["complete"] else ", not complete"
    rows.append(("rows", f"{result['rows_used']} of {record['config']['rows']}{unfinished}"))
    rows.append(("proposals", f"{chain['proposals']}, acceptance {chain['acceptance']:.3f}"))
    rows += [(f"energy at {node}", _joules(joules)) for node, joules in record["energy_j"].items()]
    if chains := record.get("chains"):
        rhat = "unknown" if chains["rhat_max"] is None else f"at most {chains['rhat_max']:.2f}"
        rows.append(("chains", f"{chains['n']}, R-hat {rhat}; result, rows and proposals are the first's"))
    rows += [("warning", warning) for warning in record.get("warnings", [])]
    return rows + [("note", note) for note in record["notes"]]


def title_of(record: dict[str, Any]) -> str:
    return f"{record['task']} {record['preset']} on {record['engine']}, seed {record['seed']}"


def _joules(joules: dict[str, Any]) -> str:
    """Joules and their range, which is wider than the 5 to 95 % that `oxmc energy` shows beside."""
    total, low, high = (joules[name] * 1e6 for name in ("total", "low", "high"))
    return f"{total:.3g} uJ ({low:.3g} to {high:.3g}, every cost at its lower, then its upper bound)"


def text(record: dict[str, Any]) -> str:
    """Plain text, a line a figure."""
    lines = lines_of(record)
    width = max(len(name) for name, _ in lines)
    return printable("\n".join([f"Run: {title_of(record)}", *(f"  {name:<{width}}  {value}" for name, value in lines)]))


def html(record: dict[str, Any]) -> str:
    """The same as a table; a notebook's own colours, whatever they are."""
    return table_html(title_of(record), lines_of(record))


def table_html(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Two columns under a caption."""
    body = "".join(
        f'<tr><th style="text-align:left">{escape(printable(name))}</th>'
        f'<td style="text-align:left">{escape(printable(value))}</td></tr>'
        for name, value in rows
    )
    return f'<table><caption style="text-align:left">{escape(printable(title))}</caption>{body}</table>'
