"""`oxmc card fit`: files to a card that trains, and one clear line for files that are none."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL, oxmc, refusal
from measured import Truth, noise_series
from pytest import CaptureFixture

from oxmc.cards.readings import PART, Names, read_cycles
from oxmc.pymodels.oxram.card_file import load_card

FIT = pytest.mark.testpoint(
    "oxmc card fit",
    "files of cycles, relaxation and noise become a card with pictures, which shows and trains; what was not learned "
    "is said; by gate voltage and by points, too",
)
BAD = pytest.mark.testpoint(
    "oxmc card fit: bad files",
    "mixed units, text, negative, missing, constant: one line, exit code 2, nothing written; names as they are given",
)
HEAD = "device,cycle,current_ua,g_us,lcs_us\n"


def cycles_csv(truth: Truth, devices: int = 10, cycles: int = 12, axis: Callable[[float], float] = float) -> str:
    found = truth.cycles(1, devices, cycles)
    assert found.lcs_us is not None
    columns = zip(found.device, found.cycle, found.level, found.g_us, found.lcs_us, strict=True)
    rows = (f"{found.names[d]},{c},{axis(found.x[k]):g},{g:.6g},{lcs:.4g}\n" for d, c, k, g, lcs in columns)
    return HEAD + "".join(rows)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Files of cycles, relaxation and noise."""
    rng = np.random.default_rng(0)
    cycles, relaxation, noise = (tmp_path / f"{name}.csv" for name in ("cycles", "relaxation", "noise"))
    cycles.write_text(cycles_csv(Truth()))
    start = rng.uniform(30, 80, 250)
    rows = [
        f"c{k},{t},{g * (1 + 0.01 * t * rng.standard_normal()):.5g}" for k, g in enumerate(start) for t in (0, 1, 3)
    ]
    relaxation.write_text("\n".join(["cell,time_s,g_us", *rows]))
    series = [
        f"{level},100,{g:.6g}" for level in (3, 7) for g in level * noise_series(level, 2048, 100, 0.01, 0.02, 0, 1)
    ]
    noise.write_text("\n".join(["level,rate_hz,g_us", *series]))
    return cycles, relaxation, noise


