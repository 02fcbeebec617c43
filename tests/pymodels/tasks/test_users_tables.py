"""Tables as users have them: what spreadsheets, pandas and R write, and what is odd in the data itself."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import oxmc, refusal, run_on
from pytest import CaptureFixture, MonkeyPatch
from sklearn.model_selection import StratifiedShuffleSplit

from oxmc.pymodels.config import KEYS, preset, resolve
from oxmc.pymodels.tasks import Dataset, DataSource, fit_config, fitted_keys, load_task
from oxmc.pymodels.tasks.splits import stratified

pytestmark = pytest.mark.testpoint(
    "users' tables",
    "what spreadsheets, pandas and R write: separators, decimal commas, encodings, indexes, identifiers; gaps, "
    "text, look-alike and rare classes, many rows; columns kept and dropped; keys checked with the file's "
    "geometry; the summary; ten public tables",
)

FILL_IN = ": fill it in, take the line out, or leave the column out (--drop a)"
PLAIN_NUMBERS = ": write decimal points and no separators of thousands"
SMALL = ("--rows", "3", "--engine", "twin")
ROWS = [
    (0.5, 2.25, "no"),
    (1.5, 1.0, "yes"),
    (2.5, 5.0, "no"),
    (3.75, 1.5, "yes"),
    (0.25, 5.5, "no"),
    (6.5, 2.0, "yes"),
]
PLAIN = "a,b,y\n" + "".join(f"{a},{b},{y}\n" for a, b, y in ROWS)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: MonkeyPatch) -> Callable[..., Dataset]:
    """What task table makes of a file's text or bytes."""
    monkeypatch.chdir(tmp_path)

    def made(content: str | bytes, label: str = "y", **options: Any) -> Dataset:
        file = Path("t.csv")
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = DataSource(data=file, label=label, **options)
        return load_task("table", fit_config("table", preset("table", "wide"), (), source), 0, source)

    return made


