"""What a device card may hold, stated once: figures with unit, interval and source, and tables of what a device does.

A card is a TOML file (`oxmc.pymodels.oxram.card_file` reads and writes it). Each `Figure` is a table of value, unit,
low, high and source; each table below is a class, whose fields are its keys and whose limits stand beside them. Units
stand in the names. Whatever a card leaves out, its devices do not do.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

MOST_POINTS = 1024
"""Numbers that one list of a card may have."""
MOST_TEXT = 2000
"""Characters that one text of a card may have."""
LARGEST, TINY = 1e12, 1e-12
"""Bounds of what a number may be, and of what is positive."""
LAWS, AXES, KINDS = ("power", "points"), ("current", "gate"), ("normal", "lognormal", "empirical")
LEAST_QUANTILES = 16


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure: `value` in `unit`; the true one may lie anywhere in `low`..`high`; `source` says where it is from."""

    value: float
    unit: str
    low: float
    high: float
    source: str


def _figure(unit: str, least: float = -LARGEST, most: float = LARGEST, *, needed: bool = True) -> Any:
    """A figure of the card by its unit and what its value may be; None where a card leaves it out."""
    metadata = {"unit": unit, "least": least, "most": most, "needed": needed}
    return dataclasses.field(metadata=metadata) if needed else dataclasses.field(default=None, metadata=metadata)


def _list(
    least: float = 0.0, most: float = LARGEST, *, rising: bool = False, like: str = "", needed: bool = True
) -> Any:
    """A list of numbers from `least` to `most`, as many as list `like` has."""
    metadata = {"least": least, "most": most, "rising": rising, "like": like}
    return dataclasses.field(metadata=metadata) if needed else dataclasses.field(default=(), metadata=metadata)


