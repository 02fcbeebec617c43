"""`import oxmc`: its names, arrays by scikit-learn's conventions, and the same bits and texts as the command line."""

from __future__ import annotations

import csv
import inspect
import json
import re
from pathlib import Path
from typing import Any, Unpack, get_type_hints

import numpy as np
import pytest
from commands import ROOT
from commands import oxmc as command
from pytest import CaptureFixture
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import oxmc
from oxmc.api import session
from oxmc.api.training import TrainOptions
from oxmc.pymodels.kernel_cache import _imported

pytestmark = pytest.mark.testpoint(
    "Python API",
    "names, the command line's bits and texts, arrays as in scikit-learn, runs kept and shown, many trainings, sweeps",
)

SMALL = {"train_samples": 30, "test_samples": 10}
PAGE = ROOT / "docs/reference/api.md"
IRIS = load_iris()
NAMES = np.array(IRIS.target_names)[IRIS.target]


def small(*arguments: Any, **options: Any) -> oxmc.Run:
    return oxmc.train(*arguments, **{"rows": 6, "settings": SMALL, "seed": 4} | options)


def test_names() -> None:
    assert len(oxmc.__all__) == 12 and set(oxmc.__all__) <= set(dir(oxmc))
    assert all(getattr(oxmc, name).__doc__ for name in oxmc.__all__)
    with pytest.raises(AttributeError, match="^module 'oxmc' has no attribute 'trian'$"):
        oxmc.trian  # noqa: B018
    stub = Path(oxmc.__file__).with_suffix(".pyi").read_text()
    assert stub.count("import") == len(oxmc.__all__) and all(f" as {name}\n" in stub for name in oxmc.__all__)
    assert (Path(oxmc.__file__).parent / "py.typed").exists()


def test_many_trainings_have_the_types_of_one() -> None:
    """Their options are those of `train`, but for what a single training alone has."""
    one = {name: each.annotation for name, each in inspect.signature(oxmc.train).parameters.items()}
    alone = {"task", "y", "chains", "waves", "out", "show_progress", "return"}
    hints = get_type_hints(oxmc.train)
    assert get_type_hints(TrainOptions) == {name: hints[name] for name in one if name not in alone}
    for many in (oxmc.train_many, oxmc.sweep):
        assert get_type_hints(many)["options"] == Unpack[TrainOptions]


def test_no_kernel_is_made_from_the_api() -> None:
    """What a kernel's cache is held against ends below the package itself, or each change would compile all anew."""
    closure = {path.name for path in _imported(Path(oxmc.__file__), Path(oxmc.__file__).parents[1])}
    assert closure <= {"__init__.py"}


