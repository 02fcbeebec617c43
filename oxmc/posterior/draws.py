"""Which models a chain's draws are of, as numbers of rows and counters alone.

A chain stays at a model for as many proposals as its row's counter says, so each model is that many draws, in the
chain's order. Rows before the burn-in are no draws, nor are rows that were skipped, whose counters are 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oxmc.pymodels.config import Config

MOST_VALUES = 1 << 23
"""Values of the largest group of draws; of more proposals only every so many-th is kept as a draw."""


def stored_models(config: Config, counters: np.ndarray) -> np.ndarray:
    """Rows that hold the posterior, int64: from burn_in on, those of the chain; if none is, the last one.

    `counters` int64 are those of all rows up to the last that the chain was at.
    """
    first = min(config.burn_in, len(counters) - 1)
    rows: np.ndarray = first + np.flatnonzero(counters[first:])
    return rows


def weights_us(conductance_ns: np.ndarray) -> np.ndarray:
    """w = g+ - g- of the pairs of rows int64 [rows, cells] in nS, float64 [rows, pairs] in uS."""
    w: np.ndarray = (conductance_ns[:, 0::2] - conductance_ns[:, 1::2]) / 1000
    return w


def acceptance(counters: np.ndarray) -> np.ndarray:
    """Share of the proposals made from each stored model that were accepted, float64 [rows]; NaN where none was made.

    A row left for another had one accepted of `counter` proposals. From the last one all were rejected, if any.
    """
    share = 1.0 / counters
    share[-1] = 0.0 if counters[-1] > 1 else np.nan
    return share


def plain_draws(counters: Sequence[np.ndarray], stride: int = 1) -> np.ndarray:
    """The model of every `stride`-th proposal of chains with `counters` int64 [models] each, int64 [chains, draws].

    All chains are cut at the end of the one that made the fewest proposals.
    """
    shortest = min(int(counts.sum()) for counts in counters)
    return np.stack([np.repeat(np.arange(len(counts)), counts)[:shortest:stride] for counts in counters])


def stride_of(config: Config, counters: Sequence[np.ndarray]) -> int:
    """How many proposals there are to a draw, so that no group of the posterior holds more than `MOST_VALUES`."""
    proposals = sum(int(counts.sum()) for counts in counters)
    original = config.raw_features * (config.hidden or config.outputs)
    widest = max(config.pairs, original, config.train_samples, config.outputs * config.test_samples)
    return max(1, -(-proposals * widest // MOST_VALUES))
