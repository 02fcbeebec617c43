"""`oxmc predict`: a run's own test points come out as in its own test, to the bit, on the twin and on the RTL."""

from __future__ import annotations

import csv
import functools
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import CHOSEN
from commands import oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

import oxmc as api
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import Dataset, load_task
from oxmc.run.checked import checked_run
from oxmc.run.inference import infer
from oxmc.run.predict import predict_table

pytestmark = pytest.mark.testpoint(
    "prediction of new points",
    "a run's own test points come out as in its test, to the bit, on twin and RTL; columns by name, notes, refusals",
)

SMALL = {"train_samples": 16, "test_samples": 5}
TABLE = "size,kind,weight\n" + "".join(f"{k % 7}.5,{'yes' if k % 3 else 'no'},{k * k % 11}\n" for k in range(30))
TASKS: dict[str, dict[str, Any]] = {
    "toy": {},
    "cancer": {},
    "ecg": {},
    "wine": {"counters": "own"},
    "digits": {"counters": "shared", "burn_in": 1},
    "table": {},
}
"""Every task with labels, one with outputs of their own counters."""
PRESET = {"cancer": "wide"}
"""Raw values do not follow from components, which `best` has: tests of tasks/components predict by those."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("predict")


@functools.cache
def trained(folder: Path, task: str) -> api.Run:
    """A tiny training on the twin."""
    source: dict[str, Any] = {}
    if task == "table":
        (folder / "own.csv").write_text(TABLE)
        source = {"data": folder / "own.csv", "label": "kind"}
    chosen = PRESET.get(task, "best")
    settings = SMALL | TASKS[task]
    return api.train(task, preset=chosen, seed=3, rows=4, settings=settings, out=folder / task, **source)


def test_set(run: api.Run) -> tuple[Dataset, np.ndarray]:
    """The run's data, and its test points as raw values."""
    training = run._training
    assert training is not None
    request = training.request
    data = load_task(request.task, request.config, request.seed, request.source)
    scaling = data.scaling
    assert scaling is not None
    x = data.test_x[:, : scaling.width]
    if scaling.components is not None:  # of all points with these components, one
        x = x @ np.linalg.pinv(scaling.components)
    raw = x * scaling.scale + scaling.mean
    return data, raw if scaling.median is None else np.sinh(raw) * scaling.spread + scaling.median


test_set.__test__ = False  # type: ignore[attr-defined]


