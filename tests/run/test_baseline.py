"""What a finished run is held against, from its directory alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL
from sklearn.linear_model import LogisticRegression

import oxmc
from oxmc.cli.app import run as run_oxmc
from oxmc.pymodels.errors import InputError
from oxmc.run.baseline import baseline_of
from oxmc.run.checked import checked_run

pytestmark = pytest.mark.testpoint(
    "baseline of a finished run",
    "scikit-learn's on the points of the run, or the reward of acting at random; opens no file that a run names; "
    "refusals where the points are not kept or are others",
)


def baseline(path: Path) -> float:
    return baseline_of(path, checked_run(path))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A run on a table of one's own, whose file is no longer what it was."""
    file, out = tmp_path / "table.csv", tmp_path / "run"
    file.write_text("a,b,class\n" + "".join(f"{k % 7},{k * k % 11},{int(k % 7 > 3)}\n" for k in range(60)))
    learn = ["--data", str(file), "--label", "class", "--engine", "twin", "--rows", "4", "--set", "max_proposals=30"]
    assert run_oxmc(["train", "table", *learn, "--out", str(out)]) == 0
    file.unlink()
    os.mkfifo(file)  # whoever opened it would wait for ever
    return out


def test_points_of_a_task(tmp_path: Path) -> None:
    """By scikit-learn on the posterior file's points, which come from the training itself."""
    run = oxmc.train("toy", rows=4, settings={"max_proposals": 40}, seed=3, out=tmp_path / "run")
    (tmp_path / "run/posterior.nc").rename(tmp_path / "kept.nc")
    assert baseline(tmp_path / "run") == run.baseline
    (tmp_path / "kept.nc").rename(tmp_path / "run/posterior.nc")
    tree = oxmc.open_run(tmp_path / "run").posterior
    x, t = tree["constant_data"]["x"].values, tree["observed_data"]["t"].values
    test = tree["predictions_constant_data"]
    model = LogisticRegression(max_iter=1000).fit(x, t)
    assert baseline(tmp_path / "run") == model.score(test["x"].values, test["t"].values)


def test_points_of_a_table_come_from_its_posterior(table: Path) -> None:
    assert 0.5 < baseline(table) <= 1.0
    (table / "posterior.nc").unlink()
    with pytest.raises(InputError, match="^RUN must keep its training points for a baseline, which .* does not$"):
        baseline(table)


def test_rewards_are_held_against_acting_at_random(tmp_path: Path) -> None:
    run = oxmc.train("cartpole", rows=3, settings={"max_proposals": 9, "test_episodes": 2}, out=tmp_path / "run")
    assert baseline(tmp_path / "run") == run.baseline > 1


def test_repeats_have_the_mean_of_theirs(tmp_path: Path) -> None:
    arguments = ["train", "cancer", "--engine", "twin", *SMALL, "--repeats", "2", "--out", str(tmp_path / "run")]
    assert run_oxmc(arguments) == 0
    lines = [json.loads(line) for line in (tmp_path / "run/runs.jsonl").read_text().splitlines()]
    assert baseline(tmp_path / "run") == np.mean([line["reference"] for line in lines])


def test_other_points_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxmc.run import baseline as module

    oxmc.train("cancer", rows=4, settings={"train_samples": 20, "test_samples": 5}, out=tmp_path / "run")
    load = module.load_task
    monkeypatch.setattr(module, "load_task", lambda task, config, seed, source: load(task, config, seed + 1, source))
    with pytest.raises(InputError, match="^RUN must be tested on the points that its task has now, which .* is not$"):
        baseline(tmp_path / "run")
