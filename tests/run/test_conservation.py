"""Each task's joules add up: ledger and array to 1e-9, parts to the total, phases to the events; mutants are caught."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import oxmc.energy.ledger
from oxmc.energy.costs import NODES
from oxmc.energy.parts import PARTS
from oxmc.pymodels.config import TASKS, parse_setting, resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES, QUANTITY_OF
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.tasks import DataSource, fit_config
from oxmc.reports.accounts import read_account
from oxmc.run import result
from oxmc.run.books import CONSERVATION_LIMIT
from oxmc.run.train import Request, train
from oxmc.silicon import chip_point

pytestmark = pytest.mark.testpoint(
    "energy is conserved in every task",
    "ledger and array to 1e-9, parts to the total, phases to the events, each task on the twin, float and "
    "Icarus where cheap; mutants are caught",
)

TINY = ("burn_in=1", "train_samples=24", "test_samples=6", "max_proposals=30")
AHEAD = ("form=true", "condition_cycles=1", "calibrate=true")
EPISODES = ("burn_in=1", "max_proposals=30", "episode_steps=20", "test_episodes=2")
OWN: dict[str, tuple[str, ...]] = {"cartpole": EPISODES}
CASES = [
    *((task, "twin", "wide", ()) for task in TASKS),
    *((task, "twin", "paper", AHEAD) for task in ("cancer", "cartpole")),
    *((task, "float", "paper", ()) for task in TASKS if task != "cartpole"),
    pytest.param("toy", "icarus", "wide", (), marks=pytest.mark.cosim),
]


@pytest.fixture(autouse=True)
def fixed_flip_flops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting those of each task's netlist takes seconds, and sums add up with any number."""
    monkeypatch.setattr(chip_point, "flip_flop_total", lambda config: 500)


@pytest.fixture
def source(tmp_path: Path) -> DataSource:
    """A table of two classes, for the task that needs one."""
    file = tmp_path / "table.csv"
    file.write_text("a,b,class\n" + "".join(f"{k % 7},{k * k % 11},{k % 2}\n" for k in range(30)))
    return DataSource(data=file, label="class")


def trained(
    task: str, engine: str, preset: str, more: tuple[str, ...], source: DataSource, out: Path
) -> dict[str, Any]:
    keys = dict(parse_setting(text) for text in (*OWN.get(task, TINY), *more))
    chosen = source if task == "table" else DataSource()
    config = fit_config(task, resolve(task, preset, settings=keys, rows=5), set(keys), chosen)
    return train(Request(task=task, preset=preset, engine=engine, seed=3, config=config, out=out, source=chosen)).record


@pytest.mark.parametrize(("task", "engine", "preset", "more"), CASES)
def test_joules_are_conserved(
    task: str, engine: str, preset: str, more: tuple[str, ...], source: DataSource, tmp_path: Path
) -> None:
    run = trained(task, engine, preset, more, source, tmp_path / "run")
    assert run["conservation_error"] < CONSERVATION_LIMIT
    for kind, names in (("events", EVENTS), ("quantities", QUANTITIES)):
        for name in names:
            assert run[kind][name] == sum(run["phases"][phase][kind][name] for phase in PHASES)
    account = read_account(tmp_path / "run", NODES)
    volts = load_card(account.config.card)
    watts = {
        "set": volts.set_sl_v,
        "reset": volts.reset_bl_v**2 / 2,
        "read": volts.read_sl_v**2,
        "form": volts.form_sl_v,
    }
    for node, ledger in account.ledgers.items():
        parts = account.parts(node)
        expected = ["training", "inference", *(["forming", "calibration"] if more else [])]
        assert list(parts) == expected
        # 1e-12: the same joules summed in another order
        total = math.fsum(part.ledger.total_j for part in parts.values())
        assert total == pytest.approx(ledger.total_j, rel=1e-12, abs=0.0)
        assert ledger.total_j == run["energy_j"][node]["total"]
        assert sum(part.cycles for part in parts.values()) == run["time"]["cycles"] == run["events"]["cycle"]
        for operation, volt in watts.items():  # V I t and V^2 g t by hand, of all phases
            joules = run["quantities"][QUANTITY_OF[operation]] * 1e-9 * volt / account.config.clock_hz
            found = math.fsum(line.energy_j for line in ledger.lines if line.physics == operation)
            assert found == pytest.approx(joules, rel=1e-9, abs=0.0)
            array = math.fsum(row.get(operation, 0.0) for row in run["array_energy_j"].values())
            assert found == pytest.approx(array, rel=1e-9, abs=0.0)  # the runs' own bound
        per = account.per(node)
        assert per["proposal"] * run["chain"]["proposals"] == pytest.approx(ledger.by_phase()["train"], rel=1e-12)
        assert per["prediction"] is not None and set(per["operation"]) <= set(QUANTITY_OF)


def test_every_phase_is_in_one_part() -> None:
    assert sorted(phase for phases in PARTS.values() for phase in phases) == sorted(PHASES)


@pytest.fixture(params=["dropped", "doubled"])
def mutant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A ledger that loses the SETs of the training, or one whose cost of a RESET is paid twice."""
    account = result.account

    def dropping(counts: Any, quantities: Any, *rest: Any) -> oxmc.energy.ledger.Ledger:
        return account({**counts, "train": {**counts["train"], "set": 0}}, quantities, *rest)

    def doubling(*arguments: Any) -> oxmc.energy.ledger.Ledger:
        lines = account(*arguments).lines
        return oxmc.energy.ledger.Ledger(
            tuple(
                dataclasses.replace(line, energy_j=2 * line.energy_j) if line.physics == "reset" else line
                for line in lines
            )
        )

    monkeypatch.setattr(result, "account", dropping if request.param == "dropped" else doubling)
    yield


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.usefixtures("mutant")
def test_a_mutant_is_caught_in_each_task(task: str, source: DataSource, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no set was counted there|array must be paid "):
        trained(task, "twin", "wide", (), source, tmp_path / "run")
    assert not (tmp_path / "run").exists()
