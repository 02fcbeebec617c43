"""Configuration: complete and valid or an error that names key, rule and value."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxmc.pymodels import config as configs
from oxmc.pymodels.config import (
    BY_POINTS,
    DEFAULT_PRESET,
    KEYS,
    LIKE,
    TASKS,
    Config,
    like_of,
    load_toml,
    parse_setting,
    preset,
    presets_of,
    resolve,
)
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card_file import load_card
from oxmc.pymodels.oxram.card_range import outside

CONFIGURATION_KEYS = pytest.mark.testpoint(
    "configuration keys",
    "ranges, types, rules between keys, suggestions; every key documented",
)
SOURCES_OF_A_CONFIGURATION = pytest.mark.testpoint(
    "sources of a configuration", "presets, TOML, --set, --rows: typed, ordered, round trip"
)


def refusal(call: Any) -> str:
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


@CONFIGURATION_KEYS
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 1}, "rows must be an integer from 2 to 16384, not 1"),
        ({"rows": 16385}, "rows must be an integer from 2 to 16384, not 16385"),
        ({"rows": 96.5}, "rows must be an integer from 2 to 16384, not 96.5"),
        ({"rows": "96"}, "rows must be an integer from 2 to 16384, not '96'"),
        ({"rows": True}, "rows must be an integer from 2 to 16384, not True"),
        ({"rows": math.nan}, "rows must be an integer from 2 to 16384, not nan"),
        ({"rows": None}, "rows must be an integer from 2 to 16384, not None"),
        ({"max_proposals": 0}, "max_proposals must be an integer from 1 to 16777215, not 0"),
        ({"adc_bits": 13}, "adc_bits must be an integer from 2 to 12 bit, not 13"),
        ({"prior_sigma_us": 0.1}, "prior_sigma_us must be a number from 0.5 to 1000 uS, not 0.1"),
        ({"clock_hz": math.inf}, "clock_hz must be a number from 1000 to 1e+09 Hz, not inf"),
        ({"d2d_spread": math.nan}, "d2d_spread must be a number from 0 to 1, not nan"),
        ({"card": "8k"}, "card must be one of 16k, 4k, rram-a, rram-c or a file .toml, not '8k'"),
        ({"split": 3}, "split must be one of reshuffled, fixed, not 3"),
        ({"preprocessing": []}, "preprocessing must be one of all, train, robust, not []"),
        ({"burn_in": 256}, "burn_in must be below rows (256), not 256"),
        ({"adc_bits": 6}, "table_bits must be at most adc_bits (6), not 8"),
        ({"lfsr_step_bits": 5}, "lfsr_step_bits must divide lfsr_bits (32), not 5"),
        (  # a row of the chip that trains one output after the other is what counts
            {"features": 1, "outputs": 16, "counters": "own", "lfsr_bits": 64},
            "lfsr_step_bits must let a draw (8 cycles) end while a row is programmed (4 cycles), not be 8",
        ),
        (
            {"lfsr_bits": 8, "log_u_index_bits": 8},
            "log_u_index_bits must be below lfsr_bits (8), not 8",
        ),
        ({"stuck_lcs": 0.75, "stuck_hcs": 0.5}, "stuck_lcs + stuck_hcs must be at most 1, not 1.25"),
        (
            {"conversion_s": 2e-7},
            "conversion_s must be no longer than read_pulse_s (1e-07 s), since a conversion overlaps the next pulse, "
            "not 2e-07",
        ),
        ({"set_pulse_s": 1e-3}, "set_pulse_s must last at most 1024 clock cycles, not 10000"),
        ({"adc_bitz": 6}, "adc_bitz is not a configuration key; did you mean adc_bits?"),
        ({"sigma": 6}, "sigma is not a configuration key; did you mean prior_sigma_us?"),
    ],
)
def test_a_bad_key_is_refused(changes: dict[str, Any], message: str) -> None:
    assert refusal(lambda: Config().replace(**changes)) == message


NUMBERS = [
    name for name, field in KEYS.items() if not field.metadata["choices"] and not isinstance(field.default, bool)
]


@CONFIGURATION_KEYS
def test_a_switch_is_true_or_false() -> None:
    assert Config(early_rejection=True).early_rejection is True
    assert refusal(lambda: Config(early_rejection=1)) == "early_rejection must be true or false, not 1"  # type: ignore


@CONFIGURATION_KEYS
@pytest.mark.parametrize("name", NUMBERS)
def test_ranges_are_inclusive_and_end_there(name: str) -> None:
    """Each end is a value of its own right (rules between keys aside), and one beyond it is refused by name."""
    meta, whole = KEYS[name].metadata, isinstance(KEYS[name].default, int)
    for end, step in (("low", -1), ("high", 1)):
        value = meta[end]
        beyond = value + step if whole else value + step * (abs(value) or 1) * 1e-9
        assert refusal(lambda beyond=beyond: Config(**{name: beyond})).startswith(f"{name} must be ")
        try:
            config = Config(**{name: value})
        except InputError as error:
            assert " from " not in str(error)  # a rule between keys, not the range
        else:
            assert getattr(config, name) == value


@CONFIGURATION_KEYS
def test_every_key_is_documented_and_typed() -> None:
    for name, field in KEYS.items():
        assert field.metadata["doc"], name
        assert type(getattr(Config(), name)) is type(field.default), name


@CONFIGURATION_KEYS
def test_a_config_is_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().rows = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        Config(256)  # type: ignore[call-arg]


@CONFIGURATION_KEYS
def test_numbers_take_their_keys_type() -> None:
    config = Config(rows=96.0, eval_range=8)  # type: ignore[arg-type]
    assert (config.rows, type(config.rows)) == (96, int)
    assert (config.eval_range, type(config.eval_range)) == (8.0, float)


@SOURCES_OF_A_CONFIGURATION
@settings(max_examples=50, deadline=None)
@given(
    rows=st.integers(64, 16384),
    scale=st.floats(1e-6, 10.0),
    sigma=st.floats(0.5, 1000.0),
    card=st.sampled_from(["16k", "4k"]),
)
def test_toml_round_trip(rows: int, scale: float, sigma: float, card: str) -> None:
    """To the bit, floats included."""
    config = Config(rows=rows, scale_per_us=scale, prior_sigma_us=sigma, card=card)
    assert Config().replace(**tomllib.loads(config.to_toml())) == config


@SOURCES_OF_A_CONFIGURATION
def test_load_toml(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(Config(rows=96).to_toml())
    assert resolve("cancer", "paper", toml=load_toml(path)).rows == 96
    path.write_text("rows = ")
    assert refusal(lambda: load_toml(path)).startswith(f"--config must be valid TOML, not {str(path)!r} (")
    path.write_bytes(b"rows = \xff")
    assert refusal(lambda: load_toml(path)).startswith("--config must name a readable TOML file, not ")
    path.write_bytes(b"\xef\xbb\xbfrows = 96\r\n")  # as an editor on Windows saves it
    assert load_toml(path) == {"rows": 96}
    absent = tmp_path / "absent.toml"
    assert refusal(lambda: load_toml(absent)) == (
        f"--config must name a readable TOML file, not {str(absent)!r} (No such file or directory)"
    )


@SOURCES_OF_A_CONFIGURATION
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rows=96", ("rows", 96)),
        ("max_proposals=1e3", ("max_proposals", 1000.0)),
        ("eval_range=8", ("eval_range", 8.0)),
        ("card=4k", ("card", "4k")),
        ("rows=many", ("rows", "many")),
        ("adc_bitz=6", ("adc_bitz", "6")),
    ],
)
def test_settings_are_typed(text: str, expected: tuple[str, Any]) -> None:
    found = parse_setting(text)
    assert found == expected and type(found[1]) is type(expected[1])


@SOURCES_OF_A_CONFIGURATION
def test_bad_settings() -> None:
    assert refusal(lambda: parse_setting("rows")) == "--set must be key=value, not 'rows'"
    name, value = parse_setting("rows=many")
    assert refusal(lambda: Config().replace(**{name: value})) == "rows must be an integer from 2 to 16384, not 'many'"


@SOURCES_OF_A_CONFIGURATION
@pytest.mark.parametrize(("rows", "burn_in"), [(2, 0), (8, 1), (96, 12), (256, 32), (300, 32), (2048, 32)])
def test_rows_alone_shrink_the_burn_in(rows: int, burn_in: int) -> None:
    """The smaller of the preset's 32 and rows // 8."""
    config = resolve("cancer", "paper", rows=rows)
    assert (config.rows, config.burn_in) == (rows, burn_in)


