"""Runs the bench of the chip's control: refusals, status while busy, ABORT and upsets on chips of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth import Const
from benches import some
from chip_jobs import chip_parameters
from rewired import rewired

from oxmc.hdl.chip import Chip
from oxmc.hdl.top.tally import Tally
from oxmc.hdl.verilog.netlist import build_config, chip_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

CHIP_CONTROL = pytest.mark.testpoint(
    "chip control",
    "totals of the votes, clamps of a training, refusals, status while busy, ABORT anywhere, upsets, wrong "
    "states; each ends in a training to the bit",
)
CHIP_CONTROL_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "chip control bench can fail", "chips that count, stop, recover or refuse wrongly"
)

pytestmark = pytest.mark.cosim

TINY = Config(
    rows=4, features=2, train_samples=5, test_samples=3, burn_in=1, scale_per_us=0.1, eval_range=8.0, table_bits=4,
    max_proposals=60, read_bits=5,
)  # fmt: skip
SLOW = dict(
    clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, read_pulse_s=100e-9, eval_pulse_s=200e-9,
    conversion_s=100e-9,
)  # fmt: skip
PREPARED = TINY.replace(
    form=True, condition_cycles=1, calibrate=True, gate_codes=4, read_bits=4, verify="cell", early_rejection=True,
    **SLOW,
)  # fmt: skip
CHIPS = {
    "plain": TINY,
    "prepared": PREPARED,
    "network": TINY.replace(hidden=2, outputs=2, verify="pair", lfsr_bits=40, lfsr_step_bits=4),
    "rewards": TINY.replace(
        acceptance="reward", train_samples=1, test_samples=1, features=4, outputs=2, episode_steps=9, test_episodes=1,
        input_range=1.0, max_proposals=6,
    ),
}  # fmt: skip
Machine = tuple[str, str, int, int]
"""Register, a command during which the machine works, its states, its bits."""
INFERENCE = ("infer_state_state", "INFER", 5, 3)
GATE_DAC = ("build_state_state", "BUILD_MAP", 3, 2)
MACHINES: dict[str, dict[str, Machine]] = {
    "plain": {"trainer": ("train_state_state", "TRAIN", 9, 4), "inference": INFERENCE, "gate_dac": GATE_DAC},
    "prepared": {
        "trainer": ("train_state_state", "TRAIN", 11, 4),
        "programmer": ("cell_state_state", "TRAIN", 7, 3),
        "inference": INFERENCE,
    },
    "network": {
        "trainer": ("train_state_state", "TRAIN", 11, 4),
        "inference": ("infer_state_state", "INFER", 6, 3),
    },
    "rewards": {"trainer": ("train_state_state", "TRAIN", 10, 4)},
}
"""Machines whose registers have encodings without a state; former, calibrator and pair programmer use all of theirs."""


def bench(
    chip: str,
    folder: Path,
    seed: int,
    *scenarios: str,
    mutate: Mutation = None,
    elaborate: bool = False,
    **more: Any,
) -> None:
    """`elaborate` makes the chip anew, where a test has changed what makes it."""
    config = CHIPS[chip].replace(**more)
    parameters = chip_parameters(config, seed, folder)
    parameters |= dict(scenarios=scenarios, machines=MACHINES[chip], aborts=3)
    built = build_config(config)
    design = Chip(Formats(built), observed=True) if elaborate else chip_verilog(built, observed=True)
    run_bench(design, "oxmc_chip", "oxmc.tb.system.control", "icarus", parameters, mutate=mutate)


@CHIP_CONTROL
@pytest.mark.parametrize("chip", ["plain", "network"])
def test_a_host_divides_by_the_votes_that_were_used(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "totals")


@CHIP_CONTROL
def test_clamps_are_those_of_the_training(seed: int, tmp_path: Path) -> None:
    bench("prepared", tmp_path, seed, "clamps")


@CHIP_CONTROL
@pytest.mark.parametrize("chip", ["plain", "network"])
def test_a_host_commands_out_of_turn(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "refusals")


@CHIP_CONTROL
@pytest.mark.parametrize("chip", some(("plain", "prepared"), "prepared"))
def test_a_host_reads_and_writes_while_the_chip_is_busy(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "busy", rows=8, train_samples=24)


@CHIP_CONTROL
@pytest.mark.parametrize("chip", some(("plain", "prepared", "network"), "prepared"))
def test_a_host_aborts_anywhere(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "abort")


SLUGGISH = dict(clock_hz=20e6, read_pulse_s=400e-9, eval_pulse_s=400e-9, conversion_s=400e-9)
"""A conversion is longer than the way from an ABORT to the next command's first evaluation."""


@CHIP_CONTROL
@pytest.mark.parametrize("chip", some(("plain", "network"), "plain"))
def test_a_host_asks_again_right_after_an_abort(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "in_flight", **SLUGGISH)


@CHIP_CONTROL
def test_a_host_meddles_with_an_episode(seed: int, tmp_path: Path) -> None:
    bench("rewards", tmp_path, seed, "episode")


@CHIP_CONTROL
@pytest.mark.parametrize("chip", some(CHIPS, "plain", "rewards"))
def test_an_upset_state_machine_recovers(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "upsets")


@CHIP_CONTROL
@pytest.mark.parametrize("chip", some(("plain", "prepared", "network"), "plain"))
def test_a_host_ends_a_wrong_state(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "wrong_states")


MISTAKES: dict[str, tuple[str, str, tuple[str, str]]] = {
    "adds what it stores": ("plain", "totals", ("else if (vote)", "else if (store)")),
    "never halts": ("plain", "abort", ("assign halt = ", "assign halt = 1'b0 & ")),
    "begins one more pulse": ("plain", "abort", ("assign op = halt ? ", "assign op = 1'b0 ? ")),
    "cuts a pulse": ("prepared", "abort", ("assign halt = ", "assign halt = (stopped & busy) | ")),
    "stays in a lost state": ("plain", "upsets", ("train_state_state >= 4'h9", "1'b0 & train_state_state[3]")),
    "does not say so": ("plain", "upsets", ("assign raised[5] = ", "assign raised[5] = 1'b0 & ")),
    "takes any write": ("plain", "busy", ("assign takes = ", "assign takes = 1'b1 | ")),
    "trains out of turn": ("plain", "refusals", ("assign writing = ", "assign writing = attempted | ")),
    "ends an episode unasked": ("rewards", "episode", ("assign writing = ", "assign writing = attempted | ")),
}
"""Chip, scenario and change of its Verilog."""


@CHIP_CONTROL_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_chip_that(mistake: str, seed: int, tmp_path: Path) -> None:
    chip, scenario, change = MISTAKES[mistake]
    with pytest.raises(SystemExit, match="FAILED"):
        bench(chip, tmp_path, seed, scenario, mutate=change)


@CHIP_CONTROL_BENCH_CAN_FAIL
def test_bench_catches_clamps_of_a_calibration(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "oxmc.hdl.top.core.Tally", lambda formats: rewired(Tally(formats), "training", lambda _: Const(1))
    )
    with pytest.raises(SystemExit, match="FAILED"):
        bench("prepared", tmp_path, seed, "clamps", elaborate=True)


@CHIP_CONTROL_BENCH_CAN_FAIL
def test_bench_catches_what_an_abort_leaves_behind(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversion that the next command inherits."""
    monkeypatch.setattr("oxmc.hdl.top.core.ResetInserter", lambda _: lambda block: block)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("plain", tmp_path, seed, "in_flight", elaborate=True, **SLUGGISH)
