"""`oxmc sweep`: a point is the run of repeats that its settings make; a stopped sweep goes on; the front is right."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import SMALL, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.campaign import repeats, sweep_points
from oxmc.campaign.sweep import pareto
from oxmc.campaign.sweep_points import parse_vary
from oxmc.cli.app import run
from oxmc.energy.parts import PARTS
from oxmc.plots.sweep import sweep_figure
from oxmc.pymodels.config import resolve

SWEEP = pytest.mark.testpoint(
    "sweep",
    "points are runs of repeats with their settings, in all combinations, with keys that move together, or one "
    "at a time; training and test apart; front by hand and by sorting; table, CSV, JSON, picture",
)
SWEEP_STOPS_AND_GOES_ON = pytest.mark.testpoint(
    "sweep stops and goes on",
    "an interrupted sweep loses nothing, with data of one's own, too; failures, other requests, data and bad "
    "options are refused by name",
)

REPEATS = 2
BASE = ("sweep", "cancer", "--preset", "paper", *SMALL[2:], "--repeats", str(REPEATS), "--seed", "3")
VARY = ("--vary", "rows=4,6", "--vary", "scale_per_us=0.001,0.02")
FILES = ["points", "sweep.csv", "sweep.json", "sweep.png", "sweep.svg"]


def command(out: Path, *more: object) -> list[str]:
    return [str(word) for word in (*BASE, *VARY, "--out", out, *more)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweep") / "whole"
    assert run(command(out)) == 0
    return out


def record(out: Path) -> dict[str, Any]:
    return json.loads((out / "sweep.json").read_text())


def lines(out: Path, point: dict[str, Any]) -> list[dict[str, Any]]:
    """runs.jsonl of a point."""
    return [json.loads(line) for line in (out / point["run"] / "runs.jsonl").read_text().splitlines()]


@SWEEP
def test_points_are_runs_of_repeats(whole: Path, tmp_path: Path) -> None:
    """In the order of --vary, the last key fastest; each the same bytes as `oxmc train --repeats` with its settings."""
    found = record(whole)
    assert sorted(path.name for path in whole.iterdir()) == FILES
    assert [point["settings"] for point in found["points"]] == [
        {"rows": rows, "scale_per_us": scale} for rows in (4, 6) for scale in (0.001, 0.02)
    ]
    train = [
        "train",
        "cancer",
        "--preset",
        "paper",
        "--engine",
        "twin",
        *SMALL[2:],
        "--repeats",
        str(REPEATS),
        "--seed",
        "3",
    ]
    out = tmp_path / "train"
    assert run([*train, "--rows", "6", "--set", "scale_per_us=0.02", "--out", str(out)]) == 0
    point = found["points"][3]
    for name in ("runs.jsonl", "config.toml"):
        assert (whole / point["run"] / name).read_bytes() == (out / name).read_bytes()
    records = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    values = [line["value"] for line in records]
    assert (point["n"], point["metric"]) == (REPEATS, "accuracy")
    assert point["mean"] == pytest.approx(statistics.mean(values), rel=1e-12)
    assert point["sem"] == pytest.approx(statistics.stdev(values) / REPEATS**0.5, rel=1e-12, abs=1e-15)
    for key in ("energy_j", "training_j"):
        for node, energy in point[key].items():
            joules = [line[key][node] for line in records]
            assert energy["mean"] == pytest.approx(statistics.mean(joules), rel=1e-12)
            assert energy["sem"] == pytest.approx(statistics.stdev(joules) / REPEATS**0.5, rel=1e-9)
    assert point["cycles"] == statistics.mean(line["cycles"] for line in records)
    assert point["chip_s"] == pytest.approx(point["cycles"] / 10e6, rel=1e-12)  # at 10 MHz
    assert point["proposals"] == statistics.mean(line["chain"]["proposals"] for line in records)


@SWEEP
def test_points_tell_the_training_from_the_test(whole: Path) -> None:
    """Repeat 0 by its own run.json: phases added up; the rest by the second repeat's record; differences are paired."""
    found = record(whole)["points"]
    values = [[line["value"] for line in lines(whole, point)] for point in found]
    for point, value in zip(found, values, strict=True):
        first = json.loads((whole / point["run"] / "run.json").read_text())
        records = lines(whole, point)
        own = {
            name: sum(first["phases"][phase]["events"][name] for phase in PARTS["training"])
            for name in ("set", "eval", "cycle")
        }
        assert {name: records[0]["training_events"][name] for name in own} == own
        means = {name: statistics.mean([own[name], records[1]["training_events"][name]]) for name in own}
        assert (point["sets"], point["evaluations"]) == (means["set"], means["eval"])
        assert point["training_s"] == pytest.approx(means["cycle"] / 10e6, rel=1e-12)
        assert 0 < point["training_s"] < point["chip_s"]
        apart = [one - other for one, other in zip(value, values[0], strict=True)]
        assert point["difference"]["mean"] == pytest.approx(statistics.mean(apart), abs=1e-15)
        assert point["difference"]["sem"] == pytest.approx(statistics.stdev(apart) / REPEATS**0.5, abs=1e-15)


