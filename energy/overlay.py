"""A cost table that changes a few figures of a node's: `base`, and under `[change]` each figure by its name.

    base = "28nm"
    [change]
    "adc, conversion of an evaluation" = { value = 5e-13, low = 2e-13, high = 1e-12, source = "our converter, chip B" }

A name is component and action as `oxmc energy RUN --all` shows them; where these are several figures, the event or
quantity follows in parentheses. All entries that quote the figure change with it, unless they are named, too. Without
`low` and `high` the interval keeps its ratio to the value.

`assumptions.toml` has overlays with names, for `--node 28nm:NAME`.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from oxmc.energy.costs import NODES, Cost, CostTable, Rule, check_text, interval, load_costs, rule_of
from oxmc.pymodels.errors import InputError, shown

ALL = "as-before"
"""Name of all assumptions together."""
CHANGED_KEYS = ("value", "low", "high", "source")


def overlay(name: str, file: str, table: Mapping[str, Any]) -> CostTable:
    """The base's table with the figures of `table`, read from `file`, in their places. Raises `InputError`."""
    rule = rule_of(file)
    for key in table:
        rule(key in ("base", "change"), f"an overlay must have base and change, not {shown(key)}")
    node: Any = table["base"]
    changes: Any = table.get("change")
    rule(node in list(NODES), f"base must be one of {', '.join(NODES)}, not {shown(node)}{_near(node, NODES)}")
    rule(
        isinstance(changes, dict) and changes != {},
        f"change must be a table of figures, [change], not {shown(changes)}",
    )
    base = load_costs(node)
    named = {key: _named(file, key, base) for key in changes}
    followers = {cost.figure: key for key, costs in named.items() for cost in costs}
    owners = {id(cost): key for key, costs in named.items() for cost in costs}
    changed = {key: _change(f"{file}, change, {key}", changes[key], costs[0], node) for key, costs in named.items()}
    merged = []
    for cost in base.costs:
        of = owners.get(id(cost)) or followers.get(cost.figure)
        merged.append(dataclasses.replace(cost, **changed[of]) if of else cost)
    return CostTable(name, tuple(merged), base=node, changed=tuple(changes))


def assumed(node: str, name: str) -> CostTable:
    """The table of a node under an assumption of `assumptions.toml`. Raises `InputError` for another name."""
    known = tomllib.loads((resources.files("oxmc.energy") / "assumptions.toml").read_text())
    names = [*known, ALL]
    if name not in names:
        raise InputError(
            f"--node must name one of {', '.join(names)} after {node}:, not {shown(name)}{_near(name, names)}"
        )
    change = {key: entry for of in known if name in (of, ALL) for key, entry in known[of].items()}
    return overlay(f"{node}:{name}", "assumptions.toml", {"base": node, "change": change})


def _named(file: str, key: str, base: CostTable) -> list[Cost]:
    """The entries of the base that a name stands for: all quote one figure."""
    short: dict[str, list[Cost]] = {}
    for cost in base.costs:
        short.setdefault(f"{cost.component}, {cost.action}", []).append(cost)
    exact = {f"{name} ({cost.item})": [cost] for name, costs in short.items() for cost in costs}
    found = exact.get(key) or short.get(key)
    if not found:
        raise InputError(
            f"{file}: change must name figures of {base.name}, not {shown(key)}{_near(key, [*short, *exact])}"
        )
    if len({cost.figure for cost in found}) > 1:
        names = ", ".join(f"{key} ({cost.item})" for cost in found)
        raise InputError(f"{file}: change must name one figure, and {shown(key)} is several: {names}")
    return found


def _near(name: Any, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0) if isinstance(name, str) else []
    return f"; did you mean {shown(close[0])}?" if close else ""


def _change(where: str, entry: Any, cost: Cost, node: str) -> dict[str, Any]:
    """What changes in every entry that quotes the figure of `cost`."""
    rule: Rule = rule_of(where)
    rule(isinstance(entry, dict), f"must be a table of {', '.join(CHANGED_KEYS)}, not {shown(entry)}")
    for key in entry:
        rule(key in CHANGED_KEYS, f"every key must be one of {', '.join(CHANGED_KEYS)}, not {shown(key)}")
    check_text("source", entry.get("source"), rule)
    rule(("low" in entry) == ("high" in entry), "low and high must be given together")
    kept = {"low": cost.low, "high": cost.high}
    if "low" not in entry and cost.value:
        value = interval({"value": entry.get("value"), "low": 0, "high": entry.get("value")}, rule)[0]
        kept = {key: end * (value / cost.value) for key, end in kept.items()}
    value, low, high = interval(kept | entry, rule)
    rule(cost.physics is None or value == 1.0, f"value must be 1 where physics gives the factor, not {value:g}")
    source = f"{entry['source']} In place of {cost.value:.4g} {cost.unit} at {node}."
    return {"value": value, "low": low, "high": high, "source": source}
