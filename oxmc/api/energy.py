"""The joules of a run at a technology node."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from oxmc.energy.ledger import Ledger


@dataclasses.dataclass(frozen=True, repr=False)
class Energy:
    """Joules of a whole run at `node`: `total`, and `low` to `high` with every cost at its lower, then its upper bound.

    `components` are the ledger's lines, each a dict with `name`, `action`, `phase`, `count`, `energy_j`, `low`, `high`
    and `source` among others, as `oxmc energy --format json` prints them; their `energy_j` sum to `total`.
    docs/reference/energy.md has the cost tables and what their figures rest on.
    """

    node: str
    total: float
    low: float
    high: float
    components: list[dict[str, Any]]

    @classmethod
    def of(cls, node: str, ledger: Ledger) -> Energy:
        """The joules of a ledger, which has the costs of `node`."""
        lines = [line.as_json() for line in ledger.lines]
        return cls(node, ledger.total_j, ledger.low_j, ledger.high_j, lines)

    def __repr__(self) -> str:
        total, low, high = (joules * 1e6 for joules in (self.total, self.low, self.high))
        span = f"{low:.3g} to {high:.3g}, every cost at its lower, then its upper bound"
        return f"Energy at {self.node}: {total:.3g} uJ ({span})"

    @property
    def by_component(self) -> dict[str, float]:
        """Joules of each component, the largest first."""
        names = dict.fromkeys(line["name"] for line in self.components)
        sums = {name: math.fsum(x["energy_j"] for x in self.components if x["name"] == name) for name in names}
        return dict(sorted(sums.items(), key=lambda pair: -pair[1]))
