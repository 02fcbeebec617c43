"""What the block bench tests share: which simulators to run on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

from oxmc.tb.cosim.simulator import SIMULATORS

EFFORT = int(os.environ.get("OXMC_EFFORT", "1"))
"""How many times as many random cases; `make regress` takes 3."""

CHOSEN = os.environ.get("OXMC_SIM")
on_each_simulator = pytest.mark.parametrize("simulator", [CHOSEN] if CHOSEN else SIMULATORS)


def some(cases: Iterable[Any], *kept: Any) -> list[Any]:
    """Parameters of a test of which `make test` takes those named, `make regress` the others."""
    return [case if case in kept else pytest.param(case, marks=pytest.mark.campaign) for case in cases]