@pytest.fixture
def refused(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> Callable[..., str]:
    """How `oxmc train table` refuses a file's text."""
    monkeypatch.chdir(tmp_path)

    def message(content: str, *options: str) -> str:
        Path("t.csv").write_text(content)
        return refusal(capsys, "train", "table", "--data", "t.csv", "--label", "y", *SMALL, *options)

    return message


def check_same(found: Dataset, expected: Dataset) -> None:
    for name in ("train_x", "train_t", "test_x", "test_t"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert found.class_names == expected.class_names


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_user_has_another_separator(read: Callable[..., Dataset], separator: str, word: str) -> None:
    """And, as where decimals have commas, decimal commas beside it."""
    plain, other = read(PLAIN), read(PLAIN.replace(",", separator))
    check_same(other, plain)
    assert other.remarks == (f"fields are separated by {word}",)
    european = read(PLAIN.replace(",", separator).replace(".", ","))
    check_same(european, plain)
    assert european.remarks == (f"fields are separated by {word}", "decimal commas are read as points")


def test_a_separator_may_occur_in_a_name(read: Callable[..., Dataset]) -> None:
    d = read('"a, m";"b;c";y\n1,5;2;no\n2,5;3;yes\n1,25;2;no\n')
    assert d.feature_names == ("a, m", "b;c", "bias")


def test_a_spreadsheet_says_its_separator(read: Callable[..., Dataset], refused: Callable[..., str]) -> None:
    check_same(read("sep=;\r\n" + PLAIN.replace(",", ";")), read(PLAIN))
    message = refused("sep=;\n" + PLAIN.replace(",", ";").replace("6.5", "red"))
    assert message.startswith("'t.csv' line 8 column 'a' must be a number, not 'red'")


def test_lines_end_with_separators(read: Callable[..., Dataset]) -> None:
    check_same(read(PLAIN.replace("\n", ",,\n")), read(PLAIN))


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_a_spreadsheet_marks_its_encoding(read: Callable[..., Dataset], codec: str) -> None:
    mark = b"\xfe\xff" if codec == "utf-16-be" else b""
    d = read(mark + PLAIN.replace("a,b", "ä,b").encode(codec))
    assert d.feature_names == ("ä", "b", "bias")
    check_same(d, read(PLAIN))


def test_a_value_has_a_line_of_its_own(read: Callable[..., Dataset], refused: Callable[..., str]) -> None:
    """A quoted line break is part of the text; lines are counted as an editor does."""
    d = read(PLAIN.replace("yes", '"y\ne"'))
    assert d.class_names == ("no", "y\ne")
    text = PLAIN.replace("no", '"n\no"').replace("6.5,", "red,")
    assert refused(text).startswith("'t.csv' line 10 column 'a' must be a number, not 'red': ")


def test_a_user_writes_a_pandas_index(
    read: Callable[..., Dataset], capsys: CaptureFixture[str], tmp_path: Path
) -> None:
    """`to_csv` without index=False, once and twice; R's row names with and without a header: all left out, all said."""
    plain, rows = read(PLAIN), [f"{a},{b},{y}\n" for a, b, y in ROWS]
    once = ",a,b,y\n" + "".join(f"{k},{row}" for k, row in enumerate(rows))
    named = once.replace(",a,b", "Unnamed: 0,a,b")
    lettered = ",a,b,y\n" + "".join(f"car {k},{row}" for k, row in enumerate(rows))
    twice = ",Unnamed: 0,a,b,y\n" + "".join(f"{k},{k},{row}" for k, row in enumerate(rows))
    check_same(read(twice), plain)
    for text in (once, named, lettered, once.removeprefix(",")):
        d = read(text)
        check_same(d, plain)
        assert d.remarks == ("columns that name the rows left out: 'Unnamed: 0' (--keep NAME takes one)",)
    assert read(once, keep=("Unnamed: 0",)).feature_names == ("Unnamed: 0", "a", "b", "bias")


@pytest.mark.parametrize("name", ["id", "ID", "PassengerId", "patient_id", "sample id", "index", "row", "uuid"])
def test_a_user_has_an_id_column(read: Callable[..., Dataset], name: str) -> None:
    text = f"a,{name},b,y\n" + "".join(f"{a},{7 * k % 11 + 100},{b},{y}\n" for k, (a, b, y) in enumerate(ROWS))
    d = read(text)
    check_same(d, read(PLAIN))
    assert "columns that name the rows left out: " in d.remarks[0] and name in d.remarks[0]
    assert read(text, keep=(name,)).feature_names == ("a", name, "b", "bias")


@pytest.mark.parametrize("name", ["acid", "valid", "refractive index", "rowing", "a"])
def test_a_measurement_is_no_identifier(read: Callable[..., Dataset], name: str) -> None:
    """By its name; or, called so, by values that repeat or are fractions."""
    values = [3, 1, 4, 15, 9, 2]
    text = f"{name},y\n" + "".join(f"{value},{y}\n" for value, (*_, y) in zip(values, ROWS, strict=True))
    assert read(text).feature_names == (name, "bias")
    assert read(text.replace(name, "index").replace("15,", "4,")).feature_names == ("index", "bias")
    assert read(text.replace(name, "index").replace("15,", "4.5,")).feature_names == ("index", "bias")


def test_a_column_that_only_counts_is_named(read: Callable[..., Dataset]) -> None:
    d = read("case,y\n5,no\n3,yes\n4,no\n6,yes\n")
    assert d.feature_names == ("case", "bias")
    assert d.remarks == ("columns that only count the rows: case (--drop NAME leaves one out)",)


def test_a_user_leaves_columns_out(read: Callable[..., Dataset], capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Text and gaps do not matter in a column that is dropped; run.json says which they were."""
    text = "name,a,b,y\n" + "".join(f"{'' if k else 'Jo'},{a},{b},{y}\n" for k, (a, b, y) in enumerate(ROWS))
    d = read(text, drop=("name",))
    check_same(d, read(PLAIN))
    assert d.remarks == ("columns left out by --drop: name",)
    Path("t.csv").write_text(text)
    run = run_on(
        capsys, "twin", tmp_path / "run", "table", "--data", "t.csv", "--label", "y", "--drop", "name", "--rows", "3"
    )
    assert run["data"]["drop"] == ["name"] and run["data"]["columns"] == ["a", "b"]
    for options, rule in (
        (("--drop", "c"), "--drop must name a column of 't.csv', not 'c'; did you mean "),
        (("--keep", "c"), "--keep must name a column of 't.csv', not 'c'; did you mean "),
        (("--drop", "y"), "--drop must name another column than --label, not 'y'"),
        (("--drop", "a", "--keep", "a"), "--drop must name another column than --keep, not 'a'"),
    ):
        message = refusal(capsys, "train", "table", "--data", "t.csv", "--label", "y", *SMALL, *options)
        assert message.startswith(rule)
    assert refusal(capsys, "train", "toy", "--drop", "a", *SMALL).startswith("--drop must be left out for task toy, ")


def test_repeats_go_on_with_the_same_columns(read: Callable[..., Dataset], capsys: CaptureFixture[str]) -> None:
    read(PLAIN)
    command = ("train", "table", "--data", "t.csv", "--label", "y", *SMALL, "--repeats", "2", "--out", "r")
    assert oxmc(capsys, *command, "--drop", "a").code == 0
    assert refusal(capsys, *command, "--resume").startswith("--drop must be ['a'] as in 'r' to go on with it, not None")


def test_a_class_of_one_row(read: Callable[..., Dataset], capsys: CaptureFixture[str]) -> None:
    """It is trained on in each repeat, whatever the split draws, and never tested."""
    text = PLAIN + "".join(f"{k}.5,{k * 7 % 5}.5,{'no' if k % 2 else 'yes'}\n" for k in range(20)) + "9,9,rare\n"
    d = read(text)
    assert "classes of one row, which is trained on and never tested: rare" in d.remarks
    source = DataSource(data=Path("t.csv"), label="y")
    config = fit_config("table", preset("table", "wide"), (), source)
    for seed in range(40):
        split = load_task("table", config, seed, source)
        assert np.bincount(split.train_t, minlength=3)[1] == 1 and 1 not in split.test_t
    command = ("train", "table", "--data", "t.csv", "--label", "y", *SMALL, "--repeats", "8", "--out", "r")
    assert oxmc(capsys, *command).code == 0


def test_parts_have_like_shares_of_each_class(seed: int) -> None:
    """As scikit-learn's: to within a point, and one at least; no point is lost, and within a part the order stays."""
    print("seed", seed)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        t = rng.permutation(np.concatenate([np.arange(5), rng.choice(5, 60, p=[0.4, 0.3, 0.2, 0.08, 0.02])]))
        order, train = rng.permutation(len(t)), int(rng.integers(5, len(t)))
        found = stratified(order, t, train)
        place = {point: number for number, point in enumerate(order)}
        for part in (found[:train], found[train:]):
            assert [place[point] for point in part] == sorted(place[point] for point in part)
        taken, due = np.bincount(t[found[:train]], minlength=5), np.bincount(t) * train / len(t)
        assert sorted(found) == sorted(order) and (taken >= 1).all()
        short = np.maximum(1 - due, 0).sum()  # what classes of less than a point get from the others
        assert (np.abs(taken - due) < 1 + short).all()
        if (due >= 1).all() and train < len(t) - 5:
            like = StratifiedShuffleSplit(1, train_size=train, random_state=0)
            if np.bincount(t).min() > 1:
                theirs = np.bincount(t[next(like.split(t, t))[0]], minlength=5)
                assert np.abs(theirs - taken).max() <= 1


@pytest.mark.parametrize(
    ("one", "other"), [("yes", "Yes"), ("1", "1.0"), ("on  off", "on off"), ("1e1", "10"), ("\u00e9", "e\u0301")]
)
def test_classes_that_look_alike(refused: Callable[..., str], one: str, other: str) -> None:
    text = PLAIN.replace("yes", one).replace("no", "x") + f"2,3,{other}\n"
    first, second = sorted([one, other])
    counts = {one: 3, other: 1}
    message = refused(text)
    assert message.startswith(
        "--label must have classes that differ in more than case, blanks or how a number is written"
    )
    assert f"{first!r} ({counts[first]} rows) and {second!r} ({counts[second]} rows): write them alike" in message


@pytest.mark.parametrize("name", ["NA", "nan", "None", "null", "?", "-nan"])
def test_a_class_called_like_a_missing_value(read: Callable[..., Dataset], name: str) -> None:
    d = read(PLAIN.replace("no", name))
    assert set(d.class_names) == {name, "yes"}
    assert len(d.remarks) == 1 and d.remarks[0].startswith("taken as a class, not as a missing value: ")


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (("10", "9"), ("9", "10")),
        (("-0.5", "-1"), ("-1", "-0.5")),
        (("True", "False"), ("False", "True")),
        (("größer", "日本"), ("größer", "日本")),
        (("a,b", "a b"), ("a b", "a,b")),
        (("3", "x"), ("3", "x")),
    ],
)
def test_labels_of_every_type(read: Callable[..., Dataset], labels: tuple[str, str], order: tuple[str, str]) -> None:
    assert read(PLAIN.replace("yes", f'"{labels[0]}"').replace("no", f'"{labels[1]}"')).class_names == order


def test_true_and_false_are_numbers(read: Callable[..., Dataset]) -> None:
    """As pandas' get_dummies writes them."""
    d = read("red,a,y\n" + "".join(f"{k in (1, 2)},{a},{y}\n" for k, (a, _, y) in enumerate(ROWS)))
    assert d.feature_names == ("red", "a", "bias") and d.remarks == ("True and False are read as 1 and 0: red",)
    assert len(np.unique(np.concatenate([d.train_x, d.test_x])[:, 0])) == 2


def test_constant_text_is_left_out(read: Callable[..., Dataset]) -> None:
    d = read("a,place,b,y\n" + "".join(f"{a},here,{b},{y}\n" for a, b, y in ROWS))
    check_same(d, read(PLAIN))
    assert d.remarks == ("constant columns left out: place",)


def test_a_column_without_values_is_left_out(read: Callable[..., Dataset]) -> None:
    d = read("a,c,b,y\n" + "".join(f"{a},,{b},{y}\n" for a, b, y in ROWS))
    check_same(d, read(PLAIN))
    assert d.remarks == ("columns without any value left out: c",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a b y\n1 2 x\n2 1 z\n",
            "--data must separate its fields by comma, semicolon, tab or |, but 't.csv' has spaces",
        ),
        ("5.1,3.5,0\n4.9,3,1\n", "--data must name its columns in its first line, but 't.csv' has numbers there"),
        ("a;y\n1,234;x\n2,345;z\n", "'t.csv' line 2 column 'a' may be 1.234 or 1234, not '1,234'" + PLAIN_NUMBERS),
        ("a;b;y\n1,5;2;x\n1.5;3;z\n", "'t.csv' line 3 column 'a' must have a decimal comma as others do, not '1.5'"),
        ('a,y\n"1,234.5",x\n2,z\n', "'t.csv' line 2 column 'a' must be a number, not '1,234.5'" + PLAIN_NUMBERS),
        ("a;y\n1.234,5;x\n2;z\n", "'t.csv' line 2 column 'a' must have a decimal comma as others do, not '1.234,5'"),
        ("a,y\n1 234,x\n2,z\n", "'t.csv' line 2 column 'a' must be a number, not '1 234'" + PLAIN_NUMBERS),
        ("a,y\n1,x\n,x\nNA,z\n2,z\n", "'t.csv' line 3 column 'a' holds no value, as 1 more in this column" + FILL_IN),
        (
            "a,y\n1,x\n2,\n3,\n4,z\n",
            "'t.csv' line 3 column 'y' holds no value, as 1 more in this column: fill "
            "it in or take the line out",
        ),
        ("a,y\n1,x\n2,z\n", "--data must have more rows than classes (2), not 2"),
        ("a,Y\n1,x\n2,z\n3,x\n", "--label must name a column of 't.csv', not 'y'; did you mean 'Y'?"),
        ('a,y\n"1,x\n2,z\n', "--data must be a CSV file in UTF-8; 't.csv' is not (unexpected end of data)"),
        ("id,y\n1,x\n2,z\n", "--data must have a column that is not constant, but 't.csv' has none"),
    ],
)  # fmt: skip
def test_what_a_file_leaves_open_is_refused(refused: Callable[..., str], text: str, message: str) -> None:
    assert refused(text) == message


