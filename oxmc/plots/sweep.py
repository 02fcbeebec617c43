"""A sweep as a picture: what each point reaches against what it costs, at each node, with the front of the best."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.plots.style import CHAIN_COLOURS, footnote, grid, legend_above, plot_style, save, unmarked
from oxmc.pymodels.errors import InputError
from oxmc.run.provenance import sentences
from oxmc.run.result import NODES
from oxmc.run.rundir import SWEEP_SCHEMA

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELLED = 24
"""Points up to which each carries its number, and the key says what it is."""


def available() -> bool:
    """Whether matplotlib is there; a sweep without it has no picture."""
    return importlib.util.find_spec("matplotlib") is not None


def read_sweep(folder: Path) -> dict[str, Any]:
    """sweep.json of a sweep. Raises `InputError` if it is none."""
    try:
        record = json.loads((folder / "sweep.json").read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"RUN must hold a whole sweep, which {str(folder)!r} does not ({error})") from error
    if not isinstance(record, dict) or record.get("schema") != SWEEP_SCHEMA:
        raise InputError(f"RUN must hold a sweep of schema {SWEEP_SCHEMA!r}, which {str(folder)!r} does not")
    return record


def draw(record: Mapping[str, Any], stem: Path) -> list[Path]:
    """The picture as PNG and SVG; the files written."""
    with plot_style():
        figure = sweep_figure(record)
        footnote(figure, sentences(record))
        return save(figure, stem)


def sweep_figure(record: Mapping[str, Any]) -> Figure:
    """One panel a node: mean with standard errors of both axes; energy is logarithmic, the front is joined."""
    from matplotlib.ticker import LogLocator, NullLocator

    points = record["points"]
    figure, axes = grid(1, len(NODES), height_in=3.3, stacked=True, sharey=True)
    for axis, node in zip(axes[0], NODES, strict=True):
        joules = [point["energy_j"][node]["mean"] * 1e6 for point in points]
        values = [point["mean"] for point in points]
        errors = [[point["energy_j"][node]["sem"] or 0.0 for point in points], [p["sem"] or 0.0 for p in points]]
        across = [error * 1e6 for error in errors[0]]
        axis.errorbar(joules, values, xerr=across, yerr=errors[1], fmt="none", ecolor="0.75", elinewidth=0.8, zorder=1)
        front = sorted((j, v) for j, v, p in zip(joules, values, points, strict=True) if p["pareto"][node])
        axis.step(*zip(*front, strict=True), where="post", color=CHAIN_COLOURS[0], linewidth=1.0, zorder=2)
        colours = [CHAIN_COLOURS[0] if point["pareto"][node] else "0.5" for point in points]
        axis.scatter(joules, values, s=18, c=colours, linewidths=0, zorder=3)
        if len(points) <= LABELLED:
            for number, place in enumerate(zip(joules, values, strict=True)):
                axis.annotate(str(number), place, xytext=(3, 3), textcoords="offset points", fontsize=6.5)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set(xlabel=f"energy of training and inference at {node} (µJ)")
    axes[0, 0].set_ylabel(f"mean test {points[0]['metric']}")
    _key(figure, record)
    return figure


def _key(figure: Figure, record: Mapping[str, Any]) -> None:
    """Over the picture what the numbers of its points stand for, or where that is to be found."""
    from matplotlib.lines import Line2D

    points, repeats = record["points"], record["repeats"]
    bars = ", bars are standard errors of the mean" if repeats > 1 else ""
    beyond = [str(number) for number, point in enumerate(points) if point["extrapolated"]]
    marked = f"; extrapolated beyond the card: {', '.join(beyond)}" if beyond else ""
    title = f"{len(points)} points of {repeats} trainings{bars}; the line joins the Pareto front{marked}"
    labels = [f"{number}: {unmarked(point['change'] or 'no change')}" for number, point in enumerate(points)]
    if len(points) > LABELLED:
        labels = ["each point is a row of sweep.csv"]
    blank = [Line2D([], [], linestyle="")] * len(labels)
    legend_above(figure, blank, labels, title=title, handlelength=0, handletextpad=0)
