"""Rates, latencies, currents, joules a MAC and area, by hand."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import pytest

from oxmc.energy.area import areas, by_component, total
from oxmc.energy.costs import NODES, load_costs
from oxmc.energy.ledger import account
from oxmc.energy.performance import performance
from oxmc.energy.point import CARD_VOLTAGES, operating_point
from oxmc.pymodels.config import Config

pytestmark = pytest.mark.testpoint(
    "performance and area", "rates, latencies, currents, joules a MAC by hand; areas against their sources"
)

CONFIG = Config(features=16, rows=48, outputs=1, adc_bits=5, table_bits=5, input_bits=5, burn_in=8)
POINT = operating_point(CONFIG, dict(zip(CARD_VOLTAGES, (4.0, 1.3, 2.0, 1.8, 2.6, 4.0, 0.4, 4.0), strict=True)), 600)
EVENTS = {"train": {"eval": 1000, "eval_line": 100, "sample_read": 1000, "set": 40, "reset": 64, "reset_pulse": 2,
                    "decision": 5, "cycle": 20_000}}  # fmt: skip
QUANTITIES = {"train": {"set_current_na_cycles": 40 * 50_000, "reset_conductance_ns_cycles": 64 * 60_000,
                        "eval_conductance_code2_ns_cycles": 10**9}}  # fmt: skip
REPOSITORY = Path(__file__).parents[2]


def near(expected: float, rel: float = 1e-12) -> object:
    return pytest.approx(expected, rel=rel, abs=0.0)


def test_figures_by_hand() -> None:
    ledger = account(EVENTS, QUANTITIES, POINT, load_costs("28nm"))
    found = performance(CONFIG, ledger, EVENTS, QUANTITIES, POINT)
    assert found.macs == 16_000  # 16 pairs an evaluation
    assert found.proposals_per_s == near(5 / (20_000 / CONFIG.clock_hz)) and found.predictions_per_s is None
    assert found.latency_s["eval"] == near(2 / CONFIG.clock_hz)  # a pulse and its conversion of a cycle each
    assert found.current_a == {"set": near(50e-6), "reset": near(32 * 60e-6 * 2.6)}  # 50 uA; 32 cells of 60 uS
    assert found.energy_delay_js == near(ledger.total_j * 20_000 / CONFIG.clock_hz)
    kept = ("eval", "eval_line", "sample_read", "eval_conductance_code2_ns_cycles")
    path = [line.energy_j for line in ledger.lines if line.item in kept and line.component not in ("digital", "clock")]
    assert found.mac_j == near(math.fsum(path) / 16_000) and found.mac_j < ledger.total_j / 16_000
    assert found.tops_per_w == near(2e-12 / found.mac_j)  # type: ignore[operator]


def test_nothing_counted_has_no_rates() -> None:
    ledger = account({}, {}, POINT, load_costs("28nm"))
    found = performance(CONFIG, ledger, {}, {}, POINT)
    assert found.mac_j is found.tops_per_w is found.proposals_per_s is None and found.current_a == {}


@pytest.mark.parametrize("node", NODES)
def test_areas_add_up_and_scale(node: str) -> None:
    lines, twice = areas(node, POINT, 5e-4), areas(node, POINT, 1e-3)
    ends = total(lines)
    assert ends["um2"] == near(math.fsum(by_component(lines).values())) and ends["low"] < ends["um2"] < ends["high"]
    (pump,), (larger,) = ([line for line in each if line.component == "regulators"] for each in (lines, twice))
    assert larger.um2 == near(2 * pump.um2) and [a for a in lines if a != pump] == [b for b in twice if b != larger]
    (cells,) = [line for line in lines if line.component == "array"]
    assert cells.um2 == near(48 * 32 * cells.value)


def survey_um2(node_nm: float, hz: float, bits: float, pj: float) -> float:
    """Area of a converter by the regression of arXiv:2404.06553, with the coefficients that its authors publish."""
    logs = 0.06665852 * math.log(hz) + 0.79732396 * math.log(node_nm) + 0.42365718 * math.log(pj)
    return math.exp(logs - 0.13437279 * bits + 4.85056707)


@pytest.mark.parametrize(("node", "pj"), [("28nm", 0.73), ("130nm", 13.0)])
def test_the_converter_is_the_survey_s(node: str, pj: float) -> None:
    """Two digits are quoted."""
    (converter,) = [line for line in areas(node, POINT, 0.0) if line.part == "converter"]
    assert converter.value == near(survey_um2(float(node[:-2]), 10e6, 5, pj), rel=0.05)


def test_logic_is_the_netlists() -> None:
    """By the cells of our netlists; rows filled to 70 %. Hastings' multiplier is the only chip far off."""
    chips = json.loads((REPOSITORY / "docs/reference/blocks/gates.json").read_text())
    each = []
    for chip in chips.values():
        cells, flip_flops, um2 = map(sum, zip(*chip["blocks"].values(), strict=True))
        assert cells > flip_flops
        each.append(um2 / flip_flops / 0.7)
    (logic,) = [line for line in areas("130nm", POINT, 0.0) if line.part == "logic"]
    assert logic.value == near(statistics.median(each), rel=0.05)
    assert logic.low / 600 < min(each) and max(each) < logic.high / 600
