"""The tables that an array works by, made from a device card and a configuration: gate codes, stuck cells, the LCS."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from statistics import NormalDist

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card import Card as Card
from oxmc.pymodels.oxram.card_file import load_card as load_card
from oxmc.pymodels.oxram.card_range import check_range

LCS_ENTRIES = 256


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


@dataclasses.dataclass(frozen=True)
class GateTable:
    """What each gate code programs, [gate_codes] each: median and s.d. of conductance in nS and current in nA, int64,
    and the gate voltage that lets this current through, in V, float64."""

    median_ns: np.ndarray
    sd_ns: np.ndarray
    current_na: np.ndarray
    gate_v: np.ndarray


def gate_table(card: Card, gate_codes: int, low_us: float = 0.0, high_us: float = 0.0) -> GateTable:
    """Programming table of `gate_codes` gate voltages; medians span `low_us` to `high_us`, 0 being the card's own end.

    Over the card's own range the SET current is linear in the evenly spaced gate voltage: our reading, the paper plots
    the ends and the steps only. A wider or narrower table spreads its medians evenly and takes current and gate voltage
    from the card's law. Two extrapolations where it leaves the card's range: above it the law goes on, below it the
    median falls in proportion to the current (the 16k card's line would reach 0 A at 13 uS). Raises `InputError` for an
    empty span.
    """
    if low_us or high_us:
        own_low_us, own_high_us = card.range_us
        low_us, high_us = low_us or own_low_us, high_us or own_high_us
        if low_us >= high_us:
            raise InputError(f"lut_high_us must be above lut_low_us ({low_us:g}), not {high_us:g}")
        median_us = np.linspace(low_us, high_us, gate_codes)
        x, known = card.x_of(np.maximum(median_us, own_low_us)), np.minimum(median_us / own_low_us, 1.0)
    else:
        x, known = np.linspace(*card.ends, gate_codes), np.ones(gate_codes)
        median_us = card.law_us(x)[0]
    current_ua = (card.current_ua(x) if card.by == "gate" else x) * known
    if card.by == "current" and card.law == "power":
        sd_us = card.law_us(current_ua)[1]
    else:
        sd_us = card.law_us(x)[1] * known
    median_ns, sd_ns, current_na = (np.rint(1000 * table).astype(np.int64) for table in (median_us, sd_us, current_ua))
    return GateTable(median_ns, sd_ns, current_na, card.gate_v(current_ua))


def lut_table(card: Card, config: Config) -> GateTable:
    """The programming table that a configuration asks for. Raises `InputError` where it leaves the card's range."""
    check_range(card, config)
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
