"""What an event costs each block of the logic, as tables of a page, and how far off that is."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources

from oxmc.energy.costs import NODES, Cost, load_costs
from oxmc.energy.point import WITH_OPTIONS
from oxmc.pymodels.events import EVENTS
from oxmc.silicon.gate_table import CLOCK_SUFFIX, block_errors

USUAL = ("paper", "wide")
"""The chips whose columns every page has."""
OFF = "A range holds the errors that were seen: [how far off the costs are](README.md#how-far-off-the-costs-are)."


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    """A Markdown table, an empty line after it."""
    head = list(head)
    return [_row(*head), "|---" * len(head) + "|", *(_row(*row) for row in rows), ""]


def joules_table(name: str) -> list[str]:
    """What an event costs a block, logic and gated clock together, without and with options of the chain."""
    variants = {f"`{name}`": name, f"`{name}`, with options of the chain": WITH_OPTIONS.get(name, "")}
    lines: list[str] = []
    for words, paid in variants.items():
        if priced := _priced(paid):
            rows = ((_counted(*key), EVENTS[key[0]], *energies) for key, energies in priced.items())
            lines += [f"{words}:\n", *table(("event", "what is counted", *(f"fJ, {node}" for node in NODES)), rows)]
    return lines


def _counted(item: str, per: tuple[str, ...]) -> str:
    """An event and what its joules go with."""
    return " x ".join(f"`{each}`" for each in (item, *per))


def _priced(block: str) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Joules of each event and factor by node, in fJ with the range."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for node in NODES:
        sums: dict[tuple[str, tuple[str, ...]], list[Cost]] = {}
        for cost in load_costs(node).costs:
            if cost.block == block:
                sums.setdefault((cost.item, cost.per), []).append(cost)
        for key, costs in sums.items():
            found.setdefault(key, []).append(_femto(costs))
    return found


def _femto(costs: list[Cost]) -> str:
    value, low, high = (1e15 * sum(getattr(cost, name) for cost in costs) for name in ("value", "low", "high"))
    return f"{_digits(value, 3)} ({_digits(low, 2)} to {_digits(high, 2)})"


def _digits(value: float, digits: int) -> str:
    """With that many digits, and no exponent where a number is large."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if rounded >= 10**digits else f"{rounded:g}"


HELD_OUT = """\
## How far off the costs are

The costs are fitted to trainings on the gates (`make power`). Each chip trains a second time, with another seed, split
and size. Nothing is fitted to that run. `share` is a block's part of what was measured there, logic and gated clock
together. `error` is what the costs predict over what was measured, less one:
"""


def held_out() -> list[str]:
    """The check of the logic's costs, block by block, and by chip."""
    found = tomllib.loads(resources.files("oxmc.energy").joinpath("tables", "gates_130nm.toml").read_text())["held_out"]
    names = dict.fromkeys(_plain(name) for chip in USUAL for name in found[chip])
    checks = {chip: _check(found[chip]) for chip in found}
    rows = [(f"`{name}`", *(cell for chip in USUAL for cell in checks[chip].get(name, ("", "")))) for name in names]
    rows.append(("**all**", *(cell for chip in USUAL for cell in ("", checks[chip][""][1]))))
    others = ", ".join(f"`{chip}` {check[''][1]}" for chip, check in checks.items() if chip not in USUAL)
    head = ("block", *(f"{what}, `{chip}`" for chip in USUAL for what in ("share", "error")))
    narrow = "`narrow` has fewer bits and features; nothing is fitted to it."
    return [*table(head, rows), f"Whole chips of the other cases: {others}. {narrow}\n"]


def _plain(name: str) -> str:
    return name.removesuffix(CLOCK_SUFFIX).removesuffix(" with options")


def _check(entries: Mapping[str, tuple[float, float]]) -> dict[str, tuple[str, str]]:
    """Share and error of each block in a chip's check, and of all under the empty name."""
    whole = sum(energy for energy, _ in entries.values())
    measured: dict[str, float] = defaultdict(float)
    for name, (energy, _) in entries.items():
        measured[_plain(name)] += energy
    errors = block_errors({name.replace(" with options", ""): entry for name, entry in entries.items()})
    found = {name: (f"{energy / whole:.1%}", f"{errors[name]:+.1%}") for name, energy in measured.items()}
    return {**found, "": ("", f"{sum(energy * error for energy, error in entries.values()) / whole:+.1%}")}
