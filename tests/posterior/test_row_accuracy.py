"""Accuracy row by row, worked out by hand; `tests/plots/test_plots.py` holds the curve's end against run.json."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oxmc.posterior.row_accuracy import accuracy_alone, accuracy_together, chain_parts
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats

pytestmark = pytest.mark.testpoint(
    "accuracy row by row",
    "rows of one weight by hand, a skipped row, outputs that are chains of their own",
)

NS = np.array([[60_000, 40_000], [40_000, 60_000], [50_000, 50_000]])
"""Weights of 20, -20 and 0 uS."""
T = np.array([1, 1, 0, 0])


def samples(config: Config) -> np.ndarray:
    top = Formats(config).input_max
    return np.array([[top], [top // 2], [-top], [-top // 2]])


def test_rows_of_one_weight() -> None:
    """A weight above 0 is right, one below it wrong, 0 says class 1 to all; a row that was skipped is left out."""
    config = Config(rows=3, features=1, burn_in=1)
    state: Any = SimpleNamespace(conductance_ns=NS, counters=np.array([1, 2, 1]), seeds=[])
    rows, alone = accuracy_alone(config, state, samples(config), T)
    assert (rows.tolist(), alone.tolist()) == ([0, 1, 2], [1.0, 0.0, 0.5])
    rows, together = accuracy_together(config, state, samples(config), T)
    assert (rows.tolist(), together.tolist()) == ([1, 2], [0.0, 0.0])
    state.counters = np.array([1, 0, 1])
    rows, alone = accuracy_alone(config, state, samples(config), T)
    assert (rows.tolist(), alone.tolist()) == ([0, 2], [1.0, 0.5])


def test_outputs_that_are_chains_of_their_own() -> None:
    """Each class against the rest, its rows below the other's; a chain that stopped early votes with what it has."""
    config = Config(rows=3, features=1, burn_in=1, outputs=2, counters="own")
    ns = np.concatenate([NS[::-1], NS])  # class 0: 0, -20, 20; class 1: 20, -20, 0
    state: Any = SimpleNamespace(conductance_ns=ns, counters=np.array([1, 1, 0, 1, 2, 1]), seeds=[])
    assert [len(counts) for _, counts in chain_parts(config, state)] == [2, 3]
    rows, alone = accuracy_alone(config, state, samples(config), T)
    assert (rows.tolist(), alone.tolist()) == ([0, 1], [1.0, 0.5])  # row 1: both weigh -20, ties go to class 0
    rows, together = accuracy_together(config, state, samples(config), T)
    assert rows.tolist() == [1, 2] and together.tolist() == [0.5, 1.0]  # -20 for class 0 outweighs -20 * 2 / 3
