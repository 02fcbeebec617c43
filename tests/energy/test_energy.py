"""The ledger: exact hand computations, conservation, and checks that notice what is dropped or paid twice."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import random
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from oxmc.energy.costs import NODES, Cost, CostTable, load_costs
from oxmc.energy.ledger import Ledger, account, array_energy_error
from oxmc.energy.point import CARD_VOLTAGES, COMMON, operating_point
from oxmc.energy.report import render
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES, QUANTITY_OF
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card

LEDGER = pytest.mark.testpoint(
    "ledger",
    "units by hand; totals are the sums of their parts; joules agree with the array model",
)
LEDGER_NOTICES = pytest.mark.testpoint("ledger notices", "wrong, doubled, dropped and unknown costs or events")

VOLTAGES = dict(zip(CARD_VOLTAGES, (4.0, 1.3, 2.0, 1.8, 2.6, 4.0, 0.4, 4.0), strict=True))
POINT = operating_point(Config(), VOLTAGES, 500)
SEED = 20_250_101
Counts = dict[str, dict[str, int]]


def near(expected: Any, rel: float = 1e-12) -> Any:
    """Within `rel`, by default rounding only. pytest.approx alone would let 1e-12 pass for nothing: a picojoule."""
    return pytest.approx(expected, rel=rel, abs=0.0)


def some_run() -> tuple[Counts, Counts]:
    """Every event and quantity in every phase, with counts as large as a training's."""
    print("seed", SEED)
    draw = random.Random(SEED)
    counts = {phase: {name: draw.randint(1, 10**6) for name in EVENTS} for phase in PHASES}
    quantities = {phase: {name: draw.randint(1, 10**12) for name in QUANTITIES} for phase in PHASES}
    return counts, quantities


def model_joules(quantities: Counts) -> dict[str, dict[str, float]]:
    """What an array model would integrate, written down apart from `energy/`: V I t and V^2 g t in SI."""
    cycle_s = 1 / 10e6
    volts = {"form": 4.0, "set": 2.0, "reset": 2.6**2 / 2, "read": 0.4**2, "eval": (0.4 / 127) ** 2}
    return {
        phase: {operation: row[QUANTITY_OF[operation]] * 1e-9 * volts[operation] * cycle_s for operation in QUANTITY_OF}
        for phase, row in quantities.items()
    }


def ledger_of(counts: Counts, quantities: Counts, node: str = "28nm") -> Ledger:
    return account(counts, quantities, POINT, load_costs(node))


@LEDGER
@pytest.mark.parametrize(
    ("operation", "quantity", "joules"),
    [
        ("set", 50_000, 10e-12),  # 2 V x 50 uA x 100 ns = 10 pJ
        ("reset", 40_000 + 60_000, 33.8e-12),  # 2.6^2 V^2 x mean of 40 and 60 uS x 100 ns = 33.8 pJ
        ("read", 50_000, 0.8e-12),  # 0.4^2 V^2 x 50 uS x 100 ns = 0.8 pJ
        ("form", 100_000, 40e-12),  # 4 V x 100 uA x 100 ns = 40 pJ
        ("eval", 60_000 * 127**2, 0.96e-12),  # 0.4^2 V^2 x 60 uS x 100 ns at full-scale code = 0.96 pJ
    ],
)
def test_units_of_the_array(operation: str, quantity: int, joules: float) -> None:
    ledger = ledger_of({"train": {operation: 1}}, {"train": {QUANTITY_OF[operation]: quantity}})
    assert ledger.array_j() == near(joules)


@LEDGER
def test_cycles_and_clock_scale_the_array() -> None:
    slow = operating_point(Config(clock_hz=1e6), VOLTAGES, 500)
    ledger = account({"train": {"set": 1}}, {"train": {"set_current_na_cycles": 50_000}}, slow, load_costs("28nm"))
    assert ledger.array_j("train") == near(100e-12)  # the lab's 1 us SET; rounding
    assert ledger.array_j("infer") == 0.0


