"""Device cards: every figure of an OxRAM array with its unit, source and interval, and the tables made from it.

A card is data (`cards/*.toml`). What it states beyond the measurements on its own array stands in `extrapolations`.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from statistics import NormalDist
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError

CARDS = ("16k", "4k")
PLAIN_ENTRIES = ("extrapolations", "endurance")
"""Entries of a card that are no figure."""
LCS_ENTRIES = 256


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure: `value` in `unit`; the true one may lie anywhere in `low`..`high`; `source` says where it is from."""

    value: float
    unit: str
    low: float
    high: float
    source: str


@dataclasses.dataclass(frozen=True)
class Endurance:
    """Shares of cells stuck in the LCS and in the HCS after `cycles` SET and RESET cycles, rising, and their source."""

    cycles: tuple[float, ...]
    stuck_lcs: tuple[float, ...]
    stuck_hcs: tuple[float, ...]
    low: float
    high: float
    source: str

    def shares(self, age_cycles: float) -> tuple[float, float]:
        """Shares stuck in LCS and HCS at an age: straight in log-log between points, in proportion below the first."""
        if age_cycles < self.cycles[0]:
            return self.stuck_lcs[0] * age_cycles / self.cycles[0], self.stuck_hcs[0] * age_cycles / self.cycles[0]
        at, known = math.log(age_cycles), np.log(self.cycles)
        lcs, hcs = (math.exp(np.interp(at, known, np.log(share))) for share in (self.stuck_lcs, self.stuck_hcs))
        return lcs, hcs


def _figure(unit: str) -> Any:
    return dataclasses.field(metadata={"unit": unit})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """The values of a device card; `figures` holds the same with interval and source.

    SET, RESET, READ and FORM voltages are on the source (sl), bit (bl) and word line (wl). A SET programmed with
    current I gives a median conductance of median_offset_us + median_gain_us * (I/uA)^median_exponent (Eq 10) with a
    cycle-to-cycle s.d. of sd_gain_us * (I/uA)^sd_exponent (Eq 9).
    """

    name: str
    gate_low_v: float = _figure("V")
    gate_high_v: float = _figure("V")
    current_low_ua: float = _figure("uA")
    current_high_ua: float = _figure("uA")
    median_offset_us: float = _figure("uS")
    median_gain_us: float = _figure("uS")
    median_exponent: float = _figure("1")
    sd_gain_us: float = _figure("uS")
    sd_exponent: float = _figure("1")
    set_sl_v: float = _figure("V")
    reset_bl_v: float = _figure("V")
    reset_wl_v: float = _figure("V")
    read_sl_v: float = _figure("V")
    read_wl_v: float = _figure("V")
    form_sl_v: float = _figure("V")
    form_wl_v: float = _figure("V")
    form_current_ua: float = _figure("uA")
    lcs_median_us: float = _figure("uS")
    lcs_sigma_ln: float = _figure("1")
    hcs_stuck_us: float = _figure("uS")
    figures: Mapping[str, Figure]
    extrapolations: Mapping[str, str]
    """Figures that reach beyond measurements on this array, each with what was assumed."""
    endurance: Endurance | None
    """Stuck cells by age, where the card has them."""

    @property
    def notes(self) -> list[str]:
        """What a reader of a result should know of the card, in a sentence."""
        names = ", ".join(self.extrapolations)
        return [f"card {self.name} reaches beyond measurements on its array in {names}"] if names else []


UNITS: dict[str, str] = {f.name: f.metadata["unit"] for f in dataclasses.fields(Card) if "unit" in f.metadata}


@cache
def load_card(name: str) -> Card:
    """The device card `name`. Raises `InputError` for an unknown card or a figure that is missing, unknown or bad."""
    if name not in CARDS:
        raise InputError(f"card must be one of {', '.join(CARDS)}, not {name!r}")
    return parse_card(
        name, tomllib.loads(resources.files("oxmc.pymodels.oxram").joinpath("cards", f"{name}.toml").read_text())
    )


def parse_card(name: str, table: Mapping[str, Any]) -> Card:
    """The card in a TOML table: one table a figure, and `extrapolations`. Raises `InputError` as `load_card`."""
    given = {key: entry for key, entry in table.items() if key not in PLAIN_ENTRIES}
    for key in sorted(given.keys() ^ UNITS.keys()):
        raise InputError(f"card {name} must {'not ' if key in given else ''}have a figure {key}")
    figures = {key: _parse_figure(f"card {name} figure {key}", given[key], UNITS[key]) for key in UNITS}
    extrapolations = dict(table.get("extrapolations", {}))
    for key in sorted(extrapolations.keys() - UNITS.keys()):
        raise InputError(f"card {name} extrapolations must name figures, not {key}")
    values = {key: figure.value for key, figure in figures.items()}
    endurance = _parse_endurance(f"card {name} endurance", table["endurance"]) if "endurance" in table else None
    return Card(name=name, figures=figures, extrapolations=extrapolations, endurance=endurance, **values)


def _parse_endurance(what: str, entry: Mapping[str, Any]) -> Endurance:
    fields = [field.name for field in dataclasses.fields(Endurance)]
    if sorted(entry) != sorted(fields):
        raise InputError(f"{what} must be a table of {', '.join(fields)}, not of {', '.join(entry)}")
    curves = [tuple(map(float, entry[key])) for key in ("cycles", "stuck_lcs", "stuck_hcs")]
    for key, curve in zip(fields, curves, strict=False):
        rising = all(0 < a <= b for a, b in zip(curve, curve[1:], strict=False))
        if len(curve) != len(curves[0]) or len(curve) < 2 or not rising:
            raise InputError(f"{what} must have a rising {key} of as many points as cycles, not {list(curve)}")
    cycles, lcs, hcs = curves
    return Endurance(cycles, lcs, hcs, float(entry["low"]), float(entry["high"]), str(entry["source"]))


