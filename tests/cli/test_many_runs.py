"""`oxmc energy` and `oxmc plot` of folders of more than one training: repeats, chains, sweeps, unfinished ones."""

from __future__ import annotations

import inspect
import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
from commands import TWIN, oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

from oxmc.cli import app as cli
from oxmc.plots.results import repeats_figure
from oxmc.pymodels.config import DEFAULT_PRESET

pytestmark = pytest.mark.testpoint(
    "folders of many runs",
    "energy and pictures of repeats, chains, sweeps and unfinished folders say what they show or what to do; "
    "damaged ones; default presets",
)

REPEATS = 4


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("many") / "repeats"
    assert cli.run([*TWIN, "--repeats", str(REPEATS), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def swept(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("many") / "sweep"
    settings = ("--set", "train_samples=20", "--set", "test_samples=5", "--repeats", "2", "--json")
    assert cli.run(["sweep", "cancer", "--vary", "rows=3,4", *settings, "--out", str(out)]) == 0
    return out


def test_energy_of_repeats_says_what_it_shows(capsys: CaptureFixture[str], repeated: Path) -> None:
    """The repeats' mean with its error first, then repeat 0 under its name, in each format."""
    lines = [json.loads(line) for line in (repeated / "runs.jsonl").read_text().splitlines()]
    mean_nj = statistics.mean(line["training_j"]["28nm"] for line in lines) * 1e9
    text = " ".join(oxmc(capsys, "energy", repeated, "--node", "28nm").out.split())
    assert f"at 28nm, {REPEATS} repeats: mean {mean_nj:.4g} +- " in text.partition("What follows is repeat 0 of 4.")[0]
    assert "What follows is repeat 0 of 4. at 28nm: training " in text
    everything = " ".join(oxmc(capsys, "energy", repeated, "--node", "28nm", "--all").out.split())
    assert f"{repeated.name} at 28nm, repeat 0 of 4" in everything and f"mean {mean_nj:.4g} +- " in everything
    assert json.loads(oxmc(capsys, "energy", repeated, "--format", "json").out)["share"] == "repeat 0 of 4"
    assert "<dd>repeat 0 of 4</dd>" in oxmc(capsys, "energy", repeated, "--format", "html").out
    note = f"oxmc: {repeated}: the figures are those of repeat 0 of 4\n"
    assert oxmc(capsys, "energy", repeated, "--format", "csv").err.startswith(note)
    out = repeated.parent / "accelergy"
    assert oxmc(capsys, "energy", repeated, "--format", "accelergy", "--out", out).err.startswith(note)


def test_energy_of_chains_says_what_it_shows(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    assert oxmc(capsys, *TWIN, "--chains", "2", "--out", tmp_path / "run").code == 0
    assert "What follows is chain 0 of 2." in oxmc(capsys, "energy", tmp_path / "run").out


def test_energy_of_one_run_needs_no_words(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    assert oxmc(capsys, *TWIN, "--out", tmp_path / "run").code == 0
    assert "What follows" not in oxmc(capsys, "energy", tmp_path / "run").out
    answer = oxmc(capsys, "energy", tmp_path / "run", "--format", "csv")
    assert (
        "the figures are those of" not in answer.err
        and json.loads(oxmc(capsys, "energy", tmp_path / "run", "--format", "json").out)["share"] == ""
    )


def test_energy_of_a_sweep_says_where_its_runs_are(capsys: CaptureFixture[str], swept: Path) -> None:
    message = refusal(capsys, "energy", swept)
    points = str(swept / "points")
    assert (
        message == f"RUN must be a run directory, not the sweep {str(swept)!r}: its runs are the folders in {points!r}"
    )
    assert oxmc(capsys, "energy", swept / "points" / "0000").code == 0


def test_an_unfinished_run_says_how_to_go_on(capsys: CaptureFixture[str], repeated: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".run.partial"
    shutil.copytree(repeated, folder)
    (folder / "request.json").write_text("{}")
    for command in ("energy", "plot"):
        message = refusal(capsys, command, folder)
        assert message.endswith(f"not the unfinished one {str(folder)!r}: its command with --resume goes on with it")


def test_plot_of_repeats(capsys: CaptureFixture[str], repeated: Path) -> None:
    """One picture, with each value in it and the reference beside."""
    answer = oxmc(capsys, "plot", repeated)
    assert answer.out.split() == [str(repeated / "plots" / f"repeats.{kind}") for kind in ("png", "svg")]
    record = json.loads((repeated / "run.json").read_text())
    (axis,) = repeats_figure(record, 0.5).axes
    bars: Any = axis.containers[0]
    assert sum(bar.get_height() for bar in bars) == REPEATS
    svg = (repeated / "plots" / "repeats.svg").read_text()
    for text in (
        "4 repeats",
        "seed 0",
        "test accuracy",
        f"mean {record['repeats']['mean']:.4f}",
        "logistic regression",
    ):
        assert text in svg


def test_plot_of_a_sweep(capsys: CaptureFixture[str], swept: Path, tmp_path: Path) -> None:
    """The picture that the sweep left, wherever it is wanted."""
    answer = oxmc(capsys, "plot", swept, "--out", tmp_path)
    assert answer.out.split() == [str(tmp_path / f"sweep.{kind}") for kind in ("png", "svg")]
    for kind in ("png", "svg"):
        assert (tmp_path / f"sweep.{kind}").read_bytes() == (swept / f"sweep.{kind}").read_bytes()


def test_plots_of_damaged_folders(capsys: CaptureFixture[str], repeated: Path, swept: Path, tmp_path: Path) -> None:
    """One line each."""
    shutil.copytree(repeated, tmp_path / "r")
    shutil.copytree(swept, tmp_path / "s")
    record = json.loads((repeated / "run.json").read_text())
    for changed in (
        {"repeats": {}},
        {"repeats": None},
        {"repeats": record["repeats"] | {"values": "x"}},
        {"result": 1},
    ):
        (tmp_path / "r" / "run.json").write_text(json.dumps(record | changed))
        assert refusal(capsys, "plot", tmp_path / "r").startswith("RUN must hold a whole run, which ")
    (tmp_path / "r" / "run.json").write_text(json.dumps(record))
    for content in ("", "{}\n", "[1]\n"):
        (tmp_path / "r" / "runs.jsonl").write_text(content)
        assert refusal(capsys, "plot", tmp_path / "r").startswith("RUN must hold ")
    whole = json.loads((swept / "sweep.json").read_text())
    for text in ("", "{", "[]", "{}", json.dumps(whole | {"points": 3}), json.dumps(whole | {"points": []})):
        (tmp_path / "s" / "sweep.json").write_text(text)
        assert refusal(capsys, "plot", tmp_path / "s").startswith("RUN must hold a ")


@pytest.mark.parametrize("command", ["train", "calibrate", "verilog", "synth", "sweep"])
def test_commands_have_the_same_default_preset(command: str) -> None:
    default = inspect.signature({each.__name__: each for each in cli.COMMANDS}[command]).parameters["preset"].default
    assert default == DEFAULT_PRESET == "best"
