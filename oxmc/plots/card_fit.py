"""Pictures of what `oxmc card fit` found: measured points over the law, relaxation by level, spectra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.cards.cycles import CyclesFit
from oxmc.cards.groups import Groups
from oxmc.cards.learn import Learned
from oxmc.cards.noise import NoiseFit
from oxmc.cards.relaxation import RelaxationFit
from oxmc.plots.style import CHAIN_COLOURS, drawn, grid, plot_style
from oxmc.pymodels.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_DOTS = 4000
"""Devices' medians that are drawn."""
BLUE, RED, GREEN = CHAIN_COLOURS[:3]


def fit_pictures(found: Learned, card: Path) -> tuple[dict[Path, bytes], list[str]]:
    """Pictures by file, beside the file of the card; none, and a note why, where matplotlib is not there."""
    try:
        with plot_style():
            figures = fit_figures(found)
            files = [drawn(figure, card.with_name(f"{card.stem}-{name}")) for name, figure in figures.items()]
    except InputError as error:
        return {}, [f"no pictures: {error}"]
    return {path: content for each in files for path, content in each.items()}, []


def fit_figures(found: Learned) -> dict[str, Figure]:
    """A figure a part that was fitted, by name."""
    figures = {}
    if found.cycles is not None:
        figures["cycles"] = _cycles_figure(found.cycles)
    if found.relaxation is not None:
        figures["relaxation"] = _relaxation_figure(found.relaxation)
    if found.noise:
        figures["noise"] = _noise_figure(found.noise)
    return figures


def _cycles_figure(fit: CyclesFit) -> Figure:
    """Medians and s.d. over the axis, and how cycles of one device scatter."""
    figure, axes = grid(1, 3, height_in=2.6)
    groups = Groups(fit.cycles, fit.cycles.g_us)
    label = "SET current (uA)" if fit.cycles.axis == "current" else "gate voltage (V)"
    fine = np.linspace(fit.x[0], fit.x[-1], 100)
    with np.errstate(divide="ignore", invalid="ignore"):
        own_sd = np.sqrt(groups.squares / (groups.count - 1))
    parts = ((groups.mean, fit.median, fit.median_law, "median"), (own_sd, fit.sd, fit.sd_law, "c2c s.d."))
    for axis, (devices, found, law, name) in zip(axes[0], parts, strict=False):
        _dots(axis, fit.x, devices)
        value = np.array([each.value for each in found])
        ends = np.abs(np.array([(each.low, each.high) for each in found]).T - value)
        axis.errorbar(fit.x, value, ends, fmt="o", color=BLUE, markersize=3, label="all devices, 95 %")
        if law is not None:
            axis.plot(fine, law.at(fine), color=RED, linewidth=1.2, label="power law")
        axis.set(xlabel=label, ylabel=f"{name} (uS)", ylim=(0, None))
        axis.legend(frameon=False, fontsize=7)
    _scatter(axes[0, 2], groups, fit)
    return figure


def _dots(axis: Any, x: np.ndarray, devices: np.ndarray) -> None:
    step = max(1, devices.size // MOST_DOTS)
    spread = (np.ptp(x) or 1.0) * 0.015 * np.random.default_rng(0).uniform(-1, 1, devices.shape)
    at = np.broadcast_to(x, devices.shape) + spread
    axis.scatter(at.ravel()[::step], devices.ravel()[::step], s=2, color="0.75", linewidths=0, label="a device")


def _scatter(axis: Any, groups: Groups, fit: CyclesFit) -> None:
    """Residuals in s.d. against those of a normal law, the straight line."""
    from scipy.special import ndtri

    sd = np.array([each.value for each in fit.sd])[fit.cycles.level]
    z = np.sort(groups.rest / sd)
    at = np.linspace(0, z.size - 1, min(z.size, 500)).astype(int)
    axis.plot(ndtri((at + 0.5) / z.size), z[at], ".", markersize=2, color=BLUE)
    axis.plot([-3, 3], [-3, 3], color="0.6", linewidth=0.8)
    axis.set(xlabel="normal quantile", ylabel="cycle less its device's mean (s.d.)", title=fit.shape.kind)


def _relaxation_figure(fit: RelaxationFit) -> Figure:
    """Mean and s.d. of the change by level, a line a time."""
    figure, axes = grid(1, 2, height_in=2.6)
    for axis, part, ends, name in zip(axes[0], (fit.shift, fit.sd), (fit.shift_ends, fit.sd_ends),
                                      ("mean change", "s.d. of the change"), strict=True):  # fmt: skip
        for k, time in enumerate(fit.time_s):
            colour = CHAIN_COLOURS[k % len(CHAIN_COLOURS)]
            off = np.abs(ends[:, :, k] - part[:, k])
            axis.errorbar(fit.level_us, part[:, k], off, marker="o", markersize=3, color=colour, label=f"{time:.3g} s")
        axis.set(xlabel="conductance after the SET (uS)", ylabel=f"{name} (share)")
    axes[0, 1].legend(frameon=False, fontsize=7)
    return figure


def _noise_figure(fits: tuple[NoiseFit, ...]) -> Figure:
    """Spectra over the fitted law."""
    figure, axes = grid(1, 1, height_in=3.0)
    for k, fit in enumerate(fits[:12]):
        colour, seen = CHAIN_COLOURS[k % len(CHAIN_COLOURS)], fit.spectrum
        axes[0, 0].loglog(seen.hz, seen.density, "o", markersize=2.5, color=colour, label=f"{fit.level_us:.3g} uS")
        axes[0, 0].loglog(seen.hz, fit.density(seen.hz), color=colour)
    axes[0, 0].set(xlabel="frequency (Hz)", ylabel="power density (uS^2/Hz)")
    axes[0, 0].legend(frameon=False, fontsize=7)
    return figure
