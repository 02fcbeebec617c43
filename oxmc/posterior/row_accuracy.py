"""How accurate each stored row is alone, and all of them together the longer the chain grows (Fig 5b of the paper)."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.circuit import Circuit, circuit_of, from_row
from oxmc.pymodels.twin.inference import predict

POINTS = 40
"""Lengths of the chain at which the accuracy of all rows is computed."""


def chain_parts(config: Config, state: Outcome) -> list[tuple[np.ndarray, np.ndarray]]:
    """Conductances int64 [rows, cells] and counters int64 [last row + 1] of each chain: one, or one an output."""
    if config.counters == "shared":
        return [(state.conductance_ns, state.counters)]
    rows, counters = (np.split(array, config.chains) for array in (state.conductance_ns, state.counters))
    return [(part, counts[: np.flatnonzero(counts)[-1] + 1]) for part, counts in zip(rows, counters, strict=True)]


def chain_circuits(config: Config, state: Outcome) -> list[Circuit | None]:
    """What surrounds the array of each chain."""
    return [circuit_of(config.chip, seed) for seed in state.seeds or [0] * config.chains]


def _winners(
    config: Config, circuits: list[Circuit | None], parts: list[tuple[np.ndarray, np.ndarray]], codes: np.ndarray
) -> np.ndarray:
    """Class of each sample by circuit, rows and counters of each chain, int64 [n]; chains of their own vote by their
    share."""
    if config.counters == "shared":
        (circuit,), ((rows, counts),) = circuits, parts
        return predict(config, rows, counts, codes, circuit=circuit)[0]
    shares = []
    for circuit, (rows, counts) in zip(circuits, parts, strict=True):
        sums = predict(config.chip, rows, counts, codes, circuit=circuit)[1][:, 0]
        shares.append(sums / max(1, counts[min(config.burn_in, len(counts) - 1) :].sum()))
    return np.argmax(shares, axis=0)


def accuracy_alone(config: Config, state: Outcome, codes: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that each chain has filled, and the accuracy of each by itself on samples `codes` of classes `t`."""
    parts, alone, one = chain_parts(config, state), config.replace(burn_in=0), np.ones(1, np.int64)
    filled = np.flatnonzero(np.min([_padded(counts, config.rows) for _, counts in parts], axis=0))
    right, circuits = [], chain_circuits(config, state)
    for n in filled.tolist():
        here = [from_row(circuit, n) for circuit in circuits]
        right.append(_winners(alone, here, [(rows[n : n + 1], one) for rows, _ in parts], codes) == t)
    return filled, np.array([hits.mean() for hits in right])


def accuracy_together(
    config: Config, state: Outcome, codes: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Some last rows beyond the burn-in, and the accuracy of all rows from it up to each."""
    parts = chain_parts(config, state)
    longest = max(len(counts) for _, counts in parts)
    ends = np.unique(np.linspace(min(config.burn_in, longest - 1) + 1, longest, POINTS).astype(int))
    models = ([(rows[:end], counts[:end]) for rows, counts in parts] for end in ends)
    circuits = chain_circuits(config, state)
    return ends - 1, np.array([(_winners(config, circuits, model, codes) == t).mean() for model in models])


def _padded(counters: np.ndarray, rows: int) -> np.ndarray:
    return np.pad(counters, (0, rows - len(counters)))
