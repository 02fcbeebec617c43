"""The joules of a run at a technology node."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from oxmc.energy.ledger import Ledger


@dataclasses.dataclass(frozen=True)
class Energy:
    """Joules of a whole run at `node`: `total`, and `low` to `high` with all figures at their bounds.

    `components` are the ledger's lines, each a dict with `name`, `action`, `phase`, `count`, `energy_j`, `low`, `high`
    and `source` among others, as `oxmc energy --format json` prints them; their `energy_j` sum to `total`.
    """

    node: str
    total: float
    low: float
    high: float
    components: list[dict[str, Any]] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, node: str, ledger: Ledger) -> Energy:
        lines = [line.as_json() for line in ledger.lines]
        return cls(node, ledger.total_j, ledger.low_j, ledger.high_j, lines)

    @property
    def by_component(self) -> dict[str, float]:
        """Joules of each component, the largest first."""
        names = dict.fromkeys(line["name"] for line in self.components)
        sums = {name: math.fsum(x["energy_j"] for x in self.components if x["name"] == name) for name in names}
        return dict(sorted(sums.items(), key=lambda pair: -pair[1]))
