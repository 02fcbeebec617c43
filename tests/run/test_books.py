"""A run whose books do not add up is not left, and not reported: each event and component, dropped or doubled."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import failure, oxmc
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.energy.costs import NODES
from oxmc.energy.ledger import Ledger
from oxmc.pymodels.config import Config, parse_setting, resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import ARRAY_EVENTS, EVENTS, PHASES, QUANTITY_OF
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import NO_SOURCE, fit_config
from oxmc.run import result, train
from oxmc.run.books import check_events
from oxmc.run.train import Request
from oxmc.silicon import chip_point

pytestmark = pytest.mark.testpoint(
    "books that do not add up end the run",
    "one more or less of each event in each phase, a forgotten pulse, a component paid twice or not at all; by "
    "oxmc train and oxmc energy",
)

TINY = "rows=5 burn_in=1 train_samples=24 test_samples=6 max_proposals=30"
AHEAD = "form=true condition_cycles=1 calibrate=true"
CASES = {
    "cancer paper": TINY,
    "cancer wide": f"{TINY} {AHEAD}",
    "cancer plain": f"{TINY} {AHEAD} verify=cell verify_window_us=3 init=random",
    "cancer paper hidden": f"{TINY} hidden=3",
    "ecg wide hidden": f"{TINY} hidden=2",
    "wine wide": TINY,
    "digits wide": f"{TINY} max_proposals=8",
    "cartpole wide": f"rows=5 burn_in=1 max_proposals=30 episode_steps=20 test_episodes=2 {AHEAD}",
}
"""Task, preset and keys of trainings with each way to program and to evaluate, and digits with ten chains."""
WITHIN_BOUNDS = {
    "cancer wide": {"order_read"},
    "ecg wide hidden": {"sample_read", "order_read", "order_write", "eval_line", "cycle"},
    "wine wide": {"sample_read", "order_read", "order_write"},
    "digits wide": {"order_read"},
}
"""What one more or less of in phase `train` is not seen: a sweep rejected early may have ended at any sample."""
COMPONENTS = (
    "array",
    "drivers",
    "adc",
    "input_dac",
    "gate_dac",
    "regulators",
    "bias",
    "memories",
    "digital",
    "clock",
    "leakage",
)


def request_of(name: str, out: Path) -> Request:
    task, preset, *_ = name.split()
    keys = dict(parse_setting(text) for text in CASES[name].split())
    config = fit_config(task, resolve(task, preset, settings=keys), keys, NO_SOURCE)
    return Request(task=task, preset=preset, engine="twin", seed=3, config=config, out=out)


@pytest.fixture(scope="module", autouse=True)
def fixed_flip_flops() -> Any:
    """Counting those of each case's netlist takes seconds, and sums add up with any number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chip_point, "flip_flop_total", lambda config: 500)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory: TempPathFactory) -> dict[str, Path]:
    """Run directories of all cases, by name."""
    folder = tmp_path_factory.mktemp("runs")
    for name in CASES:
        train.train(request_of(name, folder / name))
    return {name: folder / name for name in CASES}


@pytest.fixture(scope="module")
def records(runs: dict[str, Path]) -> dict[str, Any]:
    return {name: json.loads((run / "run.json").read_text()) for name, run in runs.items()}


def changed(record: dict[str, Any], phase: str, event: str, change: int) -> dict[str, Any]:
    """A run.json with so many more of an event; its sums over the phases still hold."""
    other = copy.deepcopy(record)
    other["phases"][phase]["events"][event] += change
    other["events"][event] += change
    other["time"]["cycles"] = other["events"]["cycle"]
    return other


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("event", EVENTS)
def test_events_follow_from_each_other(records: dict[str, Any], event: str, change: int) -> None:
    """One of an event dropped or counted twice, in each phase of each case that has any."""
    for name, record in records.items():
        check_events(record, Config().replace(**record["config"]))
        for phase in PHASES:
            hidden = phase == "train" and event in WITHIN_BOUNDS.get(name, ())
            if record["phases"][phase]["events"][event] and not hidden:
                with pytest.raises(RunError, match="^events must follow from each other: .* must be "):
                    check_events(changed(record, phase, event, change), Config().replace(**record["config"]))


def test_each_event_is_counted_somewhere(records: dict[str, Any]) -> None:
    """So that the test above has tried it."""
    unseen = {event for event in EVENTS if not any(record["events"][event] for record in records.values())}
    assert unseen == {"hastings_term"}


def test_all_of_what_is_within_bounds_is_missed(records: dict[str, Any]) -> None:
    for name, events in WITHIN_BOUNDS.items():
        for event in events:
            spoilt = changed(records[name], "train", event, -records[name]["events"][event])
            with pytest.raises(RunError, match=f"{event} in phase train must be "):
                check_events(spoilt, Config().replace(**spoilt["config"]))


@pytest.mark.parametrize("kind", ["events", "quantities"])
def test_phases_make_up_the_sums(records: dict[str, Any], kind: str) -> None:
    name = {"events": "set", "quantities": "set_current_na_cycles"}[kind]
    spoilt = copy.deepcopy(records["cancer paper"])
    spoilt[kind][name] += 1
    total = spoilt[kind][name]
    message = f"{kind} {name} must be the sum of its phases, {total - 1}, not {total}"
    with pytest.raises(RunError, match=f"^{message}$"):
        check_events(spoilt, Config().replace(**spoilt["config"]))


