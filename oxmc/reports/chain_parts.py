"""What a page shows of a run's chains: each weight's posterior, its way there, and the array row by row."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.draws import plain_draws, stored_models, stride_of, weights_us
from oxmc.posterior.mixing import mixing
from oxmc.posterior.names import output_names, pair_names
from oxmc.posterior.row_accuracy import accuracy_alone, accuracy_together, chain_parts
from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome, kept_test_set
from oxmc.run.checked import STATE, CheckedRun, read_state

ENDS = (0.05, 0.95)
"""Quantiles between which a weight's interval lies."""
COLOURS = 6
"""That chains are drawn in, in turn."""
TRACED = 4
"""Weights whose way is drawn."""
WATCHED = 16
"""Weights of a row that are shown beside the array."""
MOST_CELLS = 1 << 22
"""Cells of an array that a page holds; 12 MB of it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """Weights float64 [rows, pairs] in uS and counters int64 [rows], up to the last row that the chain was at."""

    name: str
    w_us: np.ndarray
    counters: np.ndarray


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A weight's posterior, in uS: what it weighs and feeds, the draws of all its chains, and how these mixed."""

    name: str
    neuron: str
    mean: float
    sd: float
    low: float
    high: float
    rhat: float
    ess: float

    @property
    def score(self) -> float:
        """How many standard deviations its mean lies from 0."""
        return abs(self.mean) / self.sd if self.sd else 0.0


def chains_of(path: Path, checked: CheckedRun) -> list[Chain]:
    """The chains of a run: one, those of `--chains`, or one an output. Raises `InputError` where a state is torn."""
    config, state = checked.config, checked.state
    assert state is not None
    if config.counters == "own":
        names = output_names(config, checked.run["data"]["classes"])
        parts = chain_parts(config, state)
    else:
        n = checked.run.get("chains", {}).get("n", 1)
        names = [f"chain {chain}" for chain in range(n)] if n > 1 else [""]
        more = [read_state(path / f"chain-{chain}", config)[0] for chain in range(1, n)]
        parts = [(each.conductance_ns, each.counters) for each in (state, *more)]
    return [
        Chain(name, weights_us(rows[: len(counters)]), counters)
        for name, (rows, counters) in zip(names, parts, strict=True)
    ]


def parameters_of(config: Config, run: dict[str, Any], chains: list[Chain]) -> list[Parameter]:
    """Every weight of a model, in the order of the pairs; chains of the same weights are taken together."""
    groups = [[chain] for chain in chains] if config.counters == "own" else [chains]
    columns = [np.concatenate(each) for each in zip(*(_posterior(config, group) for group in groups), strict=True)]
    names, neurons = pair_names(config, run["data"]["features"], run["data"]["classes"])
    return [
        Parameter(name, neuron, *map(float, values))
        for name, neuron, *values in zip(names, neurons, *columns, strict=True)
    ]


def _posterior(config: Config, chains: list[Chain]) -> tuple[np.ndarray, ...]:
    """Mean, s.d., both ends of the interval, R-hat and effective draws of each pair, float64 [pairs] each."""
    rows = [stored_models(config, chain.counters) for chain in chains]
    counters = [chain.counters[models] for chain, models in zip(chains, rows, strict=True)]
    w = np.concatenate([chain.w_us[models] for chain, models in zip(chains, rows, strict=True)])
    starts = np.cumsum([0, *map(len, counters)])[:-1]
    draws = plain_draws(counters, stride_of(config, counters)) + starts[:, None]
    weights = np.bincount(draws.ravel(), minlength=len(w))
    low, high = np.quantile(w, ENDS, axis=0, weights=weights, method="inverted_cdf")
    mean = np.average(w, axis=0, weights=weights)
    sd = np.sqrt(np.average((w - mean) ** 2, axis=0, weights=weights))
    found = mixing(w, draws)
    return mean, sd, low, high, found.rhat, found.ess_bulk


def decisive(parameters: Sequence[Parameter], shown: int) -> list[int]:
    """The `shown` weights whose mean lies most standard deviations from 0, the most decisive first."""
    return sorted(range(len(parameters)), key=lambda pair: -parameters[pair].score)[:shown]


