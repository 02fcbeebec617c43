"""Verdicts: what an interval says of the paper's number, and that no verdict stands without its reason."""

from __future__ import annotations

import pytest

from oxmc.paper.claim import Claim, Found, Line, apart, beside, judged, mean_of, median_of, together

pytestmark = pytest.mark.testpoint(
    "verdicts",
    "met, better and missed by synthetic intervals on both sides, ranges and strict claims; a missed line needs a "
    "reason with a number, one that is not comparable a reason; a figure's verdict of those of its lines",
)


def claim(good: str = "higher", **more: float | bool) -> Claim:
    return Claim("what it says", "p. 1", **({"number": 0.9, "good": good} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("good", "low", "high", "verdict"),
    [
        ("higher", 0.88, 0.92, "met"), ("higher", 0.9, 0.92, "met"), ("higher", 0.85, 0.9, "met"),
        ("higher", 0.91, 0.95, "better"), ("higher", 0.80, 0.89, "missed"),
        ("lower", 0.80, 0.89, "better"), ("lower", 0.91, 0.95, "missed"),
        ("same", 0.91, 0.95, "missed"), ("same", 0.80, 0.89, "missed"), ("same", 0.89, 0.91, "met"),
    ],
)  # fmt: skip
def test_an_interval_is_judged(good: str, low: float, high: float, verdict: str) -> None:
    assert judged(claim(good), Found((low + high) / 2, low, high)) == verdict


@pytest.mark.parametrize(("low", "high", "verdict"), [(0.95, 1.2, "met"), (1.1, 1.2, "better"), (0.7, 0.8, "missed")])
def test_a_range_is_met_where_the_interval_touches_it(low: float, high: float, verdict: str) -> None:
    assert judged(claim(to=1.0), Found((low + high) / 2, low, high)) == verdict


@pytest.mark.parametrize(("good", "low", "high", "verdict"), [
    ("higher", 0.91, 0.95, "met"), ("higher", 0.89, 0.95, "missed"), ("lower", 0.8, 0.89, "met"),
    ("lower", 0.9, 0.9, "missed"),
])  # fmt: skip
def test_a_strict_claim_needs_the_whole_interval_beyond(good: str, low: float, high: float, verdict: str) -> None:
    assert judged(claim(good, strict=True), Found((low + high) / 2, low, high)) == verdict


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ValueError, match="no number for: says"):
        judged(Claim("says", "p. 1"), Found(1, 1, 1))
    for found in (Found(2, 0, 1), Found(float("nan"), 0, 1)):
        with pytest.raises(ValueError, match="must hold its value"):
            judged(claim(), found)
    for wrong in ({"good": "best"}, {"text": ""}, {"to": 0.1}, {"good": "same", "strict": True}):
        with pytest.raises(ValueError, match="must"):
            Claim(**({"text": "a", "where": "p. 1", "number": 0.9} | wrong))  # type: ignore[arg-type]


def test_a_line_has_its_reason() -> None:
    with pytest.raises(ValueError, match="reason with a number"):
        beside(claim(), "paper, ideal", Found(0.5, 0.4, 0.6), "it is lower")
    assert beside(claim(), "paper, ideal", Found(0.5, 0.4, 0.6), "it has 0.5").verdict == "missed"
    with pytest.raises(ValueError, match="must have a reason"):
        apart(claim(), "paper, ideal", "")
    with pytest.raises(ValueError, match="must be finite"):
        apart(claim(), "paper, ideal", "why", Found(1, 0, float("inf")))
    with pytest.raises(ValueError, match="must be one of"):
        Line(claim(), "paper, ideal", None, "won")


def test_a_figure_is_as_good_as_its_worst_line() -> None:
    assert together(["met", "missed", "better"]) == "missed"
    assert together(["better", "met", "not comparable"]) == "met"
    assert together(["better", "not comparable"]) == "better"
    assert together(["not comparable"]) == together([]) == "not comparable"


def test_intervals_hold_what_they_are_of() -> None:
    assert median_of([0.5] * 9) == Found(0.5, 0.5, 0.5, 9)
    found = mean_of(value for value in (1.0, 2.0, 3.0))
    assert (found.value, found.n) == (2.0, 3) and found.high - 2 == pytest.approx(1.96 / 3**0.5, rel=1e-3)
