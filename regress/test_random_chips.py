"""Verilog of many random chips in other tools, run by `make regress`."""

from __future__ import annotations

import os
from pathlib import Path

from random_chips import check_random_chips

from oxmc.tb.cosim.simulator import use_simulator

CHIPS = int(os.environ.get("OXMC_REGRESS_CHIPS", "300"))
SEED = int(os.environ.get("OXMC_TEST_SEED", "1"))


def test_no_tool_has_a_word_for_random_chips(tmp_path: Path) -> None:
    """Verilator's lint, Icarus, slang and verible."""
    use_simulator("verilator")
    check_random_chips(tmp_path, SEED, CHIPS)
