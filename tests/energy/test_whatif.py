"""What-if model: against runs with other keys, ledgers at other voltages, and plain powers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from commands import SMALL

from oxmc.cli.app import run as run_oxmc
from oxmc.energy.costs import CostTable, load_costs
from oxmc.energy.ledger import Ledger, account
from oxmc.energy.parts import ledger_of_part
from oxmc.energy.whatif import ANALOGUE, Model, build_model, cycle_widths, evaluate
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import PHASES
from oxmc.run.result import ledger_of
from oxmc.run.rundir import read_run
from oxmc.silicon.chip_point import point_of

pytestmark = pytest.mark.testpoint(
    "what-if model",
    "other widths and clocks as in a run with those keys; voltages as at another operating point; factors; "
    "tables of one's own",
)

WIDTHS = {
    "set_pulse_s": 300e-9, "reset_pulse_s": 150e-9, "read_pulse_s": 200e-9, "eval_pulse_s": 100e-9, "clock_hz": 20e6,
}  # fmt: skip


def trained(out: Path, *settings: str, preset: str = "paper") -> Path:
    """The run directory of a small training on the twin."""
    sets = [word for setting in settings for word in ("--set", setting)]
    arguments = ["train", "cancer", "--engine", "twin", "--preset", preset, *SMALL, *sets, "--out", str(out)]
    assert run_oxmc(arguments) == 0
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return read_run(trained(tmp_path_factory.mktemp("whatif") / "run"))


def model_of(run: dict[str, Any], *nodes: str) -> Model:
    config = Config(**run["config"])
    events = {phase: run["phases"][phase]["events"] for phase in PHASES}
    tables = {node: (ledger_of(config, run["phases"], node), load_costs(node)) for node in nodes or ("28nm", "130nm")}
    return build_model(config, events, point_of(config), tables)


def ledger_at(run: dict[str, Any], config: Config, **changes: Any) -> Ledger:
    """Ledger of a run's counts at the operating point of `config`, with some of its figures changed."""
    counts, quantities = (
        {phase: run["phases"][phase][kind] for phase in PHASES} for kind in ("events", "quantities")
    )  # fmt: skip
    return account(counts, quantities, dataclasses.replace(point_of(config), **changes), load_costs("28nm"))


def test_nothing_turned_is_the_ledger(run: dict[str, Any]) -> None:
    model = model_of(run)
    for node in ("28nm", "130nm"):
        answer = evaluate(model, node, {})
        assert answer.total_j == pytest.approx(run["energy_j"][node]["total"], rel=1e-12)  # sums in another order
        ledger = ledger_of(Config(**run["config"]), run["phases"], node)
        assert answer.components == pytest.approx(ledger.by_component(), rel=1e-12)
        assert answer.cycles == run["time"]["cycles"]
        training = ledger_of_part(ledger, "training")
        assert answer.training_j == pytest.approx(training.total_j, rel=1e-12)
        analogue = sum(joules for name, joules in training.by_component().items() if name in ANALOGUE)
        assert answer.analogue_j == pytest.approx(analogue, rel=1e-12)


def test_widths_and_clock_are_those_of_a_run_with_these_keys(run: dict[str, Any], tmp_path: Path) -> None:
    """Same chain; cycles to the cycle and joules to rounding, at the old run's number of flip-flops.

    The netlist has a few more where a pulse lasts several cycles, which is all that the model leaves out.
    """
    settings = [f"{key}={value}" for key, value in WIDTHS.items()]
    other = read_run(trained(tmp_path / "other", *settings))
    assert other["result"]["state_sha256"] == run["result"]["state_sha256"]
    answer = evaluate(model_of(run), "28nm", WIDTHS)
    assert answer.cycles == other["time"]["cycles"]
    assert answer.chip_s == pytest.approx(other["time"]["chip_s"], rel=1e-12)
    flip_flops = point_of(Config(**run["config"])).flip_flops
    ledger = ledger_at(other, Config(**other["config"]), flip_flops=flip_flops)
    assert answer.components == pytest.approx(ledger.by_component(), rel=1e-9)
    assert answer.total_j == pytest.approx(other["energy_j"]["28nm"]["total"], rel=0.03)  # the counters of the widths


def test_voltages_are_those_of_another_operating_point(run: dict[str, Any]) -> None:
    config = Config(**run["config"])
    point = point_of(config)
    figures = {
        "set_sl_v": ("set_sl_v",), "gate_high_v": ("gate_high_v",), "reset_bl_v": ("reset_bl_v",),
        "read_sl_v": ("read_sl_v",), "word_line_v": ("reset_wl_v", "read_wl_v"),
        "input_full_scale_v": ("input_step_v", "input_rms_v"),
    }  # fmt: skip
    model = model_of(run)
    nominal = {knob.name: knob.value for knob in model.knobs}
    for knob, names in figures.items():
        changes = {name: 0.7 * getattr(point, name) for name in names}
        expected = ledger_at(run, config, **changes).by_component()
        found = evaluate(model, "28nm", {knob: 0.7 * nominal[knob]}).components
        assert found == pytest.approx(expected, rel=1e-12), knob
        assert found != pytest.approx(ledger_at(run, config).by_component(), rel=1e-6), knob


