"""What the figures share: the series that stand side by side, parts of many trainings, boxes and bars."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.paper.entry import Part, Plan, Results, Size
from oxmc.plots.style import CHAIN_COLOURS, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEED, FIXED_SEED, FIRST_SPLIT = 20_000, 40_000, 2021
"""Base seeds of what is reported, on which no constant was chosen; and the first of the fixed splits."""
CHUNK = 50
"""Trainings of one part, so that a page that is stopped loses little."""


@dataclasses.dataclass(frozen=True)
class Series:
    """A preset under conditions, and the name under which its results stand."""

    preset: str
    conditions: str

    @property
    def name(self) -> str:
        return f"{self.preset}, {self.conditions}"

    @property
    def settings(self) -> dict[str, Any]:
        return {} if self.conditions == "ideal" else {"conditions": self.conditions}


def side_by_side(*presets: str) -> list[Series]:
    """Each preset under ideal and real conditions."""
    return [Series(preset, conditions) for preset in presets for conditions in ("ideal", "real")]


THREE = side_by_side("paper", "frugal", "best")
TWO = side_by_side("paper", "best")
"""Where `best` is `frugal`, or one of them is enough."""
SHOWN = [Series("paper", "ideal"), Series("best", "real")]
"""The paper's scheme on an ideal array, and the default on a real one: what is shown in full."""


def repeats(function: str, count: int, /, **arguments: Any) -> list[Part]:
    """Parts of `count` repeats together."""
    starts = range(0, count, CHUNK)
    return [Part.of(function, first=start, count=min(CHUNK, count - start), **arguments) for start in starts]


def trainings(
    task: str, series: Sequence[Series], count: int, *, seed: int = SEED, prefix: str = "", **more: Any
) -> Plan:
    """Many trainings of each series, under its name."""
    settings = more.pop("settings", {})
    return {
        prefix + each.name: repeats(
            "trainings:many", count, task=task, preset=each.preset, settings=each.settings | settings, seed=seed, **more
        )
        for each in series
    }


def heartbeats(size: Size) -> dict[str, Any] | None:
    """Where recordings lie, as a part's argument; None without any."""
    if size.data is None:
        return None
    from oxmc.paper.measure.trainings import source_of

    sha256 = source_of(str(size.data), size.subject).identity()["sha256"]
    return {"data": str(size.data), "subject": size.subject, "sha256": sha256}


def colour(series: Series) -> str:
    """Of a preset, whatever the conditions."""
    return CHAIN_COLOURS[("paper", "best", "frugal", "wide").index(series.preset)]


def boxes(axis: Any, values: Mapping[str, Sequence[float]], colours: Sequence[str]) -> None:
    """A box a name: quartiles, median, whiskers to both ends, as in the paper's Fig 5c."""
    made = axis.boxplot(
        list(values.values()), whis=(0, 100), patch_artist=True, widths=0.6, medianprops={"color": "black"}
    )
    for box, face in zip(made["boxes"], colours, strict=True):
        box.set(facecolor=face, alpha=0.45, linewidth=0.6)
    axis.set_xticks(range(1, len(values) + 1), [name.replace(", ", "\n") for name in values])


def box_figure(
    values: Mapping[str, Sequence[float]], colours: Sequence[str], ylabel: str, paper: Mapping[str, float],
) -> Figure:  # fmt: skip
    """Boxes beside each other, and what the paper has as dashed lines."""
    figure, axes = grid(1, 1, height_in=2.9)
    boxes(axes[0, 0], values, colours)
    mark_paper(axes[0, 0], paper)
    axes[0, 0].set_ylabel(ylabel)
    return figure


def mark_paper(axis: Any, paper: Mapping[str, float]) -> None:
    """The paper's numbers as dashed lines, each with its name."""
    for (name, value), style in zip(paper.items(), ((0, (4, 2)), ":", "-."), strict=False):
        axis.axhline(value, color="0.35", linestyle=style, linewidth=0.8, label=f"the paper: {name} {value:g}")
    if paper:
        axis.legend(frameon=False, fontsize=6, loc="best")


def of(results: Results, name: str, key: str = "result") -> list[float]:
    return list(results[name][key])


def series_in(results: Results, series: Sequence[Series], prefix: str = "") -> list[Series]:
    """Those of the series that were measured."""
    return [each for each in series if prefix + each.name in results]


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
