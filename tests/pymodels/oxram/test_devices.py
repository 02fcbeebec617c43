"""Device cards: every figure is sourced and in its interval; tables against figures worked out by hand."""

from __future__ import annotations

import math
import tomllib
from importlib import resources
from typing import Any

import numpy as np
import pytest
from scipy import stats

from oxmc.pymodels.config import CARDS
from oxmc.pymodels.oxram.card import UNITS
from oxmc.pymodels.oxram.devices import gate_table, lcs_table_ns, load_card

DEVICE_CARDS = pytest.mark.testpoint(
    "device cards",
    "figures with unit, interval and source; voltages and laws of the paper; named extrapolations",
)


PAPER = ("16k", "4k")


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("oxmc.pymodels.oxram").joinpath("cards", f"{name}.toml").read_text())


@DEVICE_CARDS
@pytest.mark.parametrize("name", PAPER)
def test_every_figure_has_value_unit_interval_and_source(name: str) -> None:
    table = raw(name)
    assert UNITS.keys() - table.keys() == {"cycle_correlation", "set_failure"}  # of which the paper has none
    for key, entry in ((key, table[key]) for key in UNITS if key in table):
        assert sorted(entry) == ["high", "low", "source", "unit", "value"], key
        assert entry["low"] <= entry["value"] <= entry["high"], key
        assert entry["unit"] == UNITS[key] and len(entry["source"]) > 5, key


@DEVICE_CARDS
@pytest.mark.parametrize("name", PAPER)
def test_what_the_paper_does_not_give_is_a_named_extrapolation(name: str) -> None:
    card = load_card(name)
    ours = {key for key, figure in card.figures.items() if "our assumption" in figure.source}
    assert ours and ours <= card.extrapolations.keys()
    assert ("sd_gain_us" in card.extrapolations) == (name == "16k")


@DEVICE_CARDS
@pytest.mark.parametrize("name", CARDS)
def test_a_card_holds_its_figures(name: str) -> None:
    card = load_card(name)
    assert all(getattr(card, key) == figure.value for key, figure in card.figures.items())


@DEVICE_CARDS
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("16k", dict(set_sl_v=2.0, reset_bl_v=2.6, reset_wl_v=4.0, read_sl_v=0.4, read_wl_v=4.0, form_wl_v=1.3)),
        ("4k", dict(set_sl_v=2.0, reset_bl_v=2.5, reset_wl_v=3.0, read_sl_v=0.1, read_wl_v=4.8, form_wl_v=0.85)),
    ],
)
def test_voltages_are_the_papers(name: str, expected: dict[str, float]) -> None:
    card = load_card(name)
    assert {key: getattr(card, key) for key in expected} == expected
    assert card.form_sl_v == 4.0


@DEVICE_CARDS
def test_16k_gate_codes() -> None:
    """Supplementary Fig. 16: 21 codes 20 mV and 3 uA apart, from 40 uS at 40 uA to 80 uS at 100 uA."""
    card = load_card("16k")
    table = gate_table(card, 21)
    assert table.gate_v == pytest.approx([1.4 + 0.02 * code for code in range(21)])
    assert table.current_na.tolist() == list(range(40_000, 100_001, 3_000))
    assert table.median_ns.tolist() == list(range(40_000, 80_001, 2_000))
    assert table.sd_ns[[0, -1]].tolist() == [5464, 8482]  # 0.93 * 40^0.48, 0.93 * 100^0.48


@DEVICE_CARDS
def test_the_gate_voltage_follows_the_law() -> None:
    """By hand: 60 uS need 70 uA, half way from 40 to 100 uA, hence 1.6 V; 200 uS need 280 uA, 1.8 V + 180 uA / 150."""
    table = gate_table(load_card("16k"), 3, 40.0, 80.0)
    assert table.gate_v == pytest.approx([1.4, 1.6, 1.8])
    assert gate_table(load_card("16k"), 2, 40.0, 200.0).gate_v == pytest.approx([1.4, 3.0])


@DEVICE_CARDS
def test_4k_law_at_50_ua() -> None:
    """By logarithms: 1.9 * 50^0.78 = 1.9 * e^(0.78 * 3.912023) = 40.17 uS; 0.93 * 50^0.48 = 6.08 uS, 15.1 %."""
    table = gate_table(load_card("4k"), 7)
    assert table.current_na[1] == 50_000
    assert table.median_ns[1] == pytest.approx(1900 * math.exp(0.78 * 3.912023), abs=1)
    assert round(table.median_ns[1] / 1000, 1) == 40.2
    assert round(table.sd_ns[1] / table.median_ns[1], 3) == 0.151


@DEVICE_CARDS
def test_tables_are_int64_and_rise() -> None:
    for name in CARDS:
        table = gate_table(load_card(name), 64)
        for column in (table.median_ns, table.sd_ns, table.current_na):
            assert column.dtype == np.int64 and column.shape == (64,) and np.all(np.diff(column) > 0)


@DEVICE_CARDS
@pytest.mark.parametrize("name", CARDS)
def test_lcs_table_is_the_log_normal(name: str) -> None:
    """Each entry is scipy's quantile to the nearest nS; cut tails lower the mean by up to 0.3 %."""
    card, table = load_card(name), lcs_table_ns(load_card(name))
    law = stats.lognorm(card.lcs_sigma_ln, scale=1000 * card.lcs_median_us)
    assert table.dtype == np.int64 and table.shape == (256,)
    assert np.max(np.abs(table - law.ppf((np.arange(256) + 0.5) / 256))) <= 0.5 + 1e-6
    assert table.mean() == pytest.approx(law.mean(), rel=3e-3)
    assert np.std(np.log(table)) == pytest.approx(card.lcs_sigma_ln, rel=5e-3)  # as its docstring says
