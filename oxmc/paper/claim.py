"""A number of the paper beside ours, and the verdict."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from oxmc.pymodels.uncertainty import NORMAL_95
from oxmc.studies.estimates import Estimate, estimate, median

MET, BETTER, MISSED, APART = "met", "better", "missed", "not comparable"
VERDICTS = (MET, BETTER, MISSED, APART)
HIGHER, LOWER, SAME = "higher", "lower", "same"


@dataclasses.dataclass(frozen=True)
class Claim:
    """What the paper says: in words, with its number (None where the text gives none) in `unit`, and where.

    `good` is `higher`, `lower` or `same`: on which side of the number a result is better. `to` is the number's upper
    end where the text gives a range. A `strict` claim says that the result lies beyond the number, on the good side.
    """

    text: str
    where: str
    number: float | None = None
    unit: str = ""
    good: str = SAME
    to: float | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        """Raises `ValueError` for what is no claim."""
        if self.good not in (HIGHER, LOWER, SAME):
            raise ValueError(f"good must be one of higher, lower, same, not {self.good!r}")
        if not (self.text and self.where):
            raise ValueError(f"a claim must have a text and a place, not {self.text!r} and {self.where!r}")
        if self.strict and self.good == SAME:
            raise ValueError("a strict claim must have a good side")
        if self.to is not None and (self.number is None or self.to < self.number):
            raise ValueError(f"to must be above the number {self.number}, not {self.to}")


@dataclasses.dataclass(frozen=True)
class Found:
    """Ours: a value and its interval, of `n` independent trainings, devices or whatever `of` says."""

    value: float
    low: float
    high: float
    n: int = 1
    of: str = ""


def of_estimate(found: Estimate, n: int, of: str = "") -> Found:
    """An estimate with its 95 % interval."""
    half = NORMAL_95 * found.sem
    return Found(found.mean, found.mean - half, found.mean + half, n, of)


def median_of(values: Sequence[float], of: str = "") -> Found:
    """The median with its 95 % interval, by bootstrap."""
    return of_estimate(median(values), len(values), of)


def mean_of(values: Iterable[float], of: str = "") -> Found:
    """The mean with its 95 % interval."""
    values = list(values)
    return of_estimate(estimate(values), len(values), of)


def span_of(values: Sequence[float], of: str = "") -> Found:
    """The median, between the lowest and the highest."""
    return Found(median(values).mean, min(values), max(values), len(values), of)


def judged(claim: Claim, found: Found) -> str:
    """The verdict of the interval: `met` where it holds the paper's number or touches the paper's range, or, of a
    strict claim, lies beyond it.

    Raises `ValueError` for a claim without a number, or an interval that is none.
    """
    if claim.number is None:
        raise ValueError(f"the paper's text gives no number for: {claim.text}")
    if not found.low <= found.value <= found.high:  # NaN, too
        raise ValueError(f"an interval must hold its value, not {found}")
    top = claim.number if claim.to is None else claim.to
    above, below = found.low > top, found.high < claim.number
    good = (claim.good == HIGHER and above) or (claim.good == LOWER and below)
    if claim.strict:
        return MET if good else MISSED
    if not above and not below:
        return MET
    return BETTER if good else MISSED


@dataclasses.dataclass(frozen=True)
class Line:
    """A claim beside what one series (preset and conditions) has: the verdict, and why."""

    claim: Claim
    series: str
    found: Found | None
    verdict: str
    why: str = ""

    def __post_init__(self) -> None:
        """Raises `ValueError` for a verdict without what it needs."""
        if self.verdict not in VERDICTS:
            raise ValueError(f"a verdict must be one of {', '.join(VERDICTS)}, not {self.verdict!r}")
        if self.verdict == MISSED and not re.search(r"\d", self.why):
            raise ValueError(f"{self.claim.text}, {self.series}: missed must have a reason with a number")
        if self.verdict == APART and not self.why:
            raise ValueError(f"{self.claim.text}, {self.series}: not comparable must have a reason")
        if self.found is not None and not all(map(math.isfinite, (self.found.low, self.found.value, self.found.high))):
            raise ValueError(f"{self.claim.text}, {self.series}: a result must be finite, not {self.found}")

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def beside(claim: Claim, series: str, found: Found, why: str = "") -> Line:
    """A claim with a number, judged. `why` is needed where it is missed."""
    return Line(claim, series, found, judged(claim, found), why)


def apart(claim: Claim, series: str, why: str, found: Found | None = None) -> Line:
    """A claim that nothing of ours can be held against."""
    return Line(claim, series, found, APART, why)


def together(verdicts: Iterable[str]) -> str:
    """The verdict of several: missed where one is, then met, then better; not comparable where nothing is."""
    found = set(verdicts)
    return next((verdict for verdict in (MISSED, MET, BETTER) if verdict in found), APART)
