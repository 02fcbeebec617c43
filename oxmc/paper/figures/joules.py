"""The figure of energy: S14, with Supplementary Table 1 as far as the text gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxmc.energy.published import CPU_J, PAPER_J
from oxmc.paper.claim import LOWER, Claim, Found, Line, beside
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import SEED, TWO, Series, heartbeats
from oxmc.plots.style import CHAIN_COLOURS, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASKS = ("cancer", "ecg", "cartpole")
MICRO = 1e6
PAPER_ROWS = {"cancer": "Logistic regression", "ecg": "Network", "cartpole": "Cartpole"}


def plan(size: Size) -> Plan:
    found: Plan = {"processor": [Part.of("joules:processor", task="cartpole", seed=SEED)]}
    for task in TASKS:
        source = heartbeats(size) if task == "ecg" else None
        for each in TWO:
            few = size.of(4, 40) if task == "cartpole" else size.of(20, 100)
            found[f"{task}, {each.name}"] = [
                Part.of("joules:energy", task=task, preset=each.preset, settings=each.settings, seed=SEED, count=few,
                        source=source)
            ]  # fmt: skip
    return found


def judge(results: Results) -> Sequence[Line]:
    lines = []
    for (task, node), paper_j in PAPER_J.items():
        claim = Claim(f"{PAPER_ROWS[task]}: a whole training, {node}", "p. 157; Supplementary Fig. 14, Table 1",
                      round(paper_j * MICRO, 6), "µJ", LOWER)  # fmt: skip
        for each in TWO:
            found, n = results[f"{task}, {each.name}"][node], results[f"{task}, {each.name}"]["n"]
            value, low, high = (found[key] * MICRO for key in ("training_j", "low", "high"))
            ours = Found(value, low, high, n, "trainings; 90 % if costs err by themselves")
            lines.append(beside(claim, each.name, ours, _why(found)))
    return [*lines, _processor(results)]


def _why(found: Mapping[str, Any]) -> str:
    parts = [f"{name} {joules * MICRO:.2f} µJ" for name, (joules, _, _) in found["counted"].items()]
    largest = max(found["components"], key=lambda name: found["components"][name])
    return (
        f"{', '.join(parts)}; largest component {largest}, {found['components'][largest] * MICRO:.2f} µJ; the paper "
        "counts little of memories, rails and logic, and how is in a supplement that we do not have"
    )


def _processor(results: Results) -> Line:
    found = results["processor"]
    milli = found["joules"] * 1e3
    claim = Claim("Cartpole on a workstation's processor, on the order of 600 mJ; read as: within half an order",
                  "p. 157", CPU_J * 1e3 / 10**0.5, "mJ", to=CPU_J * 1e3 * 10**0.5)  # fmt: skip
    why = (
        f"a compiled sampler takes {found['seconds'] * 1e3:.1f} ms of this processor at {found['power_w']:.0f} W "
        f"({found['source']}); what the paper ran is not in the text"
    )
    ours = Found(milli, milli / 2, milli * 2, found["trainings"], "trainings; a factor of two")
    return beside(claim, "this processor, paper", ours, why)


def draw(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=3.2, stacked=True, width_ratios=[1, 1.4])
    totals, parts = axes[0]
    names = [f"{task}\n{node}" for task, node in PAPER_J]
    for place, each in enumerate(TWO):
        values = [results[f"{task}, {each.name}"][node] for task, node in PAPER_J]
        x = [number + 0.15 * (place - 1.5) for number in range(len(names))]
        middle = [one["training_j"] * MICRO for one in values]
        ends = [
            [(one["training_j"] - one["low"]) * MICRO for one in values],
            [(one["high"] - one["training_j"]) * MICRO for one in values],
        ]
        shade = CHAIN_COLOURS[place // 2]
        totals.errorbar(
            x, middle, ends, fmt="o" if each.conditions == "ideal" else "s", ms=3, color=shade, label=each.name
        )
    totals.plot(
        range(len(names)), [joules * MICRO for joules in PAPER_J.values()], "kD", ms=4, mfc="none", label="the paper"
    )
    totals.set_xticks(range(len(names)), names)
    totals.set(yscale="log", ylabel="µJ a training")
    totals.legend(frameon=False, fontsize=6)
    shown = [Series("paper", "ideal"), Series("best", "real")]
    bars = {f"{task}, {each.preset}": results[f"{task}, {each.name}"]["28nm"] for task in TASKS for each in shown}
    ranked: dict[str, float] = {}
    for one in bars.values():
        for name, joules in one["components"].items():
            ranked[name] = ranked.get(name, 0.0) + joules / one["training_j"]
    start = [0.0] * len(bars)
    for place, name in enumerate(sorted(ranked, key=lambda name: -ranked[name])):
        share = [100 * one["components"].get(name, 0.0) / one["training_j"] for one in bars.values()]
        parts.barh(
            list(bars), share, left=start, label=name, color=CHAIN_COLOURS[place % 6], alpha=1 if place < 6 else 0.45
        )
        start = [a + b for a, b in zip(start, share, strict=True)]
    parts.invert_yaxis()
    parts.set(xlabel="share of a training's joules, 28nm (%)")
    parts.legend(frameon=False, fontsize=5.5, ncols=4, loc="lower center", bbox_to_anchor=(0.4, 1.0))
    return figure


ENTRIES = [
    Entry("S14", plan=plan, judge=judge, draw=draw),
]
