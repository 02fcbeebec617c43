"""Runs the system bench: trainings one after the other, resets anywhere, registers against the pins, mutants."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from benches import some
from chip_jobs import chip_parameters
from test_chip_control import PREPARED, TINY
from wiring import Wiring, harmless

from oxmc.hdl.verilog.netlist import CHIP_NAME, build_config, chip_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome
from oxmc.tb.blocks.run_bench import Mutation, run_bench

CHIP_AS_A_SYSTEM = pytest.mark.testpoint(
    "chip as a system",
    "trainings one after the other without a reset, a reset in every state of every machine, every command in "
    "every state, results that nobody takes; after each a run to the bit, and every status register as counted "
    "from the pins alone; each counter at its end; the twin alike",
)
CHIP_SYSTEM_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "chip system bench can fail",
    "mistakes in the wiring: registers that read as 0 or as another one, counters, totals and an order that a "
    "training does not forget; `make regress` has every input and output of every block",
)

pytestmark = pytest.mark.cosim

HARD = TINY.replace(train_samples=16, scale_per_us=0.4, eval_range=8.0, prior_sigma_us=60.0)
"""Most proposals are rejected."""
PAIRS = dict(
    verify="pair", verify_tries=6, verify_window_us=3.0, early_rejection=True, sample_order="hard_first",
    hard_sample_bits=0.1, reject_limit=4,
    extrapolate=True, lut_low_us=10.0, lut_high_us=200.0, read_range_us=256.0, gate_codes=48,
    read_bits=8, prior_sigma_us=4.0,
)  # fmt: skip
CHIPS = {
    "plain": HARD.replace(rows=6, counter_bits=2),  # with fewer rows the draws of some seeds decide nothing
    "pairs": HARD.replace(rows=6, counter_bits=2, **PAIRS),
    "prepared": PREPARED.replace(reject_limit=4),
    "network": TINY.replace(max_proposals=20, hidden=3, outputs=2, counter_bits=2, lfsr_bits=40, lfsr_step_bits=4),
    "corrected": TINY.replace(
        hastings=True, outputs=3, counter_bits=3, gate_dacs=8, features=3, reject_limit=3, rows=10, scale_per_us=0.02,
        prior_sigma_us=200.0, temper=1,
    ),
    "eight bits": TINY,
    "wide": TINY.replace(read_bits=12, read_range_us=128.0),
    "rewards": TINY.replace(
        acceptance="reward", train_samples=1, test_samples=1, features=4, outputs=2, episode_steps=25, test_episodes=1,
        input_range=1.0, max_proposals=10, reject_limit=2, reward_kappa=3.0, counter_bits=2, burn_in=1,
    ),
}  # fmt: skip
"""One chip of each kind; between them all options."""


TRAINER, INFERENCE, GATE_DAC = (
    ("trainer", "train_state_state", 9),
    ("inference", "infer_state_state", 5),
    ("gate_dac", "build_state_state", 3),
)
MACHINES: dict[str, list[tuple[str, str, int]]] = {
    "plain": [TRAINER, INFERENCE, GATE_DAC],
    "prepared": [
        ("trainer", "train_state_state", 11), ("programmer", "cell_state_state", 7), ("former", "form_state_state", 4),
        ("calibrator", "calibration_state_state", 8), INFERENCE,
    ],
    "rewards": [("trainer", "train_state_state", 10), INFERENCE],
}  # fmt: skip
"""State registers by block, and how many states to reset in."""


def variations(config: Config) -> list[Config]:
    """Other trainings on the same chip: rows, samples, burn-in, limits and tables."""
    rewards = config.acceptance == "reward"
    more: dict[str, Any] = {} if rewards else dict(train_samples=config.train_samples + 4, test_samples=5)
    fewer: dict[str, Any] = {} if rewards else dict(train_samples=3, test_samples=1)
    limit = dict(reject_limit=config.reject_limit + 1) if config.reject_limit else {}
    return [
        config.replace(
            rows=config.rows + 3,
            burn_in=2,
            prior_sigma_us=40.0,
            eval_range=6.0,
            extrapolate=True,
            lut_low_us=45.0,
            lut_high_us=90.0,
            **more,
            **limit,
        ),
        config.replace(rows=config.rows, burn_in=0, max_proposals=2, **fewer),
    ]


def parameters(config: Config, seed: int, folder: Path) -> dict[str, Any]:
    """Jobs of `config` and its variations, each of another seed."""
    jobs = []
    for number, one in enumerate([config, *variations(config)]):
        assert build_config(one) == build_config(config)
        (folder / str(number)).mkdir(exist_ok=True)
        jobs.append(chip_parameters(one, seed + number, folder / str(number)))
    return dict(jobs=jobs, seed=seed)


def wiring_of(chip: str) -> Wiring:
    """A chip's top module with the mistakes that can be made in it."""
    return Wiring(designed(chip))


def what_stopped(chip: str, folder: Path, seed: int, wiring: Wiring, numbers: Iterable[int]) -> dict[int, str | None]:
    """What stopped each of some mistakes, None where nothing did; the chip without one, number 0, first and last."""
    given = [0, *numbers, 0]
    report = folder / "report.json"
    bench(chip, folder, seed, "mistakes", "tour", lambda _: wiring.text, mistakes=given, report=str(report))
    found = {int(number): reason for number, reason in json.loads(report.read_text()).items()}
    assert found.pop(0) is None, "a tour without a mistake must end well"
    return found