def test_factors_scale_what_they_name(run: dict[str, Any]) -> None:
    model, config = model_of(run), Config(**run["config"])
    plain = ledger_at(run, config)
    steps = sum(line.energy_j for line in plain.lines if line.component == "adc" and line.unit.startswith("J"))
    assert evaluate(model, "28nm", {"adc": 3.0}).total_j == pytest.approx(plain.total_j + 2 * steps, rel=1e-12)
    parts = plain.by_component()
    logic = sum(parts[name] for name in ("memories", "digital", "clock"))
    half = evaluate(model, "28nm", {"logic": 0.5}).total_j
    assert half == pytest.approx(plain.total_j - logic / 2, rel=1e-12)
    low = evaluate(model, "28nm", {"supply": 0.5}).total_j
    assert low == pytest.approx(plain.total_j - 0.75 * logic - 0.5 * parts["leakage"], rel=1e-12)


def test_a_verified_training_keeps_its_time(tmp_path: Path) -> None:
    """Early rejection and verification: cycles of a slower run within 1 %, where waits are shared out by rule."""
    one, two = (
        read_run(trained(tmp_path / name, *settings, preset="wide"))
        for name, settings in (("one", ()), ("two", ("set_pulse_s=2e-7", "eval_pulse_s=2e-7")))
    )
    answer = evaluate(model_of(one), "28nm", {"set_pulse_s": 2e-7, "eval_pulse_s": 2e-7})
    assert answer.cycles == pytest.approx(two["time"]["cycles"], rel=0.01)
    assert answer.cycles > 1.1 * one["time"]["cycles"]


def test_forming_and_calibration_keep_their_time(tmp_path: Path) -> None:
    """Phases ahead of a training: FORM as wide as a SET; cycles and joules of a run with longer pulses."""
    ahead = ("form=true", "condition_cycles=2", "calibrate=true")
    one, two = (
        read_run(trained(tmp_path / name, *ahead, *settings))
        for name, settings in (("one", ()), ("two", ("set_pulse_s=3e-7", "reset_pulse_s=2e-7")))
    )
    answer = evaluate(model_of(one), "28nm", {"set_pulse_s": 3e-7, "reset_pulse_s": 2e-7})
    # a calibrated LUT is settled into beside a RESET, whose width hides a cycle or two a gate code
    assert answer.cycles == pytest.approx(two["time"]["cycles"], rel=0.01)
    ledger = ledger_of(Config(**two["config"]), two["phases"], "28nm")
    assert answer.components["array"] == pytest.approx(ledger.by_component()["array"], rel=1e-9)


def test_widths_round_up_as_the_configuration_does() -> None:
    config = Config(set_pulse_s=210e-9, reset_pulse_s=300e-9, read_pulse_s=1e-6, eval_pulse_s=0.9e-7)
    widths = cycle_widths(config.as_dict(), config.clock_hz, config.conversion_s)
    keys = ("set_pulse_s", "reset_pulse_s", "read_pulse_s", "eval_pulse_s")
    assert list(widths.values())[:4] == [config.cycles(getattr(config, key)) for key in keys] == [3, 3, 10, 1]
    assert cycle_widths(config.as_dict(), 1e8, 1e-7)["conversion"] == 9  # never longer than the pulse it overlaps


@pytest.mark.parametrize("settings", [{"speed": 1.0}, {"adc": 0.0}, {"clock_hz": float("nan")}])
def test_settings_are_checked(run: dict[str, Any], settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match="^a setting must be a positive set_pulse_s, "):
        evaluate(model_of(run), "28nm", settings)


def test_a_table_of_ones_own_has_a_model_too(run: dict[str, Any]) -> None:
    """Components that the product does not know count as digital and stay."""
    costs = tuple(dataclasses.replace(cost, component="mine") for cost in load_costs("28nm").costs)
    table = CostTable("mine", costs)
    config = Config(**run["config"])
    counts = {phase: run["phases"][phase]["events"] for phase in PHASES}
    ledger = account(counts, {}, point_of(config), table)
    model = build_model(config, counts, point_of(config), {"mine": (ledger, table)})
    answer = evaluate(model, "mine", {"logic": 0.5, "adc": 3.0})
    assert answer.total_j == pytest.approx(ledger.total_j, rel=1e-12) and answer.analogue_j == 0.0
