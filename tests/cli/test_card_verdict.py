"""`oxmc card verdict`: small trainings over a grid of scatter, the answer and its picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import oxmc, refusal
from pytest import CaptureFixture

from oxmc.api.verdict import FACTORS, answer, margins, scaled, settings_of
from oxmc.pymodels.config import preset
from oxmc.pymodels.oxram.card_file import card_text, load_card

pytestmark = pytest.mark.testpoint(
    "oxmc card verdict",
    "the star is oxmc train's own result; the grid scales c2c and d2d; goes on; yes, with a loss and no by accuracy; "
    "margins by accuracy and joules; bad input is one line",
)
TINY = ("--set", "rows=4", "--set", "burn_in=0", "--set", "train_samples=20", "--set", "test_samples=5")


def test_a_verdict_has_its_star_grid_picture_and_goes_on(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    out, ask = tmp_path / "v", ("card", "verdict", "4k", "--repeats", "26", *TINY)
    answered = oxmc(capsys, *ask, "--out", out)
    assert answered.code == 0, answered.err
    found = json.loads((out / "verdict.json").read_text())
    assert answered.out.splitlines()[0] == found["sentence"] and found["sentence"].startswith("card 4k ")
    assert found["trainings"] == 26 and len(found["grid"]) == 25 and found["star"]["n"] == 1
    assert {path.name for path in out.glob("verdict.*")} == {"verdict.json", "verdict.png", "verdict.svg"}
    place = [(point["c2c_factor"], point["d2d_factor"]) for point in found["grid"]].index((1.0, 1.0))
    assert found["grid"][place]["mean"] == found["star"]["mean"]  # the same split, devices and noise
    assert found["grid"][place]["energy_j"]["28nm"]["mean"] == pytest.approx(found["star"]["energy_j"]["28nm"])
    assert "verdict.json" not in refusal(capsys, *ask, "--out", out)
    (out / "verdict.json").unlink()
    assert oxmc(capsys, *ask, "--out", out).code == 0
    assert json.loads((out / "verdict.json").read_text()) == found


@pytest.mark.parametrize("law", ("power", "points"))
def test_a_scaled_card_scatters_more_about_the_same_medians(law: str, tmp_path: Path) -> None:
    card = load_card("16k")
    if law == "points":
        path = tmp_path / "p.toml"
        path.write_text(card_text(card).replace('law = "power"', 'law = "points"'))
        card = load_card(str(path))
    assert card.law == law
    x = np.array([40.0, 70.0, 100.0])
    for before, after, factor in zip(card.law_us(x), scaled(card, 3.0).law_us(x), (1, 3), strict=True):
        assert after == pytest.approx(factor * before)


def test_card_16k_keeps_the_constants_of_best() -> None:
    wide = preset("cancer", "wide")
    found = settings_of(load_card("16k"), wide)
    for key in ("scale_per_us", "prior_sigma_us", "verify_window_us", "read_range_us"):
        assert found[key] == getattr(wide, key)
    assert found["common_mode_us"] == 60.0  # half way from 40 to 80 uS


def test_answers_and_margins() -> None:
    star = {"n": 10, "incomplete": 0, "to_reference": -0.009}
    assert answer(star) == "yes" and answer(star | {"to_reference": -0.02}) == "with a loss"
    assert answer(star | {"to_reference": -0.05}) == "no" == answer(star | {"incomplete": 6})
    grid = [
        {"c2c_factor": c, "d2d_factor": d, "mean": 0.96 - 0.004 * c, "energy_j": {"28nm": {"mean": 1 + d}}}
        for c in FACTORS
        for d in FACTORS
    ]
    assert margins(grid) == {"c2c_factor": 2.0, "d2d_factor": 2.0}  # 4 x: accuracy -0.012, joules 2.5 of 2


def test_too_few_trainings_and_unknown_cards_are_one_line(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    start = ("card", "verdict", "16k", "--out", tmp_path / "v")
    rule = "--repeats must be 26 or more, one a point of the grid and its star, not 5"
    assert refusal(capsys, *start, "--repeats", "5") == rule
    assert "card must be one of 16k" in refusal(capsys, "card", "verdict", "9k", "--out", tmp_path / "v")
    assert not (tmp_path / "v").exists()