def unseen(chip: str, wiring: Wiring, found: dict[int, str | None]) -> list[str]:
    """The mistakes that nothing stopped, but for those that change nothing."""
    left = [wiring.mistakes[number] for number, reason in found.items() if reason is None]
    return [str(mistake) for mistake in left if not harmless(mistake, CHIPS[chip])]


def designed(chip: str) -> str:
    return chip_verilog(build_config(CHIPS[chip]), observed=True)


def bench(
    chip: str, folder: Path, seed: int, scenario: str, module: str = "trainings", mutate: Mutation = None, **more: Any
) -> None:
    print(f"{scenario} of {chip}: seed {seed}")
    given = parameters(CHIPS[chip], seed, folder) | dict(scenarios=[scenario], **more)
    run_bench(designed(chip), CHIP_NAME, f"oxmc.tb.system.{module}", "icarus", given, mutate=mutate)


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", some(CHIPS, "plain", "pairs", "rewards"))
def test_a_user_trains_again_without_a_reset(chip: str, seed: int, tmp_path: Path) -> None:
    """Three trainings and the first once more; every register after each, against the pins and the twin's fresh run."""
    bench(chip, tmp_path, seed, "again")


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", some(MACHINES, "plain"))
def test_a_user_resets_the_chip_anywhere(chip: str, seed: int, tmp_path: Path) -> None:
    """In every state of every machine."""
    bench(chip, tmp_path, seed, "resets", machines=MACHINES[chip])


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", some(("plain", "prepared", "rewards"), "rewards"))
def test_a_host_gives_every_command_in_every_state(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "illegal")


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", some(("plain", "network", "rewards"), "plain"))
def test_a_host_takes_no_results_for_long(chip: str, seed: int, tmp_path: Path) -> None:
    bench(chip, tmp_path, seed, "stalls")


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", some(("plain", "eight bits", "corrected"), "plain"))
def test_counters_stop_at_their_ends(chip: str, seed: int, tmp_path: Path) -> None:
    """Row counters, streak, limits of proposals and skipped rows by settings; LOST_COUNTS, CLAMPS, PROPOSALS and 256
    full counters from registers that the bench writes in the simulation."""
    bench(chip, tmp_path, seed, "limits", "limits")


@CHIP_AS_A_SYSTEM
def test_a_cost_of_more_than_32_bits_is_whole(seed: int, tmp_path: Path) -> None:
    bench("wide", tmp_path, seed, "costs", "limits")


@CHIP_SYSTEM_BENCH_CAN_FAIL
@pytest.mark.parametrize("chip", some(("plain", "pairs"), "plain"))
def test_a_mistake_in_the_wiring_is_seen(chip: str, seed: int, tmp_path: Path) -> None:
    """Registers that the host reads tied to 0 or to another one; counters, totals and an order that TRAIN does not
    forget. All others: `make regress`."""
    wiring = wiring_of(chip)
    found = what_stopped(chip, tmp_path, seed, wiring, wiring.representative())
    assert len(found) > 30 and any(mistake.net == "total" for mistake in map(wiring.mistakes.get, found) if mistake)
    assert unseen(chip, wiring, found) == []


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", CHIPS)
def test_twin_trainings_leave_nothing_behind(chip: str, seed: int, tmp_path: Path) -> None:
    """Three trainings one after the other, twice: the same to the bit."""
    first, second = (
        [Path(job["outcome"]).read_bytes() for job in parameters(CHIPS[chip], seed, tmp_path)["jobs"]] for _ in range(2)
    )
    assert first == second and len(set(first)) == 3


@CHIP_AS_A_SYSTEM
@pytest.mark.parametrize("chip", ["plain", "pairs", "network", "corrected"])
def test_twin_counters_stop_at_their_ends(chip: str, seed: int, tmp_path: Path) -> None:
    """The chain does not depend on the counters' width: narrow ones are those of wide ones, cut, the rest is lost."""

    def outcome(**keys: int) -> Outcome:
        return Outcome.load(Path(chip_parameters(CHIPS[chip].replace(**keys), seed, tmp_path)["outcome"]))

    wide = outcome(counter_bits=16)
    for bits in (1, 2, 3):
        narrow, top = outcome(counter_bits=bits), 2**bits - 1
        assert narrow.counters.tolist() == [min(count, top) for count in wide.counters.tolist()]
        assert narrow.lost_counts == sum(max(0, count - top) for count in wide.counters.tolist())
    assert wide.lost_counts == 0 and wide.counters.sum() == wide.proposals + 1
    assert outcome(max_proposals=3).proposals == 3


@CHIP_SYSTEM_BENCH_CAN_FAIL
@pytest.mark.campaign
@pytest.mark.parametrize("chip", ["plain", "pairs", "prepared", "network", "corrected", "rewards"])
def test_every_mistake_in_the_wiring_is_seen(chip: str, seed: int, tmp_path: Path) -> None:
    """But for those that are known to change nothing."""
    wiring = wiring_of(chip)
    found = what_stopped(chip, tmp_path, seed, wiring, wiring.mistakes)
    print(f"{chip}: {sum(reason is not None for reason in found.values())} of {len(found)} mistakes seen")
    assert unseen(chip, wiring, found) == []
