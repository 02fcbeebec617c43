"""Figures of cartpole: 6 and S13."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oxmc.paper.claim import HIGHER, Claim, Found, Line, apart, beside, mean_of, median_of
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import (
    SEED,
    SHOWN,
    TWO,
    Series,
    boxes,
    colour,
    mark_paper,
    mean,
    of,
    series_in,
    trainings,
)
from oxmc.plots.style import CHAIN_COLOURS, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASK, MEAN, DQN, MOST = "cartpole", 484.0, 420.0, 500.0
SAME_DEVICES = "cycling alone, "


def plan_rows(size: Size) -> Plan:
    return {
        each.name: [Part.of("trainings:chain", task=TASK, preset=each.preset, settings=each.settings, seed=SEED)]
        for each in SHOWN
    }


def has_dqn() -> bool:
    """Whether the extra is installed that deep Q-learning needs."""
    return importlib.util.find_spec("stable_baselines3") is not None


def plan_6(size: Size) -> Plan:
    count = size.of(20, 100)
    plan = plan_rows(size)
    for each in TWO:
        # under real conditions the paper's preset takes seconds a training
        few = count // 2 if each == Series("paper", "real") else count
        plan |= trainings(TASK, [each], few, prefix="many, ")
    plan |= trainings(TASK, [each for each in TWO if each.conditions == "ideal"], count, settings={"d2d_spread": 0.0},
                      prefix=SAME_DEVICES)  # fmt: skip
    if has_dqn() and not size.quick:
        plan["dqn"] = [Part.of("agents:dqn", seed=SEED + repeat) for repeat in range(10)]
    return plan


REWARD = Claim("Mean reward of 100 test episodes of 500 steps; ours the median over trainings", "p. 157, Fig 6",
               MEAN, "steps", HIGHER)  # fmt: skip
OF_ALL = Claim("The same; ours the mean over trainings", "p. 157, Fig 6", MEAN, "steps", HIGHER)
AGENT = Claim("Above the median of deep Q-learning with as many weights", "p. 157, Fig 6c", DQN, "steps", HIGHER,
              strict=True)  # fmt: skip
ALIKE = Claim("Without spread between devices the reward is largely the same; read as: within 1 % of 500 steps",
              "p. 157, Fig 6c", -5.0, "steps", to=5.0)  # fmt: skip


def judge_6(results: Results) -> Sequence[Line]:
    lines = []
    for each in series_in(results, TWO, "many, "):
        values = of(results, f"many, {each.name}")
        found, low = median_of(values, "trainings"), f"mean {mean(values):.1f}, lowest training {min(values):.0f}"
        lines += [
            beside(REWARD, each.name, found, low),
            beside(OF_ALL, each.name, mean_of(values, "trainings"), low),
            beside(AGENT, each.name, found, f"{low}; the paper's own figure"),
        ]
        if SAME_DEVICES + each.name in results:
            alone = of(results, SAME_DEVICES + each.name)
            moved = mean_of([a - b for a, b in zip(values, alone, strict=True)], "trainings, paired")
            lines.append(beside(ALIKE, each.name, moved, f"moved by {moved.value:.1f} steps"))
    if "dqn" in results:
        found = median_of(of(results, "dqn"), "trainings")
        lines.append(apart(Claim("Median of deep Q-learning", "p. 157, Fig 6c", DQN, "steps"), "stable-baselines3",
                           "another library, with its authors' settings for this task", found))  # fmt: skip
    return lines


def notes_6(results: Results) -> Sequence[str]:
    if "dqn" in results:
        return []
    return ["Deep Q-learning was not trained here: a quick page leaves it out, and a full one needs the extra `dqn`."]


def draw_6(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=3.0, stacked=True, width_ratios=[1, 1.3])
    rows, box = axes[0]
    for each in SHOWN:
        found = results[each.name]
        rows.plot(found["row"], found["reward"], "o", ms=2, color=colour(each), label=each.name)
        rows.axhline(found["result"], color=colour(each), linestyle="--")
    rows.axvspan(0, 64, color="#C23B22", alpha=0.12, lw=0)
    rows.set(xlabel="row", ylabel="reward when accepted (of 500)", title="b  row by row")
    rows.legend(frameon=False, fontsize=6)
    values = {each.name: of(results, f"many, {each.name}") for each in TWO}
    values |= {
        f"{each.preset}, no d2d": of(results, SAME_DEVICES + each.name) for each in TWO if each.conditions == "ideal"
    }
    shades = [colour(each) for each in TWO] + [CHAIN_COLOURS[0], CHAIN_COLOURS[1]]
    if "dqn" in results:
        values["DQN"] = of(results, "dqn")
        shades.append("0.6")
    boxes(box, values, shades)
    mark_paper(box, {"mean": MEAN, "DQN": DQN})
    box.set(ylabel="mean test reward (of 500)", title="c  over trainings")
    for label in box.get_xticklabels():
        label.set_fontsize(5.5)
    return figure


def judge_s13(results: Results) -> Sequence[Line]:
    claim = Claim("Row counters of the trained arrays", "p. 157; Supplementary Fig. 13")
    lines = []
    for each in SHOWN:
        counts = np.array(results[each.name]["counter"])
        found = Found(float(np.median(counts)), float(counts.min()), float(counts.max()), len(counts), "rows")
        lines.append(apart(claim, each.name, "the text gives no number for this figure", found))
    return lines


def draw_s13(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=2.4, stacked=True)
    for axis, each in zip(axes[0], SHOWN, strict=True):
        found = results[each.name]
        axis.bar(found["row"], found["counter"], width=1, color=colour(each))
        axis.set(xlabel="row", ylabel="row counter", title=each.name)
    return figure


ENTRIES = [
    Entry("6", plan=plan_6, judge=judge_6, draw=draw_6, notes=notes_6),
    Entry("S13", plan=plan_rows, judge=judge_s13, draw=draw_s13),
]