def test_the_same_bits_as_the_command_line(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    run = small("cancer", engine="twin")
    text = command(
        capsys, "train", "cancer", "--engine", "twin", "--rows", 6, "--seed", 4, "--json", "--out", tmp_path / "run",
        *(f"--set={name}={value}" for name, value in SMALL.items()),
    ).out  # fmt: skip
    other = json.loads(text)
    assert {**run.record, "time": 0} == {**other, "time": 0}
    assert sorted(path.name for path in run.path.iterdir()) == sorted(p.name for p in (tmp_path / "run").iterdir())


def test_arrays_are_the_table_of_the_command_line(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    """The same points as arrays and as a file: the same split, geometry, bits and classes."""
    with (tmp_path / "iris.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", "d", "kind"])
        writer.writerows([*map(repr, x.tolist()), name] for x, name in zip(IRIS.data, NAMES, strict=True))
    text = command(
        capsys, "train", "table", "--data", tmp_path / "iris.csv", "--label", "kind", "--engine", "twin", "--rows", 6,
        "--seed", 4, "--json", "--out", tmp_path / "run",
    ).out  # fmt: skip
    run = small(IRIS.data, NAMES, settings={})
    assert run.record["result"] == json.loads(text)["result"]
    assert run.record["config"] == json.loads(text)["config"]
    assert run.record["data"]["classes"] == json.loads(text)["data"]["classes"] == run.classes.tolist()


@pytest.mark.parametrize(
    ("labels", "kind"),
    [(IRIS.target, "integer"), (NAMES, "text"), (IRIS.target > 0, "boolean"), (IRIS.target * 2.0, "number")],
)
def test_labels_of_any_kind(labels: np.ndarray, kind: str) -> None:
    """Classes are scikit-learn's, in its order and of the labels' kind, also after the run was read back."""
    run, reference = small(IRIS.data, labels), LogisticRegression(max_iter=1000).fit(IRIS.data, labels)
    again = oxmc.open_run(run.path)
    for each in (run, again):
        assert each.classes.tolist() == each.classes_.tolist() == reference.classes_.tolist()
        assert each.classes.dtype.kind == reference.classes_.dtype.kind
        assert set(each.predict(IRIS.data)) <= set(labels.tolist())
    assert run.record["data"]["labels"] == kind
    probability = again.predict_proba(IRIS.data)
    assert probability.shape == (150, len(run.classes)) and np.allclose(probability.sum(axis=1), 1)
    assert np.array_equal(probability, run.predict_proba(IRIS.data))
    assert (run.classes[probability.argmax(axis=1)] == run.predict(IRIS.data)).mean() > 0.98  # but for ties


def test_a_data_frame_goes_by_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(IRIS.data, columns=["a", "b", "c", "d"])
    run, reference = small(frame, NAMES), LogisticRegression(max_iter=1000).fit(frame, NAMES)
    assert run.feature_names_in_.tolist() == reference.feature_names_in_.tolist()
    assert run.n_features_in_ == reference.n_features_in_
    turned = frame[["d", "b", "a", "c"]].assign(more="x")
    assert np.array_equal(run.predict(turned), run.predict(frame))
    assert np.array_equal(run.predict(frame), run.predict(IRIS.data))
    with pytest.raises(oxmc.OxmcError, match="^X must have the columns trained on, but lacks b$"):
        run.predict(frame.drop(columns="b"))
    frame.loc[3, "c"] = np.nan
    with pytest.raises(oxmc.OxmcError, match="^X must be of finite numbers up to .*, not nan .row 3 column 'c'.$"):
        run.predict(frame)
    with pytest.raises(oxmc.OxmcError, match="^X column 'd' must be of numbers .it holds text.$"):
        small(frame.assign(d="x"), NAMES)


BAD: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("cancers",), {}, "task must be one of toy, cancer, ecg, cartpole, wine, digits, table, not 'cancers'"),
    (("cancer",), {"engine": "ice"}, "--engine must be one of verilator, icarus, twin, float, gates, not 'ice'"),
    (("cancer",), {"seed": -1}, "--seed must be an integer >= 0, not -1"),
    (("cancer",), {"seed": 1.5}, "--seed must be an integer >= 0, not 1.5"),
    (("cancer",), {"chains": 0}, "--chains must be an integer from 1 to 64, not 0"),
    (("cancer",), {"settings": {"burnin": 1}}, "burnin is not a configuration key; did you mean burn_in?"),
    (("cancer",), {"settings": {"rows": 8}}, "--rows 6 must be left out with --set rows=8"),
    (("cancer",), {"lockstep": True}, "--lockstep needs an RTL engine (verilator, icarus), not 'twin'"),
    (("cancer", NAMES), {}, "y must come with points X, not with the name of a task, 'cancer'"),
    ((IRIS.data,), {}, "X must come with the labels y of its points"),
    ((IRIS.data, NAMES), {"label": "x"}, "data, subject, label, keep and drop must be left out where points are given"),
    ((IRIS.data[0], NAMES), {}, "X must be 2-D, a row a point, not 1-D"),
    ((IRIS.data, NAMES[:9]), {}, "y must have a label for each of 150 points, not the shape (9,)"),
    ((IRIS.data, NAMES[:1].repeat(150)), {}, "y must have two classes or more, not 1"),
    (
        (IRIS.data, IRIS.data[:, 0]),
        {},
        "y must have at most 16 classes, not 35",
    ),
    ((NAMES[:, None], NAMES), {}, "X must be of numbers (it holds text)"),
    ((IRIS.data.astype("M8[D]"), NAMES), {}, "X must be of numbers (it holds dates)"),
    ((IRIS.data.astype("m8[D]"), NAMES), {}, "X must be of numbers (it holds durations)"),
    ((np.ma.masked_greater(IRIS.data, 7), NAMES), {}, "X must be of numbers (it holds masked values)"),
    ((IRIS.data, np.ma.masked_equal(IRIS.target, 1)), {}, "y must have a label for each point, which point 50 lacks"),
    ((IRIS.data, [*NAMES[1:], 1]), {}, "y must have labels of one kind, not texts and 1"),
    ((IRIS.data[:2], ["a", "b"]), {}, "X must have more rows than classes (2), not 2"),
    (("cancer",), {"settings": ["adc_bits=4"]}, "settings must be a dict of keys and their values, not ['adc_bits=4']"),
    (("cancer",), {"config": {"rows": 4}}, "config must be the name of a file or folder, not {'rows': 4}"),
    (("cancer",), {"out": 3}, "out must be the name of a file or folder, not 3"),
    (("table",), {"data": 3}, "data must be the name of a file or folder, not 3"),
    (("table",), {"keep": "id"}, "keep must be a list of texts, not 'id'"),
    (("cancer",), {"accept": 3}, "accept must be a function, not 3"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), BAD)
