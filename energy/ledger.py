"""The ledger: counts times costs, one line a cost and phase, and nothing but sums on top."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from oxmc.energy.costs import CostTable
from oxmc.energy.point import OperatingPoint
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES, QUANTITY_OF, check_names

PAID_LIMIT = 1e-12
"""Relative difference allowed between two ways to sum the same joules: rounding of some 100 products."""


@dataclasses.dataclass(frozen=True)
class Line:
    """`count` times one cost in one phase, in J. `item` is the event or quantity counted."""

    component: str
    action: str
    phase: str
    count: int
    energy_j: float
    low: float
    high: float
    source: str
    item: str
    physics: str | None = None
    figure: str = ""
    """Name of the figure in the cost table; lines of one figure err together (`energy/interval.py`)."""
    value: float = 0.0
    """The cost's value, in `unit`; `energy_j` is count x value x `factor`, whose names are in `per`."""
    unit: str = ""
    factor: float = 0.0
    per: tuple[str, ...] = ()

    @property
    def multipliers(self) -> str:
        """What `factor` is the product of, in words."""
        return " x ".join((*self.per, *([f"physics of {self.physics}"] if self.physics else [])))

    def as_json(self) -> dict[str, Any]:
        names = ("action", "phase", "count", "energy_j", "low", "high", "source", "item", "value", "unit", "factor")
        return {"name": self.component, **{name: getattr(self, name) for name in names}, "per": self.multipliers}


@dataclasses.dataclass(frozen=True)
class Ledger:
    """All lines of a run and their sums, in J.

    `low_j` and `high_j` sum the lines' bounds: the widest interval, reached if all figures err the same way at once.
    """

    lines: tuple[Line, ...]

    @property
    def total_j(self) -> float:
        return math.fsum(line.energy_j for line in self.lines)

    @property
    def low_j(self) -> float:
        return math.fsum(line.low for line in self.lines)

    @property
    def high_j(self) -> float:
        return math.fsum(line.high for line in self.lines)

    def by_component(self) -> dict[str, float]:
        return self._sums("component")

    def by_phase(self) -> dict[str, float]:
        return self._sums("phase")

    def array_j(self, phase: str | None = None) -> float:
        """Joules in the cells themselves, of one phase or of all."""
        if phase is not None:
            check_names([phase], PHASES, "phase")
        return math.fsum(line.energy_j for line in self.lines if line.physics and phase in (None, line.phase))

    def as_json(self) -> dict[str, Any]:
        """The node's part of the energy report; `math.fsum` of the components' `energy_j` is `total` exactly."""
        components = [line.as_json() for line in self.lines]
        return {"total": self.total_j, "low": self.low_j, "high": self.high_j, "components": components}

    def _sums(self, key: str) -> dict[str, float]:
        names = dict.fromkeys(getattr(line, key) for line in self.lines)
        return {name: math.fsum(line.energy_j for line in self.lines if getattr(line, key) == name) for name in names}


def account(
    counts: Mapping[str, Mapping[str, int]],
    quantities: Mapping[str, Mapping[str, int]],
    point: OperatingPoint,
    costs: CostTable,
) -> Ledger:
    """The ledger of a run from its events and quantities a phase: {phase: {name: count}}.

    Raises `KeyError` for a phase, event or quantity that `events.py` does not name, `InputError` for a count that is
    no integer >= 0 or has no cost in the table, `RunError` for an array quantity whose operation was never counted.
    """
    _check_counts(counts, EVENTS, "event")
    _check_counts(quantities, QUANTITIES, "quantity")
    _check_operations(counts, quantities)
    lines = []
    for phase in PHASES:
        for name, count in {**counts.get(phase, {}), **quantities.get(phase, {})}.items():
            if count:
                lines += _lines(phase, name, int(count), point, costs)
    return Ledger(tuple(lines))


def _lines(phase: str, item: str, count: int, point: OperatingPoint, costs: CostTable) -> list[Line]:
    pricing = costs.pricing(item)
    if not pricing:
        raise InputError(f"cost table {costs.name} must price {item}, counted {count} times in phase {phase}")
    lines = []
    for cost in pricing:
        if not cost.is_built(point):
            continue
        factor = cost.factor(point)
        joules = count * factor
        energies = (joules * cost.value, joules * cost.low, joules * cost.high)
        lines.append(
            Line(
                cost.component, cost.action, phase, count, *energies, cost.source, item, cost.physics,
                costs.figure_name(cost), cost.value, cost.unit, factor, cost.per,
            )
        )  # fmt: skip
    return lines


def _check_counts(table: Mapping[str, Mapping[str, int]], known: Mapping[str, str], what: str) -> None:
    check_names(table, PHASES, "phase")
    for phase, row in table.items():
        check_names(row, known, what)
        for name, count in row.items():
            if not isinstance(count, Integral) or count < 0:
                raise InputError(f"{what} {name} in phase {phase} must be counted by an integer >= 0, not {count!r}")


def _check_operations(counts: Mapping[str, Mapping[str, int]], quantities: Mapping[str, Mapping[str, int]]) -> None:
    """No joules without an operation: this catches an event that is dropped on its way here."""
    for phase, row in quantities.items():
        for operation, quantity in QUANTITY_OF.items():
            if row.get(quantity) and not counts.get(phase, {}).get(operation):
                raise RunError(f"{quantity} is {row[quantity]} in phase {phase}, but no {operation} was counted there")


def check_paid_once(
    ledger: Ledger,
    counts: Mapping[str, Mapping[str, int]],
    quantities: Mapping[str, Mapping[str, int]],
    point: OperatingPoint,
    costs: CostTable,
) -> None:
    """Every component's joules are its costs times what was counted in all phases, and the parts make up the total.

    Another way round than `account`, cost by cost and not phase by phase. Raises `RunError` naming the first component
    in which a count is paid twice, half or not at all.
    """
    due: dict[str, list[float]] = {}
    for cost in costs.costs:
        count = sum(table.get(phase, {}).get(cost.item, 0) for table in (counts, quantities) for phase in PHASES)
        due.setdefault(cost.component, []).append(count * cost.factor(point) * cost.value)
    found = ledger.by_component()
    for component in due | found:
        joules, expected = found.get(component, 0.0), math.fsum(due.get(component, ()))
        if not (math.isfinite(joules) and math.isclose(joules, expected, rel_tol=PAID_LIMIT, abs_tol=0.0)):
            raise RunError(f"{component} must be paid {expected:.9g} J for what was counted, not {joules:.9g} J")


def array_energy_error(ledger: Ledger, joules: Mapping[str, Mapping[str, float]]) -> float:
    """Largest relative difference of the ledger's array lines from the array model's own integral.

    `joules` is {phase: {operation: J}}; a phase or operation left out means 0 J. Each pair of phase and operation is
    compared for itself, so that two errors cannot cancel. Infinite where the model has 0 J and the ledger has not, and
    where either is no finite number.
    """
    check_names(joules, PHASES, "phase")
    for row in joules.values():
        check_names(row, QUANTITY_OF, "array operation")
    worst = 0.0
    for phase in PHASES:
        for operation in QUANTITY_OF:
            here = (line.energy_j for line in ledger.lines if (line.phase, line.physics) == (phase, operation))
            worst = max(worst, _relative(math.fsum(here), joules.get(phase, {}).get(operation, 0.0)))
    return worst


def _relative(found: float, expected: float) -> float:
    """Infinite where it is not a number, which `max` would drop."""
    if not (math.isfinite(found) and math.isfinite(expected)):
        return math.inf
    if found == expected:
        return 0.0
    return abs(found - expected) / abs(expected) if expected else math.inf
