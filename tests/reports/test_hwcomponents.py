"""Costs as component models: counts x energies + leakage x seconds give the ledger again, in the real hwcomponents."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from commands import TWIN
from pytest import TempPathFactory

from oxmc.cli.app import run as run_oxmc
from oxmc.energy import accelergy
from oxmc.energy.components import components, is_power
from oxmc.energy.costs import NODES, load_costs
from oxmc.energy.ledger import Ledger
from oxmc.pymodels.config import Config, preset
from oxmc.run.result import ledger_of
from oxmc.silicon.chip_point import point_of

pytestmark = pytest.mark.testpoint(
    "component models",
    "actions and leakage of the cost tables give the ledger again, by themselves and in the real hwcomponents "
    "(Python 3.12), which finds the models, keeps sources with estimates and names bad attributes",
)

EXACT = 1e-9
"""Products and sums of doubles in another order."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hwcomponents") / "run"
    assert run_oxmc([*TWIN, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def hwc() -> Any:
    return pytest.importorskip("hwcomponents", reason="hwcomponents, which needs Python 3.12, is not installed")


def accounted(run: Path, node: str) -> tuple[Ledger, float, Config, dict[str, dict[str, int]]]:
    """Ledger, seconds on the chip, configuration, and counts by component and action as in the Accelergy files."""
    found = json.loads((run / "run.json").read_text())
    config = Config(**found["config"])
    ledger = ledger_of(config, found["phases"], node)
    counts = {
        part["name"].removeprefix("oxmc."): {entry["name"]: entry["counts"] for entry in part["action_counts"]}
        for part in accelergy.action_counts(ledger, load_costs(node))["action_counts"]["local"]
    }
    return ledger, found["events"]["cycle"] / config.clock_hz, config, counts


@pytest.mark.parametrize("node", NODES)
def test_actions_and_powers_are_the_ledger(run: Path, node: str) -> None:
    """The table behind the models, with or without hwcomponents: nothing is lost between actions and leakage."""
    ledger, seconds, config, counts = accounted(run, node)
    parts, point = components(load_costs(node)), point_of(config)
    joules = {
        name: part.leak_power_w(point) * seconds
        + math.fsum(c.value * c.factor(point) * counts[name].get(key, 0) for key, c in part.actions.items())
        for name, part in parts.items()
    }
    assert joules == pytest.approx(ledger.by_component(), rel=EXACT, abs=0)
    kinds = [len(part.actions) + len(part.powers) for part in parts.values()]
    assert sum(kinds) == len(load_costs(node).costs)
    powers = {"logic leakage", "memory leakage", "references, oscillator and regulators at rest"}
    assert {cost.action for cost in load_costs(node).costs if is_power(cost)} == powers


@pytest.mark.parametrize("node", NODES)
def test_hwcomponents_gives_the_ledger_again(hwc: Any, run: Path, node: str) -> None:
    """Through its own search for a model by component, attributes and actions, and its own queries."""
    from oxmc.reports.hwcomponents import component_models

    ledger, seconds, _, counts = accounted(run, node)
    models, attributes = component_models(), {"run": str(run), "node": node}
    joules = {}
    for component, actions in counts.items():
        model = hwc.get_model(
            f"oxmc_{component}", attributes, [a for a in actions if "leakage" not in a and "at_rest" not in a], models
        )
        made = model.get_action_names()
        assert math.isnan(model.area)
        joules[component] = model.leak_power * seconds + math.fsum(
            count * getattr(model, name)().energy for name, count in actions.items() if name in made
        )
    assert joules == pytest.approx(ledger.by_component(), rel=EXACT, abs=0)
    assert math.fsum(joules.values()) == pytest.approx(ledger.total_j, rel=EXACT, abs=0)


def test_hwcomponents_finds_the_models(hwc: Any) -> None:
    """In a top-level module named `hwcomponents_*`, and asks for costs by component, attributes and action."""
    names = {model.component_name for model in hwc.get_models(name_must_include="oxmc")}
    assert names == {f"oxmc_{name}" for node in NODES for name in components(load_costs(node))}
    attributes = {"task": "cancer", "preset": "paper", "node": "130nm"}
    cost = hwc.get_action_cost("oxmc_adc", attributes, "conversion_of_an_evaluation", {})
    due = components(load_costs("130nm"))["adc"].actions["conversion_of_an_evaluation"]
    assert cost.energy == due.value and not due.per  # a conversion of 8 bits, whatever the chip
    memory = hwc.get_action_cost("oxmc_memories", attributes, "sample_read", {})
    sized = components(load_costs("130nm"))["memories"].actions["sample_read"]
    assert memory.energy == sized.value * sized.factor(point_of(preset("cancer", "paper"))) > sized.value
    assert (cost.latency, cost.throughput) == (0.0, math.inf)
    assert hwc.get_leak_power("oxmc_adc", attributes) == 0 and hwc.get_leak_power("oxmc_leakage", attributes) > 0


def test_an_estimate_has_its_source(hwc: Any) -> None:
    query = ("oxmc_memories", {"task": "toy", "preset": "paper"}, "sample_read", {})
    estimate = hwc.get_action_cost(*query, _return_estimation_object=True)
    due = components(load_costs("28nm"))["memories"].actions["sample_read"]
    assert any("memories, sample read: " in line and line.endswith(due.source) for line in estimate.messages)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"node": "7nm"}, "--node must be 28nm, 130nm or name a readable TOML file, not '7nm' (No such file"),
        ({"task": "tea"}, "task must be one of "),
        ({"config": "none.toml"}, "--config must name a readable TOML file, not 'none.toml'"),
        ({"run": "no-run"}, "RUN must be a run directory with a run.json, not 'no-run' (No such file"),
    ],
)
def test_bad_attributes_are_named(hwc: Any, attributes: dict[str, str], message: str) -> None:
    from oxmc.reports.hwcomponents import component_models

    with pytest.raises(Exception, match="oxmc_array") as raised:
        hwc.get_action_cost("oxmc_array", attributes, "SET_current", {}, component_models())
    assert f"InputError: {message}" in str(raised.value)


def test_a_table_without_the_action_is_named(hwc: Any, run: Path, tmp_path: Path) -> None:
    """One of one's own that prices less; its own models have its own actions."""
    from oxmc.reports.hwcomponents import component_models

    file = tmp_path / "less.toml"
    file.write_text(
        '[[cost]]\ncomponent = "adc"\naction = "step"\nevent = "eval"\nvalue = 1e-12\nlow = 1e-12\nhigh = 1e-12\n'
        'unit = "J"\nsource = "none"\n'
    )
    attributes = {"run": str(run), "node": str(file)}
    [own] = component_models(load_costs(file))
    assert hwc.get_action_cost("oxmc_adc", attributes, "step", {}, [own]).energy == 1e-12
    with pytest.raises(Exception, match="oxmc_adc") as raised:
        hwc.get_action_cost("oxmc_adc", attributes, "conversion_of_a_READ", {}, component_models())
    assert f"InputError: cost table {file} must price adc, conversion_of_a_READ" in str(raised.value)
