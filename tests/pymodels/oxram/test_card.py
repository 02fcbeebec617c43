"""Cards of a user's own: every entry of the schema is read, checked, written, and says what is wrong with it."""

from __future__ import annotations

import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card import TABLES
from oxmc.pymodels.oxram.card_file import card_text, load_card, parse_card
from oxmc.pymodels.oxram.card_range import check_range, marks
from oxmc.pymodels.oxram.devices import gate_table, lut_table

CARD_FILES = pytest.mark.testpoint(
    "card files", "the whole schema read and written; laws by points and by gate voltage; a file that changes"
)
CARD_REFUSED = pytest.mark.testpoint(
    "cards refused", "unknown, missing, bad or contradicting entries; the nearest named; too long, too large, no card"
)
CARD_RANGE = pytest.mark.testpoint(
    "card range", "a value outside is refused, or taken and marked; inside and at the ends nothing is said"
)


def raw(name: str = "16k") -> dict[str, Any]:
    return tomllib.loads(resources.files("oxmc.pymodels.oxram").joinpath("cards", f"{name}.toml").read_text())


def figure(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "low": value, "high": value, "source": "a test"}


def full() -> dict[str, Any]:
    """A card with an entry of each kind."""
    tables: dict[str, Any] = {
        "distribution": {"kind": "empirical", "quantiles": np.linspace(-1.7, 1.7, 16).tolist(), "source": "a test"},
        "selector": {"gate_v": [1.4, 1.5, 1.8], "current_ua": [40.0, 50.0, 100.0], "source": "a test"},
        "relaxation": {
            "time_s": [0.1, 1.0, 1e5], "level_us": [40.0, 80.0], "shift": [[0.0, -0.1, -0.2], [0.0, 0.0, 0.0]],
            "sd": [[0.1, 0.2, 0.3], [0.0, 0.0, 0.1]], "source": "a test",
        },
        "noise": {
            "level_us": [40.0, 80.0], "white": [0.01, 0.02], "flicker": [0.0, 0.01], "telegraph_share": [0.1, 0.2],
            "telegraph_step": [0.1, 0.1], "telegraph_hz": [3.0, 4.0], "low_hz": 0.1, "high_hz": 100.0,
            "source": "a test",
        },
        "temperature": {
            "reference_c": 25.0, "low_c": 0.0, "high_c": 85.0, "median_per_k": -1e-3, "lcs_per_k": 1e-3,
            "noise_per_k": 0.0, "source": "a test",
        },
        "beyond": {"lut_low_us": "a test"},
        "cycle_correlation": figure(0.3, "1"),
        "set_failure": figure(0.01, "1"),
    }  # fmt: skip
    return raw() | tables


@CARD_FILES
def test_a_card_of_all_entries_is_written_as_it_was_read() -> None:
    card = parse_card("mine", full())
    assert all(getattr(card, name) is not None for name in TABLES)
    assert parse_card("mine", tomllib.loads(card_text(card))) == card


@CARD_FILES
def test_a_file_is_read_anew_once_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    card = load_card("16k")
    path.write_text(card_text(card))
    first = load_card(str(path))
    assert (first.name, first.range_us) == ("mine", card.range_us) and len(first.sha256) == 64
    path.write_text(card_text(card).replace("2.6", "2.65"))
    assert load_card(str(path)).reset_bl_v == 2.65 and load_card(str(path)).sha256 != first.sha256


@CARD_FILES
def test_a_law_by_points_and_gate_voltage() -> None:
    """By hand: 1.6 V lies half way between 1.4 and 1.8 V, hence (30 + 90) / 2 uS and (3 + 7) / 2 uS; 1.5 V lets 50 uA
    through, 1.6 V a third of the way from there to 100 uA."""
    table = full() | {
        "law": "points", "by": "gate",
        "points": {"x": [1.4, 1.8], "median_us": [30.0, 90.0], "sd_us": [3.0, 7.0], "source": "a test"},
    }  # fmt: skip
    gates = gate_table(parse_card("mine", table), 3)
    assert gates.median_ns.tolist() == [30_000, 60_000, 90_000] and gates.sd_ns.tolist() == [3_000, 5_000, 7_000]
    assert gates.current_na.tolist() == [40_000, 66_667, 100_000] and gates.gate_v == pytest.approx([1.4, 1.6, 1.8])
    same = gate_table(parse_card("mine", table), 3, 30.0, 90.0)
    assert (same.current_na == gates.current_na).all()


