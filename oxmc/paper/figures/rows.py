"""Figures of one chain on the malignant tissue task: 5a and 5b, S2 to S4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.paper.claim import HIGHER, LOWER, Claim, Found, Line, apart, beside, median_of
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import (
    FIRST_SPLIT,
    FIXED_SEED,
    SHOWN,
    TWO,
    Series,
    colour,
    series_in,
)
from oxmc.plots.style import CHAIN_COLOURS, grid
from oxmc.pymodels.uncertainty import wilson_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure
TASK, TESTED, ONE_RUN = "cancer", 200, 0.97


def chain_of(each: Series, repeat: int = 0) -> Part:
    """One training on the first fixed split."""
    settings = each.settings | {"split": "fixed", "split_seed": FIRST_SPLIT}
    return Part.of("trainings:chain", task=TASK, preset=each.preset, settings=settings, seed=FIXED_SEED + repeat)


def plan_chains(size: Size) -> Plan:
    return {each.name: [chain_of(each)] for each in SHOWN}


RUN_CLAIM = Claim("Accuracy of one trained model on 200 test points (5b)", "p. 155, Fig 5b", ONE_RUN, good=HIGHER)
TOGETHER = Claim(
    "All voting rows together are more accurate than each of them alone (5b)", "p. 155, Fig 5b", 0.0, good=HIGHER,
    strict=True,
)  # fmt: skip


def judge_5ab(results: Results) -> Sequence[Line]:
    where = "p. 156, Fig 5a"
    lines = []
    for each in series_in(results, SHOWN):
        found = results[each.name]
        result = found["result"]
        low, high = wilson_interval(round(result * TESTED), TESTED)
        alone = np.array(found["alone"])[np.array(found["row"]) >= found["burn_in"]]
        margin = float(result - alone.max())
        above, same = int((alone > result).sum()), int((alone == result).sum())
        why = (
            f"{above} of {len(alone)} voting rows have more than {result:.3f} and {same} as much on these points: the "
            f"best of so many is the luckiest; their mean is {alone.mean():.3f}"
        )
        lines += [
            beside(RUN_CLAIM, each.name, Found(result, low, high, TESTED, "test points"), f"{result:.3f}, once"),
            beside(TOGETHER, each.name, Found(margin, margin, margin, len(alone), "voting rows"), why),
            apart(Claim("Differential conductances of a trained array (5a)", where), each.name, "a map without numbers",
                  _spread(found)),
        ]  # fmt: skip
    return lines


def _pairs(found: Mapping[str, Any]) -> np.ndarray:
    cells = np.array(found["conductance_us"])
    pairs: np.ndarray = cells[:, 0::2] - cells[:, 1::2]
    return pairs


def _spread(found: Mapping[str, Any]) -> Found:
    low, middle, high = np.percentile(_pairs(found), (2.5, 50, 97.5)).tolist()
    return Found(middle, low, high, len(found["row"]), "rows; 95 % of the pairs lie between")


def draw_5ab(results: Results) -> Figure:
    figure, axes = grid(2, 3, height_in=5.2, width_ratios=[1.2, 0.9, 1.6])
    for (heat, density, rows), each in zip(axes, SHOWN, strict=True):
        found = results[each.name]
        pairs, row = _pairs(found), np.array(found["row"])
        most = np.abs(pairs).max()
        image = heat.imshow(pairs, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most)
        heat.set(xlabel="parameter", ylabel="row", title=f"a  {each.name}")
        figure.colorbar(image, ax=heat, label="µS")
        votes = row >= found["burn_in"]
        counts = np.array(found["counter"])
        for column, shade in ((pairs.shape[1] // 3, 2), (pairs.shape[1] // 2, 0)):
            density.hist(
                pairs[votes, column], bins=20, weights=counts[votes], density=True, alpha=0.4,
                color=CHAIN_COLOURS[shade], label=f"$g_{{{column}}}$",
            )  # fmt: skip
        density.set(xlabel="parameter (µS)", ylabel="probability density")
        density.legend(frameon=False)
        _row_by_row(rows, found, row, counts)
        rows.set_title("b  each row alone, and all together", loc="left")
    return figure


def _row_by_row(axis: Any, found: Mapping[str, Any], row: np.ndarray, counts: np.ndarray) -> None:
    other = axis.twinx()
    other.bar(row, counts, color=CHAIN_COLOURS[0], alpha=0.4, width=1)
    other.set_ylabel("row counter", color=CHAIN_COLOURS[0])
    axis.plot(row, found["alone"], "o", ms=2, color=CHAIN_COLOURS[2])
    axis.axvspan(-0.5, found["burn_in"] - 0.5, color="#C23B22", alpha=0.12, lw=0)
    axis.axhline(found["result"], color="black", linestyle="--")
    axis.set(xlabel="row", ylabel="test accuracy")


def judge_s2(results: Results) -> Sequence[Line]:
    claim = Claim("Raw conductances of the trained array", "p. 155; Supplementary Fig. 2")
    lines = []
    for each in series_in(results, SHOWN):
        low, middle, high = np.percentile(results[each.name]["conductance_us"], (2.5, 50, 97.5)).tolist()
        found = Found(middle, low, high, len(results[each.name]["row"]), "rows; 95 % of the cells lie between")
        lines.append(apart(claim, each.name, "the text gives no number for this figure", found))
    return lines


def judge_s3(results: Results) -> Sequence[Line]:
    where = "p. 158, Methods; Supplementary Fig. 3"
    ends = {
        "Lowest": (Claim("Lowest SET current", where, 40.0, "µA"), min),
        "Highest": (Claim("Highest SET current", where, 100.0, "µA"), max),
    }
    lines = []
    for each in series_in(results, SHOWN):
        currents = results[each.name]["current_ua"]
        for claim, end in ends.values():
            value = float(end(currents))
            why = f"{value:g} µA of {len(currents)} SETs; the preset's LUT has the paper's range"
            lines.append(beside(claim, each.name, Found(value, value, value, len(currents), "SETs"), why))
    return lines


def _histograms(key: str, xlabel: str) -> Callable[[Results], Figure]:
    def draw(results: Results) -> Figure:
        figure, axes = grid(1, 1, height_in=2.4)
        for each in series_in(results, SHOWN):
            values = np.ravel(results[each.name][key])
            axes[0, 0].hist(values, bins=50, density=True, alpha=0.4, color=colour(each), label=each.name)
        axes[0, 0].set(xlabel=xlabel, ylabel="density")
        axes[0, 0].legend(frameon=False)
        return figure

    return draw


def plan_s4(size: Size) -> Plan:
    return {each.name: [chain_of(each, repeat) for repeat in range(size.of(8, 40))] for each in TWO}


def judge_s4(results: Results) -> Sequence[Line]:
    claim = Claim("Rows until the chain is on the posterior, about", "p. 155; Supplementary Fig. 4", 32, "rows", LOWER)
    rows = {each: arrivals(results[each.name]) for each in series_in(results, TWO)}
    return [
        beside(claim, each.name, median_of(found, "chains"), f"slowest chain {max(found)} rows")
        for each, found in rows.items()
    ]


def arrivals(found: Mapping[str, Any]) -> list[int]:
    """Of each chain the first row whose log-likelihood reaches the lower quarter of those of its second half."""
    rows, logs = np.array(found["row"]), np.array(found["log_likelihood"])
    starts = [*np.flatnonzero(rows == 0).tolist(), len(rows)]
    first = []
    for start, end in zip(starts, starts[1:], strict=False):
        chain = logs[start:end]
        level = np.percentile(chain[len(chain) // 2 :], 25)
        first.append(int(rows[start + int(np.argmax(chain >= level))]))
    return first


def draw_s4(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=2.6, stacked=True)
    for axis, each in zip(axes[0], SHOWN, strict=True):
        rows, logs = np.array(results[each.name]["row"]), np.array(results[each.name]["log_likelihood"])
        starts = [*np.flatnonzero(rows == 0).tolist(), len(rows)]
        for start, end in zip(starts, starts[1:], strict=False):
            axis.plot(rows[start:end], logs[start:end], color=colour(each), lw=0.5, alpha=0.6)
        axis.axvspan(0, 32, color="#C23B22", alpha=0.12, lw=0)
        axis.set(xlabel="row", ylabel="log-likelihood (nat)", title=each.name)
    return figure


ENTRIES = [
    Entry("5a, 5b", plan=plan_chains, judge=judge_5ab, draw=draw_5ab),
    Entry("S2", plan=plan_chains, judge=judge_s2, draw=_histograms("conductance_us", "conductance (µS)")),
    Entry("S3", plan=plan_chains, judge=judge_s3, draw=_histograms("current_ua", "SET current (µA)")),
    Entry("S4", plan=plan_s4, judge=judge_s4, draw=draw_s4),
]
