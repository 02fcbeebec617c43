"""Our cost tables as component models of hwcomponents, the estimator of CiMLoop and AccelForge (Python 3.12 or newer).

T. Andrulis, J. S. Emer, V. Sze, CiMLoop, ISPASS 2024. A model a component: `oxmc_array`, `oxmc_adc` and so on; an
action a cost, by its name in the Accelergy files. Its energy, in J, is that of one count at the operating point of a
configuration, so that counts x energies + leak_power x seconds on the chip are the ledger's joules. Interval and
source of a figure are in the messages that the estimator keeps with each estimate.

Actions take no time of their own here (latency 0, throughput infinite): the chip's time is in its count of cycles.
The area is not a number here, since that of the pumps follows from a run: `oxmc energy RUN --format json` has it.

Only this module imports hwcomponents. The module `hwcomponents_oxmc` is where hwcomponents looks for models.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hwcomponents import ActionCost, ComponentModel, action

from oxmc.energy.components import Component, components, power_factor
from oxmc.energy.costs import NODES, Cost, CostTable
from oxmc.energy.point import OperatingPoint
from oxmc.pymodels.config import DEFAULT_PRESET, load_toml, resolve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import EVENTS, QUANTITIES
from oxmc.run.checked import checked_run
from oxmc.run.result import costs_of
from oxmc.silicon.chip_point import point_of


@cache
def _point(task: str, preset: str, config: str | None, run: str | None) -> OperatingPoint:
    if run is not None:
        return point_of(checked_run(Path(run)).config)
    return point_of(resolve(task, preset, toml=load_toml(Path(config)) if config is not None else None))


class _Model(ComponentModel):
    """One component of the chip, priced at a node's costs.

    `task` and `preset` give the configuration, changed by the TOML file `config`; or a run directory `run` gives it.
    `node` is one of ours or a cost table's file, as for `oxmc energy`. Raises `InputError` where that would.
    """

    oxmc_name = ""
    """Name of the component in the cost tables."""

    def __init__(
        self,
        task: str = "cancer",
        preset: str = DEFAULT_PRESET,
        config: str | None = None,
        run: str | None = None,
        node: str = "28nm",
    ) -> None:
        self.node = node
        self.point = _point(task, preset, config, run)
        self.costs = components(costs_of(node)).get(self.oxmc_name, Component({}, ()))
        super().__init__(leak_power=self.costs.leak_power_w(self.point), area=math.nan)
        for cost in self.costs.powers:
            self._tell(cost, power_factor(cost, self.point), "W")

    def price(self, name: str) -> ActionCost:
        """What one count of an action costs. Raises `InputError` for one that the node's table does not have."""
        if name not in self.costs.actions:
            raise InputError(f"cost table {self.node} must price {self.oxmc_name}, {name}")
        cost = self.costs.actions[name]
        factor = cost.factor(self.point)
        self._tell(cost, factor, "J")
        return ActionCost(energy=cost.value * factor, latency=0.0, throughput=math.inf)

    def _tell(self, cost: Cost, factor: float, unit: str) -> None:
        value, low, high = (f"{figure * factor:.4g}" for figure in (cost.value, cost.low, cost.high))
        self.logger.info(f"{cost.component}, {cost.action}: {value} {unit} ({low} to {high}). {cost.source}")


def _action(name: str, cost: Cost) -> Callable[..., Any]:
    def priced(self: _Model) -> ActionCost:
        return self.price(name)

    priced.__name__ = name
    priced.__doc__ = f"{cost.action}, for each count of {cost.item}: {(EVENTS | QUANTITIES)[cost.item]}"
    return action(priced)


def component_models(*tables: CostTable) -> list[type[_Model]]:
    """A model for each component of `tables`, by default those of our nodes, with an action for each of their costs."""
    actions: dict[str, dict[str, Cost]] = {}
    for table in tables or map(costs_of, NODES):
        for component, costs in components(table).items():
            actions.setdefault(component, {}).update(costs.actions)
    return [_model(component, costs) for component, costs in actions.items()]


def _model(component: str, costs: dict[str, Cost]) -> type[_Model]:
    name = f"oxmc_{component}"
    body: dict[str, Any] = {key: _action(key, cost) for key, cost in costs.items()}
    body |= {"component_name": name, "oxmc_name": component, "__doc__": _Model.__doc__, "__module__": __name__}
    return type(name.title().replace("_", ""), (_Model,), body)
