"""Figures of what is varied on the malignant tissue task: S5, S10, S11 and S15."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oxmc.paper.claim import HIGHER, Claim, Line, apart, beside, mean_of, median_of
from oxmc.paper.entry import Entry, Plan, Results, Size
from oxmc.paper.figures.shared import (
    SHOWN,
    Series,
    boxes,
    colour,
    mark_paper,
    mean,
    of,
    percent,
    trainings,
)
from oxmc.plots.style import CHAIN_COLOURS, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure
TASK, MEDIAN, STEP = "cancer", 0.963, 1 / 200
"""STEP is what one test point of 200 is worth."""
ROWS = (16, 32, 64, 96, 128, 256)


def plan_s5(size: Size) -> Plan:
    plan: Plan = {}
    for rows in ROWS:
        plan |= trainings(TASK, SHOWN, size.of(50, 400), rows=rows, prefix=f"{rows} rows, ")
    return plan


HELD = Claim(
    "Accuracy kept from 256 down to 96 rows; read as: the mean moves by no more than half a test point",
    "p. 155; Supplementary Fig. 5", -STEP / 2, "", HIGHER, STEP / 2,
)  # fmt: skip


def judge_s5(results: Results) -> Sequence[Line]:
    lines = []
    for each in SHOWN:
        few, many = (of(results, f"{rows} rows, {each.name}") for rows in (96, 256))
        moved = mean_of([a - b for a, b in zip(few, many, strict=True)], "splits, paired")
        lines.append(beside(HELD, each.name, moved, f"96 rows move the mean by {moved.value:.4f}"))
    return lines


def draw_s5(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.5)
    for each in SHOWN:
        found = [median_of(of(results, f"{rows} rows, {each.name}")) for rows in ROWS]
        middle = np.array([one.value for one in found])
        ends = np.array([[one.value - one.low, one.high - one.value] for one in found]).T
        axes[0, 0].errorbar(ROWS, middle, ends, color=colour(each), marker="o", ms=3, capsize=2, label=each.name)
    mark_paper(axes[0, 0], {"median": MEDIAN})
    axes[0, 0].set(xscale="log", xlabel="rows", ylabel="median accuracy")
    axes[0, 0].minorticks_off()
    axes[0, 0].set_xticks(ROWS, map(str, ROWS))
    axes[0, 0].legend(frameon=False)
    return figure


def plan_s10(size: Size) -> Plan:
    ideal = [Series("paper", "ideal"), Series("best", "ideal")]
    count = size.of(60, 400)
    return trainings(TASK, ideal, count) | trainings(TASK, ideal, count, engine="float", prefix="float, ")


def judge_s10(results: Results) -> Sequence[Line]:
    claim = Claim("The behavioural simulator reproduces the experiment", "p. 157; Supplementary Fig. 10")
    lines = []
    for preset in ("paper", "best"):
        name = f"{preset}, ideal"
        pairs = zip(of(results, name), of(results, f"float, {name}"), strict=True)
        found = mean_of([twin - real for twin, real in pairs], "splits, paired")
        why = "no data of the experiment are published; ours is the twin less the paper's simulator in real numbers"
        lines.append(apart(claim, name, why, found))
    return lines


def draw_s10(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.6)
    names = [f"{preset}, ideal" for preset in ("paper", "best")]
    values = {prefix + name: of(results, prefix + name) for name in names for prefix in ("", "float, ")}
    boxes(axes[0, 0], values, [CHAIN_COLOURS[place // 2] for place in range(4)])
    mark_paper(axes[0, 0], {"experiment": MEDIAN})
    axes[0, 0].set_ylabel("test accuracy")
    return figure


SPREADS = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)
LARGE = 0.25
CAP = {"max_proposals": 10_000}
"""A frozen chain ends here."""


def plan_s11(size: Size) -> Plan:
    plan: Plan = {}
    for spread in SPREADS:
        settings = {"d2d_spread": spread, **CAP}
        plan |= trainings(TASK, SHOWN, size.of(20, 100), settings=settings, prefix=f"{spread:g}, ")
    return plan


ROBUST = Claim(
    "Robust to variability far from the measured one; read as: at 25 % between devices, five times ours, the mean "
    "moves by no more than half a test point", "p. 157; Supplementary Fig. 11", -STEP / 2, "", HIGHER, STEP / 2,
)  # fmt: skip


def judge_s11(results: Results) -> Sequence[Line]:
    lines = []
    for each in SHOWN:
        near, far = (of(results, f"{spread:g}, {each.name}") for spread in (0.05, LARGE))
        moved = mean_of([a - b for a, b in zip(far, near, strict=True)], "splits, paired")
        rows, full = results[f"{LARGE:g}, {each.name}"]["rows"], results[f"{LARGE:g}, {each.name}"]["full"]
        why = (
            f"{percent(1 - mean(full))} of the chains end at {CAP['max_proposals']:,} proposals with their array not "
            f"full, at {mean(rows):.0f} rows in the mean: a row of other devices than the last is not accepted"
        )
        lines.append(beside(ROBUST, each.name, moved, why))
    return lines


def draw_s11(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=2.6, stacked=True)
    for each in SHOWN:
        names = [f"{spread:g}, {each.name}" for spread in SPREADS]
        found = [mean_of(of(results, name)) for name in names]
        half = [one.high - one.value for one in found]
        x = range(len(SPREADS))
        axes[0, 0].errorbar(
            x, [one.value for one in found], half, marker="o", ms=3, color=colour(each), capsize=2, label=each.name
        )
        axes[0, 1].plot(x, [mean(of(results, name, "full")) for name in names], "o-", ms=3, color=colour(each))
    for axis, label in zip(axes[0], ("mean accuracy", "share of arrays filled"), strict=True):
        axis.set_xticks(range(len(SPREADS)), [f"{spread:.0%}" for spread in SPREADS])
        axis.set(xlabel="spread between devices", ylabel=label)
    axes[0, 0].legend(frameon=False)
    return figure


INITS = ("lowest", "highest", "prior_mean", "random")


def plan_s15(size: Size) -> Plan:
    plan: Plan = {}
    for init in INITS:
        plan |= trainings(TASK, SHOWN, size.of(30, 200), settings={"init": init}, prefix=f"{init}, ")
    return plan


def judge_s15(results: Results) -> Sequence[Line]:
    claim = Claim("Strategies of programming row 0 are compared; the lowest gate voltage is used", "p. 158; "
                  "Supplementary Fig. 15")  # fmt: skip
    lines = []
    for each in SHOWN:
        lowest = of(results, f"lowest, {each.name}")
        for init in INITS[1:]:
            moved = mean_of([a - b for a, b in zip(of(results, f"{init}, {each.name}"), lowest, strict=True)], "paired")
            lines.append(apart(claim, f"{each.name}: {init}", "no number in the text; ours less `lowest`", moved))
    return lines


def draw_s15(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.6)
    values = {f"{init}, {each.preset}": of(results, f"{init}, {each.name}") for each in SHOWN for init in INITS}
    boxes(axes[0, 0], values, [colour(each) for each in SHOWN for _ in INITS])
    axes[0, 0].set_ylabel("test accuracy")
    return figure


ENTRIES = [
    Entry("S5", plan=plan_s5, judge=judge_s5, draw=draw_s5),
    Entry("S10", plan=plan_s10, judge=judge_s10, draw=draw_s10),
    Entry("S11", plan=plan_s11, judge=judge_s11, draw=draw_s11),
    Entry("S15", plan=plan_s15, judge=judge_s15, draw=draw_s15),
]
