"""SETs of a population of devices by a card's law, the array's own draws: what Fig 2, 3c, S16 and S17 are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram import bulk_draws as bulk
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.devices import load_card, lut_table, stuck_shares
from oxmc.pymodels.streams import stream_key
from oxmc.run.calibration import in_model

Values = dict[str, Any]
GROUPS = 16
"""Parts of a population by whose differences the error of a fit is known."""


def sets_us(card: Card, x: float, devices: int, cycles: int, seed: int, first: int = 1) -> np.ndarray:
    """Conductances in uS of `cycles` SETs at point `x` of the card's axis, of each device, float64 [devices, cycles].

    SETs are numbered from `first`. Cycles are independent and normal, as on an array without further effects.
    """
    (median,), (sd,) = card.law_us(np.array([x]))
    spread = round((card.d2d_spread or 0.0) * bulk.ONE)
    factor = bulk.device_factors_q16(*stream_key(seed, "devices"), devices, spread)[:, None] / bulk.ONE
    count = first + np.arange(cycles)[None, :]
    normal = bulk.normals_q16(bulk.words(np.arange(devices)[:, None], count, bulk.SET, stream_key(seed, "array")))
    found: np.ndarray = np.maximum(bulk.MIN_NS / 1000, median * factor + sd * normal / bulk.ONE)
    return found


def single(card: str, current_ua: float, cycles: int, seed: int) -> Values:
    """One device over and over (Fig 2a), and how likely a normal law makes values as uneven (Shapiro and Wilk's p)."""
    values = sets_us(load_card(card), current_ua, 1, cycles, seed)[0]
    return {"us": np.round(values, 3).tolist(), "p": float(stats.shapiro(values).pvalue)}


def population(card: str, currents_ua: list[float], devices: int, cycles: int, seed: int) -> Values:
    """Medians and s.d. of each device at each SET current (Fig 2b), and power laws fitted to them (Eq 9, 10; S17)."""
    known = load_card(card)
    medians, sds = np.empty((2, len(currents_ua), devices))
    for place, current in enumerate(currents_ua):
        cells = sets_us(known, current, devices, cycles, seed, 1 + place * cycles)
        medians[place], sds[place] = np.median(cells, axis=1), cells.std(axis=1, ddof=1)
    logs = np.log(currents_ua)
    slopes, heights = np.polyfit(logs, np.log(medians), 1)
    return {
        "current_ua": list(currents_ua), "devices": devices, "cycles": cycles,
        "median_us": np.percentile(medians, (5, 50, 95), axis=1).T.tolist(),
        "sd_percent": np.percentile(100 * sds / medians, (5, 50, 95), axis=1).T.tolist(),
        "median_exponent": _by_groups(logs, medians), "sd_exponent": _by_groups(logs, sds),
        "device_exponent": np.round(slopes, 5).tolist(), "device_gain": np.round(np.exp(heights), 5).tolist(),
    }  # fmt: skip


def _by_groups(logs: np.ndarray, values: np.ndarray) -> list[float]:
    """The exponent of a power law through the medians of each group of devices; `values` [currents, devices]."""
    groups = np.array_split(values, min(GROUPS, values.shape[1]), axis=1)
    middles = np.array([np.median(group, axis=1) for group in groups])
    found: list[float] = np.polyfit(logs, np.log(middles.T), 1)[0].tolist()
    return found


def joint(card: str, current_ua: float, devices: int, cycles: int, seed: int) -> Values:
    """Median in uS and s.d. in per cent of each device at one SET current (Fig 2c)."""
    cells = sets_us(load_card(card), current_ua, devices, cycles, seed)
    median = np.median(cells, axis=1)
    return {
        "median_us": np.round(median, 3).tolist(),
        "sd_percent": np.round(100 * cells.std(axis=1, ddof=1) / median, 3).tolist(),
    }


def proposals(card: str, from_us: list[float], devices: int, seed: int) -> Values:
    """Where devices of the next row land whose predecessor has each of `from_us` (Fig 3c): the LUT's nearest median,
    its scatter and the other device's own factor. A list of lists in uS."""
    known = load_card(card)
    config = resolve("cancer", "paper", settings={"card": card})
    gates = lut_table(known, config)
    codes = [int(np.abs(gates.median_ns / 1000 - value).argmin()) for value in from_us]
    landed = [
        sets_us(known, float(gates.current_na[code] / 1000), devices, 1, seed, 1 + place)[:, 0]
        for place, code in enumerate(codes)
    ]
    return {
        "from_us": list(from_us), "lut_us": [float(gates.median_ns[code] / 1000) for code in codes],
        "landed_us": [np.round(values, 3).tolist() for values in landed],
    }  # fmt: skip


def lut(rows: int, seed: int) -> Values:
    """The LUT that a sweep of the whole array finds, a median an entry (S16), beside the card's law."""
    config = resolve("cancer", "paper", settings={"calibrate": True, "calibration_rows": rows}, rows=rows)
    gates = lut_table(load_card(config.card), config)
    found = in_model(config, seed) * Formats(config).read_step_ns / 1000
    return {
        "gate_v": np.round(gates.gate_v, 4).tolist(), "current_ua": (gates.current_na / 1000).tolist(),
        "law_us": (gates.median_ns / 1000).tolist(), "found_us": found.tolist(),
        "devices": Formats(config).cells * rows,
    }  # fmt: skip


def stuck(ages: list[float]) -> Values:
    """Shares of cells of the 16k card stuck in the LCS and in the HCS at each age in cycles (Fig 5d, S9)."""
    card, base = load_card("16k"), resolve("cancer", "paper")
    shares = [stuck_shares(card, base.replace(age_cycles=age)) for age in ages]
    return {"age": list(ages), "lcs": [lcs for lcs, _ in shares], "hcs": [hcs for _, hcs in shares]}
