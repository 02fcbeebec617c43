"""A figure of the array model beside the circuit's, and how far apart the two may be, with the reason."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple


class Limit(NamedTuple):
    """The circuit's figure must be from `least` to `most` times the array model's."""

    least: float
    most: float
    why: str


LIMITS = {
    "SET current": Limit(0.85, 1.2, "by the gate voltage: the PDK's transistor is not the card's, read to 10 %"),
    "SET": Limit(0.94, 1.06, "the card's median at the circuit's own current; the card's points are read to 10 %"),
    "SET, wider": Limit(0.85, 1.15, "a card has one law for 100 ns to 1 us; a filament goes on growing with log time"),
    "SET from elsewhere": Limit(0.98, 1.02, "after a RESET the array forgets; beside the same SET from 5 uS"),
    "SET joules": Limit(0.95, 1.05, "the selector holds its current all along, but for the first ns"),
    "RESET": Limit(0.8, 1.25, "the card's median LCS, which is an assumption, whatever was SET"),
    "RESET, wider": Limit(0.7, 1.25, "the same by a pulse that opens the gap further"),
    "RESET joules, at once": Limit(0.1, 1.0, "a filament that opens within ns; the array's is the mean of both ends"),
    "RESET joules, never": Limit(1.0, 2.0, "one that holds to the end; the truth lies between, no data says where"),
    "RESET current": Limit(0.6, 1.1, "at first: Ohm's law over the cell alone leaves out the selector, which limits"),
    "gate": Limit(0.59, 1.7, "the PDK's oxide against the cost table's assumption, whose interval is x/: 1.7"),
    "wire": Limit(0.9999, 1.0001, "the same linear equations by ladder and by nodal analysis; the ladder rounds to nS"),
    "gain": Limit(0.97, 1.03, "of selector and I(V) the array has terms of first order, odd ones"),
    "error": Limit(0.0, 1.0, "half a step of the ADC, r.m.s.; what it does to decisions is measured in the loop"),
    "offset": Limit(0.97, 1.03, "an offset adds what the cells let through at 0 V, where a selector bends them less"),
    "EVAL joules": Limit(0.75, 1.02, "the array's are of conductances at READ: an upper bound behind wires"),
}
"""By kind of figure."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of a kind of `LIMITS`: what it is of, in which unit, and both values."""

    kind: str
    of: str
    unit: str
    array: float
    circuit: float

    @property
    def ratio(self) -> float:
        return self.circuit / self.array

    @property
    def holds(self) -> bool:
        limit = LIMITS[self.kind]
        return limit.least <= self.ratio <= limit.most

    def line(self) -> str:
        """A line of a Markdown table."""
        limit = LIMITS[self.kind]
        return (
            f"| {self.kind} | {self.of} | {self.unit} | {self.array:.4g} | {self.circuit:.4g} | {self.ratio:.4g} | "
            f"{limit.least:g} to {limit.most:g} |"
        )


HEAD = "| figure | of | unit | array model | circuit | ratio | allowed |\n|---|---|---|---|---|---|---|"