def test_a_user_has_a_hundred_thousand_rows(read: Callable[..., Dataset]) -> None:
    """As many are drawn as a chip takes; the note names the keys."""
    rng = np.random.default_rng(4)
    text = io.StringIO()
    csv.writer(text).writerows([("a", "y"), *((f"{x:.4f}", int(x > 0)) for x in rng.normal(size=100_000))])
    d = read(text.getvalue())
    most = KEYS["train_samples"].metadata["high"]
    assert (len(d.train_t), len(d.test_t)) == (most, most) and sum(d.counts) == 100_000
    assert d.remarks == ("32,768 of 100,000 rows used, drawn by the seed (train_samples, test_samples)",)


def test_a_user_trains_an_output_a_class_on_four_classes(
    capsys: CaptureFixture[str], read: Callable[..., Dataset]
) -> None:
    """A key that the preset's own two classes would not allow, alone and in a sweep."""
    text = "a,b,y\n" + "".join(f"{k}.5,{k * k % 7}.5,{'wxyz'[k % 4]}\n" for k in range(24))
    read(text)
    table = ("table", "--data", "t.csv", "--label", "y", "--rows", "3")
    assert run_on(capsys, "twin", Path("run"), *table, "--set", "counters=own")["config"]["outputs"] == 4
    answer = oxmc(
        capsys, "sweep", *table, "--vary", "counters=shared,own", "--repeats", "1", "--json", "--out", "sweep"
    )
    assert [point["settings"]["counters"] for point in json.loads(answer.out)["points"]] == ["shared", "own"]
    source = DataSource(data=Path("t.csv"), label="y")
    for settings, message in (
        ({"train_sample": 3}, "train_sample is not a configuration key"),
        ({"rows": "x"}, "rows must be "),
    ):
        with pytest.raises(ValueError, match=message):
            resolve(
                "table", "wide", settings=settings, fit=lambda keys, given: fitted_keys("table", keys, given, source)
            )


