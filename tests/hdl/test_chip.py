"""Runs the system bench: whole small trainings of several geometries on the bare chip, against the twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from benches import on_each_simulator, some
from chip_jobs import chip_parameters, make_job

from oxmc.hdl.verilog.netlist import build_config, chip_verilog
from oxmc.pymodels.config import Config
from oxmc.tb.blocks.run_bench import Mutation, run_bench

RESET_IN_MID_PULSE = pytest.mark.testpoint("reset in mid-pulse")
CHIP_AGAINST_TWIN = pytest.mark.testpoint(
    "chip against twin",
    "whole trainings and inferences, bit for bit, over geometries, widths and options; both simulators",
)
CHIP_BENCH_CAN_FAIL = pytest.mark.testpoint("chip bench can fail", "a short pulse, an early sample, another chain")

pytestmark = pytest.mark.cosim

SMALL = Config(rows=5, features=4, train_samples=12, test_samples=6, burn_in=1, scale_per_us=0.01, eval_range=4.0)
VARIANTS = {
    "plain": SMALL,
    # 20 MHz and unequal pulses: every width and the conversion take several cycles
    "slow pulses": SMALL.replace(
        clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, read_pulse_s=100e-9, eval_pulse_s=200e-9,
        conversion_s=100e-9,
    ),
    "three outputs": SMALL.replace(features=5, outputs=3, read_bits=6, adc_bits=7, table_bits=5, input_bits=6),
    "tiny and narrow": SMALL.replace(
        features=1, rows=4, lfsr_bits=40, lfsr_step_bits=10, counter_bits=2, train_samples=3, prior_sigma_us=8.0
    ),
    "proposal limit": SMALL.replace(rows=40, max_proposals=25, scale_per_us=0.2, eval_range=8.0, burn_in=30),
    "stuck cells": SMALL.replace(stuck_lcs=0.1, stuck_hcs=0.1, scale_per_us=0.001, eval_range=0.5, d2d_spread=0.3),
    "faults at each SET": SMALL.replace(
        fault_mode="each_set", stuck_lcs=0.1, stuck_hcs=0.1, relaxation=0.1, verify="cell", verify_tries=3,
        early_rejection=True, scale_per_us=0.1, eval_range=8.0, max_proposals=60,
    ),
    "faults at each read": SMALL.replace(
        rows=8, fault_mode="each_read", stuck_lcs=0.05, stuck_hcs=0.05, read_noise=0.05, verify="pair", outputs=2,
        scale_per_us=0.1, eval_range=8.0, early_rejection=True, sample_order="hard_first", reject_limit=7,
        max_proposals=60, calibrate=True, gate_codes=8,
    ),
    "noisy hidden": SMALL.replace(
        hidden=3, outputs=2, features=3, read_noise=0.1, relaxation=0.05, scale_per_us=0.1, eval_range=8.0,
        early_rejection=True,
    ),
    "early rejection": SMALL.replace(early_rejection=True, scale_per_us=0.1, eval_range=8.0),
    "hardfirst": SMALL.replace(
        early_rejection=True, sample_order="hard_first", outputs=2, scale_per_us=0.1, eval_range=8.0, clock_hz=20e6,
        eval_pulse_s=150e-9, conversion_s=100e-9,
    ),
    "hastings": SMALL.replace(
        rows=8, hastings=True, outputs=2, read_bits=6, early_rejection=True, scale_per_us=0.1, eval_range=8.0,
        clock_hz=20e6, set_pulse_s=150e-9, read_pulse_s=150e-9, conversion_s=150e-9, eval_pulse_s=150e-9,
    ),
    "hastings, one sample": SMALL.replace(
        rows=12, hastings=True, features=1, train_samples=1, read_bits=12, log_fraction_bits=10, reject_limit=3
    ),
    "rowskip": SMALL.replace(rows=12, reject_limit=3, scale_per_us=0.1, eval_range=8.0, d2d_spread=0.5),
    "tempered": SMALL.replace(rows=8, temper=2, scale_per_us=0.1, eval_range=8.0, hastings=True),
    "tempered, early": SMALL.replace(
        rows=12, temper=5, early_rejection=True, sample_order="hard_first", outputs=2, scale_per_us=0.1, eval_range=8.0,
        reject_limit=7,
    ),
    "row 0 at the top": SMALL.replace(init="highest"),
    "row 0 in the middle": SMALL.replace(
        init="prior_mean", verify="pair", gate_codes=48, extrapolate=True, lut_low_us=10.0,
    ),
    # a draw of ten cycles, slower than a pulse; codes of five bits from 2^16
    "random row 0": SMALL.replace(
        init="random", lfsr_bits=40, lfsr_step_bits=4, clock_hz=20e6, set_pulse_s=150e-9, early_rejection=True,
        calibrate=True, lfsr_output="sum",
    ),
    "cells": SMALL.replace(verify="cell", verify_window_us=3.0, verify_tries=3, reject_limit=20),
    "pairs": SMALL.replace(
        rows=8, verify="pair", verify_tries=6, verify_window_us=3.0, scale_per_us=0.1, eval_range=8.0,
        extrapolate=True, lut_low_us=10.0,
        lut_high_us=200.0, read_range_us=256.0, gate_codes=48, early_rejection=True, sample_order="hard_first",
        reject_limit=7, hard_sample_bits=0.1,
    ),
    "formed and calibrated": SMALL.replace(
        form=True, condition_cycles=2, calibrate=True, calibration_rows=3, gate_codes=4, read_bits=5, stuck_lcs=0.05,
        stuck_hcs=0.05, max_proposals=25,
    ),
    "calibrated slowly": SMALL.replace(
        calibrate=True, gate_codes=3, verify="pair", clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=50e-9,
        conversion_s=100e-9,
    ),
    "hidden": SMALL.replace(hidden=3),
    # more hidden neurons than features, two outputs, slow pulses and conversions
    "wide hidden": SMALL.replace(
        hidden=5, outputs=2, features=3, input_bits=6, adc_bits=7, table_bits=6, hidden_eval_range=4.0, clock_hz=20e6,
        set_pulse_s=150e-9, eval_pulse_s=150e-9, conversion_s=100e-9,
    ),
    "one hidden": SMALL.replace(hidden=1, features=1, early_rejection=True, scale_per_us=0.1, eval_range=8.0),
    "hidden pairs": SMALL.replace(
        rows=8, hidden=3, verify="pair", verify_tries=6, verify_window_us=3.0, scale_per_us=0.05, eval_range=8.0,
        extrapolate=True, lut_low_us=10.0, lut_high_us=200.0, read_range_us=256.0, gate_codes=48, early_rejection=True,
        sample_order="hard_first", reject_limit=7, hard_sample_bits=0.5,
    ),
    "hidden early": SMALL.replace(
        hidden=2, outputs=3, early_rejection=True, sample_order="hard_first", scale_per_us=0.1, eval_range=8.0,
        clock_hz=20e6, eval_pulse_s=100e-9, conversion_s=100e-9,
    ),
    "pairs afresh": SMALL.replace(
        rows=9, verify="pair", verify_memory="proposal", reject_limit=9, outputs=2, clock_hz=20e6, set_pulse_s=150e-9,
        d2d_spread=0.3, stuck_lcs=0.05, stuck_hcs=0.05,
    ),
}  # fmt: skip

EPISODES = SMALL.replace(
    acceptance="reward", train_samples=1, test_samples=1, outputs=2, episode_steps=40, test_episodes=2,
    reward_exponent=2.5, input_range=1.0, scale_per_us=0.01, eval_range=1.0,
)  # fmt: skip
VARIANTS |= {
    "rewards": EPISODES.replace(reward_kappa=3.0, init="random"),
    "rewards of three outputs": EPISODES.replace(
        outputs=3, gate_dacs=16, rows=7, reject_limit=3, log_fraction_bits=5, adc_bits=6, table_bits=4, response_bits=3,
        clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, eval_pulse_s=200e-9, conversion_s=100e-9,
    ),
    "rewards of verified pairs": EPISODES.replace(
        relaxation=0.1, fault_mode="each_set", stuck_lcs=0.02,
        rows=8, verify="pair", verify_tries=6, verify_window_us=9.0,
        extrapolate=True, lut_low_us=50.0, lut_high_us=200.0,
        read_range_us=256.0, gate_codes=48, reject_limit=7, max_proposals=30, input_bits=10,
    ),
}  # fmt: skip
VARIANTS |= {
    # 30 cells: the second group lacks two; few read codes, so that one follows itself while the LUT is calibrated
    "parallel DACs, prepared": SMALL.replace(
        gate_dacs=16, features=5, outputs=3, form=True, condition_cycles=2, calibrate=True, gate_codes=8, read_bits=4,
        stuck_lcs=0.05, stuck_hcs=0.05, max_proposals=10,
    ),
    "parallel DACs, hastings": VARIANTS["hastings"].replace(gate_dacs=8, features=5),
    "a DAC each": SMALL.replace(
        gate_dacs=8, features=3, hidden=1, outputs=1, init="highest", early_rejection=True, scale_per_us=0.1,
        eval_range=8.0, train_samples=1, reject_limit=3,
    ),
}  # fmt: skip

ON_BOTH = ("pairs", "slow pulses")


def bench(
    simulator: str,
    config: Config,
    seed: int,
    folder: Path,
    *,
    built: Config | None = None,
    twin_seed: int | None = None,
    mutate: Mutation = None,
) -> None:
    """Run `config` on a chip built for it, or for `built`, against the twin's outcome for `twin_seed` or `seed`."""
    parameters = chip_parameters(config, seed, folder, twin_seed)
    chip = chip_verilog(build_config(built or config), observed=True)
    run_bench(chip, "oxmc_chip", "oxmc.tb.system.chip", simulator, parameters, mutate=mutate)


