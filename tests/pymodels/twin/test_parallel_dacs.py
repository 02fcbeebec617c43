"""Several gate DACs: the same chain in fewer cycles, cycles and joules by hand, what is refused. The RTL's bits are in
test_chip.py, test_coupling.py and, block by block, test_trainer.py and test_gate_dac.py."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import TWIN, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.energy.costs import load_costs
from oxmc.energy.ledger import Ledger
from oxmc.energy.point import gate_line_cells
from oxmc.energy.whatif import build_model, evaluate
from oxmc.pymodels.budget import formulas as budget
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import ArrayError, OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.books import CONSERVATION_LIMIT
from oxmc.run.result import ledger_of
from oxmc.run.rundir import read_run
from oxmc.run.train import Request, run_engine
from oxmc.silicon import chip_point
from oxmc.silicon.chip_point import point_of

pytestmark = pytest.mark.testpoint(
    "parallel gate DACs",
    "the bits of one DAC in fewer cycles; cycles, word line and joules by hand; sliders; what is refused; a "
    "pulse on several cells is whole or nothing; a sweep over their number",
)

SAME = ("conductance_ns", "counters", "classes", "sums", "last_row", "proposals", "clamps", "quantities")
"""What does not know how many cells a pulse programs."""


@pytest.fixture(autouse=True)
def fixed_flip_flops(monkeypatch: MonkeyPatch) -> None:
    """Counting those of a netlist takes seconds, and here they are not what differs."""
    monkeypatch.setattr(chip_point, "flip_flop_total", lambda config: 500)


def run(engine: str, config: Config) -> Outcome:
    job = make_job(config, load_task("cancer", config, 3), 3)
    request = Request(task="cancer", preset="paper", engine=engine, seed=3, config=config, out=Path())
    return run_engine(job, request, Path(), None)


@pytest.mark.parametrize("engine", ["twin", "float"])
@pytest.mark.parametrize("options", [{}, {"early_rejection": True, "scale_per_us": 0.05, "eval_range": 8.0}])
def test_only_time_and_fetches_differ(engine: str, options: dict[str, Any]) -> None:
    """The outcome of a training by the number of DACs; 32 cells a row."""
    config = resolve("cancer", "paper", rows=12).replace(train_samples=30, max_proposals=60, **options)
    one = run(engine, config)
    for dacs in (2, 32):
        outcome = run(engine, config.replace(gate_dacs=dacs))
        for name in SAME:
            np.testing.assert_equal(getattr(outcome, name), getattr(one, name), err_msg=f"{dacs} {name}")
        saved = (1 + one.proposals) * (32 - 32 // dacs)  # a cycle a SET pulse less
        assert one.cycles - outcome.cycles == saved > 0
        changes = {"gate_code_read": one.proposals * 32 // dacs, "cycle": one.counts["train"]["cycle"] - saved}
        assert outcome.counts == one.counts | {"train": one.counts["train"] | changes}


def test_cycles_by_hand() -> None:
    """Two outputs of three features, 12 cells: eight and four at once. SETs of three cycles, READs of two."""
    config = Config(
        rows=3, features=3, outputs=2, train_samples=3, test_samples=2, burn_in=1, gate_dacs=8, set_pulse_s=300e-9,
        read_pulse_s=200e-9, read_bits=3, gate_codes=2, condition_cycles=5,
    )  # fmt: skip
    formats = Formats(config)
    assert (formats.set_groups, formats.last_group, formats.lane_bits, formats.gates_bits) == (2, 8, 3, 8)
    assert budget.row_cycles(formats) == 2 * 3 + 12 * 2
    # a row: 12 FORMs and a RESET, then five times two SETs and a RESET
    assert budget.form_cycles(formats) == 3 * (12 * 3 + 1 + 5 * (2 * 3 + 1))
    # the histogram cleared; a gate code: three rows and their RESETs, settling, the walk
    assert budget.calibration_cycles(formats) == 8 + 2 * (3 * (2 * 3 + 12 * 2 + 1) + 1 + 1 + 8 + 2)


@pytest.mark.parametrize(("features", "dacs", "cells"), [(16, 1, 32), (16, 8, 4), (15, 16, 58 / 30), (3, 8, 1)])
def test_cells_on_a_part_of_the_word_line(features: int, dacs: int, cells: float) -> None:
    """Of 30 cells on 16 parts 14 hold two and two hold one: a cell's part has (14 x 2^2 + 2) / 30 in the mean."""
    assert gate_line_cells(Formats(Config(features=features, gate_dacs=dacs))) == pytest.approx(cells, rel=1e-15)


