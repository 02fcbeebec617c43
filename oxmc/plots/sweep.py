"""A sweep as a picture: what each point reaches against what it costs, at each node, with the front of the best."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.plots.style import CHAIN_COLOURS, grid, plot_style, save
from oxmc.pymodels.errors import InputError
from oxmc.run.result import NODES
from oxmc.run.rundir import SWEEP_SCHEMA

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELLED = 24
"""Points up to which each carries its number."""

NAMED = 6
"""Keys up to which the title names them."""


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
        return save(sweep_figure(record), stem)


def sweep_figure(record: Mapping[str, Any]) -> Figure:
    """One panel a node: mean with standard errors of both axes; energy is logarithmic, the front is joined."""
    from matplotlib.ticker import LogLocator, NullLocator

    points = record["points"]
    figure, axes = grid(1, len(NODES), height_in=3.3, sharey=True)
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
    keys = list(record["vary"])
    varied = ", ".join(keys) if len(keys) <= NAMED else f"{len(keys)} keys"
    figure.suptitle(f"{record['task']}: {varied}; {record['repeats']} repeats a point", fontsize=8)
    return figure
