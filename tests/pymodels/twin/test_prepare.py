"""Forming and calibration: the twin against the array model's pulses, the chip against the twin, `oxmc calibrate`."""

from __future__ import annotations

import json
import statistics

import numpy as np
import pytest

from oxmc.cli.app import run
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card, stuck_shares
from oxmc.pymodels.twin.chain import devices_of
from oxmc.pymodels.twin.prepare import prepare
from oxmc.run.calibration import calibrate

pytestmark = pytest.mark.testpoint(
    "ahead of a training",
    "forming, conditioning and the LUT's calibration: the twin against single pulses and medians of the "
    "statistics module, the chip against the twin, the LUT against the card's law, the command; cells stuck by "
    "age",
)

SMALL = Config(
    rows=6, features=3, burn_in=1, gate_codes=5, form=True, condition_cycles=3, calibrate=True, calibration_rows=4,
    stuck_lcs=0.1, stuck_hcs=0.1,
)  # fmt: skip


def by_pulses(config: Config, seed: int) -> tuple[OxramArray, list[int]]:
    """The same, pulse by pulse on the array model; medians by the statistics module."""
    array = OxramArray(config, load_card(config.card), seed, formed=False)
    every = 2**array.cells - 1
    array.phase = "form"
    for row in range(config.rows):
        for cell in range(array.cells):
            array.form(row, cell, 0, 1)
        array.reset(row, every, 1)
        for _ in range(config.condition_cycles):
            for cell in range(array.cells):
                array.set(row, cell, 2, 1)
            array.reset(row, every, 1)
    array.phase = "calibrate"
    lut: list[int] = []
    for gate in range(config.gate_codes):
        codes = []
        for row in range(config.calibration_rows):
            for cell in range(array.cells):
                array.set(row, cell, gate, 1)
                codes.append(array.read(row, cell, 1))
            array.reset(row, every, 1)
        lut.append(max(statistics.median_low(codes), *lut[-1:], 0))
    return array, lut


def test_twin_equals_pulses(seed: int) -> None:
    expected, lut = by_pulses(SMALL, seed)
    array = OxramArray(SMALL, load_card(SMALL.card), seed, formed=False)
    found, tallies = prepare(Formats(SMALL), array, devices_of(array), np.zeros(5, np.int64))
    assert found.tolist() == lut
    assert np.array_equal(array.conductance_ns, expected.conductance_ns)
    assert np.array_equal(array.set_count, expected.set_count)
    for phase in ("form", "calibrate"):
        for event in ("set", "reset", "read", "reset_pulse"):
            assert tallies[phase][event] == expected.counts[phase][event], (phase, event)
        assert tallies[phase]["set_na"] == expected.quantities[phase]["set_current_na_cycles"]
        assert tallies[phase]["reset_ns"] == expected.quantities[phase]["reset_conductance_ns_cycles"]
        assert tallies[phase]["read_ns"] == expected.quantities[phase]["read_conductance_ns_cycles"]


def test_sweep_finds_the_law(seed: int) -> None:
    """Every entry within 4 standard errors of the card's median, and half a read code."""
    config = preset("cancer", "paper").replace(calibrate=True)
    record = calibrate(config, "twin", seed)
    # s.e. of a median of n normal samples: 1.2533 s / sqrt(n); s: c2c 9.6 % at 80 uS and d2d 5 % of it, together 8.7 uS
    limit = 4 * 1.2533 * 8.7 / record["cells"] ** 0.5 + record["step_us"]
    assert record["largest_difference_us"] < limit


@pytest.mark.cosim
def test_chip_finds_the_twins_lut(seed: int) -> None:
    assert calibrate(SMALL, "icarus", seed)["lut"] == calibrate(SMALL, "twin", seed)["lut"]


def test_age_adds_stuck_cells() -> None:
    card = load_card("16k")
    assert stuck_shares(card, SMALL.replace(stuck_lcs=0.0, stuck_hcs=0.0)) == (0.0, 0.0)
    assert card.endurance is not None
    for cycles, lcs, hcs in zip(card.endurance.cycles, card.endurance.stuck_lcs, card.endurance.stuck_hcs, strict=True):
        aged = stuck_shares(card, Config(age_cycles=cycles, stuck_lcs=0.01))
        assert aged == pytest.approx((lcs + 0.01, hcs), rel=1e-12)
    assert stuck_shares(card, Config(age_cycles=5e3)) == pytest.approx((0.001, 0.0005), rel=1e-12)
    # straight in log-log: the geometric mean half-way between decades
    assert stuck_shares(card, Config(age_cycles=10**4.5))[0] == pytest.approx((0.002 * 0.004) ** 0.5, rel=1e-9)


def test_age_needs_a_card_that_knows_it() -> None:
    with pytest.raises(InputError, match="age_cycles must be 0 with card 4k"):
        stuck_shares(load_card("4k"), Config(card="4k", age_cycles=1e4))


def test_command_line(capsys: pytest.CaptureFixture) -> None:
    assert run(["calibrate", "cancer", "--rows", "16", "--set", "gate_codes=4", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [entry["gate"] for entry in record["lut"]] == [0, 1, 2, 3] and record["cells"] == 160
    assert record["config"]["verify"] == "pair"  # preset `best`, as in every command that trains
    assert run(["calibrate", "wine", "--rows", "4", "--set", "gate_codes=2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cells"] == 4 * 28  # of a chain of one output, not of all three
    assert run(["calibrate", "cancer", "--engine", "float"]) == 2
    assert "--engine must be one of verilator, icarus, twin" in capsys.readouterr().err
    assert run(["calibrate", "cancer", "--rows", "4", "--set", "calibration_rows=5"]) == 2
    assert "calibration_rows must be at most rows (4), not 5" in capsys.readouterr().err
