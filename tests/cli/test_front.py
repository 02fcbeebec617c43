"""What a newcomer types first: `oxmc` alone, its help, version and completion, lists, a run shown, a dry run."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import OXMC, ROOT, TWIN, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.cli.app import COMMANDS, run
from oxmc.pymodels.config import KEYS, TASKS, load_toml, presets_of, resolve

pytestmark = pytest.mark.testpoint(
    "first commands",
    "oxmc alone, help, version, completion in bash; lists are whole; runs shown and compared; a dry run foresees the "
    "cycles and joules of the run, its configuration leads to the same, and it writes nothing",
)


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_oxmc_alone_is_its_help(capsys: CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    answer = oxmc(capsys, *arguments)
    assert answer.code == 0 and answer.err == ""
    assert answer.out.startswith("Usage: oxmc ")
    for command in COMMANDS:
        assert f"\n  {command.__name__.rstrip('_')} " in answer.out
    assert "..." not in answer.out.partition("Commands:")[2], "a command's first sentence is too long for its line"


def test_each_command_has_a_short_help(capsys: CaptureFixture[str]) -> None:
    for command in COMMANDS:
        answer = oxmc(capsys, command.__name__.rstrip("_"), "-h")
        assert answer.code == 0 and answer.out.startswith("Usage: oxmc ")


def test_version(capsys: CaptureFixture[str]) -> None:
    answer = oxmc(capsys, "--version")
    assert (answer.code, answer.out) == (0, f"oxmc {importlib.metadata.version('oxmc')}\n")


def test_bash_completes_commands_options_and_values() -> None:
    """By the script that `--show-completion` prints, asked as bash asks."""
    asked = {"tr": "train", "train can": "cancer", "train cancer --pres": "--preset", "list ke": "keys"}
    asked |= {"energy run --node 1": "130nm", "sweep toy --vary ro": "rows="}
    lines = [f'eval "$({OXMC} --show-completion bash)"']
    for words in asked:
        lines += [f"COMP_WORDS=({OXMC} {words}) COMP_CWORD={len(words.split())}", f"_oxmc_completion {OXMC}"]
        lines.append('echo "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines() == list(asked.values()), done.stderr


def test_each_line_of_a_summary_is_explained(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """In the guide's table; `energy at 28nm` as energy, `logistic regression` and `test accuracy` as they stand."""
    small = ("--engine", "twin", "--rows", 4, "--set", "train_samples=20", "--set", "test_samples=5")
    text = oxmc(capsys, "train", "cancer", *small, "--out", tmp_path / "run").out
    lines = [line for line in text.splitlines() if line[:1].isalnum() and "  " in line]
    names = {line.partition("  ")[0].partition(" at ")[0] for line in lines}
    guide = (ROOT / "docs/guide/first-hour.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", guide, re.M)
    told = {name.strip() for row in rows for name in row.split(",")}
    assert len(names) > 12 and names <= told, names - told


# lists


def listed(capsys: CaptureFixture[str], kind: str) -> list[dict[str, Any]]:
    answer = oxmc(capsys, "list", kind, "--json")
    assert answer.code == 0
    found: list[dict[str, Any]] = json.loads(answer.out)
    text = oxmc(capsys, "list", kind)
    assert not {"low_us", "like", "train_samples", "model"} & set(text.out.partition("\n")[0].split())  # no such key
    assert text.code == 0 and all(str(next(iter(entry.values()))) in text.out for entry in found)
    return found


def test_lists_are_whole(capsys: CaptureFixture[str]) -> None:
    assert [entry["task"] for entry in listed(capsys, "tasks")] == list(TASKS)
    found = [(entry["task"], entry["preset"]) for entry in listed(capsys, "presets")]
    assert found == [(task, preset) for task in TASKS for preset in presets_of(task)]
    assert [entry["key"] for entry in listed(capsys, "keys")] == list(KEYS)
    assert [entry["card"] for entry in listed(capsys, "cards")] == list(KEYS["card"].metadata["choices"])


def test_an_unknown_list_is_refused(capsys: CaptureFixture[str]) -> None:
    assert refusal(capsys, "list", "engines") == "KIND must be one of tasks, presets, keys, cards, not 'engines'"


# runs shown


@pytest.fixture(scope="module")
def runs(tmp_path_factory: TempPathFactory) -> dict[str, Path]:
    """A run, the same again, another of other settings, repeats, and a sweep."""
    folder = tmp_path_factory.mktemp("runs")
    small = TWIN[1:]
    commands = {
        "one": ("train", *small), "again": ("train", *small), "other": ("train", *small, "--set", "prior_sigma_us=40"),
        "repeats": ("train", *small, "--repeats", "2"), "sweep": ("sweep", *small[:-6], "--vary", "rows=2,4", "--set",
        "train_samples=20", "--set", "test_samples=5", "--set", "burn_in=0", "--repeats", "1"),
    }  # fmt: skip
    for name, command in commands.items():
        assert run([*command, "--out", str(folder / name)]) == 0, name
    return {name: folder / name for name in commands}


def words(text: str) -> str:
    """A table's text without its columns."""
    return " ".join(text.split())


