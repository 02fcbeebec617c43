"""A verdict on a card as a picture: accuracy and joules over c2c and d2d, the device itself as a star."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.plots.style import footnote, grid, plot_style, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(record: Mapping[str, Any], stem: Path) -> list[Path]:
    """The picture as PNG and SVG; the files written. Raises `InputError` without matplotlib."""
    with plot_style():
        figure = verdict_figure(record)
        footnote(figure, [record["sentence"], *record["notes"]])
        return save(figure, stem)


def verdict_figure(record: Mapping[str, Any]) -> Figure:
    """One panel of accuracy, one of joules; each tile is a point of the grid, with its mean."""
    points, star = record["grid"], record["star"]
    factors = [sorted({point[key] for point in points}) for key in ("c2c_factor", "d2d_factor")]
    shape = [len(each) for each in factors]
    node = "28nm"
    parts = {
        "mean test accuracy": ([point["mean"] for point in points], star["mean"], "{:.3f}", "viridis"),
        f"energy at {node} (µJ)": (
            [1e6 * point["energy_j"][node]["mean"] for point in points], 1e6 * star["energy_j"][node], "{:.2f}",
            "viridis_r",
        ),
    }  # fmt: skip
    figure, axes = grid(1, 2, height_in=3.2, stacked=True)
    for axis, (title, (values, own, form, colours)) in zip(axes.flat, parts.items(), strict=True):
        tiles = np.array(values).reshape(shape)
        image = axis.imshow(tiles.T, origin="lower", cmap=colours, aspect="auto")
        for (i, j), value in np.ndenumerate(tiles):
            bright = image.norm(value) > 0.6 if colours == "viridis" else image.norm(value) < 0.4
            axis.text(
                i, j - 0.25, form.format(value), ha="center", va="center", fontsize=6, color="k" if bright else "w"
            )
        at = [each.index(1.0) for each in factors]
        axis.plot(*at, "*", markersize=12, markerfacecolor="w", markeredgecolor="k")
        axis.set(title=f"{title}; star: {form.format(own)}", xlabel="s.d. from cycle to cycle, of the median")
        axis.set_xticks(range(shape[0]), [f"{record['c2c'] * factor:.1%}" for factor in factors[0]])
        axis.set_yticks(range(shape[1]), [f"{record['d2d'] * factor:.1%}" for factor in factors[1]])
    axes[0, 0].set_ylabel("s.d. from device to device, of the median")
    return figure