def write_csv(path: Path, run: api.Run, raw: np.ndarray) -> None:
    """Raw values under the names that the run knows, the last column first, and one that it does not know."""
    names = [*run.feature_names_in_[::-1], "remark"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([*map(repr, row[::-1].tolist()), "7"] for row in raw)


def test_an_array_with_read_noise_votes_as_it_was_stored(folder: Path) -> None:
    """What is stored predicts the same at each call, as an array without noise would, and says so."""
    run = api.train(
        "cancer", preset="wide", seed=3, rows=4, settings=SMALL | {"read_noise": 0.05}, out=folder / "noisy"
    )
    data, raw = test_set(run)
    still = infer(run.config.replace(read_noise=0.0), run.state, data.test_x)
    assert np.array_equal(run.predict_proba(raw), still.probability)
    assert not np.array_equal(still.sums, run.state.sums), "the run's own test saw the noise"
    write_csv(folder / "noisy.csv", run, raw)
    note = "the array's read noise is left out: rows vote by the conductances that were stored"
    notes = predict_table(run.path, folder / "noisy.csv").notes
    assert note in notes and any(each.startswith("extrapolated: ") for each in notes)
    assert note not in predict_table(trained(folder, "cancer").path, folder / "noisy.csv").notes


@pytest.mark.parametrize("task", TASKS)
def test_a_runs_own_test_points_on_the_twin(folder: Path, task: str) -> None:
    run = trained(folder, task)
    data, raw = test_set(run)
    state = Outcome.load(run.path / "state.npz")
    found = infer(run.config, state, data.test_x)
    assert np.array_equal(found.sums, state.sums) and np.array_equal(found.classes, state.classes)
    write_csv(folder / f"{task}-new.csv", run, raw)
    again = predict_table(run.path, folder / f"{task}-new.csv").prediction
    assert np.array_equal(again.sums, state.sums) and np.array_equal(again.classes, state.classes)
    assert (run.predict(raw) == run.classes[state.classes]).mean() == 1.0
    value = (run.predict(raw) == run.classes[data.test_t]).mean()
    assert value == run.record["result"]["value"]


@pytest.mark.cosim
@pytest.mark.parametrize("task", TASKS)
def test_a_runs_own_test_points_on_the_rtl(folder: Path, task: str) -> None:
    """The chip's inference, with rows and counters of before."""
    run = trained(folder, task)
    state = Outcome.load(run.path / "state.npz")
    found = infer(run.config, state, test_set(run)[0].test_x, "icarus")
    assert np.array_equal(found.sums, state.sums) and np.array_equal(found.classes, state.classes)


@pytest.mark.cosim
@pytest.mark.skipif(CHOSEN != "verilator", reason="takes a Verilator build of its own; OXMC_SIM=verilator asks for it")
def test_a_runs_own_test_points_on_verilator(folder: Path) -> None:
    run = trained(folder, "cancer")
    state = Outcome.load(run.path / "state.npz")
    assert np.array_equal(infer(run.config, state, test_set(run)[0].test_x, "verilator").sums, state.sums)


@pytest.mark.cosim
def test_more_points_than_a_chip_holds_go_in_turn(folder: Path) -> None:
    run = trained(folder, "toy")
    state, x = (
        Outcome.load(run.path / "state.npz"),
        np.random.default_rng(0).normal(size=(1100, 2)),
    )  # the smallest chip holds 1024
    assert np.array_equal(infer(run.config, state, x, "icarus").sums, infer(run.config, state, x).sums)


def test_what_a_table_gives(folder: Path, capsys: CaptureFixture[str]) -> None:
    """Class, probabilities that sum to 1 and entropy by its formula; CSV and JSON say the same; notes on stderr."""
    run = trained(folder, "table")
    (folder / "new.csv").write_text("weight,colour,size\n1,red,2.5\n99,red,-7\n")
    told = oxmc(capsys, "predict", run.path, "--data", folder / "new.csv")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert told.code == 0 and list(rows[0]) == ["row", "class", "probability no", "probability yes", "entropy"]
    assert told.err.splitlines() == [
        "oxmc: note: columns not trained on, ignored: colour",
        "oxmc: note: 2 of 4 values, in 1 of 2 rows, lie outside the range of the training points: size, weight",
        "oxmc: note: 2 of 6 feature values clip at the input's full scale",
    ]
    lines = [
        json.loads(line)
        for line in oxmc(capsys, "predict", run.path, "--data", folder / "new.csv", "--json").out.splitlines()
    ]
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        p = np.array(list(line["probability"].values()))
        assert line["row"] == number == int(row["row"]) and line["class"] == row["class"] == ["no", "yes"][p.argmax()]
        assert p.sum() == pytest.approx(1) and line["entropy"] == pytest.approx(-(p * np.log2(p)).sum())
        assert [float(row["probability no"]), float(row["entropy"])] == [p[0], line["entropy"]]
    out = oxmc(capsys, "predict", run.path, "--data", folder / "new.csv", "--out", folder / "p.csv")
    assert out.out == "" and (folder / "p.csv").read_text() == told.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight\n1\n", "--data must have the columns trained on, but 'bad.csv' lacks size"),
        ("size,weight\n1,x\n", "'bad.csv' line 2 column 'weight' must be a number, not 'x'"),
        ("size,weight\n1,\n", "'bad.csv' line 2 column 'weight' holds no value: fill it in or take the line out"),
        ("size,weight\n", "--data must have a header and rows below it, but 'bad.csv' has 1 lines"),
    ],
)
def test_a_table_that_cannot_be_read(
    folder: Path, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, text: str, message: str
) -> None:
    run = trained(folder, "table")
    monkeypatch.chdir(folder)
    (folder / "bad.csv").write_text(text)
    assert refusal(capsys, "predict", run.path, "--data", "bad.csv") == message


def test_a_run_that_cannot_predict(folder: Path, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    """One of before the scaling was kept, one that learned from rewards, an engine in other numbers."""
    (tmp_path / "new.csv").write_text("x,y\n1,2\n")
    data = ("--data", tmp_path / "new.csv")
    run = trained(folder, "toy")
    assert refusal(capsys, "predict", run.path, *data, "--engine", "float") == (
        "--engine must be one of twin, verilator, icarus to predict, not 'float'"
    )
    old = api.train("toy", rows=4, settings=SMALL, out=tmp_path / "old")
    record = json.loads((old.path / "run.json").read_text())
    del record["data"]["scaling"]
    (old.path / "run.json").write_text(json.dumps(record))
    assert refusal(capsys, "predict", old.path, *data) == (
        f"RUN must keep the scaling of its features to predict, which {str(old.path)!r} does not: an older oxmc has "
        "made it; train again"
    )
    rewards = api.train("cartpole", rows=4, settings={"test_episodes": 1, "episode_steps": 20}, out=tmp_path / "r")
    assert refusal(capsys, "predict", rewards.path, *data).startswith("RUN must be of a task with classes")


def test_a_changed_counter_is_seen(folder: Path) -> None:
    """The comparison with the run's own test can fail: rows vote by their counters."""
    run = trained(folder, "cancer")
    checked = checked_run(run.path)
    assert checked.state is not None
    checked.state.counters[-1] += 5
    x = test_set(run)[0].test_x
    assert not np.array_equal(infer(run.config, checked.state, x).sums, checked.state.sums)
