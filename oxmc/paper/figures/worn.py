"""Figures of worn arrays: 5d and S9."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oxmc.paper.claim import HIGHER, Claim, Found, Line, apart, beside
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import TWO, colour, mean, of, series_in, trainings
from oxmc.plots.style import CHAIN_COLOURS, grid
from oxmc.pymodels.uncertainty import wilson_interval
from oxmc.studies.age import AGES, LIMIT, ROWS, TASK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CARD = "the card's stuck shares are an assumption within the axes of Fig 5d, whose curves the text does not hold"


def plan_5d(size: Size) -> Plan:
    plan: Plan = {"stuck": [Part.of("devices:stuck", ages=list(AGES))]}
    for age in AGES:
        count = size.of(40, 200) if age == 0 else size.of(15, 100)
        settings = {"age_cycles": age, "max_proposals": LIMIT}
        plan |= trainings(TASK, TWO, count, rows=ROWS, settings=settings, prefix=f"{age:g}, ")
    return plan


STAGES = {"up to 1,000,000 cycles": AGES[1:-1], "10,000,000 cycles": AGES[-1:]}
"""What the paper cycled its array to, and what it imposed the errors of."""


def claim_of(stage: str, fresh: int) -> Claim:
    """Of a range that `fresh` trainings span one more lies inside (fresh - 1) / (fresh + 1) times."""
    text = f"After {stage} a training stays within what the fresh array shows; read as: as often as a fresh one would"
    return Claim(text, "p. 155, Fig 5d", round((fresh - 1) / (fresh + 1), 4), "share", HIGHER)


def judge_5d(results: Results) -> Sequence[Line]:
    lines = []
    for each in series_in(results, TWO, "0, "):
        fresh = of(results, f"0, {each.name}")
        for stage, ages in STAGES.items():
            worn = [value for age in ages for value in of(results, f"{age:g}, {each.name}")]
            inside = sum(min(fresh) <= value <= max(fresh) for value in worn)
            low, high = wilson_interval(inside, len(worn))
            oldest = f"{ages[-1]:g}, {each.name}"
            why = (
                f"{len(worn) - inside} of {len(worn)} lie outside {min(fresh):.3f} to {max(fresh):.3f}; at the end "
                f"{mean(of(results, oldest, 'rows')):.0f} of {ROWS} rows are filled and "
                f"{1 - mean(of(results, oldest, 'full')):.0%} of the chains end at {LIMIT:,} proposals"
            )
            found = Found(inside / len(worn), low, high, len(worn), "trainings")
            lines.append(beside(claim_of(stage, len(fresh)), each.name, found, why))
    return lines


def draw_5d(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.8)
    axis, x = axes[0, 0], np.arange(len(AGES))
    for place, each in enumerate(TWO):
        values = [of(results, f"{age:g}, {each.name}") for age in AGES]
        middle = np.array([np.median(one) for one in values])
        low, high = (np.array([end(one) for one in values]) for end in (min, max))
        axis.errorbar(
            x + 0.08 * (place - 1.5), middle, (middle - low, high - middle), marker="o", ms=3, lw=0.8, capsize=2,
            color=colour(each), linestyle="-" if each.conditions == "ideal" else "--", label=each.name,
        )  # fmt: skip
    axis.set_xticks(x, [f"{age:g}" for age in AGES])
    axis.set(xlabel="cycles", ylabel="accuracy, median and range")
    other = axis.twinx()
    for kind, mark in (("lcs", "^"), ("hcs", "v")):
        other.plot(x[1:], results["stuck"][kind][1:], mark + ":", ms=3, color="0.4", label=f"stuck in {kind.upper()}")
    other.set(yscale="log", ylabel="share of stuck cells (assumed)", ylim=(1e-3, 1))
    axis.legend(frameon=False, fontsize=6, loc="lower left")
    other.legend(frameon=False, fontsize=6, loc="lower center")
    return figure


def plan_s9(size: Size) -> Plan:
    return {"stuck": [Part.of("devices:stuck", ages=[1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7])]}


def judge_s9(results: Results) -> Sequence[Line]:
    found = results["stuck"]
    at = found["age"].index(1e5)
    share = found["lcs"][at] + found["hcs"][at]
    claim = Claim("After 100,000 cycles the array is of no use as a memory", "p. 155; Supplementary Fig. 9")
    return [apart(claim, "16k card", f"{CARD}; the text gives no error rate; here {share:.1%} of the cells are stuck",
                  Found(share, 0.002, 0.2, 16384, "share of cells, axis of Fig 5d"))]  # fmt: skip


def draw_s9(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.4)
    for kind, shade in (("lcs", 0), ("hcs", 1)):
        axes[0, 0].plot(results["stuck"]["age"], results["stuck"][kind], "o-", ms=3, color=CHAIN_COLOURS[shade],
                        label=f"stuck in {kind.upper()}")  # fmt: skip
    axes[0, 0].axvline(1e5, color="0.35", linestyle="--", label="the paper: no memory from here on")
    axes[0, 0].set(xscale="log", yscale="log", xlabel="cycles", ylabel="share of cells")
    axes[0, 0].legend(frameon=False)
    return figure


ENTRIES = [
    Entry("5d", plan=plan_5d, judge=judge_5d, draw=draw_5d),
    Entry("S9", plan=plan_s9, judge=judge_s9, draw=draw_s9),
]