@LEDGER
def test_by_hand() -> None:
    """3 cycles and 2 counters stored. The logic's figures are measured and change with it: taken from the table."""
    ledger, table = ledger_of({"train": {"cycle": 3, "counter_write": 2}}, {}, "130nm"), load_costs("130nm")
    (leakage,) = (cost for cost in table.pricing("cycle") if cost.action == "logic leakage")

    def each(component: str, name: str) -> float:
        costs = [c for c in table.pricing(name) if c.component == component and c.block in COMMON]
        return math.fsum(c.value * (500 if c.per == ("flip_flops",) else 1) for c in costs)

    sums = ledger.by_component()
    macro = math.sqrt(256 / 8192)  # the counters are 256 bytes
    assert sums["memories"] == near(2 * (8 + 20) * macro * 4e-13)  # the word, and 20 bits' worth of access
    assert sums["clock"] == near(3 * each("clock", "cycle") + 2 * each("clock", "counter_write"))
    assert sums["leakage"] == near(3 * 1e-7 * (500 * leakage.value + POINT.memory_bits * 5e-12))
    assert sums["digital"] == near(3 * each("digital", "cycle") + 2 * each("digital", "counter_write"))
    assert ledger.total_j == near(math.fsum(sums.values()))
    high = math.fsum(line.high for line in ledger.lines if line.component in ("memories", "leakage"))
    assert high == near(2 * (8 + 20) * macro * 8e-13 + 3e-7 * (500 * 2e-9 + POINT.memory_bits * 5e-11))


@LEDGER
@pytest.mark.parametrize("node", NODES)
def test_the_total_is_the_sum_of_its_parts(node: str) -> None:
    ledger = ledger_of(*some_run(), node)
    everything = {(phase, name) for phase in PHASES for name in (*EVENTS, *QUANTITIES)}
    assert {(line.phase, line.item) for line in ledger.lines} == everything
    # 1e-12: sums of a few hundred floats in another order
    assert math.fsum(ledger.by_phase().values()) == near(ledger.total_j)
    assert math.fsum(ledger.by_component().values()) == near(ledger.total_j)
    array = math.fsum(ledger.array_j(phase) for phase in PHASES)
    assert array == near(ledger.by_component()["array"])
    assert ledger.low_j < ledger.total_j < ledger.high_j


@LEDGER
def test_phases_and_counts_add_up() -> None:
    counts, quantities = some_run()
    alone = [ledger_of({phase: counts[phase]}, {phase: quantities[phase]}) for phase in PHASES]
    assert sum((ledger.lines for ledger in alone), ()) == ledger_of(counts, quantities).lines
    twice = ledger_of({p: {n: 2 * k for n, k in row.items()} for p, row in counts.items()}, {})
    assert twice.total_j == near(2 * ledger_of(counts, {}).total_j)


@LEDGER
def test_json_has_the_shape_of_the_report() -> None:
    report = json.loads(json.dumps(ledger_of(*some_run()).as_json()))
    assert list(report) == ["total", "low", "high", "components"]
    keys = ["name", "action", "phase", "count", "energy_j", "low", "high", "source"]
    keys += ["item", "value", "unit", "factor", "per"]
    assert all(list(component) == keys for component in report["components"])
    for total, part in (("total", "energy_j"), ("low", "low"), ("high", "high")):
        assert math.fsum(component[part] for component in report["components"]) == report[total]  # exact


@LEDGER
def test_the_ledger_agrees_with_the_array() -> None:
    counts, quantities = some_run()
    error = array_energy_error(ledger_of(counts, quantities), model_joules(quantities))
    assert error < 1e-9  # the runs' own bound; what is seen here is rounding, some 1e-16


@LEDGER
def test_the_ledger_agrees_with_the_array_model_itself() -> None:
    config, card = Config(rows=4, burn_in=1, set_pulse_s=300e-9), load_card("16k")
    array = OxramArray(config, card, seed=SEED, formed=False)
    for cell in range(array.cells):
        array.form(0, cell, 0, 3)
    array.reset(0, (1 << array.cells) - 1, 1)
    for cell in range(array.cells):
        array.set(0, cell, cell % config.gate_codes, 3)
        array.read(0, cell, 1)
    array.phase = "infer"
    array.evaluate(0, 0, np.arange(16, dtype=np.int64) - 8, 1)
    at = operating_point(config, vars(card), 500)
    ledger = account(array.counts, array.quantities, at, load_costs("28nm"))
    assert all(array.joules[phase][name] for phase, name in (("train", "form"), ("train", "set"), ("infer", "eval")))
    assert array_energy_error(ledger, array.joules) < 1e-9  # the runs' own bound; rounding is some 1e-16


@LEDGER_NOTICES
def test_a_wrong_array_energy_is_noticed() -> None:
    counts, quantities = some_run()
    ledger = ledger_of(counts, quantities)
    joules = model_joules(quantities)
    joules["infer"]["read"] *= 1 + 1e-6  # invisible in the total
    assert array_energy_error(ledger, joules) == near(1e-6, rel=1e-3)
    del joules["infer"]["read"]
    assert array_energy_error(ledger, joules) == math.inf
    assert array_energy_error(Ledger(()), {}) == 0.0
    assert array_energy_error(Ledger(()), {"train": {"set": 1e-12}}) == 1.0
    with pytest.raises(KeyError, match="'burn' is not a known array operation"):
        array_energy_error(ledger, {"train": {"burn": 1.0}})


