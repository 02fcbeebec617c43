"""What the block bench tests share: which simulators to run on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from oxmc.tb.cosim.simulator import SIMULATORS

EFFORT = int(os.environ.get("OXMC_EFFORT", "1"))
"""How many times as many random cases; `make regress` takes 3."""

CHOSEN = os.environ.get("OXMC_SIM")
on_each_simulator = pytest.mark.parametrize("simulator", [CHOSEN] if CHOSEN else SIMULATORS)


def on_simulators(names: str, cases: Sequence[Any], *both: Any) -> pytest.MarkDecorator:
    """Parameters of a test that takes a `simulator` and `names`: each case on Icarus, `both` on Verilator, too.

    `make regress` has the others there, and OXMC_SIM all of them on one simulator alone.
    """
    found = []
    for simulator in [CHOSEN] if CHOSEN else SIMULATORS:
        for case in cases:
            later = simulator == "verilator" and case not in both and not CHOSEN
            values = case if isinstance(case, tuple) else (case,)
            found.append(pytest.param(simulator, *values, marks=[pytest.mark.campaign] if later else []))
    return pytest.mark.parametrize(f"simulator, {names}", found)


def some(cases: Iterable[Any], *kept: Any) -> list[Any]:
    """Parameters of a test of which `make test` takes those named, `make regress` the others."""
    return [case if case in kept else pytest.param(case, marks=pytest.mark.campaign) for case in cases]