def stuck_shares(card: Card, config: Config) -> tuple[float, float]:
    """Shares of cells stuck in the LCS and in the HCS: those asked for, and those of the array's age.

    Raises `InputError` where the card knows no endurance or more than all cells would be stuck.
    """
    if config.age_cycles == 0:
        return config.stuck_lcs, config.stuck_hcs
    if card.endurance is None:
        rule = f"age_cycles must be 0 with card {card.name}, which has no endurance"
        raise InputError(f"{rule}, not {config.age_cycles:g}")
    lcs, hcs = card.endurance.shares(config.age_cycles)
    lcs, hcs = lcs + config.stuck_lcs, hcs + config.stuck_hcs
    if lcs + hcs > 1:
        raise InputError(f"stuck_lcs + stuck_hcs and the cells of that age must be at most 1, not {lcs + hcs:g}")
    return lcs, hcs


def _parse_figure(what: str, entry: Any, unit: str) -> Figure:
    fields = [field.name for field in dataclasses.fields(Figure)]
    if not isinstance(entry, Mapping) or sorted(entry) != sorted(fields):
        raise InputError(f"{what} must be a table of {', '.join(fields)}, not {entry!r}")
    for key in ("value", "low", "high"):
        number = entry[key]
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise InputError(f"{what} must have a finite {key}, not {number!r}")
    if not entry["low"] <= entry["value"] <= entry["high"]:
        raise InputError(f"{what} must lie from {entry['low']:g} to {entry['high']:g}, not {entry['value']:g}")
    if entry["unit"] != unit:
        raise InputError(f"{what} must have unit {unit}, not {entry['unit']!r}")
    if not isinstance(entry["source"], str) or not entry["source"].strip():
        raise InputError(f"{what} must name its source, not {entry['source']!r}")
    return Figure(float(entry["value"]), unit, float(entry["low"]), float(entry["high"]), entry["source"])


@dataclasses.dataclass(frozen=True)
class GateTable:
    """What each gate code programs, int64 [gate_codes] each: median and s.d. of conductance in nS, current in nA."""

    median_ns: np.ndarray
    sd_ns: np.ndarray
    current_na: np.ndarray


def gate_voltages(card: Card, gate_codes: int) -> np.ndarray:
    """Word line voltage of each gate code in V, float64 [gate_codes], evenly spread over the card's range."""
    return np.linspace(card.gate_low_v, card.gate_high_v, gate_codes)


def gate_table(card: Card, gate_codes: int, low_us: float = 0.0, high_us: float = 0.0) -> GateTable:
    """Programming table of `gate_codes` gate voltages; medians span `low_us` to `high_us`, 0 being the card's own end.

    Over the card's own range the SET current is linear in the evenly spaced gate voltage: our reading, the paper plots
    the ends and the steps only. A wider or narrower table spreads its medians evenly and takes the current from the
    card's law. Two extrapolations where it leaves the card's range: above it the law goes on, below it the median falls
    in proportion to the current (the 16k card's line would reach 0 A at 13 uS). Raises `InputError` for an empty span.
    """
    ends_ua = np.array([card.current_low_ua, card.current_high_ua])
    own_low_us, own_high_us = card.median_offset_us + card.median_gain_us * ends_ua**card.median_exponent
    if low_us or high_us:
        low_us, high_us = low_us or own_low_us, high_us or own_high_us
        if low_us >= high_us:
            raise InputError(f"lut_high_us must be above lut_low_us ({low_us:g}), not {high_us:g}")
        median_us = np.linspace(low_us, high_us, gate_codes)
        law_us = np.maximum(median_us, own_low_us)
        law_ua = ((law_us - card.median_offset_us) / card.median_gain_us) ** (1 / card.median_exponent)
        current_ua = law_ua * np.minimum(median_us / own_low_us, 1.0)
    else:
        current_ua = np.linspace(card.current_low_ua, card.current_high_ua, gate_codes)
        median_us = card.median_offset_us + card.median_gain_us * current_ua**card.median_exponent
    sd_us = card.sd_gain_us * current_ua**card.sd_exponent
    return GateTable(*(np.rint(1000 * table).astype(np.int64) for table in (median_us, sd_us, current_ua)))


def lut_table(card: Card, config: Config) -> GateTable:
    """The programming table that a configuration asks for."""
    return gate_table(card, config.gate_codes, config.lut_low_us, config.lut_high_us)


def first_gate(config: Config) -> int:
    """The gate code that every cell of row 0 is SET at; with init = random each cell has its own (the answer is 0)."""
    if config.init in ("lowest", "random"):
        return 0
    median_ns = lut_table(load_card(config.card), config).median_ns
    if config.init == "highest":
        return len(median_ns) - 1
    middle_ns = 1000 * config.common_mode_us if config.verify == "pair" else (median_ns[0] + median_ns[-1]) / 2
    return int(np.abs(median_ns - middle_ns).argmin())


def lcs_table_ns(card: Card) -> np.ndarray:
    """LCS conductances in nS, int64 [256]: midpoints of 256 equal slices of the card's log-normal, ascending.

    The slices cut the law's tails at 2.9 s.d. and narrow its s.d. by about half a percent.
    """
    return np.array(_lcs_entries(card.lcs_median_us, card.lcs_sigma_ln), np.int64)


@cache
def _lcs_entries(median_us: float, sigma_ln: float) -> tuple[int, ...]:
    quantiles = (NormalDist().inv_cdf((i + 0.5) / LCS_ENTRIES) for i in range(LCS_ENTRIES))
    return tuple(round(1000 * median_us * math.exp(sigma_ln * z)) for z in quantiles)
