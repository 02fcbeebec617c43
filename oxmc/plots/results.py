"""More of `oxmc plot`: accuracy row by row, how far predictions can be trusted, and what the gate codes program.

`accuracy` is Fig 5b of the paper for this run, `devices` its Fig 2b and Supplementary Fig 16 for this card.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.plots.style import CHAIN_COLOURS, grid, labelled_above
from oxmc.posterior.row_accuracy import accuracy_alone, accuracy_together
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.devices import load_card, lut_table
from oxmc.pymodels.uncertainty import wilson_interval
from oxmc.run.baseline import NAMES, baseline_of
from oxmc.run.checked import CheckedRun
from oxmc.run.interval import interval_of, tested_on

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTERVAL = "95 % interval that its points leave (Wilson's)"


@dataclasses.dataclass(frozen=True)
class Held:
    """What a run's result is held against, None where nothing is kept for it, and the result's interval."""

    name: str
    baseline: float | None
    interval: tuple[float, float]
    of_what: str

    @classmethod
    def of(cls, path: Path, checked: CheckedRun) -> Held:
        try:
            baseline = baseline_of(path, checked)
        except InputError:
            baseline = None
        run, metric = checked.run, checked.run["result"]["metric"]
        law = "points (Wilson's)" if metric == "accuracy" else "episodes (normal)"
        return cls(NAMES[metric], baseline, interval_of(run)[0], f"{tested_on(run)[0]} {law}")

    def draw(self, axis: Any, digits: int) -> None:
        low, high = self.interval
        label = f"95 % interval of {self.of_what}"
        axis.axhspan(low, high, color=CHAIN_COLOURS[0], alpha=0.1, linewidth=0, label=label, zorder=0)
        if self.baseline is not None:
            label = f"{self.name} {self.baseline:.{digits}f}"
            axis.axhline(self.baseline, color="black", linestyle=(0, (4, 2)), linewidth=0.9, label=label)


def accuracy_figure(config: Config, state: Outcome, codes: np.ndarray, t: np.ndarray, held: Held) -> Figure:
    """Accuracy of each stored row alone, and of all from the burn-in to it, on test points `codes` of classes `t`.

    Beside the baseline, with the interval of the result.
    """
    filled, alone = accuracy_alone(config, state, codes, t)
    ends, together = accuracy_together(config, state, codes, t)
    figure, axes = grid(1, 1, height_in=2.6)
    axis = axes[0, 0]
    votes = filled >= config.burn_in
    axis.scatter(filled[votes], alone[votes], s=6, color=CHAIN_COLOURS[2], linewidths=0, label="one row alone")
    axis.scatter(filled[~votes], alone[~votes], s=6, color="0.75", linewidths=0)
    axis.step(ends, together, where="post", color=CHAIN_COLOURS[0], linewidth=1.4, label="votes up to here together")
    _mark_burn_in(axis, config)
    held.draw(axis, 4)
    axis.set(xlabel="row", ylabel="test accuracy", xlim=(-0.5, config.rows - 0.5))
    labelled_above(figure, axis)
    return figure


def _mark_burn_in(axis: Any, config: Config) -> None:
    if config.burn_in:
        axis.axvspan(
            -0.5, config.burn_in - 0.5, color=CHAIN_COLOURS[1], alpha=0.15, linewidth=0, label="burn-in, does not vote"
        )


def repeats_figure(record: Mapping[str, Any], reference: float) -> Figure:
    """How often the repeats of a run reached which result, with their mean and median beside the mean reference."""
    repeats, metric = record["repeats"], record["result"]["metric"]
    values = np.asarray(repeats["values"], float)
    if not (values.size and np.isfinite([*values, reference]).all()):
        raise ValueError("values or references of its repeats that are no numbers")
    figure, axes = grid(1, 1, height_in=2.6)
    axis = axes[0, 0]
    axis.hist(values, bins=min(30, max(10, values.size // 5)), color="0.75", label=f"{repeats['n']} repeats")
    axis.axvspan(
        repeats["low"],
        repeats["high"],
        color=CHAIN_COLOURS[0],
        alpha=0.1,
        linewidth=0,
        label="5 to 95 % of the repeats",
    )
    lines = (("median", repeats["median"], "-"), ("mean", repeats["mean"], "--"))
    for name, value, style in lines:
        axis.axvline(value, color=CHAIN_COLOURS[0], linestyle=style, label=f"{name} {value:.4f}")
    axis.axvline(
        reference, color=CHAIN_COLOURS[1], linestyle=":", linewidth=1.4, label=f"{NAMES[metric]}, mean {reference:.4f}"
    )
    axis.set(xlabel=f"test {metric}", ylabel="repeats")
    labelled_above(figure, axis)
    return figure


def reward_figure(config: Config, state: Outcome, held: Held) -> Figure:
    """The reward of each stored row when it was accepted, and of the test episodes (Fig 6b), beside the baseline."""
    figure, axes = grid(1, 1, height_in=2.6)
    axis = axes[0, 0]
    filled = np.flatnonzero(state.counters)
    rewards = state.row_rewards[filled]
    colours = np.where(filled >= config.burn_in, CHAIN_COLOURS[2], "0.75")
    axis.scatter(filled, rewards, s=6, color=colours, linewidths=0, label="one row, its training episode")
    tested = f"all rows, mean of {state.rewards.size} test episodes"
    axis.axhline(state.rewards.mean(), color=CHAIN_COLOURS[0], linewidth=1.2, label=tested)
    _mark_burn_in(axis, config)
    held.draw(axis, 1)
    top = 1.06 * max(rewards.max(), held.interval[1])
    axis.set(xlabel="row", ylabel="reward (steps)", xlim=(-0.5, config.rows - 0.5), ylim=(0, top))
    labelled_above(figure, axis)
    return figure


def uncertainty_figure(record: dict[str, Any]) -> Figure:
    """Accuracy against confidence, and accuracy on the points that are left when the least sure are turned away."""
    figure, axes = grid(1, 2, height_in=2.9, stacked=True)
    reliability, rejection = axes[0]
    curve = record["calibration"]
    sizes = [max(4.0, 60.0 * entry["n"] / max(e["n"] for e in curve)) for entry in curve]
    confidence, accuracy = ([entry[name] for entry in curve] for name in ("confidence", "accuracy"))
    reliability.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, linestyle=(0, (4, 2)))
    spans = np.array([wilson_interval(round(entry["accuracy"] * entry["n"]), entry["n"]) for entry in curve])
    reliability.vlines(confidence, *spans.T, color=CHAIN_COLOURS[0], alpha=0.35, linewidth=1.2, label=INTERVAL)
    reliability.scatter(confidence, accuracy, s=sizes, color=CHAIN_COLOURS[0], linewidths=0)
    for entry in curve:
        at = entry["confidence"], entry["accuracy"]
        reliability.annotate(
            str(entry["n"]), at, (-5, 0), textcoords="offset points", ha="right", va="center", fontsize=6
        )
    low = min([*confidence, *spans[:, 0], 0.5]) - 0.03
    reliability.set(xlabel="confidence (number: test points)", ylabel="accuracy", xlim=(low, 1.03), ylim=(low, 1.03))
    error = record["expected_calibration_error"]
    reliability.set_title(f"calibration, expected error {error:.3f}", loc="left")
    labelled_above(figure, reliability)
    kept = record["rejection"]
    rejection.plot(
        [entry["kept"] for entry in kept], [entry["accuracy"] for entry in kept], color=CHAIN_COLOURS[1], marker="o",
        markersize=3,
    )  # fmt: skip
    rejection.invert_xaxis()
    worst = min(entry["accuracy"] for entry in kept)
    rejection.set_ylim(worst - 0.1 * max(1 - worst, 0.05), 1 + 0.1 * max(1 - worst, 0.05))
    rejection.set(xlabel="share of points kept, the surest first", ylabel="accuracy on them")
    rejection.set_title("rejection by confidence", loc="left")
    return figure


def device_figure(config: Config) -> Figure:
    """Median conductance and its cycle-to-cycle s.d. against SET current and against gate voltage."""
    card = load_card(config.card)
    table = lut_table(card, config)
    volts, current, median, sd = table.gate_v, table.current_na / 1000, table.median_ns / 1000, table.sd_ns / 1000
    figure, axes = grid(1, 3, height_in=2.6, stacked=True)
    law, spread, lut = axes[0]
    for axis, x, name in ((law, current, "SET current (µA)"), (lut, volts, "word line (V)")):
        axis.fill_between(x, median - sd, median + sd, color=CHAIN_COLOURS[0], alpha=0.2, linewidth=0)
        axis.plot(x, median, color=CHAIN_COLOURS[0], marker="o", markersize=2)
        axis.set(xlabel=name, ylabel="conductance (µS)")
    spread.plot(current, 100 * sd / median, color=CHAIN_COLOURS[1], marker="o", markersize=2)
    spread.set(xlabel="SET current (µA)", ylabel="cycle-to-cycle s.d. (%)")
    for axis in (law, lut):
        axis.axhspan(
            *card.range_us, color=CHAIN_COLOURS[2], alpha=0.12, linewidth=0, label=f"what card {card.name} knows"
        )
    law.legend(frameon=False, loc="lower right", fontsize=6)
    law.set_title("median ± s.d.", loc="left")
    lut.set_title(f"gate LUT, {config.gate_codes} codes", loc="left")
    return figure