def trained(out: Path, *settings: str) -> dict[str, Any]:
    sets = [word for setting in settings for word in ("--set", setting)]
    assert oxmc_quiet([*TWIN, *sets, "--out", str(out)]) == 0
    return read_run(out)


def oxmc_quiet(arguments: list[str]) -> int:
    from oxmc.cli.app import run as run_oxmc

    return run_oxmc(arguments)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """run.json of one training with one and with eight DACs."""
    folder = tmp_path_factory.mktemp("dacs")
    with MonkeyPatch.context() as patch:
        patch.setattr(chip_point, "flip_flop_total", lambda config: 500)
        return {dacs: trained(folder / str(dacs), f"gate_dacs={dacs}") for dacs in (1, 8)}


def lines_of(ledger: Ledger) -> dict[tuple[str, str, str, str], float]:
    return {(line.component, line.action, line.phase, line.item): line.energy_j for line in ledger.lines}


@pytest.mark.parametrize("node", ["28nm", "130nm"])
def test_joules_by_hand(runs: dict[int, dict[str, Any]], node: str) -> None:
    """Every line of the ledger is as with one DAC, but those that a pulse pays, a part of the word line, or a cycle."""
    one, eight = (lines_of(ledger_of(Config(**runs[n]["config"]), runs[n]["phases"], node)) for n in (1, 8))
    assert one.keys() == eight.keys()
    cycles = {phase: runs[8]["phases"][phase]["events"]["cycle"] for phase in PHASES}
    was = {phase: runs[1]["phases"][phase]["events"]["cycle"] for phase in PHASES}
    by_pulse = {("drivers", "word line of a SET"), ("digital", "gate_dac"), ("digital", "pulse")}
    by_pulse |= {("digital", "trainer"), ("clock", "gated, trainer")}
    # a word of gate codes has one for each DAC: a read of it is worth its bits and 55 more, a write its bits and 20
    narrow, wide = (point_of(Config(**runs[n]["config"])).word_bits["gate_codes"] for n in (1, 8))
    words = {"gate code read": (wide + 55) / (narrow + 55) / 8, "gate code write": (wide + 20) / (narrow + 20)}
    seen = set()
    for (component, action, phase, item), joules in one.items():
        ratio = words.get(action, 1.0) if component == "memories" else 1.0
        if item == "cycle":
            ratio = cycles[phase] / was[phase]
        elif (component, action) in by_pulse and item in ("set", "gate_code_read"):
            ratio = 1 / 8
            seen.add((component, action))
        assert eight[component, action, phase, item] == pytest.approx(ratio * joules, rel=1e-12), (action, item)
    assert seen == by_pulse
    assert runs[8]["conservation_error"] < CONSERVATION_LIMIT
    assert math.fsum(eight.values()) < math.fsum(one.values())


def test_sliders_keep_the_time(runs: dict[int, dict[str, Any]], tmp_path: Path) -> None:
    """Cycles of the page's model at longer SETs are those of a run with these, to the cycle."""
    config, widths = Config(**runs[8]["config"]), {"set_pulse_s": 1e-6, "clock_hz": 20e6}
    events = {phase: runs[8]["phases"][phase]["events"] for phase in PHASES}
    model = build_model(
        config, events, point_of(config), {"28nm": (ledger_of(config, runs[8]["phases"], "28nm"), load_costs("28nm"))}
    )
    other = trained(tmp_path / "other", "gate_dacs=8", *(f"{key}={value}" for key, value in widths.items()))
    answer = evaluate(model, "28nm", widths)
    assert answer.cycles == other["time"]["cycles"]
    assert answer.total_j == pytest.approx(other["energy_j"]["28nm"]["total"], rel=1e-9)  # sums in another order


def test_sliders_keep_the_time_of_outputs_trained_in_turn(tmp_path: Path) -> None:
    """Rows of 26 cells a chain make four groups of eight; the 78 of all three together would make ten."""
    wine = ["train", "wine", "--preset", "plain", "--engine", "twin", "--rows", "8", "--set", "max_proposals=40"]
    wine += ["--set", "gate_dacs=8"]
    assert oxmc_quiet([*wine, "--out", str(tmp_path / "one")]) == 0
    one = read_run(tmp_path / "one")
    config, events = Config(**one["config"]), {phase: one["phases"][phase]["events"] for phase in PHASES}
    tables = {"28nm": (ledger_of(config, one["phases"], "28nm"), load_costs("28nm"))}
    model = build_model(config, events, point_of(config), tables)
    for number, widths in enumerate(({"set_pulse_s": 3e-7}, {"clock_hz": 3e7})):
        out = tmp_path / f"other{number}"
        sets = [word for key, value in widths.items() for word in ("--set", f"{key}={value}")]
        assert oxmc_quiet([*wine, *sets, "--out", str(out)]) == 0
        assert evaluate(model, "28nm", widths).cycles == read_run(out)["time"]["cycles"]


