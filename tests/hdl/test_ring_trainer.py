"""A ring of rows on the RTL: an adaptation is the twin's to the bit, and goes on after the power was cut."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from benches import some
from chip_jobs import adapting_job, adapting_parameters, make_job

from oxmc.hdl.verilog.netlist import build_config, chip_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome
from oxmc.run.engine import COUPLINGS
from oxmc.run.simulated import simulate
from oxmc.tb.blocks.run_bench import Mutation, run_bench
from oxmc.tb.cosim.twin import twin_of

RING = pytest.mark.testpoint(
    "ring of rows",
    "an adaptation on chip and twin, bit for bit, round the end of the array; cut at any cycle, it goes on",
)
pytestmark = [pytest.mark.cosim, RING]

SMALL = Config(
    rows=8, features=4, train_samples=12, test_samples=6, burn_in=2, scale_per_us=0.05, eval_range=8.0, ring=True
)  # fmt: skip
PAIRS = SMALL.replace(
    verify="pair", verify_tries=6, verify_window_us=3.0, early_rejection=True, sample_order="hard_first",
    reject_limit=2, scale_per_us=0.2, d2d_spread=0.3, temper=1,
)  # fmt: skip
VARIANTS = {
    "plain": (SMALL, 7),
    "pairs": (PAIRS, 5),
    "no new row": (SMALL.replace(counter_bits=2), 0),
    "hidden, real": (
        SMALL.replace(
            hidden=3, outputs=2, features=3, conditions="real", auto_zero_bits=5, early_rejection=True, rows=6
        ),
        4,
    ),
    "softmax, slow": (
        SMALL.replace(
            outputs=3, likelihood="softmax", clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, rows=5,
        ),
        3,
    ),
    "limited, hastings": (SMALL.replace(hastings=True, outputs=2, max_proposals=9, counter_bits=2), 7),
}  # fmt: skip


def bench(config: Config, adapt_rows: int, seed: int, folder: Path, mutate: Mutation = None) -> None:
    chip = chip_verilog(build_config(config), observed=True)
    parameters = adapting_parameters(config, seed, adapt_rows, folder)
    run_bench(chip, "oxmc_chip", "oxmc.tb.system.chip", "icarus", parameters, mutate=mutate)


@pytest.mark.parametrize("variant", some(VARIANTS, "pairs", "hidden, real"))
def test_adaptation_is_the_twins(variant: str, seed: int, tmp_path: Path) -> None:
    bench(*VARIANTS[variant], seed, tmp_path)


def test_bench_catches_a_count_that_begins_anew(seed: int, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench(SMALL, 2, seed, tmp_path, mutate=("resumed <= ", "resumed <= 1'b0 & "))


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two engines agree in all but joules, which are sums of another order."""
    fields = [field.name for field in dataclasses.fields(Outcome) if field.name != "joules"]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)


CAMPAIGN = pytest.mark.campaign


@pytest.mark.parametrize(
    ("simulator", "coupling"),
    [("icarus", "python"), ("icarus", "compiled"), *(pytest.param("verilator", c, marks=CAMPAIGN) for c in COUPLINGS)],
)
def test_couplings_agree(simulator: str, coupling: str, seed: int, tmp_path: Path) -> None:
    """The co-simulation's own host loads the counters; under Python the twin runs beside it."""
    job = adapting_job(PAIRS, seed, 6)
    found = simulate(job, simulator, tmp_path, coupling=coupling, lockstep=coupling == "python")
    assert same(found, twin_of(job))


def cut_power(config: Config, seed: int, folder: Path, mutate: Mutation = None) -> None:
    adapting_job(config, seed, config.rows - 1).save(folder / "job.npz")
    parameters = dict(job=str(folder / "job.npz"), seed=seed, cuts=8)
    chip = chip_verilog(build_config(config), observed=True)
    run_bench(chip, "oxmc_chip", "oxmc.tb.system.power", "icarus", parameters, mutate=mutate)


@pytest.mark.parametrize("variant", some(("plain", "pairs"), "pairs"))
def test_power_is_cut_at_any_cycle(variant: str, seed: int, tmp_path: Path) -> None:
    cut_power(VARIANTS[variant][0], seed, tmp_path)


def test_bench_catches_a_row_that_is_not_emptied(seed: int, tmp_path: Path) -> None:
    """What the power left of the row at work would vote."""
    with pytest.raises(SystemExit, match="FAILED"):
        cut_power(SMALL, seed, tmp_path, mutate=("store_zero ? ", "1'b0 ? "))


@pytest.mark.campaign
def test_a_ring_trains_as_other_chips(seed: int, tmp_path: Path) -> None:
    """From an empty array the chain is the same; what differs is when counters are stored."""
    ring, plain = twin_of(make_job(PAIRS, seed)), twin_of(make_job(PAIRS.replace(ring=False), seed))
    assert (ring.conductance_ns == plain.conductance_ns).all()
    assert ring.counters[: plain.last_row + 1].tolist() == plain.counters.tolist()
    assert same(simulate(make_job(PAIRS, seed), "icarus", tmp_path), ring)
