"""Parts of a run, what an operation takes, and the paper's figure: by hand on ledgers of a few lines."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from commands import SMALL, oxmc
from pytest import CaptureFixture

from oxmc.energy.ledger import Ledger, Line
from oxmc.energy.parts import parts_of, per_json
from oxmc.energy.published import COUNTED, PAPER_J, compare

pytestmark = pytest.mark.testpoint(
    "energy by part and beside the paper",
    "parts, power, joules a proposal, prediction and operation by hand; forming stays out of the headline; what "
    "the paper's figure would need",
)

LINE = Line("array", "a", "train", 1, 1.0, 1.0, 1.0, "s", "set_current_na_cycles", "set", "array set")


def line(component: str, phase: str, item: str, joules: float, physics: str | None = None, action: str = "a") -> Line:
    """A line without an interval; a figure of its own."""
    bounds = {"energy_j": joules, "low": joules, "high": joules}
    names = {"component": component, "phase": phase, "item": item, "physics": physics, "action": action}
    return dataclasses.replace(LINE, **names, **bounds, figure=f"{component} {action} {item}")


def test_parts_by_hand() -> None:
    """10 kHz, so that 100 cycles are 10 ms; a RESET's joules are those of its cells, pulses and current."""
    ledger = Ledger(
        (
            line("memories", "load", "host_write", 1.0),
            line("array", "train", "reset_conductance_ns_cycles", 8.0, "reset"),
            line("drivers", "train", "reset", 4.0),
            line("drivers", "train", "reset_pulse", 2.0),
            line("clock", "train", "cycle", 16.0),
            line("adc", "infer", "eval", 32.0),
            line("drivers", "form", "reset", 1000.0),
            line("array", "form", "form_current_na_cycles", 500.0, "form"),
        )
    )
    events = {
        "load": {"cycle": 50}, "train": {"cycle": 100, "reset": 7, "decision": 5},
        "infer": {"cycle": 10, "eval": 16, "classify": 4}, "form": {"cycle": 1, "reset": 90, "form": 100},
        "calibrate": {},
    }  # fmt: skip
    parts = parts_of(ledger, events, 10e3)
    assert {name: part.ledger.total_j for name, part in parts.items()} == {
        "training": 31.0, "inference": 32.0, "forming": 1500.0,
    }  # fmt: skip
    assert parts["training"].as_json() == {
        "total": 31.0, "low": 31.0, "high": 31.0, "cycles": 150, "chip_s": 15e-3, "power_w": 31.0 / 15e-3,
    }  # fmt: skip
    assert per_json(ledger, events) == {
        "proposal": 6.0, "prediction": 8.0, "operation": {"form": 5.0, "reset": 2.0, "eval": 2.0},
    }  # fmt: skip
    assert per_json(Ledger(()), {}) == {"proposal": None, "prediction": None, "operation": {}}


def training(array_uj: float, drivers_uj: float, adc_uj: float, memories_uj: float) -> Ledger:
    """A training, and a test that must not count."""
    return Ledger(
        (
            line("array", "train", "set_current_na_cycles", array_uj * 1e-6, "set"),
            line("drivers", "train", "set", drivers_uj * 1e-6),
            line("adc", "train", "eval", adc_uj * 1e-6, action="conversion of an evaluation"),
            line("memories", "train", "sample_read", memories_uj * 1e-6, action="sample read"),
            line("adc", "infer", "eval", 1.0, action="conversion of an evaluation"),
        )
    )


def test_the_papers_figure_by_hand() -> None:
    """Without intervals a band is a point; 1.3 uJ is met by x 0.5 on the cells, by nothing on the whole of 6.6 uJ."""
    found = compare("cancer", "28nm", training(2.6, 0.4, 1.0, 2.6))
    assert found and found.cells_factor == pytest.approx(0.5)
    assert [part.name for part in found.counted] == list(COUNTED)
    assert [part.energy_j * 1e6 for part in found.counted] == pytest.approx([6.6, 4.0, 3.0, 2.6])
    assert [part.times for part in found.counted] == pytest.approx([6.6 / 1.3, 4.0 / 1.3, 3.0 / 1.3, 2.0])
    assert all(lever.factor is None for lever in found.levers)
    assert found.sentences == [
        "The paper's 1.3 uJ is below our band, 6.6 uJ to 6.6 uJ.",
        "It is in none of these bands.",
        "No single figure is enough: without array, the largest component with 2.6 uJ, 4 uJ stay. All figures "
        "together would have to be 0.197 times theirs.",
        "The cells alone take 2.6 uJ, 2.00 times the paper's figure. Pulses of 0.5 times the width would make "
        "both equal.",
    ]


def test_one_figure_that_is_enough_and_one_inside() -> None:
    """1.2 uJ and 0.4 uJ of sample reads: a quarter of these gives 1.3 uJ. A wider interval holds it."""
    found = compare("cancer", "28nm", training(0.5, 0.3, 0.4, 0.4))
    assert found and found.sentences[2].endswith("energy of a sample read x 0.25; all pulse widths x 0.4.")
    wide = Ledger(
        tuple(dataclasses.replace(line, low=line.energy_j / 2) for line in training(0.5, 0.3, 0.4, 0.4).lines)
    )
    inside = compare("cancer", "28nm", wide)
    assert inside and inside.counted[0].inside
    assert inside.sentences == [
        f"The paper's 1.3 uJ is inside our band, {inside.counted[0].band.low * 1e6:.3g} uJ to 1.6 uJ."
    ]
    assert compare("toy", "28nm", training(1, 1, 1, 1)) is None
    assert compare("cancer", "28nm", Ledger(())) is None
    assert json.loads(json.dumps(found.as_json()))["paper_j"] == PAPER_J["cancer", "28nm"]


def test_forming_stays_out_of_the_headline(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Summary, run.json and report name the training alone; the other parts stand beside it."""
    ahead = ("--form", "--calibrate", "--set", "condition_cycles=1")
    answer = oxmc(capsys, "train", "cancer", "--engine", "twin", *SMALL, *ahead, "--out", tmp_path / "run")
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    said = " ".join(answer.out.split())
    for node, joules in run["energy_j"].items():
        parts = joules["parts"]
        assert list(parts) == ["training", "inference", "forming", "calibration"]
        assert sum(part["total"] for part in parts.values()) == pytest.approx(joules["total"], rel=1e-12)
        assert f"energy at {node} training {parts['training']['total'] * 1e6:.3g} uJ" in said
        assert f"forming {parts['forming']['total'] * 1e6:.3g} uJ, calibration" in said
    report = json.loads(oxmc(capsys, "energy", tmp_path / "run", "--format", "json").out)["nodes"]["28nm"]
    assert report["parts"]["forming"]["total"] == run["energy_j"]["28nm"]["parts"]["forming"]["total"]
    assert report["paper"]["counted"][0]["energy_j"] == report["parts"]["training"]["total"]
    text = oxmc(capsys, "energy", tmp_path / "run", "--node", "28nm", "--all").out
    rows = [row.split("│")[1].strip() for row in text.splitlines() if row.startswith("│")]
    assert rows[:4] == ["training", "inference", "forming", "calibration"]
    assert "a proposal " in text and "The paper's 1.3 uJ is " in text
