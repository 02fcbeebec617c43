"""`parameters` of `oxmc plot`: the posterior of every pair, where its middle half and nine tenths of it lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.plots.style import CHAIN_COLOURS, grid, labelled_above
from oxmc.posterior.draws import weights_us
from oxmc.posterior.names import pair_names
from oxmc.posterior.posterior import values_of
from oxmc.posterior.row_accuracy import chain_parts
from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

NAMED = 48
"""Pairs up to which each carries its name."""
SHARES = ((0.05, 0.95, 0.25), (0.25, 0.75, 1.0))
"""Quantiles of a bar, and its share of the full width."""
WIDTH_PT = 250.0
"""Width of all bars of a chain together; one is at most `MOST_PT` wide."""
MOST_PT = 5.0

Draws = list[list[np.ndarray]]
"""w in uS by pair and chain: each stored model as often as it was counted."""


def draws_of_tree(tree: xr.DataTree) -> Draws:
    w = values_of(tree, "posterior", "w")
    return [list(w[:, :, pair]) for pair in range(w.shape[2])]


def draws_of_outputs(config: Config, state: Outcome) -> Draws:
    """The same where each output is a chain of its own, for which no posterior.nc is written."""
    draws: Draws = []
    for rows, counts in chain_parts(config, state):
        voting = slice(min(config.burn_in, len(counts) - 1), len(counts))
        w = weights_us(rows[voting])
        draws += [[np.repeat(column, counts[voting])] for column in w.T]
    return draws


def parameter_figure(config: Config, draws: Draws, record: dict[str, Any]) -> Figure:
    """A bar a pair and chain over the prior's standard deviation, grouped by the neuron that the pairs feed."""
    named = len(draws) <= NAMED
    figure, axes = grid(1, 1, height_in=3.6 if named else 3.0)
    axis = axes[0, 0]
    sigma = config.prior_sigma_us
    axis.axhspan(-sigma, sigma, color="0.93", linewidth=0, label="prior ± s.d.")
    axis.axhline(0, color="0.6", linewidth=0.6)
    chains = len(draws[0])
    full = min(MOST_PT, WIDTH_PT / (len(draws) * chains))
    for chain in range(chains):
        values = [pair[chain] for pair in draws]
        x = np.arange(len(draws)) + (chain - (chains - 1) / 2) * 0.7 / chains
        colour = CHAIN_COLOURS[chain % len(CHAIN_COLOURS)]
        for low, high, width in SHARES:
            ends = np.array([np.quantile(value, (low, high)) for value in values])
            of_draws = f"{round(100 * (high - low))} % of the draws"
            label = of_draws if chains == 1 else f"chain {chain}, {of_draws}" if not chain else f"chain {chain}"
            drawn = label if not chain or width == 1.0 else None
            axis.vlines(x, *ends.T, color=colour, linewidth=width * full, label=drawn)
        if named:
            medians = [np.median(value) for value in values]
            axis.plot(x, medians, "o", color="white", markeredgecolor=colour, markeredgewidth=0.5, markersize=2.5)
    axis.set(ylabel="w (µS)", xlim=(-0.7, len(draws) - 0.3))
    _name_pairs(axis, config, record, named)
    labelled_above(figure, axis)
    return figure


def _name_pairs(axis: Any, config: Config, record: dict[str, Any], named: bool) -> None:
    """What feeds each pair below, what it feeds above, with lines between neurons."""
    names, groups = pair_names(config, record["data"]["features"], record["data"]["classes"])
    if named:
        axis.set_xticks(range(len(names)), names, rotation=90, fontsize=6.5)
        axis.set_xlabel("what the pair weighs")
    else:
        axis.set_xlabel("pair of the row, in order")
    starts = [0, *(i for i in range(1, len(groups)) if groups[i] != groups[i - 1]), len(groups)]
    if len(starts) == 2:
        return
    for low, high in zip(starts, starts[1:], strict=False):
        if low:
            axis.axvline(low - 0.5, color="0.8", linewidth=0.6)
        axis.annotate(
            groups[low], ((low + high - 1) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", ha="center", va="bottom", fontsize=6.5,
        )  # fmt: skip
