"""A run's counts and prices as Accelergy reads them: action counts and an energy reference table, version 0.4.

Y. N. Wu, J. S. Emer, V. Sze, Accelergy, ICCAD 2019. Components are `oxmc.NAME`; an action is a cost, its energy in pJ
for one count at the run's operating point. The format has no intervals, sources or phases: intervals and sources stand
in comments ahead of the energies, phases stay in our own report. Tables of area (ART) are not written: areas
are in our own report.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import yaml

from oxmc.energy.costs import Cost, CostTable
from oxmc.energy.ledger import Ledger
from oxmc.energy.point import OperatingPoint

VERSION = 0.4
SYSTEM = "oxmc"
PICO = 1e-12


def action_names(costs: CostTable) -> dict[tuple[str, str, str], str]:
    """A name for each cost, by component, action and item; the item is in it where an action prices several."""
    names, items = {}, defaultdict(set)
    for cost in costs.costs:
        items[cost.component, cost.action].add(cost.item)
    for cost in costs.costs:
        several = len(items[cost.component, cost.action]) > 1
        text = f"{cost.action} {cost.item}" if several else cost.action
        names[cost.component, cost.action, cost.item] = re.sub(r"\W+", "_", text).strip("_")
    return names


def energy_reference_table(costs: CostTable, point: OperatingPoint) -> dict[str, Any]:
    """Every cost of the table in pJ a count."""
    names = action_names(costs)

    def action(cost: Cost) -> dict[str, Any]:
        energy = cost.value * cost.factor(point) / PICO
        return {"name": names[cost.component, cost.action, cost.item], "arguments": {}, "energy": energy}

    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for cost in costs.costs:
        tables[cost.component].append(action(cost))
    entries = [{"name": f"{SYSTEM}.{component}", "actions": actions} for component, actions in tables.items()]
    return {"ERT": {"version": VERSION, "tables": entries}}


def action_counts(ledger: Ledger, costs: CostTable) -> dict[str, Any]:
    """How often the run did what each cost prices, all phases together."""
    names = action_names(costs)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in ledger.lines:
        counts[line.component][names[line.component, line.action, line.item]] += line.count
    local = [
        {
            "name": f"{SYSTEM}.{component}",
            "action_counts": [{"name": name, "counts": count} for name, count in actions.items()],
        }
        for component, actions in counts.items()
    ]
    return {"action_counts": {"version": VERSION, "local": local}}


def comments(costs: CostTable, point: OperatingPoint) -> str:
    """Every source with the actions whose energy it gives, in pJ with low and high, as comments."""
    names, groups = action_names(costs), defaultdict(list)
    for cost in costs.costs:
        value, low, high = (figure * cost.factor(point) / PICO for figure in (cost.value, cost.low, cost.high))
        name = f"{SYSTEM}.{cost.component} {names[cost.component, cost.action, cost.item]}"
        groups[cost.source].append(f"#   {name}: {value:.4g} ({low:.3g} - {high:.3g})")
    head = (
        f"# Energies of one count in pJ, cost table {costs.name}; behind each source, its actions with their interval."
    )
    return "\n".join([head, *(line for source, lines in groups.items() for line in (f"# {source}", *lines)), ""])


def files(ledger: Ledger, costs: CostTable, point: OperatingPoint) -> dict[str, str]:
    """Both files as YAML, by name."""
    contents = {"action_counts.yaml": action_counts(ledger, costs), "ERT.yaml": energy_reference_table(costs, point)}
    texts = {name: yaml.safe_dump(content, sort_keys=False) for name, content in contents.items()}
    return texts | {"ERT.yaml": comments(costs, point) + texts["ERT.yaml"]}
