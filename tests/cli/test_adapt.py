"""`oxmc adapt` and `oxmc.adapt`: an array goes on with new points, and leaves a run as any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import oxmc
from oxmc.cli.app import run as command
from oxmc.energy.life import days_on_cell
from oxmc.pymodels.errors import InputError
from oxmc.run.adapt import price_of

pytestmark = pytest.mark.testpoint(
    "adaptation",
    "new points move a trained array; its parent is named, runs of it are whole, and what cannot go on is said",
)  # fmt: skip

SETTINGS = {"rows": 64, "burn_in": 40, "components": 0, "reject_limit": 20}


def points(seed: int, turned: bool, n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Two classes apart in the first column; `turned`, the other way round, as after a drift."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 3))
    x[:, 0] += np.where(y == 1, 1.5, -1.5) * (-1 if turned else 1)
    return np.round(x, 3), y


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapt") / "parent"
    oxmc.train(*points(0, False), seed=5, settings=SETTINGS, preset="wide", out=out)
    return out


def table(path: Path, x: np.ndarray, y: np.ndarray) -> Path:
    lines = [",".join(map(str, [*row, label])) for row, label in zip(x.tolist(), y.tolist(), strict=True)]
    path.write_text("\n".join(["x0,x1,x2,kind", *lines]) + "\n")
    return path


def test_it_follows_a_drift(parent: Path, tmp_path: Path) -> None:
    """The points are turned round: what was right is wrong, and is right again after a lap of the ring."""
    test = points(2, True)
    run = oxmc.adapt(parent, *points(1, True), test=test, out=tmp_path / "first")
    record = run.record
    assert record["adapted"]["value_before"] < 0.3 < 0.8 < record["result"]["value"]
    assert (run.predict(test[0]) == test[1]).mean() == record["result"]["value"]
    assert record["adapted"]["parent"] == oxmc.open_run(parent).record["result"]["state_sha256"]
    again = oxmc.open_run(tmp_path / "first")
    assert again.state.adaptation == 1 and again.state.pointer == record["config"]["start_row"] - 1
    assert dict(again.posterior.attrs) == dict(run.posterior.attrs)
    back = oxmc.adapt(again, *points(3, False), test=points(4, False))
    assert back.record["adapted"]["number"] == 2
    assert back.record["result"]["value"] > 0.8 > 0.3 > back.record["adapted"]["value_before"]
    assert (back.state.conductance_ns != run.state.conductance_ns).any()


def test_the_command_says_what_it_did(parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    data, test = (table(tmp_path / f"{n}.csv", *points(n, True)) for n in (1, 2))
    given = ["adapt", str(parent), "--data", str(data), "--label", "kind", "--test", str(test), "--rows", "16"]
    assert command([*given, "--extend", "--out", str(tmp_path / "one"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    kept = oxmc.open_run(parent).config.train_samples
    assert record["config"]["train_samples"] == 120 + kept and record["adapted"]["file"] == str(data)
    assert command([*given, "--out", str(tmp_path / "two")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "on the same points" in said and "days on 1 mAh" in said and "always on assumed" in said
    found = oxmc.open_run(tmp_path / "two")
    price = price_of(found.record, found.config, "28nm")
    assert 0 < price.beat_j < price.adaptation_j < 1e-4


def test_days_are_those_of_the_cell() -> None:
    """10.8 J over what is always on, 0.864 J a day."""
    assert days_on_cell(0.0, 0.0) == pytest.approx(12.5)
    assert days_on_cell(0.0, 0.864) == pytest.approx(6.25)
    assert days_on_cell(0.864 / 108_000, 0.0) == pytest.approx(6.25)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data must name a CSV file of new points, or --own the beats of ecg's subject"),
        (["--data", "new.csv"], "--label must name the column of the classes, since RUN has no label of its own"),
        (["--data", "new.csv", "--label", "x9"], "--label must name a column of 'new.csv', not 'x9'"),
        (["--data", "new.csv", "--label", "kind", "--set", "features=2"], "--set must be of burn_in, max_proposals"),
        (["--data", "new.csv", "--label", "kind", "--rows", "64"], "--rows must be from 0 to 63, since row 63 stays"),
        (["--data", "new.csv", "--label", "kind", "--engine", "float"], "--engine must be twin, verilator or icarus"),
        (["--data", "odd.csv", "--label", "kind"], "--label must hold classes of RUN, 0, 1, not '7'"),
        (["--own", "3"], "--own must be left out for task table, which does not take it, not 3"),
    ],
)
def test_what_cannot_be(
    parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: list[str],
    message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    x, y = points(1, True, 20)
    table(Path("new.csv"), x, y)
    table(Path("odd.csv"), x, np.where(y == 1, 7, 0))
    assert command(["adapt", str(parent), *arguments, "--out", "out"]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_classes_of_a_program_are_the_runs(parent: Path) -> None:
    with pytest.raises(InputError, match="y must be of the run's classes"):
        oxmc.adapt(parent, points(1, True)[0], np.full(120, 5))


@pytest.mark.campaign
@pytest.mark.cosim
@pytest.mark.parametrize("engine", ["icarus", "verilator"])
def test_engines_leave_the_same_state(parent: Path, engine: str) -> None:
    data = points(1, True, 30)
    found, due = (oxmc.adapt(parent, *data, rows=9, engine=name) for name in (engine, "twin"))
    assert found.record["result"]["state_sha256"] == due.record["result"]["state_sha256"]
    assert found.record["events"] == due.record["events"]
    assert (found.predict(data[0], engine=engine) == due.predict(data[0])).all()
