"""Figures of the benchmarks: deeper networks (S6) and programming operations (S7, S8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from oxmc.paper.claim import HIGHER, Claim, Found, Line, apart, beside, median_of
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import SEED, SHOWN, boxes, colour, heartbeats, mean, of, repeats, trainings
from oxmc.plots.style import grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTHS = (1, 2, 3, 4)
DEEP = "{} hidden"


def plan_s6(size: Size) -> Plan:
    plan = {
        DEEP.format(depth): repeats(
            "networks:accuracies", size.of(20, 100), task="cancer", settings={}, seed=SEED, depth=depth
        )
        for depth in DEPTHS
    }  # fmt: skip
    return plan | trainings("cancer", SHOWN, size.of(60, 400))


def judge_s6(results: Results) -> Sequence[Line]:
    claim = Claim("Deeper networks of as many weights are compared", "p. 155 and 157; Supplementary Fig. 6")
    return [
        apart(claim, f"{depth} hidden layers", "the text gives no number for this figure",
              median_of(of(results, DEEP.format(depth)), f"splits, {results[DEEP.format(depth)]['weights']:,} weights"))
        for depth in DEPTHS
    ]  # fmt: skip


def draw_s6(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.6)
    values = {each.name: of(results, each.name) for each in SHOWN}
    values |= {DEEP.format(depth): of(results, DEEP.format(depth)) for depth in DEPTHS}
    boxes(axes[0, 0], values, [colour(each) for each in SHOWN] + ["0.6"] * len(DEPTHS))
    axes[0, 0].set_ylabel("test accuracy")
    return figure


RULES = {
    "example": "every weight at every example",
    "batch": "every weight at every mini-batch of 32",
    "transfer": "gathered in capacitors, all devices RESET and SET once an epoch",
    "level": "a pulse for each of 32 levels",
}


def _plan(task: str) -> Callable[[Size], Plan]:
    def plan(size: Size) -> Plan:
        source = heartbeats(size) if task == "ecg" else None
        count = size.of(2, 20)
        return {
            "backprop": [
                Part.of("networks:programming", task=task, settings={}, seed=SEED, count=count, source=source)
            ],
            **trainings(task, SHOWN, size.of(40, 200), source=source),
        }

    return plan


def _judge(figure: str) -> Callable[[Results], Sequence[Line]]:
    claim = Claim(
        "Backpropagation takes one to four orders of magnitude more programming operations",
        f"p. 155; Supplementary {figure}", 10.0, "times", HIGHER, 10_000.0,
    )  # fmt: skip

    def judge(results: Results) -> Sequence[Line]:
        lines = []
        for each in SHOWN:
            chain = mean(of(results, each.name, "sets")) + mean(of(results, each.name, "resets"))
            for rule, name in RULES.items():
                taken = np.array(of(results, "backprop", rule)) / chain
                why = (
                    f"{mean(of(results, 'backprop', rule)):,.0f} operations of a network of "
                    f"{results['backprop']['weights']:,} weights against {chain:,.0f} SETs and RESETs of the chain"
                )
                found = Found(float(taken.mean()), float(taken.min()), float(taken.max()), len(taken), "trainings")
                lines.append(beside(claim, f"{each.name}: {name}", found, why))
        return lines

    return judge


def draw_counts(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.4)
    bars = {
        f"chain: {each.name}": mean(of(results, each.name, "sets")) + mean(of(results, each.name, "resets"))
        for each in SHOWN
    }
    bars |= {name: mean(of(results, "backprop", rule)) for rule, name in RULES.items()}
    shades = [colour(each) for each in SHOWN] + ["0.6"] * len(RULES)
    axes[0, 0].barh(list(bars), list(bars.values()), color=shades)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set(xscale="log", xlabel="programming operations of a training")
    for place, value in enumerate(bars.values()):
        axes[0, 0].annotate(f" {value:,.0f}", (value, place), va="center", fontsize=6)
    axes[0, 0].set_xlim(right=max(bars.values()) * 30)
    return figure


def notes(results: Results) -> Sequence[str]:
    return [
        "The paper cites S. Ambrogio et al., Nature 558, 60 (2018) and P. Yao et al., Nature 577, 641 (2020) for its "
        "counts. By which rules it counts is in a supplement that we do not have. These four rules are ours, modelled "
        "on such schemes. None verifies a pulse, which would take more."
    ]


ENTRIES = [
    Entry("S6", plan=plan_s6, judge=judge_s6, draw=draw_s6),
    Entry("S7", plan=_plan("cancer"), judge=_judge("Fig. 7"), draw=draw_counts, notes=notes),
    Entry("S8", plan=_plan("ecg"), judge=_judge("Fig. 8"), draw=draw_counts, notes=notes),
]