REFUSED = {
    "gate_dacs must be an integer from 1 to 64, not 128": {"gate_dacs": 128},
    "gate_dacs must be a power of two, not 12": {"gate_dacs": 12},
    "gate_dacs must be at most 8, as a row has 6 cells, not 16": {"gate_dacs": 16, "features": 3},
    "gate_dacs must be at most 4, as a row has 4 cells, not 8": {
        "gate_dacs": 8, "features": 2, "outputs": 3, "counters": "own",
    },
    "gate_dacs must be 1 with verified programming (verify = pair), which waits for a cell's reading, not 8": {
        "gate_dacs": 8, "verify": "pair",
    },
    "gate_dacs must be 1 with verified programming (verify = cell), which waits for a cell's reading, not 2": {
        "gate_dacs": 2, "verify": "cell",
    },
    "gate_dacs must be 1 with init = random, which draws a gate code at a time, not 4": {
        "gate_dacs": 4, "init": "random",
    },
    "lfsr_step_bits must let a draw (8 cycles) end while a row is programmed (5 cycles), not be 4": {
        "gate_dacs": 4, "features": 2, "lfsr_step_bits": 4,
    },
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_configurations_are_refused(message: str) -> None:
    with pytest.raises(InputError) as caught:
        Config(**REFUSED[message])  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_the_command_line_refuses(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """`wide` verifies what it programs; nothing is written."""
    out = tmp_path / "run"
    assert refusal(capsys, "train", "cancer", "--preset", "wide", "--set", "gate_dacs=8", "--out", out) == (
        "gate_dacs must be 1 with verified programming (verify = pair), which waits for a cell's reading, not 8"
    )
    assert not out.exists()


PULSES = {
    "SET of row 0 cell 2 must begin at a multiple of 4 cells, not 2": (2, [0, 0, 0, 0]),
    "SET of row 0 cell 4 must have code 0 at all DACs but 2, not [5, 6, 0, 1]": (4, [5, 6, 0, 1]),
    "SET of row 0 cell 5 must have a gate code from 0 to 20, not 21": (4, [5, 21, 0, 0]),
    "SET of row 0 cell 8 must have a cell from 0 to 5, not 8": (8, [0, 0, 0, 0]),
    "SET of row 0 cell 3 must meet a formed cell, not an unformed one": (0, [1, 2, 3, 4]),
}


@pytest.mark.parametrize("message", PULSES)
def test_a_pulse_is_refused_as_a_whole(message: str, seed: int) -> None:
    """Six cells, four DACs, cell 3 unformed: nothing of the group is SET."""
    config = Config(rows=2, features=3, burn_in=0, gate_dacs=4)
    array = OxramArray(config, load_card(config.card), seed)
    array.state[0, 3] = 0
    with pytest.raises(ArrayError) as caught:
        array.set_group(0, *PULSES[message], 1)
    assert str(caught.value) == message and not array.set_count.any() and not array.counts["load"]["set"]


def test_a_pulse_does_what_its_cells_would_alone(seed: int) -> None:
    config = Config(rows=2, features=3, burn_in=0, gate_dacs=4)
    together, apart = (OxramArray(config, load_card(config.card), seed) for _ in range(2))
    together.set_group(1, 4, [7, 20, 0, 0], 1)
    apart.set(1, 5, 20, 1)
    apart.set(1, 4, 7, 1)
    np.testing.assert_array_equal(together.conductance_ns, apart.conductance_ns)
    assert (together.counts, together.quantities) == (apart.counts, apart.quantities)
    assert together.counts[together.phase]["set"] == 2


def test_a_sweep_over_the_number_of_dacs(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    settings = ("--rows", "4", "--set", "train_samples=20", "--set", "test_samples=5")
    answer = oxmc(
        capsys, "sweep", "cancer", "--preset", "paper", "--engine", "twin", *settings, "--vary", "gate_dacs=1,8,32",
        "--repeats", "1", "--out", tmp_path / "sweep",
    )  # fmt: skip
    assert answer.code == 0, answer
    found = [read_run(tmp_path / "sweep" / "points" / f"{point:04d}") for point in range(3)]
    assert [one["config"]["gate_dacs"] for one in found] == [1, 8, 32]
    assert len({one["result"]["state_sha256"] for one in found}) == 1
    assert sorted({one["time"]["cycles"] for one in found}, reverse=True) == [one["time"]["cycles"] for one in found]
