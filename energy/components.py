"""A cost table by component, as estimators of other projects want it: actions by the count, leakage by the second.

What is priced by the clock cycle and its period is a power: it is no action, but counts with the time on the chip.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict

from oxmc.energy.accelergy import action_names
from oxmc.energy.costs import Cost, CostTable
from oxmc.energy.point import OperatingPoint


@dataclasses.dataclass(frozen=True)
class Component:
    """Costs of one component: `actions` by the names of the Accelergy files, and `powers`."""

    actions: dict[str, Cost]
    powers: tuple[Cost, ...]

    def leak_power_w(self, point: OperatingPoint) -> float:
        return math.fsum(cost.value * power_factor(cost, point) for cost in self.powers)


def is_power(cost: Cost) -> bool:
    """Whether joules go with seconds, whatever the clock."""
    return cost.item == "cycle" and cost.per.count("period_s") == 1


def power_factor(cost: Cost, point: OperatingPoint) -> float:
    """Watts a unit of `value` of a cost that is a power."""
    return cost.factor(point) / point.period_s


def components(costs: CostTable) -> dict[str, Component]:
    """All components of a table, by name."""
    names = action_names(costs)
    actions: dict[str, dict[str, Cost]] = defaultdict(dict)
    powers: dict[str, list[Cost]] = defaultdict(list)
    for cost in costs.costs:
        own = actions[cost.component]  # a component may have powers alone
        if is_power(cost):
            powers[cost.component].append(cost)
        else:
            own[names[cost.component, cost.action, cost.item]] = cost
    return {name: Component(own, tuple(powers[name])) for name, own in actions.items()}
