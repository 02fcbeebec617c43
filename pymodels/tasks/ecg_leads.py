"""Which channel of a recording is which lead, and in what unit: both by the header, not by position or custom.

Most records of the MIT-BIH database have MLII, then V1. Record 114 lists MLII second; 102 and 104 have none; others
have V2, V4 or V5 in the place of V1. Source: the headers of the database.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np

from oxmc.pymodels.errors import InputError

FIRST, SECOND = ("MLII", "II"), ("V1", "MV1")
"""Names of the leads that features are in order of."""
MILLIVOLTS = {"V": 1e3, "mV": 1.0, "uV": 1e-3, "\u00b5V": 1e-3, "\u03bcV": 1e-3, "nV": 1e-6}
"""Unit of a header in mV; mu is a letter and a sign."""


@dataclasses.dataclass(frozen=True)
class Leads:
    """Two channels of a record: their names as the header lists them, which comes first, whether gains are given."""

    names: tuple[str, str]
    first: int
    calibrated: bool

    @property
    def order(self) -> tuple[int, int]:
        return (self.first, 1 - self.first)

    @property
    def by_name(self) -> bool:
        return self.names[self.first] in FIRST


def leads_of(names: Sequence[str | None], header: str) -> Leads:
    """The leads of a record with channels `names` and the text of its header: MLII first, else as they come."""
    left, right = (name or "without a name" for name in names)
    return Leads((left, right), int(right in FIRST and left not in FIRST), _has_gains(header))


def _has_gains(header: str) -> bool:
    """Whether each signal's line has a gain other than 0, which is its third field."""
    _, *signals = (line.split() for line in header.splitlines() if line.strip() and not line.startswith("#"))
    gains = [re.match(r"[\d.eE+-]*", fields[2]) for fields in signals[:2] if len(fields) > 2]
    return len(gains) == 2 and all(gain and gain[0].strip("0.") for gain in gains)


def millivolts(record: str, signal: np.ndarray, units: Sequence[str], leads: Leads) -> np.ndarray:
    """A signal float64 [samples, 2] in the header's units as mV, in the order of `leads`. Raises `InputError`."""
    for name, unit in zip(leads.names, units, strict=True):
        if unit not in MILLIVOLTS:
            raise InputError(f"record {record} must have lead {name} in V, mV, uV or nV, not {unit!r}")
    scaled: np.ndarray = (signal * [MILLIVOLTS[unit] for unit in units])[:, leads.order]
    return scaled


def remarks(leads: Mapping[str, Leads]) -> tuple[str, ...]:
    """What is not the same in all records: a line a kind."""
    second = {name: found.names[found.order[1]] for name, found in leads.items() if found.by_name}
    kinds = (
        (
            "MLII comes second and is taken by its name",
            [n for n, found in leads.items() if found.by_name and found.first],
        ),
        (
            "there is no MLII and leads are taken as they come",
            [f"{n} ({' and '.join(found.names)})" for n, found in leads.items() if not found.by_name],
        ),
        (
            "the second lead is another than V1",
            [f"{n} ({lead})" for n, lead in second.items() if lead not in SECOND],
        ),
        (
            "no gain is given, which the format takes as 200 units a mV",
            [n for n, f in leads.items() if not f.calibrated],
        ),
    )
    return tuple(f"records in which {text}: {', '.join(found)}" for text, found in kinds if found)