@SWEEP
def test_one_at_a_time(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """The preset with --set, then each step alone; one that changes nothing is the centre; keys move together."""
    arguments, where = (*BASE, "--rows", "4"), ("--out", tmp_path / "run")
    centre = ("--one-at-a-time", "--set", "adc_bits=7", "--set", "table_bits=7")
    vary = ("--vary", "adc_bits,table_bits=6,7", "--vary", "input_bits,input_range=5:2.5", "--vary", "rows=4,16")
    shown = oxmc(capsys, *arguments, *centre, *vary, *where)
    assert shown.code == 0, shown.err
    found = record(tmp_path / "run")
    changes = ["", "adc_bits=6 table_bits=6", "input_bits=5 input_range=2.5", "rows=16"]
    assert [point["change"] for point in found["points"]] == changes
    keys = ("adc_bits", "table_bits", "input_bits", "input_range", "rows")
    assert list(found["vary"]) == list(keys) and found["around"]
    assert [[point["settings"][key] for key in keys] for point in found["points"]] == [
        [7, 7, 8, 4.0, 4], [6, 6, 8, 4.0, 4], [7, 7, 5, 2.5, 4], [7, 7, 8, 4.0, 16],
    ]  # fmt: skip
    configs = [json.loads((tmp_path / "run" / p["run"] / "run.json").read_text())["config"] for p in found["points"]]
    for config, point in zip(configs, found["points"], strict=True):
        assert point["settings"] == {key: config[key] for key in keys}
    assert [config["burn_in"] for config in configs] == [0, 0, 0, 2]  # capped as --rows does
    assert all(word in shown.out for word in ("change", "none", "input_range=2.5"))
    other = refusal(capsys, *arguments, *vary, *where, "--resume")
    assert other == f"--one-at-a-time must be True as in {str(tmp_path / 'run')!r} to go on with it, not False"


@SWEEP
def test_axes_by_hand() -> None:
    axes = parse_vary(["adc_bits,table_bits=5,6", "input_bits,input_range=5:2.5,8:4", "early_rejection=true,false"])
    assert axes == [
        {"adc_bits": [5, 6], "table_bits": [5, 6]},
        {"input_bits": [5, 8], "input_range": [2.5, 4.0]},
        {"early_rejection": [True, False]},
    ]
    points = sweep_points.all_points(axes, lambda settings: resolve("cancer", "wide", settings=settings))
    assert len(points) == 8
    assert points[1][0] == {
        "adc_bits": 5,
        "table_bits": 5,
        "input_bits": 5,
        "input_range": 2.5,
        "early_rejection": False,
    }
    twice = parse_vary(["clock_hz=2e7", "clock_hz,rows=1e7:64"], again=True)
    around = sweep_points.points_around(twice, lambda settings: resolve("cancer", "wide", settings=settings))
    assert [settings for settings, _ in around] == [{}, {"clock_hz": 2e7}, {"clock_hz": 1e7, "rows": 64}]


@SWEEP
def test_the_front_marks_itself(whole: Path) -> None:
    points = record(whole)["points"]
    for node in ("28nm", "130nm"):
        assert [point["pareto"][node] for point in points] == pareto(
            [(point["mean"], point["energy_j"][node]["mean"]) for point in points]
        )


@SWEEP
def test_pareto_by_hand_and_against_sorting(seed: int) -> None:
    assert pareto([(0.9, 1.0), (0.9, 2.0), (0.95, 2.0), (0.8, 0.5), (0.7, 0.6)]) == [True, False, True, True, False]
    assert pareto([(0.9, 1.0), (0.9, 1.0)]) == [True, True]  # neither beats the other
    assert pareto([(0.1 + 0.2, 2.0), (0.3, 1.0)]) == [False, True]  # equal but for rounding
    draw = random.Random(seed)
    points = [(draw.randint(0, 20), float(draw.randint(1, 20))) for _ in range(200)]
    best, front = -1, set()
    for joules in sorted({j for _, j in points}):  # by rising cost, the front is what raises the value
        value = max(v for v, j in points if j == joules)
        if value > best:
            best = value
            front.add((value, joules))
    assert {point for point, on in zip(points, pareto(points), strict=True) if on} == front


@SWEEP
def test_printed_forms(capsys: CaptureFixture[str], whole: Path) -> None:
    """A whole sweep answers --resume from what it kept: text, JSON and CSV of the same points."""
    found = record(whole)
    assert json.loads(oxmc(capsys, *command(whole, "--resume", "--json")).out) == found
    text = oxmc(capsys, *command(whole, "--resume", "--format", "csv")).out
    assert text == (whole / "sweep.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["rows"] for row in rows] == ["4", "4", "6", "6"] and rows[3]["scale_per_us"] == "0.02"
    for row, point in zip(rows, found["points"], strict=True):
        assert float(row["mean"]) == point["mean"] and float(row["28nm_j_mean"]) == point["energy_j"]["28nm"]["mean"]
        assert float(row["130nm_training_j_mean"]) == point["training_j"]["130nm"]["mean"]
        assert float(row["difference_mean"]) == point["difference"]["mean"] and float(row["sets"]) == point["sets"]
        assert (row["130nm_pareto"] == "yes") == point["pareto"]["130nm"]
    shown = oxmc(capsys, *command(whole, "--resume")).out
    assert all(f"{point['mean']:.4f}" in shown for point in found["points"])


@SWEEP
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda out: replace(out / "sweep.json", '"mean": 0.', '"mean": 0.0'), "is not: points[0].mean must be "),
        (lambda out: replace(out / "sweep.json", '"mean": 0.', '"mean": NaN, "x": 0.'), "NaN is no finite number"),
        (
            lambda out: replace(out / "points/0001/runs.jsonl", '"value": 0.', '"value": 0.0'),
            "repeats.values[0] must be",
        ),
        (lambda out: replace(out / "points/0002/run.json", '"cycles": ', '"cycles": 1'), "time.cycles must be "),
        (lambda out: (out / "points/0003/state.npz").write_bytes(b""), "RUN must hold a whole state.npz, not "),
        (lambda out: shutil.rmtree(out / "points/0001"), "RUN must be a run directory with a run.json, not "),
        (lambda out: swap(out / "points/0000", out / "points/0001"), "scale_per_us must be "),
    ],
)
def test_a_user_resumes_a_whole_sweep_that_was_changed(
    whole: Path, tmp_path: Path, capsys: CaptureFixture[str], change: Callable[[Path], object], message: str
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "run"))
    assert oxmc(capsys, *command(out, "--resume")).code == 0
    change(out)
    assert message in refusal(capsys, *command(out, "--resume"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def swap(one: Path, other: Path) -> None:
    one.rename(one.with_name("aside"))
    other.rename(one)
    one.with_name("aside").rename(other)


@SWEEP
def test_the_picture_holds_the_points(whole: Path) -> None:
    found = record(whole)
    figure = sweep_figure(found)
    for axis, node in zip(figure.axes, ("28nm", "130nm"), strict=True):
        dots = axis.collections[-1].get_offsets()
        assert np.allclose(dots, [[p["energy_j"][node]["mean"] * 1e6, p["mean"]] for p in found["points"]], rtol=1e-12)
        assert axis.get_xscale() == "log" and node in axis.get_xlabel()
    told = " ".join(text.get_text() for text in figure.legends[0].texts)
    assert all(f"{number}: {point['change']}" in told for number, point in enumerate(found["points"]))
    svg = (whole / "sweep.svg").read_text()
    assert f"task cancer, preset {found['preset']}, engine twin, seed 3" in svg and f"note: {found['notes'][0]}" in svg
    assert (whole / "sweep.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert ElementTree.parse(whole / "sweep.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def stopping_after(trainings: int) -> Callable[..., Any]:
    """`run_repeat` that is interrupted after so many."""
    original, left = repeats.run_repeat, [trainings]

    def run_or_stop(request: Any, number: int, scratch: Path | None) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return original(request, number, scratch)

    return run_or_stop


@SWEEP_STOPS_AND_GOES_ON
def test_a_stopped_sweep_goes_on(capsys: CaptureFixture[str], whole: Path, tmp_path: Path) -> None:
    """In the middle of a point; then the same files, and no repeat twice."""
    out = tmp_path / "run"
    with MonkeyPatch.context() as patch:
        patch.setattr(repeats, "run_repeat", stopping_after(3))
        message = failure(oxmc(capsys, *command(out)), 130)
    assert message == (
        "interrupted; 1 of 4 points are done and kept; point rows=4 scale_per_us=0.02: "
        "1 of 2 repeats are done and kept, the same command with --resume goes on"
    )
    kept = tmp_path / ".run.partial"
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    unfinished = f"--out has an unfinished sweep beside it, {str(kept)!r}: --resume goes on with it"
    assert refusal(capsys, *command(out)) == unfinished
    where = f"as in {str(kept)!r} to go on with it"
    assert refusal(capsys, *command(out, "--resume", "--seed", 4)) == f"seed must be 3 {where}, not 4"
    assert refusal(capsys, *command(out, "--resume", "--set", "adc_bits=9")) == f"adc_bits must be 8 {where}, not 9"
    assert refusal(capsys, *command(out, "--resume", "--repeats", 3)) == f"--repeats must be 2 {where}, not 3"
    assert refusal(capsys, *command(out, "--resume", "--vary", "adc_bits=8")).startswith("--vary must be {'rows'")
    with MonkeyPatch.context() as patch:
        patch.setattr(repeats, "run_repeat", stopping_after(5))
        assert run(command(out, "--resume")) == 0
    for name in ("sweep.json", "sweep.csv", "sweep.svg"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert list(tmp_path.iterdir()) == [out]


@SWEEP_STOPS_AND_GOES_ON
def test_a_failed_repeat_ends_the_sweep(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    def failing(request: Any, number: int, scratch: Path | None) -> repeats.Answer:
        return repeats.Answer(number, 5, error="the chip caught fire")

    monkeypatch.setattr(repeats, "run_repeat", failing)
    message = failure(oxmc(capsys, *command(tmp_path / "run")), 1)
    assert message.startswith("0 of 4 points are done and kept; point rows=4 scale_per_us=0.001: 2 of 2 repeats failed")


@SWEEP
def test_one_repeat_has_no_standard_error(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["sweep", "cancer", *SMALL, "--repeats", "1", "--vary", "early_rejection=true,false"]
    answer = oxmc(capsys, *arguments, "--out", tmp_path / "run")
    assert answer.code == 0 and " - " in answer.out
    points = record(tmp_path / "run")["points"]
    assert [point["settings"]["early_rejection"] for point in points] == [True, False]
    assert all(point["sem"] is None and point["energy_j"]["28nm"]["sem"] is None for point in points)


@SWEEP_STOPS_AND_GOES_ON
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--vary rows", "--vary must be key=value,value,..., not 'rows'"),
        ("--vary rows=4,,6", "--vary must be key=value,value,..., not 'rows=4,,6'"),
        ("--vary rows=4,4", "--vary must give a value once, not 'rows=4,4'"),
        ("--vary rows=4 --vary rows=5", "--vary must name a key once, not rows twice"),
        ("--vary rows,adc_bits=4:7:8", "--vary must give rows,adc_bits one value or 2 with colons, not '4:7:8'"),
        ("--vary rows,adc_bits=4:", "--vary must give rows,adc_bits one value or 2 with colons, not '4:'"),
        ("--vary rows=4:5", "--vary must give rows one value, not '4:5'"),
        ("--vary rows,rows=4:5", "--vary must name a key once, not rows twice"),
        ("--vary rows,=4", "--vary must be key=value,value,..., not 'rows,=4'"),
        ("--vary rows,adc_bits=4:8,4:8", "--vary must give a value once, not 'rows,adc_bits=4:8,4:8'"),
        ("--vary rows=4 --one-at-a-time --set adc_bits=1", "adc_bits must be an integer from 2 to 12 bit, not 1"),
        ("--vary rowz=4", "point rowz=4: rowz is not a configuration key; did you mean rows?"),
        ("--vary adc_bits=8,99", "point adc_bits=99: adc_bits must be an integer from 2 to 12 bit, not 99"),
        ("--vary rows=4 --set rows=4", "--set rows must be left out with --vary rows"),
        ("--vary rows=4 --repeats 0", "--repeats must be an integer >= 1, not '0'"),
        ("--vary rows=4 --format html", "--format must be one of text, json, csv, not 'html'"),
        ("--vary rows=4 --engine vcs", "--engine must be one of verilator, icarus, twin, float, gates, not 'vcs'"),
        ("--vary outputs=3", "point outputs=3: outputs must be 1 for task cancer, not 3"),
    ],
)
def test_refusals(capsys: CaptureFixture[str], tmp_path: Path, options: str, message: str) -> None:
    assert refusal(capsys, "sweep", "cancer", *options.split(), "--out", tmp_path / "run") == message
    assert list(tmp_path.iterdir()) == []


@SWEEP_STOPS_AND_GOES_ON
def test_data_of_the_users_own(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """Geometry follows from the file at each point; a stopped sweep goes on with a file of the same contents only."""
    monkeypatch.chdir(tmp_path)
    text = "a,b,kind\n" + "".join(f"{k},{k % 5},{'yes' if k % 2 else 'no'}\n" for k in range(20))
    Path("t.csv").write_text(text)
    Path("other.csv").write_text(text.replace("19,", "20,"))

    def command(file: str, *more: str) -> tuple[str, ...]:
        vary = ("--vary", "rows=4,5", "--repeats", "2", "--out", "r", *more)
        return ("sweep", "table", "--data", file, "--label", "kind", *vary)

    with MonkeyPatch.context() as patch:
        patch.setattr(repeats, "run_repeat", stopping_after(3))
        assert oxmc(capsys, *command("t.csv")).code == 130
    was, now = (hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in ("t.csv", "other.csv"))
    assert refusal(capsys, *command("other.csv", "--resume")) == (
        f"the SHA-256 of --data must be {was!r} as in {str(tmp_path / '.r.partial')!r} to go on with it, not {now!r}"
    )
    assert oxmc(capsys, *command("t.csv", "--resume")).code == 0
    found = record(Path("r"))
    assert found["data"] == {"sha256": was, "subject": None, "label": "kind"}
    point = json.loads((Path("r") / found["points"][1]["run"] / "run.json").read_text())
    assert [point["config"][key] for key in ("rows", "features", "train_samples", "test_samples")] == [5, 3, 13, 7]
    assert point["data"]["file"] == "t.csv"


@SWEEP_STOPS_AND_GOES_ON
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("table --data no.csv --label k", "--data must be readable, not 'no.csv' (No such file or directory)"),
        ("table", "task table needs --data: oxmc train table --data FILE.csv --label COLUMN"),
        ("ecg --subject 99", f"--subject must be one of {', '.join(map(str, range(1, 25)))}, not 99"),
        ("cancer --label k", "--label must be left out for task cancer, which does not take it, not 'k'"),
    ],
)
def test_bad_data(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch, arguments: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(capsys, "sweep", *arguments.split(), "--vary", "rows=4,5") == message
    assert list(tmp_path.iterdir()) == []


@SWEEP_STOPS_AND_GOES_ON
def test_a_sweep_replaces_nothing(capsys: CaptureFixture[str], whole: Path, tmp_path: Path) -> None:
    rule = "--out must be a new or empty folder"
    assert refusal(capsys, *command(whole)) == f"{rule}, not {str(whole)!r}, which has files in it"
    (tmp_path / "sweep.json").write_text("{}")
    message = f"--out must be a sweep to go on with it, not {str(tmp_path)!r}"
    assert refusal(capsys, *command(tmp_path, "--resume")) == message


@SWEEP_STOPS_AND_GOES_ON
def test_too_many_points_are_refused(monkeypatch: MonkeyPatch) -> None:
    axes = parse_vary(["rows=4,6", "adc_bits=7,8,9"])
    assert axes == [{"rows": [4, 6]}, {"adc_bits": [7, 8, 9]}]
    monkeypatch.setattr(sweep_points, "MAX_POINTS", 5)
    for points in (sweep_points.all_points, sweep_points.points_around):  # six in all combinations, and around a centre
        with pytest.raises(sweep_points.InputError, match="^--vary must make at most 5 points$"):
            points(axes, lambda settings: pytest.fail("nothing is resolved"))