def traces(config: Config, chains: list[Chain], parameters: list[Parameter]) -> list[dict[str, Any]]:
    """Of each decisive weight the steps of all its chains in a box of 100 x 100, y downward, over the proposals.

    A chain has one path for the burn-in, which does not vote, and one for what does.
    """
    drawn, own = [], config.counters == "own"
    pairs, longest = config.chip.pairs, max(1, *(int(chain.counters.sum()) for chain in chains))
    for number in decisive(parameters, TRACED):
        chosen = chains[number // pairs : number // pairs + 1] if own else chains
        values = [chain.w_us[chain.counters > 0, number % pairs] for chain in chosen]
        low, high = (float(end(np.concatenate(values))) for end in (np.min, np.max))
        scale = 100 / (high - low) if high > low else 0.0
        paths = []
        for chain, of_chain in zip(chosen, values, strict=True):
            filled = chain.counters > 0
            ends = np.cumsum(chain.counters[filled]) * (100 / longest)
            split = int(filled[: min(config.burn_in, len(filled) - 1)].sum())
            y = 100 - (of_chain - low) * scale
            parts = [_steps(ends, y, 0, split), _steps(ends, y, split, len(y))]
            paths.append({"colour": chains.index(chain) % COLOURS, "burn_in": parts[0], "votes": parts[1]})
        drawn.append({"parameter": parameters[number], "low": low, "high": high, "paths": paths})
    return drawn


def _steps(ends: np.ndarray, y: np.ndarray, first: int, last: int) -> str:
    """A path that stays at each height of `y` up to its end, from model `first` to before `last`; empty for none."""
    if first >= last:
        return ""
    start = ends[first - 1] if first else 0.0
    path = f"M{start:.2f} {y[first]:.2f}H{ends[first]:.2f}"
    return path + "".join(f"V{y[k]:.2f}H{ends[k]:.2f}" for k in range(first + 1, last))


def array_of(path: Path, checked: CheckedRun, parameters: list[Parameter]) -> dict[str, Any] | None:
    """The first chain's array for the page's script: conductances, counters and what each row is worth.

    None of one with more than `MOST_CELLS` cells.
    """
    config, state = checked.config, checked.state
    assert state is not None
    conductance = state.conductance_ns
    if conductance.size > MOST_CELLS:
        return None
    step_ns = max(1, -(-int(conductance.max()) // 0xFFFF))
    codes = np.clip(conductance // step_ns, 0, 0xFFFF).astype("<u2")
    counters = np.zeros(len(conductance), np.int64)
    counters[: len(state.counters)] = state.counters
    alone, together = _accuracy(path, config, state)
    blocks = len(conductance) // config.rows
    return {
        "rows": len(conductance), "cells": conductance.shape[1], "block": config.rows, "burn_in": config.burn_in,
        "names": output_names(config, checked.run["data"]["classes"]) if blocks > 1 else [""],
        "step_us": step_ns / 1000, "most_us": float(np.quantile(conductance, 0.999)) / 1000 or 1.0,
        "codes": base64.b64encode(codes.tobytes()).decode(), "counters": counters.tolist(),
        "alone": alone, "together": together, "rewards": state.row_rewards.tolist(),
        "reach": float(np.abs(weights_us(conductance)[counters > 0]).max(initial=1.0)),
        "watched": [_watched(parameters, block, config.chip.pairs) for block in range(blocks)],
    }  # fmt: skip


def _watched(parameters: list[Parameter], block: int, pairs: int) -> list[dict[str, Any]]:
    """The weights of a row that are shown, in the order of the pairs."""
    own = parameters[block * pairs : (block + 1) * pairs]
    several = len({each.neuron for each in own}) > 1
    return [
        {
            "pair": pair, "name": f"{own[pair].name}, {own[pair].neuron}" if several else own[pair].name,
            "low": own[pair].low, "high": own[pair].high,
        }
        for pair in sorted(decisive(own, WATCHED))
    ]  # fmt: skip


def _accuracy(path: Path, config: Config, state: Outcome) -> tuple[list[float | None], list[float | None]]:
    """Test accuracy of each row alone, and of all that vote up to it; None where there is none."""
    kept = kept_test_set(path / STATE)
    if kept is None:
        return [], []
    found = []
    for rows, values in (accuracy_alone(config, state, *kept), accuracy_together(config, state, *kept)):
        by_row = dict(zip(rows.tolist(), values.tolist(), strict=True))
        found.append([by_row.get(row) for row in range(config.rows)])
    return found[0], found[1]


def counter_bars(counters: list[int], block: int, burn_in: int) -> dict[str, Any]:
    """Bars a row and unit wide and high, the burn-in's apart from those that vote, and the largest counter."""
    paths = {"burn_in": "", "votes": ""}
    for row, count in enumerate(counters):
        paths["votes" if row % block >= burn_in else "burn_in"] += f"M0 {row}H{count}v1H0" if count else ""
    return {**paths, "most": max(1, *counters), "rows": len(counters)}
