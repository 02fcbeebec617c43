"""The card of a run: kept with it, found again, and what lies outside its range marked wherever a result shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import refusal

import oxmc
from oxmc.cli.app import run as command
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.oxram.card_file import card_table, card_text, load_card, parse_card
from oxmc.reports.accounts import report
from oxmc.run.cards import same_card
from oxmc.run.provenance import provenance
from oxmc.run.rundir import read_run

CARD_OF_A_RUN = pytest.mark.testpoint(
    "card of a run", "kept with its digest; a run outlives its file; a changed or missing one; workers; what follows"
)
MARKED = pytest.mark.testpoint(
    "extrapolation marked", "refused on the command line; marked in summary, run.json, energy, pictures, report, sweep"
)
CARD_SHOWN = pytest.mark.testpoint("card shown", "points of the law with intervals, alone and beside another card")

SMALL: dict[str, Any] = {"rows": 6, "burn_in": 1, "train_samples": 30, "test_samples": 10}


@pytest.fixture()
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(card_text(load_card("16k")).replace("value = 0.05", "value = 0.2"))
    return path


@CARD_OF_A_RUN
def test_a_run_outlives_its_card_and_refuses_another(mine: Path, tmp_path: Path) -> None:
    run = oxmc.train("cancer", preset="paper", seed=3, settings=SMALL | {"card": str(mine)}, out=tmp_path / "run")
    card = run.record["card"]
    assert (card["name"], card["range_us"], card["extrapolated"]) == ("mine", [40.0, 80.0], [])
    assert card["sha256"] == load_card(str(mine)).sha256 and run.config.d2d_spread == 0.2
    joules = run.energy().total
    mine.unlink()
    again = oxmc.open_run(tmp_path / "run")
    assert again.energy().total == joules and (again.predict_proba(np.zeros((1, 16))) >= 0).all()
    kept = tmp_path / "run/cards/mine.toml"
    kept.write_text(kept.read_text().replace("2.6", "2.7"))
    with pytest.raises(InputError, match="card.sha256 must be"):
        oxmc.open_run(tmp_path / "run")
    kept.unlink()
    with pytest.raises(InputError, match="card must name a readable TOML file"):
        oxmc.open_run(tmp_path / "run")


@CARD_OF_A_RUN
def test_a_named_spread_wins_over_the_cards(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    run = oxmc.train("cancer", preset="paper", settings=SMALL | {"card": "mine.toml", "d2d_spread": 0.1})
    assert run.config.d2d_spread == 0.1 and run.config.card == str(mine)


@CARD_OF_A_RUN
def test_a_card_that_changes_meanwhile_ends_the_run(mine: Path) -> None:
    config = oxmc.preset("cancer", "paper").replace(card=str(mine))
    card = load_card(str(mine))
    same_card(config, card)
    mine.write_text(mine.read_text().replace("2.6", "2.7"))
    with pytest.raises(RunError, match="must stay as it is while a training runs"):
        same_card(config, card)


@CARD_OF_A_RUN
def test_repeats_keep_their_card_and_do_not_go_on_with_another(mine: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = dict(preset="paper", repeats=2, settings=SMALL | {"card": str(mine)}, out=tmp_path / "many")
    oxmc.train_many("cancer", **asked)
    assert (tmp_path / "many/cards/mine.toml").read_bytes() == mine.read_bytes()
    mine.write_text(mine.read_text().replace("2.6", "2.7"))
    with pytest.raises(InputError, match="the SHA-256 of card must be"):
        oxmc.train_many("cancer", **asked, resume=True)


@CARD_OF_A_RUN
def test_a_chosen_card_brings_its_scatter_and_says_what_is_left_out(mine: Path) -> None:
    said = card_table(load_card("16k")) | {
        "cycle_correlation": {"value": 0.4, "unit": "1", "low": 0.3, "high": 0.5, "source": "a test"},
        "distribution": {"kind": "lognormal", "source": "a test"},
        "noise": {"level_us": [40.0], "white": [0.01], "source": "a test"},
    }  # fmt: skip
    mine.write_text(card_text(parse_card("mine", said)))
    run = oxmc.train("cancer", preset="paper", settings=SMALL | {"card": str(mine), "set_distribution": "normal"})
    assert (run.config.cycle_correlation, run.config.set_failure) == (0.4, 0.0)
    due = ["card mine has noise, which is not simulated", "card mine has set_distribution = card, which is off"]
    assert run.record["card"]["left_out"] == due and set(due) <= set(run.record["notes"])


@MARKED
def test_refused_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    rule = "must be from 40 to 80 uS, the range of card 16k, unless extrapolate is true, not"
    train = ("train", "cancer", "--preset", "paper", "--engine", "twin")
    assert refusal(capsys, *train, "--set", "lut_high_us=81") == f"lut_high_us {rule} 81"
    assert refusal(capsys, "calibrate", "--preset", "paper", "--set", "lut_low_us=20") == f"lut_low_us {rule} 20"
    vary = ("sweep", "cancer", "--preset", "paper", "--vary", "lut_low_us=40,20")
    assert f"lut_low_us {rule} 20" in refusal(capsys, *vary)
    two = refusal(capsys, *train, "--card", "4k", "--set", "card=16k")
    assert two == "--card 4k must be left out with --set card=16k"


@MARKED
def test_marked_wherever_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    keys = [f"--set={name}={value}" for name, value in SMALL.items()]
    assert command(["train", "cancer", "--preset", "wide", "--engine", "twin", "--out", str(out), *keys]) == 0
    mark = "extrapolated: lut_low_us = 10 lies outside 40 to 80 uS, what card 16k is known for"
    assert mark in re.sub(r"\s+", " ", capsys.readouterr().out)
    record = read_run(out)
    assert mark in record["notes"] and mark in record["card"]["extrapolated"]
    assert "extrapolated (lut_low_us, lut_high_us)" in dict(provenance(record))["card"]
    assert mark in json.loads(report([out], ["28nm"], "json"))["extrapolated"]
    assert all(mark in report([out], ["28nm"], output) for output in ("text", "html"))
    assert mark in oxmc.open_run(out).report().read_text()


@MARKED
def test_marked_in_a_sweep() -> None:
    keys = SMALL | {"extrapolate": True}
    done = oxmc.sweep("cancer", {"lut_low_us": [40.0, 20.0]}, preset="paper", settings=keys, repeats=1)
    assert [bool(point["extrapolated"]) for point in done.points] == [False, True]


@CARD_SHOWN
def test_card_show(capsys: pytest.CaptureFixture[str], mine: Path) -> None:
    """By hand: Eq 10 at 100 uA is 1.9 * 100^0.78 = 69.0 uS, and 100 uA are 90 to 110 uA."""
    assert command(["card", "show", "4k", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["range_us"] == pytest.approx([33.757, 68.985], abs=1e-3) and shown["d2d_spread"] == 0.05
    last = shown["points"][-1]
    assert last["median_us"]["value"] == pytest.approx(1.9 * 100**0.78)
    assert last["current_ua"] == {"value": 100.0, "low": 90.0, "high": 110.0}
    assert all(
        each["low"] <= each["value"] <= each["high"]
        for p in shown["points"]
        for each in p.values()
        if each != p["gate_v"]
    )
    assert command(["card", "show", "16k", str(mine)]) == 0
    text = capsys.readouterr().out
    assert "40 to 80 uS, 40 to 100 uA" in re.sub(r"\s+", " ", text) and "mine" in text
