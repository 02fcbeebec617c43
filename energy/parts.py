"""A run's joules apart: training, inference, forming, calibration; what a proposal, a prediction, an operation take.

The headline of a run is its training: host words and gate LUT, then the chain. Testing goes with the number of test
points, forming happens once in an array's life, and a calibration now and then, so none of them belongs to it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from oxmc.energy.ledger import Ledger
from oxmc.pymodels.events import QUANTITY_OF

PARTS = {
    "training": ("load", "train"),
    "inference": ("infer",),
    "forming": ("form",),
    "calibration": ("calibrate",),
}
"""Parts and the phases that they are made of; each phase is in one of them."""

HEADLINE = "training"
Counts = Mapping[str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True)
class Part:
    """What one part took: its lines of the ledger, clock cycles and seconds."""

    ledger: Ledger
    cycles: int
    chip_s: float

    @property
    def power_w(self) -> float:
        """Mean power, 0 W of a part that took no time."""
        return self.ledger.total_j / self.chip_s if self.chip_s else 0.0

    def as_json(self) -> dict[str, Any]:
        return bounds(self.ledger) | {"cycles": self.cycles, "chip_s": self.chip_s, "power_w": self.power_w}


def bounds(ledger: Ledger) -> dict[str, float]:
    return {"total": ledger.total_j, "low": ledger.low_j, "high": ledger.high_j}


def ledger_of_part(ledger: Ledger, name: str) -> Ledger:
    """The lines of one part. Raises `KeyError` for a name that `PARTS` does not have."""
    return Ledger(tuple(line for line in ledger.lines if line.phase in PARTS[name]))


def parts_of(ledger: Ledger, events: Counts, clock_hz: float) -> dict[str, Part]:
    """Parts in which anything was counted, in the order of `PARTS`. `events` are those of the run by phase."""
    parts = {}
    for name, phases in PARTS.items():
        own = ledger_of_part(ledger, name)
        cycles = sum(events.get(phase, {}).get("cycle", 0) for phase in phases)
        if own.lines:
            parts[name] = Part(own, cycles, cycles / clock_hz)
    return parts


def per_proposal_j(ledger: Ledger, events: Counts) -> float | None:
    """Joules of the chain over its acceptance decisions; None without any."""
    decisions = events.get("train", {}).get("decision", 0)
    return ledger.by_phase().get("train", 0.0) / decisions if decisions else None


def per_prediction_j(ledger: Ledger, events: Counts) -> float | None:
    """Joules of the inference over the test points classified (actions chosen, with rewards); None without any."""
    classified = events.get("infer", {}).get("classify", 0)
    return ledger.by_phase().get("infer", 0.0) / classified if classified else None


def per_operation_j(ledger: Ledger, events: Counts) -> dict[str, float]:
    """Mean joules of each array operation in training and test (a FORM: in forming), a cell or row segment each.

    That is what the operation itself costs: current, lines and converters. Logic, look-ups, clock and leakage are not
    in it.
    """
    joules = {}
    for operation, quantity in QUANTITY_OF.items():
        phases = PARTS["forming"] if operation == "form" else PARTS[HEADLINE] + PARTS["inference"]
        count = sum(events.get(phase, {}).get(operation, 0) for phase in phases)
        items = (operation, quantity, f"{operation}_pulse")
        priced = [line for line in ledger.lines if line.item in items and line.component not in ("digital", "clock")]
        lines = [line for line in priced if line.phase in phases]
        if count:
            joules[operation] = math.fsum(line.energy_j for line in lines) / count
    return joules


def per_json(ledger: Ledger, events: Counts) -> dict[str, Any]:
    """What a proposal, a prediction and each operation take, in J."""
    return {
        "proposal": per_proposal_j(ledger, events),
        "prediction": per_prediction_j(ledger, events),
        "operation": per_operation_j(ledger, events),
    }


def per_bounds(ledger: Ledger, events: Counts) -> dict[str, dict[str, Any]]:
    """The same with all figures at their lows, and at their highs."""
    ends = {}
    for end in ("low", "high"):
        lines = (dataclasses.replace(line, energy_j=getattr(line, end)) for line in ledger.lines)
        ends[end] = per_json(Ledger(tuple(lines)), events)
    return ends
