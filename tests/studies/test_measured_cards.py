"""The project's cards of measured devices are what the study makes of the recordings, with range and credit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import oxmc
from pytest import CaptureFixture

from oxmc.pymodels.oxram.card_file import card_table, load_card
from oxmc.studies.measured_cards import cards, main, noise_of, relaxation_of

pytestmark = pytest.mark.testpoint(
    "cards of measured devices",
    "the shipped cards are the study's, to four digits; credit, licence, levels measured and not; what is foreseen for "
    "cells and levels not fitted",
)


def test_shipped_cards_are_what_the_recordings_give(data_dir: Path) -> None:
    folder = data_dir / "rram"
    for made in cards(relaxation_of(folder)[0], noise_of(folder)):
        shipped = load_card(made.name)
        assert list(card_table(made)) == list(card_table(shipped))
        for part in ("relaxation", "noise"):
            ours, theirs = (card_table(each).get(part, {}) for each in (made, shipped))
            assert ours.keys() == theirs.keys()
            for key in ours.keys() - {"source", "quantiles"}:
                flat = [x for row in ours[key] for x in row] if key in ("shift", "sd") else ours[key]
                known = [x for row in theirs[key] for x in row] if key in ("shift", "sd") else theirs[key]
                assert flat == pytest.approx(known, rel=1e-4), (part, key)


def test_distances_are_said(data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]) -> None:
    monkeypatch.setenv("OXMC_DATA", str(data_dir))
    main(["--json"])
    rows = json.loads(capsys.readouterr().out)
    ks, decibels = ([row["error"].split()[k] for row in rows] for k in (1, 0))
    assert [row["part"] for row in rows[:3]] == ["relaxation, 0.1 s", "relaxation, 1 s", "relaxation, 100000 s"]
    assert all(float(value) <= 0.05 for value in ks[:3]) and all(float(value) <= 2.0 for value in decibels[3:])


@pytest.mark.parametrize("name", ("rram-a", "rram-c"))
def test_credit_and_range_are_shown(name: str, capsys: CaptureFixture[str]) -> None:
    card = load_card(name)
    assert "MIT" in card.licence and "10.1109/TED.2021.3097975" in card.source and "not the paper's" in card.about
    assert ("relaxation" in card.extrapolations) == (name == "rram-c")  # measured below 40 uS
    shown = oxmc(capsys, "card", "show", name)
    assert shown.code == 0 and ("1e+05 s" if name == "rram-c" else "1/f from") in shown.out