def test_a_run_is_shown(capsys: CaptureFixture[str], runs: dict[str, Path]) -> None:
    record = json.loads((runs["one"] / "run.json").read_text())
    answer = oxmc(capsys, "show", runs["one"])
    assert answer.code == 0
    found = words(answer.out)
    for text in (
        "task cancer, preset paper", "rows = 4", "engine twin", f"test accuracy {record['result']['value']:.4f}",
        record["result"]["state_sha256"][:16], "posterior.nc, run.json, state.npz", *record["notes"],
        *record["warnings"],
    ):  # fmt: skip
        assert text in found, text


def test_runs_are_compared(capsys: CaptureFixture[str], runs: dict[str, Path]) -> None:
    found = words(oxmc(capsys, "show", runs["one"], runs["other"]).out)
    assert "key prior_sigma_us * 20 40" in found and "their states differ" in found and "engine twin twin" in found
    assert "all have the same bits" in words(oxmc(capsys, "show", runs["one"], runs["again"]).out)
    record = json.loads(oxmc(capsys, "show", runs["one"], runs["other"], "--json").out)
    assert record["differences"] == {"prior_sigma_us": [20.0, 40.0]} and record["same_bits"] is False
    assert record["runs"][1]["changed"]["prior_sigma_us"] == 40.0
    assert record["runs"][0]["record"] == json.loads((runs["one"] / "run.json").read_text())


def test_the_order_of_lines_is_not_that_of_the_runs(capsys: CaptureFixture[str], runs: dict[str, Path]) -> None:
    """A training and repeats have other lines; compared either way round, they come in one order."""
    orders = []
    for pair in (("one", "repeats"), ("repeats", "one")):
        table, _, _ = oxmc(capsys, "show", *(runs[name] for name in pair)).out.partition("* differs")
        orders.append([name for line in table.splitlines() if (name := line.split("  ")[0].strip(" *"))])
    assert orders[0] == orders[1] and "95 % interval" in orders[0]


def test_repeats_and_sweeps_are_shown(capsys: CaptureFixture[str], runs: dict[str, Path]) -> None:
    assert "2 of 2 repeats have warnings" in words(oxmc(capsys, "show", runs["repeats"]).out)
    answer = oxmc(capsys, "show", runs["sweep"])
    assert answer.code == 0 and "point" in answer.out and "rows" in answer.out
    message = refusal(capsys, "show", runs["one"], runs["sweep"])
    assert message == "RUN must be one sweep or run directories, not 2 folders with a sweep among them"


def test_what_is_no_run_is_not_shown(capsys: CaptureFixture[str], runs: dict[str, Path], tmp_path: Path) -> None:
    assert failure(oxmc(capsys, "show", tmp_path), 2).startswith("RUN must be a run directory with a run.json, not ")


# dry runs


def test_a_dry_run_foresees_the_run(
    capsys: CaptureFixture[str], runs: dict[str, Path], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """Of an engine that would take longer, too; nothing is written, not even what is built."""
    monkeypatch.chdir(tmp_path)
    record = json.loads((runs["one"] / "run.json").read_text())
    answer = oxmc(capsys, *TWIN, "--engine", "icarus", "--dry-run", "--json")
    assert answer.code == 0 and list(tmp_path.iterdir()) == []
    found = json.loads(answer.out)
    assert found["config"] == record["config"]
    assert found["estimate"]["cycles"] == record["time"]["cycles"]
    assert found["estimate"]["proposals"] == record["chain"]["proposals"]
    assert found["estimate"]["energy_j"] == record["energy_j"]
    assert found["sizes"] == {"pairs": 16, "rows": 4, "cells": 128}
    text = oxmc(capsys, *TWIN, "--dry-run").out
    assert "nothing was run and nothing was written" in text and list(tmp_path.iterdir()) == []
    toml = tmp_path / "keys.toml"
    toml.write_text(text.partition("written\n\n")[2])
    assert resolve("cancer", "wide", toml=load_toml(toml)).as_dict() == record["config"]


def test_a_dry_run_of_much_estimates_nothing(capsys: CaptureFixture[str]) -> None:
    for arguments in (("digits", "--engine", "twin"), ("cancer", "--engine", "float")):
        found = json.loads(oxmc(capsys, "train", *arguments, "--repeats", "7", "--dry-run", "--json").out)
        assert found["estimate"] is None and found["repeats"] == 7
        assert "not known ahead" in oxmc(capsys, "train", *arguments, "--dry-run").out


def test_a_dry_run_refuses_what_the_run_would(capsys: CaptureFixture[str], runs: dict[str, Path]) -> None:
    assert "--out must be a new or empty folder" in refusal(capsys, *TWIN, "--dry-run", "--out", runs["one"])
    assert "rows must be " in refusal(capsys, "train", "cancer", "--rows", "1", "--dry-run")


def test_a_dry_run_of_a_sweep(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = ("sweep", "cancer", "--vary", "rows=32,64", "--vary", "seed=1")[:4]
    text = oxmc(capsys, *sweep, "--dry-run").out
    assert "point 1: rows = 64" in text and "2 points x 10 repeats = 20 trainings" in text
    found = json.loads(oxmc(capsys, *sweep, "--dry-run", "--json").out)
    assert found["trainings"] == 20 and [point["config"]["rows"] for point in found["points"]] == [32, 64]
    assert list(tmp_path.iterdir()) == []
