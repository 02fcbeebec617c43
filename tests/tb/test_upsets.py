"""Upsets and losses of power: what is flipped is what the twin is told, verdicts, classes, parity, the array's rows."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from pytest import CaptureFixture, MonkeyPatch

from oxmc.hdl.verilog.netlist import build_config, chip_verilog, flip_flops
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Status
from oxmc.pymodels.job import Job
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.twin import chain
from oxmc.tb.cosim.program import lut_codes
from oxmc.tb.cosim.simulator import CompiledSimulation
from oxmc.tb.cosim.twin import twin_of
from oxmc.tb.upsets import __main__ as command
from oxmc.tb.upsets import verdict
from oxmc.tb.upsets.campaign import Campaign, Upset, table
from oxmc.tb.upsets.power import FIRST_CYCLE, check_array, check_chip, check_training, cuts
from oxmc.tb.upsets.simulation import Ending, UpsetSimulation
from oxmc.tb.upsets.state import CLASSES, elements, kind_of
from oxmc.tb.upsets.training import job_of, small_config
from oxmc.tb.upsets.verdict import Share, judged, weighted

UPSETS = pytest.mark.testpoint(
    "upsets",
    "a flipped bit of seed or setting gives the twin's training for that seed or setting; every register is in one "
    "class; verdicts; with parity no upset of control hangs or loses accuracy silently; a broken chip is seen",
)
POWER = pytest.mark.testpoint(
    "loss of power",
    "all state random in any cycle, mid-pulse among them: rows of the array stay, TRAIN and INFER are refused, the "
    "next training has the twin's bits on the array as it was left",
)
SMALL = dict(rows=12, train_samples=20, test_samples=30, burn_in=2, max_proposals=18)
SLOW = dict(clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, read_pulse_s=100e-9, eval_pulse_s=100e-9)
AFTER_LOAD = 2
"""Cycles after the first command: before any draw, and before a setting is used."""


def campaign(folder: Path, **changes: object) -> Campaign:
    config = small_config("toy", **{**SMALL, **changes})
    return Campaign(job_of("toy", config), UpsetSimulation(config, level="-O0"), folder, 1)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return campaign(tmp_path_factory.mktemp("upsets"), parity="all")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return campaign(tmp_path_factory.mktemp("upsets"))


def is_twins(ending: Ending, config: Config, job: Job, flip: int = 0) -> bool:
    """Whether rows, counters and proposals are those of the twin, whose seed of the LFSR has bits flipped."""
    with MonkeyPatch.context() as patch:
        patch.setattr(chain, "lfsr_seed", lambda *which: lfsr_seed(*which) ^ flip)
        lut = np.array(lut_codes(Formats(config)))
        twin = chain.run_twin(config, job.seed, job.codes, job.labels, lut, 0)
    counters = ending.answers[len(Status) :][: len(twin.counters)]
    rows = ending.conductance_ns[: len(twin.conductance_ns)]
    same = list(counters) == twin.counters.tolist() and np.array_equal(rows, twin.conductance_ns)
    return same and ending.status(Status.PROPOSALS) == twin.proposals


def flips(campaign: Campaign, place: str, bits: tuple[int, ...], cycle: int = AFTER_LOAD) -> list[Upset]:
    """Those bits of a register, each in a training of its own, `cycle` cycles after the first command."""
    return [Upset(kind_of(place), place, 0, bit, campaign.right.began + cycle) for bit in bits]


@UPSETS
@pytest.mark.cosim
def test_a_flipped_draw_is_the_twins(guarded: Campaign) -> None:
    job = guarded.job
    assert is_twins(guarded.right, job.config, job)
    bits = (0, 13, 31)
    for bit, ending in zip(bits, guarded.play(flips(guarded, "lfsr.state", bits)), strict=True):
        assert is_twins(ending, job.config, job, 1 << bit) and not is_twins(ending, job.config, job)


@UPSETS
@pytest.mark.cosim
@pytest.mark.campaign
def test_a_flipped_setting_is_the_twins(bare: Campaign) -> None:
    job, config = bare.job, bare.job.config
    others = {
        "last_row": {bit: config.replace(rows=((config.rows - 1) ^ 1 << bit) + 1) for bit in (1, 3)},
        "max_proposals": {bit: config.replace(max_proposals=config.max_proposals ^ 1 << bit) for bit in (3, 8)},
        "common_mode": {4: config.replace(common_mode_us=config.common_mode_us - 8.0)},
    }
    for name, changed in others.items():
        endings = bare.play(flips(bare, f"control.{name}", tuple(changed)))
        for other, ending in zip(changed.values(), endings, strict=True):
            assert is_twins(ending, other, job), name


@UPSETS
@pytest.mark.cosim
def test_upsets_of_control_are_detected(guarded: Campaign) -> None:
    """A few of each class; those of state that has parity raise ERRORS, whatever they hit and when."""
    records = guarded.batch(0, 4)
    assert guarded.batch(0, 4) == records, "a batch that is kept must be as it was"
    checked = [record for record in records if record.upset.place != "pulse.result_tag"]
    hows = {kind: {record.how for record in checked if record.upset.kind == kind} for kind in CLASSES}
    for kind in ("state machines", "array commands", "pointers", "parity"):
        assert hows[kind] == {"detected"}, f"{kind}: {hows[kind]}"
    assert all(record.how not in ("hang", "lost") for record in records)
    assert {record.how for record in records} == {"detected", "masked", "changed"}
    lines = table(guarded, records).splitlines()
    assert len(lines) == 2 + len([kind for kind in CLASSES if hows[kind]]) + 2
    assert len({line.count("|") for line in lines}) == 1


@UPSETS
@pytest.mark.cosim
@pytest.mark.campaign
def test_upsets_without_parity_hang_and_lose(bare: Campaign) -> None:
    """States of trainer and auto-zero, moved to others in many cycles: each verdict is found."""
    places = {"trainer.train_state_state": (0, 1, 2, 3), "front_end.zero_state_state": (0, 1)}
    cycles = range(40, bare.right.cycle - 400, 90)
    upsets = [one for place, bits in places.items() for cycle in cycles for one in flips(bare, place, bits, cycle)]
    assert {record.how for record in bare.judge(upsets)} >= set(verdict.VERDICTS) - {"masked"}


def without_alarm(text: str) -> str:
    """The chip with one wire less: what parity says does not reach the guard."""
    broken, count = re.subn(r"\.flipped\(.*\)", ".flipped(1'h0)", text)
    assert count == 1
    return broken


@UPSETS
@pytest.mark.cosim
@pytest.mark.campaign
def test_a_chip_that_says_nothing_is_seen(tmp_path: Path, guarded: Campaign) -> None:
    """A mutant: with its alarm cut, hardly anything is detected any more, and some is lost or hangs."""
    config = guarded.job.config
    text = without_alarm(chip_verilog(build_config(config), observed=True))
    mutant = Campaign(guarded.job, UpsetSimulation(config, text, level="-O0"), tmp_path, 1)
    hows = [record.how for number in range(3) for record in mutant.batch(number, 4)]
    assert hows.count("detected") < len(hows) // 10 and {"lost", "hang"} & set(hows)


@UPSETS
@pytest.mark.parametrize(
    "config",
    [
        small_config("toy", parity="all"),
        *(pytest.param(preset("cancer", name), marks=pytest.mark.campaign) for name in ("paper", "best", "plain")),
    ],
)
def test_every_register_has_a_class(config: Config) -> None:
    text = chip_verilog(build_config(config), observed=True)
    found = elements(text, Formats(config))
    registers = sum(each.width for each in found if each.signal not in ("mem", "read_data"))
    assert registers == sum(flip_flops(text).values())
    with pytest.raises(KeyError, match=r"nothing\.at_all must be of one class, not of \[\]"):
        kind_of("nothing.at_all")


def ending(formats: Formats, classes: list[int], **changes: object) -> Ending:
    """A run whose results are these classes."""
    bits = formats.response_sum_bits
    results = tuple((1 << formats.label_bits | label) << bits for label in classes)
    answers = (0,) * (len(Status) + 3)
    whole = Ending(True, 1000, False, 10, 0, 0, answers, results, np.ones((2, 4), np.int64), np.ones((2, 4), np.int64))
    return dataclasses.replace(whole, **changes)


@UPSETS
def test_verdicts() -> None:
    formats = Formats(small_config("toy", **SMALL))
    labels = np.array([0, 1] * 100)
    good = labels.tolist()
    right = ending(formats, good)
    errors = tuple(int(register == Status.ERRORS) << 5 for register in Status) + (0, 0, 0)
    cases = {
        "masked": ending(formats, good, cycle=1200),
        "changed": ending(formats, [1 - good[0], *good[1:]]),
        "lost": ending(formats, [1 - label for label in good[:3]] + good[3:]),
        "hang": ending(formats, good, ended=False),
        "detected": ending(formats, good, answers=errors),
    }
    for how, case in cases.items():
        assert judged(case, right, formats, labels).how == how
    last = ending(formats, good, answers=(0,) * (len(Status) + 2) + (32,))
    assert judged(last, right, formats, labels).how == "detected", "ERRORS that comes with the last read"
    short = judged(ending(formats, good[:150]), right, formats, labels)
    assert (short.how, short.loss) == ("lost", 0.25), "results that did not leave are wrong"
    moved = ending(formats, good, conductance_ns=np.zeros((2, 4), np.int64))
    assert judged(moved, right, formats, labels).how == "changed"


@UPSETS
def test_shares() -> None:
    """Wilson's interval of 3 in 100 as printed in A. Agresti and B. Coull's formula; a stratified share by hand."""
    assert str(Share(3, 100)) == "3.0 (1.0-8.5)"
    assert str(Share(0, 100)) == "0.0 (0.0-3.7)"
    assert weighted([(50, 100), (0, 100)], [0.5, 0.5]).startswith("25.00 (20.0")


@UPSETS
@pytest.mark.cosim
def test_command_goes_on_where_it_stopped(guarded: Campaign, tmp_path: Path, capsys: CaptureFixture) -> None:
    sizes = [f"--set={key}={value}" for key, value in {**SMALL, "parity": "all"}.items()]
    arguments = ["toy", "--upsets", "1", "--build", str(tmp_path), *sizes]
    with MonkeyPatch.context() as patch:
        patch.setattr(command, "EACH", 1)
        patch.setattr(
            command, "campaign_of", lambda config, job, build, seed: Campaign(job, guarded.simulation, build, seed)
        )
        assert command.main(arguments) == 0
        first = capsys.readouterr()
        patch.setattr(Campaign, "judge", lambda *_: pytest.fail("a batch that is kept must not be played"))
        assert command.main(arguments) == 0
    assert capsys.readouterr().out == first.out
    assert first.err.startswith("batch 1 of 1, seed 1: 17 upsets: ")
    with pytest.raises(SystemExit, match="2"):
        command.main(["toy", "--set", "rows=1"])
    assert "rows must be an integer from 2 to 16384, not 1" in capsys.readouterr().err


@UPSETS
@pytest.mark.cosim
@pytest.mark.campaign
@pytest.mark.parametrize("parity", ["registers", "all"])
def test_parity_on_a_simulator_that_knows_x(tmp_path: Path, parity: str) -> None:
    """No parity is of an unknown bit: a training on Icarus is the twin's."""
    config = small_config("toy", **{**SMALL, "rows": 4, "burn_in": 0, "parity": parity})
    job, simulation = job_of("toy", config), CompiledSimulation(config, "icarus")
    simulation.build()
    outcome, expected = simulation.train(job, tmp_path), twin_of(job)
    assert np.array_equal(outcome.conductance_ns, expected.conductance_ns)
    assert np.array_equal(outcome.sums, expected.sums) and outcome.cycles == expected.cycles