@CHIP_AGAINST_TWIN
@on_each_simulator
@pytest.mark.parametrize("variant", some(ON_BOTH, "pairs"))
def test_training_matches_twin(simulator: str, variant: str, seed: int, tmp_path: Path) -> None:
    bench(simulator, VARIANTS[variant], seed, tmp_path)


ON_ICARUS = (
    "plain", "slow pulses", "tiny and narrow", "proposal limit", "faults at each SET", "faults at each read",
    "noisy hidden", "hardfirst", "hastings", "random row 0", "cells", "formed and calibrated", "hidden pairs",
    "pairs afresh", "rewards of three outputs", "rewards of verified pairs", "parallel DACs, prepared",
)  # fmt: skip
"""Of the variants those that have each option in some company."""


@CHIP_AGAINST_TWIN
@pytest.mark.parametrize("variant", some([name for name in VARIANTS if name != "pairs"], *ON_ICARUS))
def test_training_matches_twin_on_icarus(variant: str, seed: int, tmp_path: Path) -> None:
    bench("icarus", VARIANTS[variant], seed, tmp_path)


@CHIP_BENCH_CAN_FAIL
def test_bench_catches_a_short_pulse(seed: int, tmp_path: Path) -> None:
    due = VARIANTS["slow pulses"]
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", due, seed, tmp_path, built=due.replace(set_pulse_s=100e-9))