@SOURCES_OF_A_CONFIGURATION
def test_later_sources_win_and_an_explicit_burn_in_stays() -> None:
    config = resolve("cancer", "paper", toml={"rows": 64, "adc_bits": 9}, settings={"rows": 48, "burn_in": 5}, rows=40)
    assert (config.rows, config.adc_bits, config.burn_in) == (40, 9, 5)
    assert (
        refusal(lambda: resolve("cancer", "paper", settings={"rows": 16})) == "burn_in must be below rows (16), not 32"
    )
    assert refusal(lambda: resolve("cancer", "paper", rows=0)) == "rows must be an integer from 2 to 16384, not 0"


@SOURCES_OF_A_CONFIGURATION
def test_presets() -> None:
    assert preset("cancer", "paper") == Config()
    assert refusal(lambda: preset("iris", "paper")) == f"task must be one of {', '.join(TASKS)}, not 'iris'"
    wanted = "paper, frugal, best, posterior, wide, plain"
    assert refusal(lambda: preset("cancer", "fast")) == f"preset must be one of {wanted}, not 'fast'"
    found = refusal(lambda: preset("toy", "posterior"))
    assert found == "preset must be one of paper, best, wide, plain, not 'posterior'"


@SOURCES_OF_A_CONFIGURATION
@pytest.mark.parametrize("task", TASKS)
def test_no_preset_holds_what_it_has_of_another(task: str) -> None:
    """A key beside `like` differs from what it replaces, and is a key; the others are those of the preset named."""
    for name in presets_of(task):
        own = {key: value for key, value in configs._tables(task)[name].items() if key not in (LIKE, BY_POINTS)}
        if base := like_of(task, name):
            found, kept = preset(task, name).as_dict(), preset(task, base).as_dict()
            assert {key: value for key, value in found.items() if value != kept[key]} == own