def check_cuts(campaign: Campaign, number: int) -> set[int]:
    """Power lost in that many cycles; the operations that were cut."""
    rng = np.random.default_rng(3)
    cycles = sorted(rng.integers(FIRST_CYCLE, campaign.right.cycle, number).tolist())
    found = cuts(campaign.job, campaign.simulation, cycles, 100)
    for cut in found:
        check_array(cut, campaign.right.conductance_ns)
        check_chip(cut)
        check_training(cut, campaign.job)
    return {cut.before.op for cut in found}


@POWER
@pytest.mark.cosim
def test_power_lost_in_any_cycle(guarded: Campaign) -> None:
    assert len(check_cuts(guarded, 20)) >= 3


@POWER
@pytest.mark.cosim
@pytest.mark.campaign
@pytest.mark.parametrize("changes", [{}, SLOW, {**SLOW, "parity": "all"}])
def test_power_lost_a_thousand_times(tmp_path: Path, changes: dict) -> None:
    assert len(check_cuts(campaign(tmp_path, **changes), 350)) == 5


@POWER
@pytest.mark.cosim
def test_power_checks_can_fail(guarded: Campaign) -> None:
    """Another row moves, a stored row is another, the chip goes on, the training differs: each is refused."""
    cycle = guarded.right.cycle - 200
    cut, right = cuts(guarded.job, guarded.simulation, [cycle], 5)[0], guarded.right.conductance_ns
    moved = cut.after.conductance_ns.copy()
    moved[1, 0] += 1
    with pytest.raises(AssertionError, match=r"rows \[1\] moved"):
        check_array(dataclasses.replace(cut, after=dataclasses.replace(cut.after, conductance_ns=moved)), right)
    with pytest.raises(AssertionError, match="a stored row is not what it was"):
        check_array(cut, right + 1)
    answers = (0x10, *cut.end.answers[1:])
    with pytest.raises(AssertionError, match="STATE must be 0 after power-up, not 0x10"):
        check_chip(dataclasses.replace(cut, end=dataclasses.replace(cut.end, answers=answers)))
    with pytest.raises(AssertionError):
        check_training(
            dataclasses.replace(cut, after=dataclasses.replace(cut.after, set_count=cut.after.set_count + 1)),
            guarded.job,
        )
