"""Costs and counts in and out: Accelergy's YAML gives the ledger again; the template is a table; bad ones fail."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import TWIN, oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

from oxmc.cli.app import run as run_oxmc
from oxmc.energy import accelergy
from oxmc.energy.costs import load_costs
from oxmc.energy.interval import uncertainty
from oxmc.energy.template import template
from oxmc.pymodels.config import Config
from oxmc.run.result import ledger_of
from oxmc.run.rundir import read_run
from oxmc.silicon.chip_point import point_of

pytestmark = pytest.mark.testpoint(
    "costs and counts in and out",
    "Accelergy's YAML gives the ledger's joules again; the template is a table; bad figures are one line",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exchange") / "run"
    assert run_oxmc([*TWIN, "--out", str(out)]) == 0
    return out


def estimate(folder: Path) -> dict[str, float]:
    """Joules by component as Accelergy's calculator sums them: counts times the energy of the action of that name."""
    counts, table = (yaml.safe_load((folder / name).read_text()) for name in ("action_counts.yaml", "ERT.yaml"))
    assert counts["action_counts"]["version"] == table["ERT"]["version"] == 0.4
    energies = {}
    for component in table["ERT"]["tables"]:
        for action in component["actions"]:
            key = component["name"], action["name"]
            assert key not in energies and action["arguments"] == {} and isinstance(action["energy"], float)
            energies[key] = action["energy"]
    return {
        part["name"]: math.fsum(
            action["counts"] * energies[part["name"], action["name"]] for action in part["action_counts"]
        )
        for part in counts["action_counts"]["local"]
    }


def test_accelergy_gives_the_ledger_again(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    answer = oxmc(capsys, "energy", run, "--format", "accelergy", "--out", tmp_path / "both")
    folders = [tmp_path / "both" / node for node in ("28nm", "130nm")]
    assert answer.out.split() == [
        str(folder / name) for folder in folders for name in ("action_counts.yaml", "ERT.yaml")
    ]
    found = read_run(run)
    for folder in folders:
        ledger = ledger_of(Config(**found["config"]), found["phases"], folder.name)
        picojoules = estimate(folder)
        # 1e-9: products and sums of doubles in another order
        assert math.fsum(picojoules.values()) * 1e-12 == pytest.approx(ledger.total_j, rel=1e-9, abs=0)
        comments = [line for line in (folder / "ERT.yaml").read_text().splitlines() if line.startswith("#")]
        costs = load_costs(folder.name).costs
        assert {line[2:] for line in comments}.issuperset(cost.source for cost in costs)  # none of them has two lines
        assert sum(line.startswith("#   oxmc.") for line in comments) == len(costs)
        parts = {name.removeprefix("oxmc."): joules * 1e-12 for name, joules in picojoules.items()}
        assert parts == pytest.approx(ledger.by_component(), rel=1e-9, abs=0)


def test_accelergy_of_one_node(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    oxmc(capsys, "energy", run, "--format", "accelergy", "--node", "130nm", "--out", tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["ERT.yaml", "action_counts.yaml"]


def test_accelergy_prices_every_cost_under_a_name_of_its_own() -> None:
    costs = load_costs("28nm")
    names = accelergy.action_names(costs)
    assert len({(key[0], name) for key, name in names.items()}) == len(costs.costs) == len(names)
    assert all(name.replace("_", "a").isalnum() for name in names.values())
    table = accelergy.energy_reference_table(costs, point_of(Config()))
    assert sum(len(part["actions"]) for part in table["ERT"]["tables"]) == len(costs.costs)


def test_accelergy_refuses(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    arguments: tuple[Any, ...] = ("energy", run, "--format", "accelergy")
    assert refusal(capsys, *arguments) == "--format accelergy must come with --out, the folder to write"
    message = "--format accelergy must have one RUN, not 2"
    assert refusal(capsys, "energy", run, run, "--format", "accelergy", "--out", tmp_path) == message
    message = "--node must name tables of different names for --format accelergy, not a/x.toml, b/x.toml"
    nodes = ("--node", "a/x.toml", "--node", "b/x.toml")
    assert refusal(capsys, *arguments, *nodes, "--out", tmp_path) == message
    (tmp_path / "file").touch()
    message = f"--out must be a folder that can be written, not {str(tmp_path / 'file')!r} (File exists)"
    assert refusal(capsys, *arguments, "--node", "28nm", "--out", tmp_path / "file") == message


def test_the_template_is_a_table(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    """It prices what 28 nm prices, at the same figures, says so in every source, and has the same bands."""
    answer = oxmc(capsys, "energy", "--template")
    assert answer.out == template() and answer.err == ""
    file = tmp_path / "mine.toml"
    file.write_text(answer.out)
    mine, known = load_costs(file), load_costs("28nm")
    keys = ("component", "action", "item", "value", "low", "high", "unit", "per", "physics")
    assert [[getattr(cost, key) for key in keys] for cost in mine.costs] == [
        [getattr(cost, key) for key in keys] for cost in known.costs
    ]
    assert all(cost.source.startswith("figure of 28nm, to be replaced: ") for cost in mine.costs)
    found = read_run(run)
    ledgers = [ledger_of(Config(**found["config"]), found["phases"], node) for node in (str(file), "28nm")]
    assert ledgers[0].total_j == ledgers[1].total_j
    assert uncertainty(ledgers[0]).total == uncertainty(ledgers[1]).total
    assert max(len(line) for line in answer.out.splitlines()) <= 120


def test_the_template_comes_without_a_run(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    assert refusal(capsys, "energy", run, "--template") == "RUN must be left out with --template"
    assert oxmc(capsys, "energy", "--template", "--out", tmp_path / "t.toml").code == 0
    assert (tmp_path / "t.toml").read_text() == template()


FIGURE = "must be a finite number that is not negative (at most 1e+60), not"


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("value = 2.4e-15", "value = -1", f"value {FIGURE} -1"),
        (
            "value = 2.4e-15",
            "value = nan",
            f"value {FIGURE} nan",
        ),
        ("value = 2.4e-15", "", f"value {FIGURE} None"),
        ("low = 1.091e-15", "", f"low {FIGURE} None"),
        ("high = 5.28e-15", "high = 1e-16", "value must lie between low (1.091e-15) and high (1e-16), not 2.4e-15"),
        ('unit = "F/cell"', "", "unit must be a text that is not empty, not None"),
        ('unit = "F/cell"', 'unit = " "', "unit must be a text that is not empty, not ' '"),
        ('event = "form"', 'event = "melt"', "event must be one that events.py names, not 'melt'"),
    ],
)
def test_a_bad_figure_is_one_line(
    capsys: CaptureFixture[str], run: Path, tmp_path: Path, line: str, instead: str, message: str
) -> None:
    """In the template's first driver entry, through the command line: file, entry, rule and value."""
    file = tmp_path / "mine.toml"
    head, entry = template().split('action = "word line of a FORM"')
    assert line in entry.split("[[cost]]")[0]
    file.write_text(head + 'action = "word line of a FORM"' + entry.replace(line, instead, 1))
    where = "mine.toml, cost 6 (drivers: word line of a FORM): "
    assert refusal(capsys, "energy", run, "--node", file) == where + message
