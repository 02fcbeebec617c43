"""What the block bench tests share: which simulators to run on."""

from __future__ import annotations

import os

import pytest

from tb.simulator import SIMULATORS

CHOSEN = os.environ.get("OXMC_SIM")
on_each_simulator = pytest.mark.parametrize("simulator", [CHOSEN] if CHOSEN else SIMULATORS)
