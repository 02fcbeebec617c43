"""`plane` of `oxmc plot`, for two features and two classes: the posterior of the weights and its prediction (Fig 4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.plots.style import CHAIN_COLOURS, grid, legend_above
from oxmc.posterior.likelihood import log_likelihood, log_prior, response
from oxmc.posterior.posterior import values_of
from oxmc.pymodels.config import Config

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

GRID = 160
"""Points of an axis at which a contour is computed."""
MASSES: dict[float, Any] = {0.99: ":", 0.9: "--", 0.5: "-"}
"""Shares of the exact posterior that its contours enclose, and how each is drawn."""


def has_plane(config: Config) -> bool:
    """Whether the model is a line in the plane of two features."""
    binary = config.outputs == 1 and not config.hidden and config.acceptance == "likelihood"
    return binary and config.features == 2


def plane_figure(config: Config, tree: xr.DataTree, record: dict[str, Any]) -> Figure:
    """Stored models over the exact posterior's contours; probability of class 1 over the plane, and training points."""
    counters = values_of(tree, "stored_models", "counter").ravel()
    w = values_of(tree, "stored_models", "w").reshape(-1, 2)[counters > 0]
    counters = counters[counters > 0]
    x, t = values_of(tree, "constant_data", "x"), values_of(tree, "observed_data", "t")
    figure, axes = grid(1, 2, height_in=3.3, stacked=True, width_ratios=[1, 1.25])
    lines = _posterior(axes[0, 0], config, w, counters, x, t)
    _probability(figure, axes[0, 1], config, w, counters, x, t, record["data"])
    points, classes = axes[0, 1].get_legend_handles_labels()
    masses = [f"{100 * mass:.0f} % of the exact one" for mass in MASSES]
    legend_above(figure, [*lines, *points], [*masses, *classes])
    return figure


def exact_posterior(config: Config, x: np.ndarray, t: np.ndarray, w_us: np.ndarray) -> np.ndarray:
    """Posterior of weights `w_us` float64 [n, 2] by Eq 7 and the normal prior, float64 [n], relative to the largest."""
    logs = log_likelihood(config, w_us, x, t) + log_prior(config, w_us)
    density: np.ndarray = np.exp(logs - logs.max())
    return density


def mass_levels(density: np.ndarray, masses: Iterable[float] = MASSES) -> list[float]:
    """Heights above which the density's highest cells hold each share of its mass; `masses` fall, heights rise."""
    heights = np.sort(density.ravel())[::-1]
    shares = np.cumsum(heights) / heights.sum()
    return [float(heights[np.searchsorted(shares, mass)]) for mass in masses]


def probability_at(config: Config, w_us: np.ndarray, counters: np.ndarray, x: np.ndarray) -> np.ndarray:
    """P of class 1 (Eq 8 with its S) at points `x` float64 [n, 2], float64 [n], in real numbers."""
    p: np.ndarray = response(config, w_us, x)[:, :, 0].T @ (counters / counters.sum())
    return p


def _posterior(axis: Any, config: Config, w: np.ndarray, counters: np.ndarray, x: np.ndarray, t: np.ndarray) -> Any:
    """Draws it; what stands for each contour in a legend."""
    from matplotlib.lines import Line2D

    reach = max(1.15 * np.abs(w).max(), 3.0 * config.prior_sigma_us)
    line = np.linspace(-reach, reach, GRID)
    w0, w1 = np.meshgrid(line, line)
    density = exact_posterior(config, x, t, np.column_stack([w0.ravel(), w1.ravel()])).reshape(GRID, GRID)
    axis.scatter(w[:, 0], w[:, 1], s=3 * counters, color=CHAIN_COLOURS[0], alpha=0.25, linewidths=0, rasterized=True)
    levels = mass_levels(density)
    axis.contour(w0, w1, density, levels=levels, colors="black", linewidths=0.8, linestyles=list(MASSES.values()))
    inside = density >= levels[0]
    for limits, values, own in ((axis.set_xlim, w0, w[:, 0]), (axis.set_ylim, w1, w[:, 1])):
        low, high = min(values[inside].min(), own.min()), max(values[inside].max(), own.max())
        limits(low - 0.08 * (high - low), high + 0.08 * (high - low))
    axis.set(xlabel="$w_0$ (µS)", ylabel="$w_1$ (µS)")
    axis.set_title("posterior: stored models, area by counter", loc="left")
    return [Line2D([], [], color="black", linewidth=0.8, linestyle=style) for style in MASSES.values()]


def _probability(
    figure: Any, axis: Any, config: Config, w: np.ndarray, counters: np.ndarray, x: np.ndarray, t: np.ndarray,
    names: dict[str, Any],
) -> None:  # fmt: skip
    reach = 1.1 * np.abs(x).max()
    line = np.linspace(-reach, reach, GRID)
    x0, x1 = np.meshgrid(line, line)
    p = probability_at(config, w, counters, np.column_stack([x0.ravel(), x1.ravel()]))
    field = axis.contourf(x0, x1, p.reshape(GRID, GRID), levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.8)
    axis.contour(x0, x1, p.reshape(GRID, GRID), levels=[0.5], colors="black", linewidths=0.9)
    classes = names["classes"] or ["class 0", "class 1"]
    for kind, marker in ((0, "o"), (1, "^")):
        at, face, edge = x[t == kind], ("white", "black")[kind], ("black", "white")[kind]
        axis.scatter(
            at[:, 0], at[:, 1], s=14, marker=marker, color=face, edgecolors=edge, linewidths=0.6, label=classes[kind],
            rasterized=True,
        )  # fmt: skip
    features = names["features"]
    axis.set(xlabel=features[0], ylabel=features[1], xlim=(-reach, reach), ylim=(-reach, reach))
    axis.set_title("prediction and training points", loc="left")
    figure.colorbar(field, ax=axis, label=f"P({classes[1]})", ticks=[0, 0.5, 1], pad=0.02)
