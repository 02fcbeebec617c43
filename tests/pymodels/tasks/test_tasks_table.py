"""Task table: a CSV file of the user's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from commands import refusal, run_on
from pytest import CaptureFixture, MonkeyPatch

from oxmc.pymodels.config import preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import DataSource, fit_config, load_task

pytestmark = pytest.mark.testpoint(
    "table task",
    "geometry, classes and values of CSV files; run.json says what was read; bad files, one message each; RTL "
    "and twin agree",
)

TWO = "a,b,kind\n1,2,yes\n2,1,no\n3,5,yes\n4,1,no\n5,5,yes\n6,2,no\n7,5.5,yes\n8,-1e1,no\n"
THREE = "kind,a,b,c\n10,1,2,0\n9,2,1,0\n2,3,5,0\n10,4,1,0\n9,5,5,0\n2,6,2,0\n10,7,5,0\n9,8,1,0\n2,1,1,0\n"
FILL_IN = ": fill it in, take the line out, or leave the column out (--drop a)"
PLAIN_NUMBERS = ": write decimal points and no separators of thousands"
SMALL = ("--rows", "3", "--preset", "wide")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """A current folder with a table of two classes, one of three with a constant column."""
    monkeypatch.chdir(tmp_path)
    Path("two.csv").write_text(TWO)
    Path("three.csv").write_text(THREE)
    return tmp_path


def test_geometry_follows_from_the_file(folder: Path) -> None:
    """A feature a column that varies and the bias, one output for two classes, 65 % for training; what is set stays."""
    base = preset("table", "wide")
    two = fit_config("table", base, (), DataSource(data=Path("two.csv"), label="kind"))
    assert (two.features, two.outputs, two.train_samples, two.test_samples) == (3, 1, 5, 3)
    three = fit_config("table", base, (), DataSource(data=Path("three.csv"), label="kind"))
    assert (two.counters, three.counters) == ("shared", "own")  # classes accepted together hardly move
    together = fit_config("table", base, ("counters",), DataSource(data=Path("three.csv"), label="kind"))
    assert together.counters == "shared"
    assert (three.features, three.outputs, three.train_samples, three.test_samples) == (3, 3, 6, 3)
    source = DataSource(data=Path("two.csv"), label="kind")
    some = fit_config("table", base.replace(test_samples=2), ("test_samples",), source)
    assert (some.train_samples, some.test_samples) == (6, 2)
    with pytest.raises(InputError) as error:
        load_task("table", base.replace(features=7), 0, source)
    assert str(error.value) == "features must be 3 for task table, not 7"


def test_values_reach_the_chip_unmixed(folder: Path) -> None:
    """Each point keeps its class, classes are in order of numbers, training points have mean 0 and variance 1."""
    source = DataSource(data=Path("three.csv"), label="kind")
    d = load_task("table", fit_config("table", preset("table", "wide"), (), source), 0, source)
    assert d.class_names == ("2", "9", "10") and d.feature_names == ("a", "b", "bias")
    assert d.remarks == ("constant columns left out: c",)
    assert np.allclose(d.train_x[:, :2].mean(axis=0), 0) and np.allclose(d.train_x[:, :2].std(axis=0), 1)
    x, t = np.concatenate([d.train_x, d.test_x]), np.concatenate([d.train_t, d.test_t])
    rows = [line.split(",") for line in THREE.splitlines()[1:]]
    assert sorted(np.bincount(t)) == [3, 3, 3]
    a = np.array([float(row[1]) for row in rows])
    slope = np.ptp(a) / np.ptp(x[:, 0])  # a scaled value is a line of the plain one
    plain = np.rint((x[:, 0] - x[:, 0].min()) * slope + a.min())
    known = sorted((float(row[1]), row[0]) for row in rows)
    assert sorted(zip(plain.tolist(), [d.class_names[k] for k in t], strict=True)) == known


def test_run_json_says_what_was_read(capsys: CaptureFixture[str], folder: Path) -> None:
    run = run_on(capsys, "twin", folder / "run", "table", "--data", "two.csv", "--label", "kind", *SMALL)
    scaling = run["data"].pop("scaling")
    assert [len(scaling[name]) for name in ("mean", "scale", "low", "high")] == [2] * 4  # the bias is no column
    assert run["data"] == {
        "file": "two.csv",
        "sha256": hashlib.sha256(TWO.encode()).hexdigest(),
        "subject": None,
        "label": "kind",
        "features": ["a", "b", "bias"],
        "classes": ["no", "yes"],
        "counts": [4, 4],
        "remarks": ["columns that only count the rows: a (--drop NAME leaves one out)"],
    }
    assert run["notes"][-1:] == run["data"]["remarks"]


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        (None, "kind", "--data must be readable, not 'bad.csv' (No such file or directory)"),
        ("", "kind", "--data must have a header and rows below it, but 'bad.csv' has 0 lines"),
        ("a,kind\n", "kind", "--data must have a header and rows below it, but 'bad.csv' has 1 lines"),
        (TWO, "kinds", "--label must name a column of 'bad.csv', not 'kinds'; did you mean 'kind'?"),
        ("a,kind\n1,x\n2,x\n", "kind", "--label must have two classes or more, but column 'kind' holds 'x' alone"),
        ("kind\nx\ny\n", "kind", "--data must have a column beside the label 'kind', but 'bad.csv' has none"),
        ("a,kind\n1,x\n1,y\n", "kind", "--data must have a column that is not constant, but 'bad.csv' has none"),
        (
            "a,kind\n1,x\n,y\n",
            "kind",
            "'bad.csv' line 3 column 'a' holds no value" + FILL_IN,
        ),
        (
            "a,kind\n1,x\nNA,y\n",
            "kind",
            "'bad.csv' line 3 column 'a' holds no value" + FILL_IN,
        ),
        (
            "a,kind\n1,x\n2, \n",
            "kind",
            "'bad.csv' line 3 column 'kind' holds no value: fill it in or take the line out",
        ),
        (
            "a,kind\n1,x\n\nred,y\n",
            "kind",
            "'bad.csv' line 4 column 'a' must be a number, not 'red': encode text as numbers first (2 different "
            "values), or leave the column out (--drop a)",
        ),
        ("a,kind\n1,x\ninf,y\n", "kind", "'bad.csv' line 3 column 'a' must be a finite number, not 'inf'"),
        (
            "a,kind\n1,x\n1_0,y\n",
            "kind",
            "'bad.csv' line 3 column 'a' must be a number, not '1_0'" + PLAIN_NUMBERS,
        ),
        ("a,kind\n1,x\n-1e101,y\n", "kind", "'bad.csv' line 3 column 'a' must be at most 1e+100 in size, not '-1e101'"),
        ("a,kind\n1,x\n2,y,3\n", "kind", "'bad.csv' line 3 must have 2 fields as the header, not 3"),
        ("a,kind\n1,x\n2\n", "kind", "'bad.csv' line 3 must have 2 fields as the header, not 1"),
        ("a,a,kind\n1,1,x\n", "kind", "--data must name each column once in its first line, but 'bad.csv' has 'a'"),
        (
            "a,,kind\n1,1,x\n",
            "kind",
            "--data must name each column once in its first line, but 'bad.csv' has one without a name",
        ),
        (
            "a,kind\n" + "".join(f"{i},{i / 7}\n" for i in range(40)),
            "kind",
            "--label must have at most 16 classes, not 40; it looks like a measurement or a name, not a class",
        ),
        (
            ",".join(f"c{i}" for i in range(200)) + ",kind\n" + "1," * 200 + "x\n" + "2," * 200 + "y\n",
            "kind",
            "--data must give features of at most 128, not 201 (columns with numbers; --drop NAME leaves one out)",
        ),
    ],
)
def test_bad_files(capsys: CaptureFixture[str], folder: Path, text: str | None, label: str, message: str) -> None:
    if text is not None:
        Path("bad.csv").write_text(text)
    arguments = ("train", "table", "--data", "bad.csv", "--label", label, "--engine", "twin")
    assert refusal(capsys, *arguments) == message
    assert not Path("build").exists()


def test_files_that_are_no_tables(capsys: CaptureFixture[str], folder: Path) -> None:
    Path("bad.csv").write_bytes(b"a,kind\n\xff\xfe,x\n")
    arguments = ("train", "table", "--label", "kind", "--engine", "twin", "--data")
    rule = "--data must be a readable CSV file in UTF-8, not 'bad.csv' ("
    assert refusal(capsys, *arguments, "bad.csv").startswith(rule)
    assert refusal(capsys, *arguments, ".") == ("--data must be a readable CSV file in UTF-8, not '.' (Is a directory)")


def test_missing_options(capsys: CaptureFixture[str], folder: Path) -> None:
    usage = "oxmc train table --data FILE.csv --label COLUMN"
    assert refusal(capsys, "train", "table") == f"task table needs --data: {usage}"
    assert refusal(capsys, "train", "table", "--data", "two.csv") == f"task table needs --label: {usage}"


def test_too_few_rows_for_the_classes_are_refused(capsys: CaptureFixture[str], folder: Path) -> None:
    arguments = ("--data", "three.csv", "--label", "kind", "--engine", "twin", "--set", "train_samples=2")
    message = refusal(capsys, "train", "table", *arguments)
    assert message == "train_samples must be at least 3, a row of each class, not 2"