def _number(least: float, most: float, *, needed: bool = True) -> Any:
    metadata = {"least": least, "most": most}
    return dataclasses.field(metadata=metadata) if needed else dataclasses.field(default=0.0, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Points:
    """Medians of the conductance after a SET and its cycle-to-cycle s.d. at points of the card's axis.

    `x` is the SET current in uA, or with `by = "gate"` the gate voltage in V. Between points all is straight. What ends
    in `_low_us` and `_high_us` is the interval of each point.
    """

    x: tuple[float, ...] = _list(TINY, rising=True)
    median_us: tuple[float, ...] = _list(TINY, rising=True, like="x")
    sd_us: tuple[float, ...] = _list(TINY, like="x")
    source: str
    median_low_us: tuple[float, ...] = _list(like="x", needed=False)
    median_high_us: tuple[float, ...] = _list(like="x", needed=False)
    sd_low_us: tuple[float, ...] = _list(like="x", needed=False)
    sd_high_us: tuple[float, ...] = _list(like="x", needed=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selector:
    """The SET current that the selector lets through at gate voltages, straight between points."""

    gate_v: tuple[float, ...] = _list(TINY, rising=True)
    current_ua: tuple[float, ...] = _list(TINY, rising=True, like="gate_v")
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distribution:
    """How SETs of one device scatter about its median: `kind` normal, lognormal or empirical.

    An empirical one has `quantiles`, ascending: the scatter less its median in s.d., at probabilities (i + 1/2) / n.
    """

    kind: str
    source: str
    quantiles: tuple[float, ...] = _list(-100.0, 100.0, needed=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Relaxation:
    """How a conductance moves after a SET: at `time_s` after it and for a level SET to, mean and s.d. of the change.

    `shift` and `sd` are shares of the conductance, one list of times a level. Straight in log time and in level.
    `quantiles` of (change - shift) / sd, at the probabilities (i + 1/2) / n, ascending, are a list a time in a list a
    level; without them changes are normal.
    """

    time_s: tuple[float, ...] = _list(1e-9, rising=True)
    level_us: tuple[float, ...] = _list(TINY, rising=True)
    shift: tuple[tuple[float, ...], ...] = _list(-1.0, 10.0)
    sd: tuple[tuple[float, ...], ...] = _list(0.0, 10.0)
    source: str
    quantiles: tuple[tuple[tuple[float, ...], ...], ...] = _list(-100.0, 100.0, needed=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noise:
    """Noise of a cell's current by level, in shares of the current.

    `white` is the s.d. from one READ to the next. `flicker` is the s.d. of the part whose density goes as 1/f between
    `low_hz` and `high_hz`. A share `telegraph_share` of the cells switches by `telegraph_step` at `telegraph_hz`
    (switches a second), slower than a READ.
    """

    level_us: tuple[float, ...] = _list(TINY, rising=True)
    white: tuple[float, ...] = _list(0.0, 1.0, like="level_us")
    source: str
    flicker: tuple[float, ...] = _list(0.0, 1.0, like="level_us", needed=False)
    telegraph_share: tuple[float, ...] = _list(0.0, 1.0, like="level_us", needed=False)
    telegraph_step: tuple[float, ...] = _list(0.0, 1.0, like="level_us", needed=False)
    telegraph_hz: tuple[float, ...] = _list(0.0, 1e12, like="level_us", needed=False)
    low_hz: float = _number(0.0, 1e12, needed=False)
    high_hz: float = _number(0.0, 1e12, needed=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Temperature:
    """What changes a kelvin above `reference_c`, known from `low_c` to `high_c`: median, LCS and noise, as shares."""

    reference_c: float = _number(-273.0, 1000.0)
    low_c: float = _number(-273.0, 1000.0)
    high_c: float = _number(-273.0, 1000.0)
    median_per_k: float = _number(-0.1, 0.1)
    lcs_per_k: float = _number(-0.1, 0.1)
    noise_per_k: float = _number(-0.1, 0.1)
    source: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endurance:
    """Shares of cells stuck in the LCS and in the HCS after `cycles` SET and RESET cycles, rising, and their source."""

    cycles: tuple[float, ...] = _list(TINY, rising=True)
    stuck_lcs: tuple[float, ...] = _list(TINY, 1.0, like="cycles")
    stuck_hcs: tuple[float, ...] = _list(TINY, 1.0, like="cycles")
    low: float = _number(0.0, 1.0)
    high: float = _number(0.0, 1.0)
    source: str

    def shares(self, age_cycles: float) -> tuple[float, float]:
        """Shares stuck in LCS and HCS at an age: straight in log-log between points, in proportion below the first."""
        if age_cycles < self.cycles[0]:
            return self.stuck_lcs[0] * age_cycles / self.cycles[0], self.stuck_hcs[0] * age_cycles / self.cycles[0]
        at, known = math.log(age_cycles), np.log(self.cycles)
        lcs, hcs = (math.exp(np.interp(at, known, np.log(share))) for share in (self.stuck_lcs, self.stuck_hcs))
        return lcs, hcs


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reach:
    """What a configuration key may be for the card's figures to hold."""

    low: float = _number(-LARGEST, LARGEST)
    high: float = _number(-LARGEST, LARGEST)
    unit: str
    source: str


REACHES = {
    "set_pulse_s": "s", "reset_pulse_s": "s", "read_pulse_s": "s", "eval_pulse_s": "s", "input_full_scale_v": "V",
    "condition_cycles": "1",
}  # fmt: skip
"""Configuration keys that a card may limit in `ranges`, with their units."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """The values of a device card; `figures` holds the same with interval and source.

    SET, RESET, READ and FORM voltages are on the source (sl), bit (bl) and word line (wl). The law gives the median
    conductance that a SET leaves and its cycle-to-cycle s.d. over the axis x, the SET current in uA or with
    `by = "gate"` the gate voltage in V. With `law = "power"` they are median_offset_us + median_gain_us *
    x^median_exponent (Eq 10) and sd_gain_us * x^sd_exponent (Eq 9); with `law = "points"` they are those of `points`.
    The law is known from current_low_ua to current_high_ua, which gate_low_v and gate_high_v let through.
    """

    name: str
    about: str
    source: str
    licence: str
    sha256: str
    """Of the card's file."""
    law: str
    by: str
    gate_low_v: float = _figure("V", TINY, 20.0)
    gate_high_v: float = _figure("V", TINY, 20.0)
    current_low_ua: float = _figure("uA", TINY, 1e5)
    current_high_ua: float = _figure("uA", TINY, 1e5)
    median_offset_us: float = _figure("uS", -1e5, 1e5, needed=False)
    median_gain_us: float = _figure("uS", TINY, 1e6, needed=False)
    median_exponent: float = _figure("1", 0.01, 10.0, needed=False)
    sd_gain_us: float = _figure("uS", TINY, 1e6, needed=False)
    sd_exponent: float = _figure("1", -10.0, 10.0, needed=False)
    set_sl_v: float = _figure("V", TINY, 20.0)
    reset_bl_v: float = _figure("V", TINY, 20.0)
    reset_wl_v: float = _figure("V", TINY, 20.0)
    read_sl_v: float = _figure("V", TINY, 20.0)
    read_wl_v: float = _figure("V", TINY, 20.0)
    form_sl_v: float = _figure("V", TINY, 20.0)
    form_wl_v: float = _figure("V", TINY, 20.0)
    form_current_ua: float = _figure("uA", TINY, 1e5)
    lcs_median_us: float = _figure("uS", TINY, 1e5)
    lcs_sigma_ln: float = _figure("1", 0.0, 5.0)
    hcs_stuck_us: float = _figure("uS", TINY, 1e5)
    d2d_spread: float | None = _figure("1", 0.0, 1.0, needed=False)
    cycle_correlation: float | None = _figure("1", -0.99, 0.99, needed=False)
    set_failure: float | None = _figure("1", 0.0, 1.0, needed=False)
    points: Points | None = None
    selector: Selector | None = None
    distribution: Distribution | None = None
    relaxation: Relaxation | None = None
    noise: Noise | None = None
    temperature: Temperature | None = None
    endurance: Endurance | None = None
    ranges: Mapping[str, Reach]
    """Configuration keys of `REACHES` that the figures hold for."""
    extrapolations: Mapping[str, str]
    """Figures that reach beyond measurements on this array, each with what was assumed."""
    beyond: Mapping[str, str]
    """Configuration keys that may leave the card's range, each with why; what leaves it is marked all the same."""
    figures: Mapping[str, Figure]

    @property
    def notes(self) -> list[str]:
        """What a reader of a result should know of the card, in a sentence."""
        names = ", ".join(self.extrapolations)
        return [f"card {self.name} reaches beyond measurements on its array in {names}"] if names else []

    def law_us(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Median and s.d. in uS at points of the axis, float64 of their shape; beyond its points straight on."""
        if self.law == "points":
            assert self.points is not None
            medians, sds = (straight(x, self.points.x, of) for of in (self.points.median_us, self.points.sd_us))
            return medians, np.maximum(sds, 0.0)
        median = self.median_offset_us + self.median_gain_us * x**self.median_exponent
        return median, self.sd_gain_us * x**self.sd_exponent

    def x_of(self, median_us: np.ndarray) -> np.ndarray:
        """Where on the axis the median is `median_us`."""
        if self.law == "points":
            assert self.points is not None
            return straight(median_us, self.points.median_us, self.points.x)
        return np.asarray(((median_us - self.median_offset_us) / self.median_gain_us) ** (1 / self.median_exponent))

    def x_at(self, current_ua: np.ndarray) -> np.ndarray:
        """Where on the axis a SET current lies."""
        return self.gate_v(current_ua) if self.by == "gate" else current_ua

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the axis: in uA, or with `by = "gate"` in V."""
        if self.by == "gate":
            return self.gate_low_v, self.gate_high_v
        return self.current_low_ua, self.current_high_ua

    @property
    def range_us(self) -> tuple[float, float]:
        """Lowest and highest median that the law is known for."""
        low, high = self.law_us(np.array(self.ends))[0].tolist()
        return low, high

    @property
    def _let_through(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Gate voltages and the SET currents that they let through."""
        if self.selector is not None:
            return self.selector.gate_v, self.selector.current_ua
        return (self.gate_low_v, self.gate_high_v), (self.current_low_ua, self.current_high_ua)

    def current_ua(self, gate_v: np.ndarray) -> np.ndarray:
        """SET current at gate voltages: the selector's points, or a line between the ends of the card's ranges."""
        return straight(gate_v, *self._let_through)

    def gate_v(self, current_ua: np.ndarray) -> np.ndarray:
        """Gate voltage that lets a SET current through."""
        gates, currents = self._let_through
        return straight(current_ua, currents, gates)


def straight(x: np.ndarray, known: tuple[float, ...], values: tuple[float, ...]) -> np.ndarray:
    """Straight between points, and on along the first and the last piece beyond them."""
    at, of = np.asarray(known), np.asarray(values)
    piece = np.clip(np.searchsorted(at, x) - 1, 0, len(at) - 2)
    return np.asarray(of[piece] + (x - at[piece]) * (of[piece + 1] - of[piece]) / (at[piece + 1] - at[piece]))


FIGURES = {field.name: field.metadata for field in dataclasses.fields(Card) if "unit" in field.metadata}
"""Unit, least, most and whether it is needed, of each figure."""
UNITS: dict[str, str] = {name: meta["unit"] for name, meta in FIGURES.items()}
POWER = ("median_offset_us", "median_gain_us", "median_exponent", "sd_gain_us", "sd_exponent")
TABLES: dict[str, type] = {
    "points": Points, "selector": Selector, "distribution": Distribution, "relaxation": Relaxation, "noise": Noise,
    "temperature": Temperature, "endurance": Endurance,
}  # fmt: skip
SCHEMA = "oxmc.card/1"
TEXTS = ("schema", "about", "source", "licence", "law", "by")
NOTES = ("extrapolations", "beyond")
ENTRIES = (*TEXTS, *FIGURES, *TABLES, "ranges", *NOTES)
"""All that may stand in a card, in the order in which it is written."""