BAD: list[tuple[str, Any, str]] = [
    ("set_sl_v.value", math.nan, "figure set_sl_v value must be a number from 1e-12 to 20, not nan"),
    ("set_sl_v.high", math.inf, "figure set_sl_v high must be a number from 1e-12 to 20, not inf"),
    ("set_sl_v.value", "2", "figure set_sl_v value must be a number from 1e-12 to 20, not '2'"),
    ("set_sl_v.value", -2.0, "figure set_sl_v value must be a number from 1e-12 to 20, not -2.0"),
    ("set_sl_v.value", 3.0, "figure set_sl_v must lie from its low 2 to its high 2, not 3"),
    ("set_sl_v.unit", "mV", "figure set_sl_v must have unit V, not 'mV'"),
    ("set_sl_v.source", " ", "figure set_sl_v source must be a text, not ' '"),
    ("set_sl_v", 2.0, "figure set_sl_v must be a table of value, unit, low, high, source, not 2.0"),
    ("set_sl_w", 2.0, "must not have 'set_sl_w'; did you mean set_sl_v?"),
    ("noise.withe", 2.0, "noise must not have 'withe'; did you mean white?"),
    ("noise.white", [0.1], "noise white must have as many points as level_us (2), not 1"),
    ("noise.level_us", [80.0, 40.0], "noise level_us must rise from entry to entry, not be [80.0, 40.0]"),
    ("noise.white", [0.1, math.nan], "noise white[1] must be a number from 0 to 1, not nan"),
    ("noise.white", [0.1] * 2000, "noise white must be a list of 1 to 1024 entries, not 2000 entries"),
    ("noise.low_hz", 200.0, "noise low_hz must be positive and below high_hz (100) with flicker, not 200"),
    ("relaxation.sd", [[0.1]], "relaxation sd must have 2 lists, one a level, of 3 numbers, one a time"),
    ("distribution.kind", "gamma", "distribution kind must be normal, lognormal, empirical, not 'gamma'"),
    ("distribution.kind", "normal", "distribution quantiles must be 16 or more with kind = empirical and left out with "
     "others, not 16"),
    ("temperature.reference_c", 99.0, "temperature reference_c must lie from low_c 0 to high_c 85, not 99"),
    ("endurance.stuck_lcs", [0.1, 0.01, 0.1, 0.1], "endurance stuck_lcs must be 2 or more shares that do not fall"),
    ("extrapolations.set_sl_w", "?", "extrapolations must not have 'set_sl_w'; did you mean set_sl_v?"),
    ("beyond.rows", "?", "beyond must not have 'rows'; did you mean"),
    ("ranges.rows", {}, "ranges must not have 'rows'; did you mean"),
    ("ranges.set_pulse_s.unit", "us", "ranges.set_pulse_s unit must be s, not 'us'"),
    ("selector.current_ua", [40.0, 50.0, 90.0], "selector must reach from 40 to 100, not from 40 to 90"),
    ("selector.gate_v", [1.0, 1.5, 1.8], "current_low_ua must be within 1% of its selector's 48 uA, not 40"),
    ("law", "cubic", "law must be power or points, not 'cubic'"),
    ("schema", "oxmc.card/2", "schema must be oxmc.card/1, not 'oxmc.card/2'"),
    ("about", "x" * 2001, "about must have at most 2000 characters, not 2001"),
    ("current_low_ua", figure(200.0, "uA"), "current_low_ua must be below current_high_ua (100), not 200"),
    ("median_offset_us", figure(-60.0, "uS"), "law must give medians that are positive and rise from 40 to 100"),
]  # fmt: skip