@FIT
def test_files_become_a_card_with_pictures(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    out = tmp_path / "cards" / "mine.toml"
    answer = oxmc(capsys, "card", "fit", *files, "--out", out, "--source", "made up", "--licence", "CC0", "--json")
    assert answer.code == 0 and answer.err == ""
    said = json.loads(answer.out)
    stems = ("mine-cycles", "mine-noise", "mine-relaxation")
    assert {path.name for path in out.parent.iterdir()} == {
        "mine.toml", *(f"{stem}.{kind}" for stem in stems for kind in ("png", "svg"))
    }  # fmt: skip
    card = load_card(str(out))
    assert (card.source, card.licence, card.law, card.by) == ("made up", "CC0", "power", "current")
    assert card.d2d_spread == pytest.approx(said["cycles"]["d2d_spread"]["value"], rel=1e-5)
    assert card.lcs_median_us == pytest.approx(5, rel=0.1) and card.current_high_ua == 100
    assert card.relaxation is not None and len(card.relaxation.time_s) == 2
    assert card.noise is not None and card.noise.level_us == pytest.approx((150, 350), rel=0.05)
    assert card.figures["set_sl_v"].source.startswith("not in the files; card 16k: ")
    assert set(card.extrapolations) == {
        "gate_low_v", "gate_high_v", "set_sl_v", "reset_bl_v", "reset_wl_v", "read_sl_v", "read_wl_v", "form_sl_v",
        "form_wl_v", "form_current_ua", "hcs_stuck_us", "noise", "relaxation",
    }  # fmt: skip
    assert oxmc(capsys, "card", "show", out).code == 0
    arguments = (
        "--preset",
        "paper",
        "--engine",
        "twin",
        "--card",
        out,
        "--set",
        "lut_low_us=0",
        "--set",
        "lut_high_us=0",
    )
    run = oxmc(capsys, "train", "cancer", *arguments, *SMALL, "--json", "--out", tmp_path / "run")
    assert run.code == 0, run.err


@FIT
def test_a_page_names_figures_and_what_was_not_learned(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(cycles_csv(Truth(), devices=4).replace(HEAD, HEAD.replace("g_us", "G").replace("device", "Die")))
    answer = oxmc(capsys, "card", "fit", file, "--device", "Die", "--g-us", "G", "--out", tmp_path / "m.toml")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0] == "readings    288 of 4 devices at 6 levels of current"
    for start in (
        "level       40 uA: median ",
        "median law ",
        "s.d. law ",
        "d2d s.d. ",
        "AR1 ",
        "shape       normal, ",
    ):
        assert any(line.startswith(start) for line in lines), start
    wide = "not learned how devices differ, but for a wide interval: the file has 4 devices"
    assert wide in lines and "not learned read noise: no file of series (level, rate_hz, g_us)" in lines


@FIT
def test_gate_voltages_take_their_currents_from_the_base(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    file, out = tmp_path / "gates.csv", tmp_path / "g.toml"
    text = cycles_csv(Truth(), axis=lambda x: 1.4 + (x - 40) / 150)
    file.write_text(text.replace("current_ua", "vg"))
    assert oxmc(capsys, "card", "fit", file, "--gate", "vg", "--out", out).code == 0
    card = load_card(str(out))
    assert card.by == "gate" and card.selector is not None
    assert (card.current_low_ua, card.current_high_ua) == pytest.approx((40, 100))
    assert card.extrapolations["selector"] == "the file has gate voltages alone; SET currents are those of card 16k"


@FIT
def test_levels_on_no_power_law_are_points(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    file, out = tmp_path / "points.csv", tmp_path / "p.toml"
    header, *rows = cycles_csv(Truth(d2d=0.01), cycles=200).splitlines()
    bend = {"40": 0.95, "52": 1.0, "64": 0.92, "76": 1.05, "88": 1.0, "100": 0.98}
    fields = [row.split(",") for row in rows]
    bent = [f"{d},{c},{x},{bend[x] * float(g):.6g},{lcs}" for d, c, x, g, lcs in fields]
    file.write_text("\n".join([header, *bent]))
    assert oxmc(capsys, "card", "fit", file, "--out", out).code == 0
    assert load_card(str(out)).law == "points" and "median_gain_us" not in tomllib.loads(out.read_text())


def with_value(text: str, line: int, column: int, value: str) -> str:
    lines = text.splitlines()
    fields = lines[line - 1].split(",")
    fields[column] = value
    lines[line - 1] = ",".join(fields)
    return "\n".join(lines)


def in_ohm(text: str) -> str:
    """Every fourth row in ohm."""
    header, *rows = text.splitlines()
    fields = [row.split(",") for row in rows]
    for row in fields[::4]:
        row[3] = f"{1e6 / float(row[3]):.6g}"
    return "\n".join([header, *(",".join(row) for row in fields)])


def scaled(factor: float) -> Callable[[str], str]:
    def change(text: str) -> str:
        header, *rows = text.splitlines()
        fields = [row.split(",") for row in rows]
        return "\n".join([header, *(",".join([*row[:3], f"{factor * float(row[3]):.6g}", row[4]]) for row in fields)])

    return change


CASES: dict[str, tuple[Callable[[str], str], str]] = {
    "text": (lambda text: with_value(text, 7, 3, "n/a"), "line 7 column 'g_us' must be a finite number, not 'n/a'"),
    "nan": (lambda text: with_value(text, 9, 3, "nan"), "line 9 column 'g_us' must be a finite number, not 'nan'"),
    "negative": (lambda text: with_value(text, 5, 3, "-40"), "line 5 column 'g_us' must be above 0, not -40"),
    "cycle": (lambda text: with_value(text, 4, 1, "1.5"), "line 4 column 'cycle' must be a whole number, not 1.5"),
    "short": (lambda text: text + "d9,3,40\n", "line 722 must have 5 fields as the header, not 3"),
    "ohm": (in_ohm, "line 2 column 'g_us' must be in uS as the others, not"),
    "siemens": (scaled(1e-6), "must be in uS, but its median is 5.97575e-05: it looks like S"),
    "column": (lambda text: text.replace("g_us,", "G,", 1), "FILE must have one column 'g_us', but"),
    "rows": (lambda text: HEAD, "FILE must have rows below its header, but"),
    "constant": (
        lambda text: HEAD + "".join(f"a,{k},40,50,5\n" for k in range(9)),
        "FILE must have conductances that vary from cycle to cycle, not 50 uS in all of them",
    ),
    "level": (
        lambda text: HEAD + "".join(f"a,{k},40,{50 + k % 3},5\n" for k in range(9)),
        "FILE must have two or more values of current for a card, not 40 alone: no law goes through one",
    ),
    "empty": (lambda text: "", "FILE must have one column 'cycle', but"),
}


@BAD
@pytest.mark.parametrize("case", CASES)
def test_bad_files_are_one_line(case: str, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    change, rule = CASES[case]
    file, out = tmp_path / "bad.csv", tmp_path / "cards" / "bad.toml"
    file.write_text(change(cycles_csv(Truth())))
    assert rule in refusal(capsys, "card", "fit", file, "--out", out)
    assert not out.exists()


@BAD
def test_two_axes_two_of_a_kind_and_a_bad_rate_are_refused(
    files: tuple[Path, Path, Path], tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    start, out = ("card", "fit", files[0]), ("--out", tmp_path / "x.toml")
    assert (
        refusal(capsys, *start, "--gate", "a", "--current", "b", *out)
        == "--gate must be left out with --current 'b', not 'a'"
    )
    assert "are both of cycles" in refusal(capsys, *start, files[0], *out)
    assert refusal(capsys, *start, "--rate", "-1", *out) == "--rate must be a number above 0, not '-1'"


@BAD
def test_a_file_of_several_parts_is_read_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(cycles_csv(Truth()))
    assert PART > 1000
    whole = read_cycles(file, Names())
    monkeypatch.setattr("oxmc.cards.readings.PART", 7)
    parts = read_cycles(file, Names())
    assert np.array_equal(whole.g_us, parts.g_us) and np.array_equal(whole.device, parts.device)
    assert whole.names == parts.names == tuple(f"d{k}" for k in range(10))