def test_the_summary_says_rows_features_and_classes(capsys: CaptureFixture[str], read: Callable[..., Dataset]) -> None:
    read("id,a,b,y\n" + "".join(f"{k},{a},{b},{y}\n" for k, (a, b, y) in enumerate(ROWS)))
    command = ("train", "table", "--data", "t.csv", "--label", "y", *SMALL)
    for options in ((), ("--repeats", "2")):
        answer = oxmc(capsys, *command, *options)
        text = " ".join(answer.out.split())
        assert answer.code == 0 and re.search(
            "data 6 rows, 2 features as [12] components and a bias, 2 classes: no 3, yes 3 ", text
        )
        assert "note columns that name the rows left out: id (--keep NAME takes one) " in text


def test_every_public_table_trains(data_dir: Path) -> None:
    """Ten tables that nobody here made: read without a remark, classes and rows as their files have them."""
    files = sorted((data_dir / "tables").glob("*.csv"))
    assert len(files) == 10
    for file in files:
        with file.open() as lines:
            labels = [row["label"] for row in csv.DictReader(lines)]
        source = DataSource(data=file, label="label")
        d = load_task("table", fit_config("table", preset("table", "wide"), (), source), 0, source)
        assert d.remarks == () and sum(d.counts) == len(labels) == len(d.train_t) + len(d.test_t)
        assert dict(zip(d.class_names, d.counts, strict=True)) == {name: labels.count(name) for name in set(labels)}