@LEDGER_NOTICES
def test_a_doubled_cost_is_noticed() -> None:
    counts, quantities = some_run()
    doubled = tuple(
        dataclasses.replace(cost, value=2.0) if cost.physics == "set" else cost for cost in load_costs("28nm").costs
    )
    ledger = account(counts, quantities, POINT, CostTable("doubled", doubled))
    assert array_energy_error(ledger, model_joules(quantities)) == near(1.0)  # twice is 100 % off


@LEDGER_NOTICES
def test_a_dropped_event_is_noticed() -> None:
    counts, quantities = some_run()
    del counts["train"]["set"]
    quantities["train"]["set_current_na_cycles"] = 5000
    with pytest.raises(RunError) as caught:
        ledger_of(counts, quantities)
    assert str(caught.value) == "set_current_na_cycles is 5000 in phase train, but no set was counted there"


@LEDGER_NOTICES
@pytest.mark.parametrize("name", [*EVENTS, *QUANTITIES])
def test_a_dropped_cost_is_noticed(name: str) -> None:
    counts, quantities = some_run()
    table = CostTable("partial", tuple(cost for cost in load_costs("28nm").costs if cost.item != name))
    count = {**counts["load"], **quantities["load"]}[name]
    with pytest.raises(InputError) as caught:
        account(counts, quantities, POINT, table)
    assert str(caught.value) == f"cost table partial must price {name}, counted {count} times in phase load"


@LEDGER
def test_what_was_not_counted_needs_no_cost_and_no_line() -> None:
    table = CostTable("empty", ())
    assert account({"train": {"set": 0}}, {"train": {"set_current_na_cycles": 0}}, POINT, table).lines == ()
    assert Ledger(()).as_json() == {"total": 0.0, "low": 0.0, "high": 0.0, "components": []}


@LEDGER_NOTICES
def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="'sleep' is not a known phase"):
        ledger_of({"sleep": {}}, {})
    with pytest.raises(KeyError, match="'melt' is not a known event"):
        ledger_of({"train": {"melt": 0}}, {})
    with pytest.raises(KeyError, match="'set' is not a known quantity"):
        ledger_of({}, {"train": {"set": 1}})
    with pytest.raises(KeyError, match="'sleep' is not a known phase"):
        Ledger(()).array_j("sleep")


@LEDGER_NOTICES
@pytest.mark.parametrize("count", [-1, 0.5, math.nan])
def test_a_count_is_an_integer(count: float) -> None:
    with pytest.raises(InputError) as caught:
        ledger_of({"train": {"cycle": count}}, {})  # type: ignore[dict-item]
    assert str(caught.value) == f"event cycle in phase train must be counted by an integer >= 0, not {count!r}"


@LEDGER
def test_several_entries_price_one_event() -> None:
    cost = Cost(component="adc", action="a", item="read", value=2.0, low=1.0, high=3.0, unit="J", source="s")
    table = CostTable("two", (cost, dataclasses.replace(cost, component="drivers", value=5.0, high=6.0)))
    ledger = account({"infer": {"read": 3}}, {}, POINT, table)
    assert ledger.by_component() == {"adc": 6.0, "drivers": 15.0}
    assert (ledger.low_j, ledger.total_j, ledger.high_j) == (6.0, 21.0, 27.0)


@LEDGER
def test_render_sums_phases_and_sorts_by_energy() -> None:
    cost = Cost(component="adc", action="a", item="read", value=2e-9, low=1e-9, high=3e-9, unit="J", source="s")
    table = CostTable("two", (cost, dataclasses.replace(cost, component="drivers", value=3e-9)))
    counts = {"train": {"read": 1}, "infer": {"read": 1}}
    rows = render(account(counts, {}, POINT, table), "both")
    assert rows.title == "both"
    cells = [list(column.cells) for column in rows.columns]
    assert cells == [["drivers", "adc"], ["a", "a"], ["6", "4"], ["60.0%", "40.0%"], ["2 - 6", "2 - 6"]]
    assert [column.footer for column in rows.columns] == ["total", "", "10", "", "4 - 12"]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(render(Ledger(())))
    assert "total" in console.export_text()