def test_cycles_are_those_of_the_phases(records: dict[str, Any]) -> None:
    spoilt = copy.deepcopy(records["cancer paper"])
    cycles = spoilt["time"]["cycles"]
    spoilt["time"]["cycles"] -= 1
    message = f"cycles of the whole run must be those of its phases, {cycles}, not {cycles - 1}"
    with pytest.raises(RunError, match=f"^{message}$"):
        check_events(spoilt, Config().replace(**spoilt["config"]))


def losing(operation: str, phase: str) -> Callable[..., Outcome]:
    """An engine whose array forgets one pulse, its cells, quantity and joules, as if it had never been."""

    def run(job: Any, request: Request, *rest: Any) -> Outcome:
        outcome = engine(job, request, *rest)
        counts, quantities, joules = (copy.deepcopy(getattr(outcome, n)) for n in ("counts", "quantities", "joules"))
        quantity = QUANTITY_OF[operation]
        lost = quantities[phase][quantity] // counts[phase][operation]
        joules[phase][operation] *= 1 - lost / quantities[phase][quantity]
        counts[phase][operation] -= 1
        quantities[phase][quantity] -= lost
        return dataclasses.replace(outcome, counts=counts, quantities=quantities, joules=joules)

    engine = train.run_engine
    return run


LOST = [
    *((operation, phase) for operation in ("set", "reset", "read") for phase in ("train", "calibrate")),
    *((operation, "form") for operation in ("form", "set", "reset")),
    *(("eval", phase) for phase in ("train", "infer")),
]


@pytest.mark.parametrize(("operation", "phase"), LOST)
@pytest.mark.parametrize("name", ["cancer wide", "cartpole wide"])
def test_a_forgotten_pulse_ends_the_run(
    name: str, operation: str, phase: str, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """With quantity and joules forgotten, too, ledger and array still agree."""
    monkeypatch.setattr(train, "run_engine", losing(operation, phase))
    with pytest.raises(RunError, match=f"{operation} in phase {phase} must be "):
        train.train(request_of(name, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_pulses_of_all_kinds_and_phases_are_forgotten(records: dict[str, Any]) -> None:
    counted = {
        (operation, phase)
        for operation in ARRAY_EVENTS
        for phase in PHASES
        if any(record["phases"][phase]["events"][operation] for record in records.values())
    }
    assert counted == set(LOST)


def paying(component: str, node: str, times: int) -> Callable[..., Ledger]:
    """A ledger in which a component's lines of the training stand so many times, at one node."""

    def pay(counts: Any, quantities: Any, point: Any, costs: Any) -> Ledger:
        ledger = account(counts, quantities, point, costs)
        lines = [
            [line] * (times if (line.component, line.phase, costs.name) == (component, "train", node) else 1)
            for line in ledger.lines
        ]
        return Ledger(tuple(line for same in lines for line in same))

    account = result.account
    return pay


@pytest.mark.parametrize("times", [0, 2])
@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("component", COMPONENTS)
def test_a_cost_paid_twice_or_not_at_all_is_noticed(
    component: str, node: str, times: int, runs: dict[str, Path], capsys: CaptureFixture[str], monkeypatch: MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    """By `oxmc energy` as by the training itself."""
    monkeypatch.setattr(result, "account", paying(component, node, times))
    rule = re.escape(component) + r" must be paid \S+ J for what was counted, not \S+ J"
    assert re.fullmatch(rule, failure(oxmc(capsys, "energy", runs["cancer paper"]), 1))
    with pytest.raises(RunError, match=f"^{rule}$"):
        train.train(request_of("cancer paper", tmp_path / "run"))


def test_all_components_were_tried(records: dict[str, Any]) -> None:
    record = records["cancer paper"]
    for node in NODES:
        ledger = result.ledger_of(Config().replace(**record["config"]), record["phases"], node)
        assert {line.component for line in ledger.lines if line.phase == "train"} == set(COMPONENTS)


@pytest.mark.parametrize(("operation", "phase"), LOST)
def test_energy_refuses_a_run_that_lost_events(
    operation: str, phase: str, runs: dict[str, Path], records: dict[str, Any], capsys: CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    """run.json by itself with one event less, and one whose quantity is not what its array took."""
    run = Path(shutil.copy(runs["cancer wide"] / "run.json", tmp_path))
    spoilt = changed(records["cancer wide"], phase, operation, -1)
    run.write_text(json.dumps(spoilt))
    assert f"{operation} in phase {phase} must be " in failure(oxmc(capsys, "energy", run), 1)
    spoilt = copy.deepcopy(records["cancer wide"])
    more = spoilt["quantities"][QUANTITY_OF[operation]] // 1000 + 1
    for row in (spoilt["phases"][phase]["quantities"], spoilt["quantities"]):
        row[QUANTITY_OF[operation]] += more
    run.write_text(json.dumps(spoilt))
    message = failure(oxmc(capsys, "energy", run), 2)
    assert message.startswith("RUN must hold the counts that its array_energy_j was integrated from, which ")
