"""The record of `oxmc bench` as tables for a terminal and as a file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from oxmc.energy.costs import NODES
from oxmc.pymodels.whole import check_writable, write_file
from oxmc.speed.asked import MOST_EXPONENT, RATIOS


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _machine(record: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in record["machine"].items():
        table.add_row(name.replace("_", " "), " ".join(map(str, value)) if isinstance(value, list) else str(value))
    table.add_row("measured in", f"{record['wall_s']:.0f} s")
    return table


def _ratios(record: dict[str, Any]) -> Table:
    table = Table("ratio", "measured", "limit", "kept", "what it is")
    for name, value in record["ratios"].items():
        asked = record["asked"][name]
        table.add_row(name, _number(value), asked["asked"], "yes" if asked["met"] else "no", RATIOS[name].meaning)
    return table


def _scaling(record: dict[str, Any]) -> Table:
    table = Table(
        "size n", "from", "to", "time as n to the power of", "in the top decade", "cycles as n to the power of",
        "in the top decade", "limit", "kept",
    )  # fmt: skip

    for axis, fit in record["scaling"].items():
        keys = ("time_exponent", "top_time_exponent", "cycles_exponent", "top_cycles_exponent")
        met = all(fit[key] <= MOST_EXPONENT for key in keys)
        numbers = [f"{fit[key]:.2f}" for key in keys]
        sizes = [str(fit["sizes"][0]), str(fit["sizes"][-1])]
        table.add_row(axis, *sizes, *numbers, f"<= {MOST_EXPONENT:g}", "yes" if met else "no")
    return table


def _energy(record: dict[str, Any]) -> Table:
    """A training on the processor, in real numbers, over the same training and test on the chip."""
    table = Table("training on the processor", "time, ms", "energy, J", "power, W")
    for node in NODES:
        table.add_column(f"times the chip's energy, {node}", justify="right")
    for name, found in record["energy"].items():
        numbers = (found["seconds"] * 1e3, found["joules"], found["power_w"], *found["over_chip"].values())
        table.add_row(name, *map(_number, numbers))
    last = next(reversed(record["energy"].values()))
    table.caption = (
        f"power: {last['source']}; chip: {last['chip_source']}; the paper gives {last['paper_cpu_j']:g} J for a "
        f"workstation: {last['paper_source']}"
    )
    return table


def _raw(record: dict[str, Any]) -> Table:
    table = Table("raw figure", "median", "least", "most", "unit", "times measured")
    for name, figure in record["raw"].items():
        numbers = [_number(figure[key]) for key in ("median", "min", "max")]
        table.add_row(name, *numbers, figure["unit"], str(figure["n"]))
    return table


def text(record: dict[str, Any]) -> Group:
    """All of the record, for a terminal."""
    parts = [_machine(record)]
    if record["ratios"]:
        parts.append(_ratios(record))
    if record["scaling"]:
        parts.append(_scaling(record))
    if record["energy"]:
        parts.append(_energy(record))
    skipped = Table(show_header=False, box=None, pad_edge=False)
    for name, reason in record["skipped"].items():
        skipped.add_row(f"left out: {name} {reason}")
    raw = [_raw(record)] if record["raw"] else []
    return Group(*parts, *raw, *([skipped] if record["skipped"] else []))


@contextlib.contextmanager
def output(out: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Writes a record to file `out`, whole or not at all; found out ahead of minutes of measuring if it cannot be.

    Raises `InputError` unless `out` can be written.
    """
    if out is None:
        yield lambda record: None
        return
    check_writable(out)
    yield lambda record: write_file(out, json.dumps(record, indent=2) + "\n")
