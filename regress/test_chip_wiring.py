"""Every mistake in the wiring of a chip of each kind, run by `make regress`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from test_chip_system import unseen, what_stopped, wiring_of

SEED = int(os.environ.get("OXMC_TEST_SEED", "1"))
KINDS = ("plain", "pairs", "prepared", "network", "corrected", "rewards")


@pytest.mark.parametrize("chip", KINDS)
def test_every_mistake_in_the_wiring_is_seen(chip: str, tmp_path: Path) -> None:
    """But for those that are known to change nothing."""
    wiring = wiring_of(chip)
    found = what_stopped(chip, tmp_path, SEED, wiring, wiring.mistakes)
    print(f"{chip}: {sum(reason is not None for reason in found.values())} of {len(found)} mistakes seen")
    assert unseen(chip, wiring, found) == []
