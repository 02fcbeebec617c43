"""Runs the system bench: trainings one after the other, resets anywhere, registers against the pins, mutants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chip_jobs import chip_parameters
from test_chip_control import PREPARED, TINY

from hdl.chip import Chip
from pymodels.config import Config
from pymodels.fixed import Formats
from tb.netlist import build_config
from tb.simulator import Mutation, run_bench

pytestmark = pytest.mark.cosim

PAIRS = dict(
    verify="pair", verify_tries=6, verify_window_us=3.0, early_rejection=True, sample_order="hard_first",
    hard_sample_bits=0.1, reject_limit=7, lut_low_us=10.0, lut_high_us=200.0, read_range_us=256.0, gate_codes=48,
    read_bits=8,
)  # fmt: skip
CHIPS = {
    "plain": TINY.replace(counter_bits=2),
    "pairs": TINY.replace(rows=6, train_samples=8, **PAIRS),
    "prepared": PREPARED.replace(reject_limit=4),
    "network": TINY.replace(hidden=2, outputs=2, counter_bits=1, lfsr_bits=40, lfsr_step_bits=4),
    "corrected": TINY.replace(hastings=True, outputs=3, gate_dacs=8, features=3, reject_limit=3, max_proposals=40),
    "rewards": TINY.replace(
        acceptance="reward", train_samples=1, test_samples=1, features=4, outputs=2, episode_steps=9, test_episodes=1,
        input_range=1.0, max_proposals=8, reject_limit=2,
    ),
}  # fmt: skip
"""One chip of each kind; between them all options."""


def variations(config: Config) -> list[Config]:
    """Other trainings on the same chip: rows, samples, burn-in, limits and tables."""
    rewards = config.acceptance == "reward"
    more: dict[str, Any] = {} if rewards else dict(train_samples=config.train_samples + 4, test_samples=5)
    fewer: dict[str, Any] = {} if rewards else dict(train_samples=3, test_samples=1)
    limit = dict(reject_limit=config.reject_limit + 1) if config.reject_limit else {}
    return [
        config.replace(rows=config.rows + 3, burn_in=2, prior_sigma_us=20.0, scale_per_us=0.05, **more, **limit),
        config.replace(rows=config.rows - 1, burn_in=0, max_proposals=9, **fewer),
    ]


def parameters(config: Config, seed: int, folder: Path, *scenarios: str) -> dict[str, Any]:
    """Jobs of `config` and its variations, each of another seed."""
    jobs = []
    for number, one in enumerate([config, *variations(config)]):
        assert build_config(one) == build_config(config)
        (folder / str(number)).mkdir(exist_ok=True)
        jobs.append(chip_parameters(one, seed + number, folder / str(number)))
    return dict(jobs=jobs, seed=seed, scenarios=scenarios)


def bench(chip: str, folder: Path, seed: int, *scenarios: str, mutate: Mutation = None, **more: Any) -> None:
    config = CHIPS[chip]
    print(f"system bench of {chip}: seed {seed}")
    design = Chip(Formats(build_config(config)), observed=True)
    given = parameters(config, seed, folder, *scenarios) | more
    run_bench(design, "oxmc_chip", "tb.benches.chip_system", "icarus", given, mutate=mutate)


@pytest.mark.parametrize("chip", CHIPS)
def test_a_user_trains_again_without_a_reset(chip: str, seed: int, tmp_path: Path) -> None:
    """Three trainings and the first once more; every register after each, against the pins and the twin's fresh run."""
    bench(chip, tmp_path, seed, "again")