@CARD_REFUSED
@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_bad_entry_is_refused(path: str, value: object, message: str) -> None:
    table = full()
    *folders, last = path.split(".")
    place = table
    for folder in folders:
        place = place[folder]
    place[last] = value
    with pytest.raises(InputError) as error:
        parse_card("16k", table)
    assert str(error.value).startswith(f"card 16k {message}")


@CARD_REFUSED
@pytest.mark.parametrize("missing", ["lcs_median_us", "source", "sd_gain_us", "points.x"])
def test_a_missing_entry_is_refused(missing: str) -> None:
    table = full()
    first, _, last = missing.partition(".")
    del (table[first] if last else table)[last or first]
    with pytest.raises(InputError, match=f"card 4k .*must have {last or first}"):
        parse_card("4k", table)


@CARD_REFUSED
def test_what_is_no_card_is_refused(tmp_path: Path) -> None:
    def refusal(name: str) -> str:
        with pytest.raises(InputError) as error:
            load_card(name)
        return str(error.value)

    assert refusal("8k") == "card must be one of 16k, 4k, rram-a, rram-c or a file .toml, not '8k'"
    path = tmp_path / "mine.toml"
    assert refusal(str(path)).startswith("card must name a readable TOML file, not ")
    path.write_text("a = 1\na = 2\n")
    assert refusal(str(path)).startswith("card must be valid TOML, not 'mine' (")
    path.write_bytes(b" " * ((1 << 20) + 1))
    assert "are more than the 1048576 that are read" in refusal(str(path))
    with pytest.raises(InputError) as error:
        Config(card="8k")
    assert str(error.value) == "card must be one of 16k, 4k, rram-a, rram-c or a file .toml, not '8k'"


@CARD_RANGE
@pytest.mark.parametrize(
    ("settings", "due", "found"),
    [
        (dict(lut_low_us=10.0), "from 40 to 80 uS", "10"),
        (dict(lut_high_us=81.0), "from 40 to 80 uS", "81"),
        (dict(set_pulse_s=2e-6), "from 1e-07 to 1e-06 s", "2e-06"),
        (dict(input_full_scale_v=0.5), "from 0 to 0.4 V", "0.5"),
    ],
)  # fmt: skip
def test_a_value_outside_the_range(settings: dict[str, Any], due: str, found: str) -> None:
    card, config = load_card("16k"), Config(**settings)
    rule = f"{next(iter(settings))} must be {due}, the range of card 16k, unless extrapolate is true, not {found}"
    with pytest.raises(InputError) as error:
        check_range(card, config)
    assert str(error.value) == rule
    with pytest.raises(InputError):
        lut_table(card, config)
    taken = config.replace(extrapolate=True)
    check_range(card, taken)
    (mark,) = marks(card, taken)
    assert mark.startswith(f"extrapolated: {next(iter(settings))} = ")


@CARD_RANGE
def test_the_ends_of_the_range_are_in_it_and_a_card_may_go_beyond() -> None:
    assert marks(load_card("16k"), Config(lut_low_us=40.0, lut_high_us=80.0)) == []
    mine = parse_card("mine", full())
    config = Config(lut_low_us=30.0)
    check_range(mine, config)
    assert marks(mine, config) == [
        "extrapolated: lut_low_us = 30 lies outside 40 to 80 uS, what card mine is known for (a test)"
    ]
    old = Config(age_cycles=1e7)
    assert marks(load_card("16k"), old) == []
    young = full()
    young["endurance"] |= {"cycles": [1e4, 1e5], "stuck_lcs": [0.1, 0.1], "stuck_hcs": [0.1, 0.1]}
    with pytest.raises(InputError, match="age_cycles must be from 0 to 100000, the range of card mine"):
        check_range(parse_card("mine", young), old)


@CARD_RANGE
def test_presets_on_the_cards_own_range_are_not_marked() -> None:
    assert marks(load_card("16k"), preset("cancer", "paper")) == []
    assert [mark.split()[1] for mark in marks(load_card("16k"), preset("cancer", "wide"))] == [
        "lut_low_us",
        "lut_high_us",
    ]
