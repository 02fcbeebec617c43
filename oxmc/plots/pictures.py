"""`oxmc plot`: what a run's posterior and array look like, as PNG, SVG or PDF.

`trace`: the chain over its proposals, with marginals; `pairs`: joint marginals of the pairs that decide most; `array`:
the conductances of the first chain's array, with its row counters; and those of `oxmc.plots.results`,
`oxmc.plots.parameters` and `oxmc.plots.plane`. Outputs that are chains of their own have neither trace nor pairs, since
`posterior.nc` is not written for them. A run of repeats has one picture of its own, `repeats`, and a sweep `sweep`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.plots.parameters import draws_of_outputs, draws_of_tree, parameter_figure
from oxmc.plots.plane import has_plane, plane_figure
from oxmc.plots.results import (
    Held,
    accuracy_figure,
    device_figure,
    repeats_figure,
    reward_figure,
    uncertainty_figure,
)
from oxmc.plots.style import (
    CHAIN_COLOURS,
    DATES,
    FORMATS,
    STACKED_IN,
    chain_look,
    drawn,
    footnote,
    grid,
    legend_above,
    plot_style,
    unmarked,
    width_in,
)
from oxmc.plots.sweep import read_sweep, sweep_figure
from oxmc.posterior.posterior import values_of
from oxmc.pymodels.ahead import heard
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import understood
from oxmc.pymodels.outcome import Outcome, kept_test_set
from oxmc.pymodels.whole import write_files
from oxmc.run.checked import CheckedRun, checked_posterior, checked_run
from oxmc.run.provenance import sentences
from oxmc.run.records import mean_reference

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SHOWN = 4
"""Pairs that trace and pair plots show."""
OF_ALL_CHAINS = ("trace", "pairs", "parameters", "plane", "devices")
"""Pictures that show all chains of a run, or none; the others show the first."""


def plot_run(run: Path, out: Path, formats: Sequence[str] = FORMATS, width_mm: float | None = None) -> list[Path]:
    """Draw all plots of a run directory into folder `out`, in each format and `width_mm` wide; the files written.

    Raises `InputError` if the run lacks a posterior or state, `out` cannot be written, or for a format or width that
    there is not.
    """
    for name in formats:
        if name not in DATES:
            raise InputError(f"--format must be one of {', '.join(DATES)}, not {name!r}")
    makers = figures_of(run)
    with plot_style(width_mm), understood("RUN must hold a whole run", run):
        figures = heard(lambda: {name: make() for name, make in makers.items()})
        pictures = [drawn(figure, out / name, formats) for name, figure in figures.items()]
    return write_files({path: data for files in pictures for path, data in files.items()}, out)


def figures_of(run: Path) -> dict[str, Callable[[], Figure]]:
    """What draws each picture that a run directory has data for, by name; within `plot_style`.

    Raises `InputError` if the run is not whole or lacks its posterior.
    """
    if (run / "sweep.json").exists():
        record = read_sweep(run)
        return {"sweep": functools.partial(_named, lambda: sweep_figure(record), sentences(record))}
    checked = checked_run(run)
    record, config, state = checked.run, checked.config, checked.state
    if state is None:
        raise InputError(f"RUN must be a run directory, not {str(run)!r}")
    record["data"] |= {kind: list(map(unmarked, record["data"][kind])) for kind in ("features", "classes")}
    if "repeats" in record:
        makers = {"repeats": lambda: repeats_figure(record, mean_reference(run))}
    else:
        tree = None if config.counters == "own" else checked_posterior(run, config)
        makers = _makers(checked, state, tree, run)
    return {
        name: functools.partial(_named, make, sentences(record, _part(record, name))) for name, make in makers.items()
    }


def _part(record: dict[str, Any], name: str) -> str:
    """Which of several chains a picture shows."""
    several = "chains" in record and name not in OF_ALL_CHAINS
    return f"this is chain 0 of {record['chains']['n']}" if several else ""


def _named(make: Callable[[], Figure], said: Sequence[str]) -> Figure:
    """A picture that says below what it is of, and what a reader should know of that."""
    figure = make()
    footnote(figure, said)
    return figure


def _makers(
    checked: CheckedRun, state: Outcome, tree: xr.DataTree | None, run: Path
) -> dict[str, Callable[[], Figure]]:
    """Of one training."""
    config, record = checked.config, checked.run
    makers: dict[str, Callable[[], Figure]] = {}
    if tree is not None:
        makers["trace"] = lambda: trace_figure(tree, rewards=bool(state.rewards.size))
        makers["pairs"] = lambda: pair_figure(tree)
    makers["parameters"] = lambda: parameter_figure(
        config, draws_of_outputs(config, state) if tree is None else draws_of_tree(tree), record
    )
    makers["array"] = lambda: array_figure(config, state)
    makers["devices"] = lambda: device_figure(config)
    if tree is not None and has_plane(config):
        makers["plane"] = lambda: plane_figure(config, tree, record)
    kept = kept_test_set(run / "state.npz")
    if kept is not None:
        makers["accuracy"] = lambda: accuracy_figure(config, state, *kept, Held.of(run, checked))
    if state.rewards.size:
        makers["reward"] = lambda: reward_figure(config, state, Held.of(run, checked))
    if "uncertainty" in record:
        makers["uncertainty"] = lambda: uncertainty_figure(record["uncertainty"])
    return makers


def decisive_pairs(draws: np.ndarray, shown: int = SHOWN) -> list[int]:
    """The `shown` pairs whose mean over `draws` [chains, draws, pairs] lies most s.d. from 0, most decisive first."""
    w = draws.reshape(-1, draws.shape[2])
    spread = w.std(axis=0)
    score = np.abs(w.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    return [int(pair) for pair in np.argsort(-score, kind="stable")[:shown]]


def trace_figure(tree: xr.DataTree, *, rewards: bool = False) -> Figure:
    """w of the most decisive pairs and log-likelihood over the proposals after the burn-in, with marginals.

    With `rewards`, what posterior.nc keeps in the place of a log-likelihood is the log of the reward's power.
    """
    draws = values_of(tree, "posterior", "w")
    panels = [(_name(tree, pair), f"{_label(pair)} (µS)", draws[:, :, pair]) for pair in decisive_pairs(draws)]
    name = ("reward, as the chain compares it", "log $r^β$ (nat)") if rewards else ("log-likelihood", "log L (nat)")
    panels.append((*name, values_of(tree, "sample_stats", "log_likelihood")))
    figure, axes = grid(len(panels), 2, height_in=1.15 * len(panels) + 0.4, width_ratios=[5, 1], sharey="row")
    for (trace, marginal), (title, label, values) in zip(axes, panels, strict=True):
        _trace(trace, marginal, values)
        trace.set_ylabel(label)
        trace.set_title(title, loc="left", pad=3)
    for axis in axes[:-1].flat:
        axis.tick_params(labelbottom=False)
    axes[-1, 0].set_xlabel("proposal after the burn-in")
    axes[-1, 1].set_xlabel("density")
    figure.align_ylabels(axes[:, 0])
    if len(draws) > 1:
        chains = range(len(draws))
        legend_above(figure, [_line(chain) for chain in chains], [f"chain {chain}" for chain in chains])
    return figure


def _trace(trace: Any, marginal: Any, values: np.ndarray) -> None:
    """One quantity of each chain, [chain, draw], over proposals and as a histogram on the same axis."""
    edges = np.histogram_bin_edges(values, bins=30)
    for chain, chain_values in enumerate(values):
        trace.step(np.arange(chain_values.size), chain_values, where="post", linewidth=0.6, **chain_look(chain))
        marginal.hist(
            chain_values, bins=edges, density=True, orientation="horizontal", histtype="stepfilled",
            facecolor=(_colour(chain), 0.25), edgecolor=_colour(chain), linewidth=0.6,
        )  # fmt: skip
    trace.set_xlim(0, max(1, values.shape[1] - 1))
    marginal.set_xticks([])
    marginal.tick_params(left=False)
    marginal.spines["left"].set_visible(False)


def pair_figure(tree: xr.DataTree) -> Figure:
    """Joint marginals below the diagonal, a dot a stored model, its area its counter; weighted marginals on it."""
    pairs = decisive_pairs(values_of(tree, "posterior", "w"))
    counters = values_of(tree, "stored_models", "counter")
    w = values_of(tree, "stored_models", "w")[:, :, pairs]
    chains = [(values[counts > 0], counts[counts > 0]) for values, counts in zip(w, counters, strict=True)]
    everything, weights = (np.concatenate(parts) for parts in zip(*chains, strict=True))
    edges = [np.histogram_bin_edges(column, bins=24) for column in everything.T]
    narrow = width_in() < STACKED_IN
    side_in = max(width_in() * len(pairs) / SHOWN, min(3.0, width_in()))
    figure, axes = grid(
        len(pairs), len(pairs), height_in=side_in * (1.25 if narrow else 1.0), wide_in=side_in, sharex="col"
    )
    limits = [_padded(edge) for edge in edges]
    area = 60.0 / np.quantile(weights, 0.99)  # a dot of the largest counters is 9 points wide
    for i, j in np.ndindex(axes.shape):
        axis = axes[i, j]
        if j > i:
            axis.set_visible(False)
            continue
        if i == j:
            axis.hist(everything[:, i], bins=edges[i], weights=weights, density=True, color="0.6")
            axis.set(yticks=[], xlim=limits[i])
            name = _name(tree, pairs[i])
            axis.set_title(name.replace(" ", "\n") if narrow else name, fontsize=7, pad=3)
        else:
            for chain, (values, counts) in enumerate(chains):
                axis.scatter(
                    values[:, j], values[:, i], s=area * counts, color=_colour(chain), alpha=0.3, linewidths=0,
                    rasterized=True,
                )  # fmt: skip
            axis.set(ylim=limits[i])
            axis.tick_params(labelleft=j == 0)
        if narrow:
            axis.locator_params(nbins=2)
        if i == len(pairs) - 1:
            axis.set_xlabel(f"{_label(pairs[j])} (µS)")
        if j == 0 and i:
            axis.set_ylabel(f"{_label(pairs[i])} (µS)")
    figure.align_ylabels(axes[1:, 0])
    if len(pairs) > 1:
        handles = [_dot(area * size, "0.4") for size in (1, 10)] + [_dot(20, _colour(i)) for i in range(len(chains))]
        labels = ["counter 1", "counter 10", *(f"chain {chain}" for chain in range(len(chains)))]
        if narrow:
            legend_above(figure, handles, labels)
        else:
            figure.legend(handles, labels, loc="upper right", ncols=-(-len(labels) // 8), frameon=False)
    return figure


def array_figure(config: Config, state: Outcome) -> Figure:
    """Conductance of every cell in uS, row by row, and each row's counter beside it; rows the chain left are 0."""
    from matplotlib.ticker import MaxNLocator

    conductance_us = state.conductance_ns / 1000
    rows = len(conductance_us)
    narrow = width_in() < STACKED_IN
    figure, axes = grid(1, 2, height_in=4.6, width_ratios=[2 if narrow else 3.2, 1], sharey=True)
    heat, bars = axes[0]
    image = heat.imshow(
        conductance_us, aspect="auto", cmap="viridis", vmin=0.0, vmax=np.quantile(conductance_us, 0.999),
        extent=(-0.5, conductance_us.shape[1] - 0.5, rows - 0.5, -0.5), rasterized=True,
    )  # fmt: skip
    per_chain = f", {config.rows} of each output" if config.chains > 1 else ""
    heat.set(xlabel="cell (even: g+, odd: g−)", ylabel=f"row{per_chain}")
    heat.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(image, ax=heat, location="left", label="conductance (µS)", pad=0.01, aspect=40)
    counters = np.zeros(rows, np.int64)
    counters[: len(state.counters)] = state.counters
    colours = ["0.75" if row % config.rows < config.burn_in else CHAIN_COLOURS[0] for row in range(rows)]
    bars.barh(np.arange(rows), counters, height=1.0, color=colours, linewidth=0)
    bars.set(xlabel="counter" if narrow else "row counter")
    bars.tick_params(left=False, labelleft=False)
    bars.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    for chain in range(config.chains):
        start = chain * config.rows - 0.5
        for axis, colour in ((heat, "white"), (bars, "black")):
            if chain:
                axis.axhline(start, color=colour, linewidth=0.9)
            if config.burn_in:
                axis.axhline(start + config.burn_in, color=colour, linewidth=0.8, linestyle=(0, (4, 2)))
    if config.burn_in:
        bars.annotate(
            "burn-in", (1, config.burn_in - 0.5), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", ha="right", va="bottom", fontsize=7,
            bbox={"facecolor": "white", "alpha": 0.8, "pad": 1, "linewidth": 0},
        )  # fmt: skip
    return figure


def _colour(chain: int) -> str:
    return str(chain_look(chain)["color"])


def _padded(edges: np.ndarray) -> tuple[float, float]:
    margin = 0.05 * (edges[-1] - edges[0])
    return float(edges[0] - margin), float(edges[-1] + margin)


def _dot(area: float, colour: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, marker="o", markersize=area**0.5, markeredgewidth=0, linestyle="", alpha=0.6)


def _line(chain: int) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linewidth=1.2, **chain_look(chain))


def _label(pair: int) -> str:
    return f"$w_{{{pair}}}$"


def _name(tree: xr.DataTree, pair: int) -> str:
    """Feature or hidden neuron that feeds a pair, and what the pair feeds where that is not the only output."""
    return unmarked(str(values_of(tree, "posterior", "pair")[pair]))
