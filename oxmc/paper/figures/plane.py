"""Figures of the plane of two weights: 1 and 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.paper.claim import Claim, Found, Line, apart, beside, of_estimate
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import FIRST_SPLIT, TWO, Series, series_in
from oxmc.plots.style import CHAIN_COLOURS, grid
from oxmc.studies.estimates import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAIN_SEED = 30_000
ONE = Part.of("toy:plane", preset="paper", settings={}, split=FIRST_SPLIT, seed=CHAIN_SEED)
LINES = 15
"""Models that are drawn as lines in Fig 4b."""


def plan_1(size: Size) -> Plan:
    return {"plane": [ONE]}


def judge_1(results: Results) -> Sequence[Line]:
    where = "p. 152, Fig 1"
    return [apart(Claim("Gradient descent ends in one model, sampling in a distribution", where), "paper, ideal",
                  "a sketch without numbers; here it is drawn from a training")]  # fmt: skip


def _points(axis: Any, found: Any) -> None:
    x, t = np.array(found["x"]), np.array(found["t"])
    for kind, marker, face in ((1, "o", "#C23B22"), (0, "s", CHAIN_COLOURS[0])):
        axis.scatter(*x[t == kind].T, s=12, marker=marker, color=face, linewidths=0)


def _loss(axis: Any, found: Any, xlim: tuple[float, float], ylim: tuple[float, float]) -> None:
    reach = found["loss_reach_us"]
    line = np.linspace(-reach, reach, len(found["loss"]))
    axis.contourf(line, line, np.log1p(np.array(found["loss"])), levels=14, cmap="viridis", alpha=0.6)
    axis.set(xlim=xlim, ylim=ylim, xlabel="$g_0$ (µS)", ylabel="$g_1$ (µS)")


def draw_1(results: Results) -> Figure:
    found = results["plane"]
    w, path = np.array(found["w_us"]), np.array(found["descent_us"])
    figure, axes = grid(1, 3, height_in=2.7, stacked=True)
    data, descent, jumps = axes[0]
    _points(data, found)
    _boundaries(data, w[-1:], found["reach"])
    data.set_title("a  one model", loc="left")
    _loss(descent, found, (-45, 45), (-45, 45))
    descent.plot(*path.T, "+-", color="#006400", ms=5)
    descent.plot(*path[-1], "x", color="black", ms=6)
    descent.set_title("b  gradient descent", loc="left")
    _loss(jumps, found, (-45, 45), (-45, 45))
    jumps.plot(*w[:60].T, "+--", color="#006400", lw=0.5, ms=4)
    jumps.scatter(*w[:1].T, color="#C23B22", s=18, zorder=3)
    jumps.set_title("c  jumps of the chain", loc="left")
    return figure


def _boundaries(axis: Any, w: np.ndarray, reach: float) -> None:
    line = np.array([-reach, reach])
    for w0, w1 in w:
        if abs(w1) > abs(w0):
            axis.plot(line, -line * w0 / w1, color="black", lw=0.7)
        elif w0:
            axis.plot(-line * w1 / w0, line, color="black", lw=0.7)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="feature 0 (V)", ylabel="feature 1 (V)")


def plan_4(size: Size) -> Plan:
    chains = size.of(40, 100)
    plan = {
        each.name: [
            Part.of("toy:posterior", preset=each.preset, settings=each.settings, split=FIRST_SPLIT, seed=CHAIN_SEED,
                    chains=chains)
        ]
        for each in TWO
    }  # fmt: skip
    return {**plan, "plane": [ONE]}


PEAKS = Claim("The posterior has two distinct peaks (4a)", "p. 155, Fig 4a", 2, "peaks")
APART = Claim("The array holds an approximation of the posterior (4a)", "p. 155, Fig 4a")
RIGHT = Claim("The boundary separates the two clouds (4b, c), which can be separated", "p. 155 and 159", 1.0, "share")


def judge_4(results: Results) -> Sequence[Line]:
    lines = []
    for each in series_in(results, TWO):
        found = results[each.name]
        count = found["peaks"]
        distance = Estimate(*found["variation"])
        lines += [
            beside(PEAKS, each.name, Found(count, count, count, found["chains"], "chains together"), _why_peaks(found)),
            apart(APART, each.name, "the text gives no distance; ours is the total variation to the exact posterior, "
                  f"of which {found['noise']:.3f} is noise", of_estimate(distance, found["chains"], "chains")),
        ]  # fmt: skip
    right = results["plane"]["right"]
    return [*lines, beside(RIGHT, "paper, ideal", Found(right, right, right, 50, "points"), f"{right:.3f} of 50")]


def _why_peaks(found: Any) -> str:
    return (
        f"a logistic likelihood times a normal prior is log-concave: the exact posterior has {found['peaks_exact']} "
        "peak, so a second one would be an error of the sampler; scale, prior and the clouds' shift are not in the text"
    )


def draw_4(results: Results) -> Figure:
    found = results["plane"]
    figure, axes = grid(2, 3, height_in=5.0)
    for axis, each in zip(axes[0, :2], (Series("paper", "ideal"), Series("best", "real")), strict=True):
        _posterior(axis, results[each.name], each.name)
    w, counters = np.array(found["w_us"]), np.array(found["counter"])
    jumps, data, contour = axes[0, 2], axes[1, 0], axes[1, 1]
    jumps.plot(*w.T, color=CHAIN_COLOURS[2], lw=0.2, alpha=0.25)
    jumps.scatter(*w.T, s=4, color=CHAIN_COLOURS[2], alpha=np.clip(counters / 8, 0.1, 1), linewidths=0, rasterized=True)
    jumps.scatter(*w[:1].T, s=30, color="#C23B22")
    jumps.set(xlabel="$g_0$ (µS)", ylabel="$g_1$ (µS)")
    jumps.set_title("a  one chain, row 0 red", loc="left")
    _points(data, found)
    chosen = np.random.default_rng(0).choice(np.arange(found["burn_in"], len(w)), LINES, replace=False)
    _boundaries(data, w[chosen], found["reach"])
    data.set_title(f"b  {LINES} stored models", loc="left")
    line = np.linspace(-found["reach"], found["reach"], len(found["p"]))
    levels = [0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1]
    field = contour.contourf(line, line, found["p"], levels=levels, cmap="RdBu_r", alpha=0.8)
    _points(contour, found)
    contour.set(xlabel="feature 0 (V)", ylabel="feature 1 (V)")
    contour.set_title("c  probability of red", loc="left")
    figure.colorbar(field, ax=contour)
    _posterior(axes[1, 2], results["paper, ideal"], "exact", "mass")
    return figure


def _posterior(axis: Any, found: Any, title: str, name: str = "share") -> None:
    reach = found["reach_us"]
    axis.imshow(np.array(found[name]).T, origin="lower", extent=[-reach, reach] * 2, cmap="viridis")
    axis.set(xlabel="$g_0$ (µS)", ylabel="$g_1$ (µS)")
    axis.set_title(f"a  {title}", loc="left")


def notes_4(results: Results) -> Sequence[str]:
    return [
        "{}: {:.1f} % of the draws lie beyond ±{:g} µS; {:,} effective draws of {} chains.".format(
            name, 100 * found["beyond"], found["reach_us"], found["effective"], found["chains"]
        )
        for name, found in ((each.name, results[each.name]) for each in series_in(results, TWO))
    ]


ENTRIES = [
    Entry("1", plan=plan_1, judge=judge_1, draw=draw_1),
    Entry("4", plan=plan_4, judge=judge_4, draw=draw_4, notes=notes_4),
]