@CHIP_BENCH_CAN_FAIL
def test_bench_catches_an_early_sample(seed: int, tmp_path: Path) -> None:
    due = VARIANTS["slow pulses"]
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", due, seed, tmp_path, built=due.replace(conversion_s=50e-9))


@CHIP_BENCH_CAN_FAIL
def test_bench_catches_another_chain(seed: int, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", SMALL, seed, tmp_path, twin_seed=seed + 1)


@CHIP_BENCH_CAN_FAIL
def test_bench_catches_lost_counts_of_a_calibration(seed: int, tmp_path: Path) -> None:
    """A read code that comes twice in a row, from cells that were SET at once, is counted once."""
    variant = VARIANTS["parallel DACs, prepared"]
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", variant, seed, tmp_path, mutate=("= again ? stored", "= 1'b0 ? stored"))


@RESET_IN_MID_PULSE
@pytest.mark.parametrize("variant", some(("slow pulses", "formed and calibrated", "pairs"), "formed and calibrated"))
def test_a_user_resets_and_trains_again(variant: str, seed: int, tmp_path: Path) -> None:
    """Pulses of every kind are cut short by a reset; then the host starts over."""
    job = make_job(VARIANTS[variant], seed)
    job.save(tmp_path / "job.npz")
    parameters = dict(job=str(tmp_path / "job.npz"), seed=seed)
    chip = chip_verilog(build_config(job.config), observed=True)
    run_bench(chip, "oxmc_chip", "oxmc.tb.system.reset", "icarus", parameters)


@RESET_IN_MID_PULSE
def test_bench_catches_a_reset_that_waits_for_the_clock(seed: int, tmp_path: Path) -> None:
    job = make_job(VARIANTS["slow pulses"], seed)
    job.save(tmp_path / "job.npz")
    parameters = dict(job=str(tmp_path / "job.npz"), seed=seed)
    chip = chip_verilog(build_config(job.config), observed=True)
    mutate = ("always @(posedge pins_clk, posedge pins_rst)", "always @(posedge pins_clk)")
    with pytest.raises(SystemExit, match="FAILED"):
        run_bench(chip, "oxmc_chip", "oxmc.tb.system.reset", "icarus", parameters, mutate=mutate)