@SOURCES_OF_A_CONFIGURATION
@pytest.mark.parametrize("task", TASKS)
def test_presets_keep_to_the_range_of_the_card(task: str) -> None:
    """All but `wide`, and the paper's cartpole; those of the paper and `plain` have none of our options."""
    found = {name: preset(task, name) for name in presets_of(task)}
    beyond = {name for name, config in found.items() if outside(load_card("16k"), config)}
    assert beyond == {"wide"} | ({"paper"} if task == "cartpole" else set())
    assert beyond == {name for name, config in found.items() if config.extrapolate}
    options = ("verify", "reject_limit", "temper", "early_rejection", "sample_order", "auto_zero_bits", "components",
               "counters", "hastings")  # fmt: skip
    for name in ("paper", "plain"):
        assert [key for key in options if getattr(found[name], key) != KEYS[key].default] == []
    assert DEFAULT_PRESET in found and set(found) >= {"paper", "best", "wide", "plain"}


@SOURCES_OF_A_CONFIGURATION
@pytest.mark.parametrize(
    ("seconds", "clock_hz", "cycles"),
    [(100e-9, 10e6, 1), (101e-9, 10e6, 2), (1e-9, 10e6, 1), (1e-6, 100e6, 100), (300e-9, 10e6, 3), (0.7e-6, 10e6, 7)],
)
def test_cycles_round_up(seconds: float, clock_hz: float, cycles: int) -> None:
    """300 ns * 10 MHz is 3.0000000000000004 in floating point: still 3 cycles."""
    assert Config(clock_hz=clock_hz, conversion_s=1e-9).cycles(seconds) == cycles