def test_what_cannot_be_is_one_line(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(oxmc.OxmcError) as caught:
        small(*arguments, **options)
    assert str(caught.value) == message and isinstance(caught.value, ValueError)


def test_other_arguments_that_cannot_be() -> None:
    cases: list[tuple[Any, tuple[Any, ...], str]] = [
        (oxmc.open_run, (None,), "RUN must be the name of a file or folder, not None"),
        (oxmc.sweep, ("toy", {"rows": 16}), "vary must give rows values, one each, not 16"),
        (oxmc.sweep, ("toy", {"rows": "16"}), "vary must give rows values, one each, not '16'"),
        (oxmc.sweep, ("toy", {("rows", "burn_in"): [16, 2]}), "vary must give rows, burn_in values, one each, .*"),
        (oxmc.sweep, ("toy", None), "vary must be a dict of keys and the values of each, not None"),
        (small("toy").energy, (None,), "node must be the name of a file or folder, not None"),
        (small("toy").report, (3,), "out must be the name of a file or folder, not 3"),
    ]
    for function, arguments, message in cases:
        with pytest.raises(oxmc.OxmcError, match=f"^{message}$"):
            function(*arguments)


def test_numbers_of_numpy_are_numbers() -> None:
    """Keys and rows, as whoever loops over an array has them."""
    one = small("toy", rows=np.int64(6), settings={name: np.int32(value) for name, value in SMALL.items()})
    assert one.record["result"] == small("toy").record["result"]
    points = oxmc.sweep("toy", {"rows": np.array([4, 6])}, repeats=1, settings=SMALL).points
    assert [point["settings"] for point in points] == [{"rows": 4}, {"rows": 6}]


def test_labels_and_columns_of_pandas() -> None:
    """Categories, missing labels of pandas' own, columns whose names are no texts, or not all of them."""
    pandas = pytest.importorskip("pandas")
    run = small(IRIS.data, pandas.Categorical(NAMES, categories=["unused", *IRIS.target_names[::-1]]))
    assert run.classes.tolist() == sorted(IRIS.target_names)
    with pytest.raises(oxmc.OxmcError, match="^y must have a label for each point, which point 1 lacks$"):
        small(IRIS.data, pandas.Series(["a", pandas.NA, *NAMES[2:]], dtype="string"))
    assert small(pandas.DataFrame(IRIS.data), NAMES).feature_names_in_.tolist() == ["x0", "x1", "x2", "x3"]
    with pytest.raises(oxmc.OxmcError, match="^X must name all its columns by texts or none, not .'a', 1, 'b', 2.$"):
        small(pandas.DataFrame(IRIS.data, columns=["a", 1, "b", 2]), NAMES)
    frame = pandas.DataFrame(IRIS.data, columns=["a", "b", "c", "d"])
    assert (run.predict(frame) == run.predict(IRIS.data)).all()  # trained without names: all columns, in order
    for wrong in (frame.assign(e=1), frame.rename(columns={"a": "x1"})):
        with pytest.raises(oxmc.OxmcError, match="^X must have "):
            run.predict(wrong)


def test_a_failed_training_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    before = list(session.folder().iterdir())
    with pytest.raises(oxmc.OxmcError, match="^--out must be a new or empty folder"):
        small("toy", out=tmp_path / "full")
    with pytest.raises(oxmc.OxmcError, match="^a rule of ours$"):

        def fail(proposal: Any) -> bool:
            raise oxmc.OxmcError("a rule of ours")

        small("toy", accept=fail)
    assert list(session.folder().iterdir()) == before and [p.name for p in tmp_path.iterdir()] == ["full"]


def test_a_run_is_opened_as_it_was(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    run = small("cancer", out=tmp_path / "run")
    again = oxmc.open_run(tmp_path / "run")
    assert run.path == again.path == tmp_path / "run"
    assert json.loads(json.dumps(run.record)) == again.record and repr(run) == repr(again)
    energy = json.loads(command(capsys, "energy", tmp_path / "run", "--node", "28nm", "--format", "json").out)
    for each in (run, again):
        found = each.energy("28nm")
        assert [found.total, found.low, found.high] == [energy["nodes"]["28nm"][n] for n in ("total", "low", "high")]
        assert found.components == energy["nodes"]["28nm"]["components"]
        assert sum(found.by_component.values()) == pytest.approx(found.total, rel=1e-12)
    assert run.baseline == again.baseline > 0.5
    assert (run.state.counters == again.state.counters).all() and run.job.config == again.config
    with pytest.raises(oxmc.OxmcError, match="^job needs the run's training points"):
        again.job  # noqa: B018
    with pytest.raises(oxmc.OxmcError, match="^RUN must be a run directory with a run.json"):
        oxmc.open_run(tmp_path)


def test_the_posterior_is_that_of_the_file(tmp_path: Path) -> None:
    run = small("toy", out=tmp_path / "run", chains=2)
    made, read = run.posterior, oxmc.open_run(tmp_path / "run").posterior
    assert np.array_equal(made["posterior"]["w"].values, read["posterior"]["w"].values)
    assert made["posterior"]["w"].sizes["chain"] == 2
    with pytest.raises(oxmc.OxmcError, match="^counters must be shared for a posterior, not 'own'$"):
        small("wine", settings={"train_samples": 30, "test_samples": 9, "counters": "own"}).posterior  # noqa: B018


def test_a_run_shows_itself() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(IRIS.data, columns=["a", "b", "c", "d"])
    run = oxmc.train(oxmc.Task(name="irises", train=(frame, NAMES), test=(frame, NAMES)), rows=4)
    run.record["notes"].append("<script>")
    assert repr(run).splitlines()[0] == "Run: irises best on twin, seed 0"
    assert "&lt;script&gt;" in run._repr_html_() and "<script>" not in run._repr_html_()
    figure: Any = run.plot.array()
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(oxmc.OxmcError, match="^this run has no picture 'reward', but parameters, "):
        run.plot.reward()


def test_many_trainings(tmp_path: Path) -> None:
    runs = oxmc.train_many("toy", repeats=2, rows=4, settings=SMALL, out=tmp_path / "many")
    values = runs.record["repeats"]["values"]
    assert len(runs) == 2 and runs.values.tolist() == [line["value"] for line in runs] == values
    assert runs.first().record["result"]["value"] == runs[0]["value"] and 0 < runs.baseline <= 1
    assert "repeats 2, mean test accuracy" in " ".join(repr(runs).split())
    with pytest.raises(oxmc.OxmcError, match="^--repeats must be an integer >= 1, not 0$"):
        oxmc.train_many("toy", repeats=0)


def test_a_sweep() -> None:
    done = oxmc.sweep("toy", {("rows", "burn_in"): [(4, 1), (6, 2)]}, repeats=1, settings=SMALL)
    assert [point["settings"] for point in done.points] == [{"rows": 4, "burn_in": 1}, {"rows": 6, "burn_in": 2}]
    assert len(done) == 2 and done.run(1).record["config"]["rows"] == 6
    assert "rows=6 burn_in=2: accuracy" in repr(done) and "<table>" in done._repr_html_()
    with pytest.raises(oxmc.OxmcError, match="^vary must give rows, burn_in values, one each, not .*$"):
        oxmc.sweep("toy", {("rows", "burn_in"): [(4,)]})


def test_calibration_and_verilog(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    keys = {"train_samples": 4, "test_samples": 2, "gate_codes": 4}
    found = oxmc.calibrate("toy", rows=4, settings=keys)
    options = [f"--set={name}={value}" for name, value in keys.items()]
    assert found == json.loads(command(capsys, "calibrate", "toy", "--rows", 4, "--json", *options).out)
    files = oxmc.verilog("toy", settings=keys, out=tmp_path)
    assert [path.name for path in files] == ["oxmc_chip.v", "oxmc_chip.vlt", "memories.csv", "config.toml"]


def test_a_configuration_of_ones_own(tmp_path: Path) -> None:
    chosen = oxmc.preset("toy", "best").replace(rows=5, burn_in=1, **SMALL)
    assert isinstance(chosen, oxmc.Config) and oxmc.train("toy", config=chosen).config == chosen
    (tmp_path / "c.toml").write_text("rows = 5\nburn_in = 1\n")
    assert oxmc.train("toy", config=tmp_path / "c.toml", settings=SMALL).config == chosen


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S))
def test_the_page_runs(block: str, capsys: CaptureFixture[str]) -> None:
    exec(compile(block, str(PAGE), "exec"), {"__name__": "page"})
