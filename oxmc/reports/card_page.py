"""`oxmc card show`: what a card says, as JSON and as text, alone or beside others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from oxmc.pymodels.oxram.card import POWER, TABLES, Card, Noise, Relaxation
from oxmc.pymodels.oxram.card_file import card_table

STEPS = 7
"""Points of the law that are shown."""
Span = dict[str, float]


def card_entry(card: Card) -> dict[str, Any]:
    """All that a card says. `points` are of its law from end to end, each figure with its interval."""
    said = card_table(card)
    del said["schema"]
    return {
        "card": card.name,
        "sha256": card.sha256,
        "range_us": [round(end, 6) for end in card.range_us],
        "current_ua": [card.current_low_ua, card.current_high_ua],
        "gate_v": [card.gate_low_v, card.gate_high_v],
        "d2d_spread": card.d2d_spread,
        "points": law_points(card, np.linspace(*card.ends, STEPS)),
        "measured": None if card.points is None else law_points(card, np.array(card.points.x)),
        "figures": {name: said.pop(name) for name in card.figures},
        "has": [name for name in TABLES if getattr(card, name) is not None],
    } | {name: value for name, value in said.items() if name != "d2d_spread"}


def law_points(card: Card, x: np.ndarray) -> list[dict[str, Any]]:
    """Gate voltage, current, median and s.d. of the law at points of its axis, with their intervals."""
    volts = x if card.by == "gate" else card.gate_v(x)
    current = card.current_ua(x) if card.by == "gate" else x
    ends = [card.figures[name] for name in ("current_low_ua", "current_high_ua")]
    share = (x - card.ends[0]) / (card.ends[1] - card.ends[0])
    off = [np.interp(share, [0, 1], [getattr(end, side) / end.value for end in ends]) for side in ("low", "high")]
    median, sd = card.law_us(x)
    columns = {
        "current_ua": (current, current * off[0], current * off[1]),
        "median_us": (median, *_interval(card, x, 0)),
        "c2c_sd_us": (sd, *_interval(card, x, 1)),
    }
    return [
        {"gate_v": float(volts[i])} | {name: _span(*(part[i] for part in parts)) for name, parts in columns.items()}
        for i in range(len(x))
    ]


def _span(value: float, low: float, high: float) -> Span:
    return {"value": round(float(value), 6), "low": round(float(low), 6), "high": round(float(high), 6)}


def _interval(card: Card, x: np.ndarray, which: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of the law's median (0) or s.d. (1): those of the card's points, or of the figures behind it.

    Of several figures each deviates alone, and deviations are added as independent ones.
    """
    due = card.law_us(x)[which]
    points, name = card.points, ("median", "sd")[which]
    if points is not None and getattr(points, f"{name}_low_us"):
        known = np.array(getattr(points, f"{name}_us"))
        low, high = (np.interp(x, points.x, np.array(getattr(points, f"{name}_{side}_us")) / known)
                     for side in ("low", "high"))  # fmt: skip
        return due * low, due * high
    if card.law == "points":
        return due, due
    off = np.array([
        dataclasses.replace(card, **{figure: getattr(card.figures[figure], side)}).law_us(x)[which] - due
        for figure in POWER for side in ("low", "high")
    ])  # fmt: skip
    down, up = (np.sqrt((np.clip(part, 0, None) ** 2).sum(axis=0)) for part in (-off, off))
    return np.maximum(due - down, 0.0), due + up


def card_facts(card: Card) -> list[tuple[str, str]]:
    """A card in words, the law first."""
    low, high = card.range_us
    axis = "SET current in uA" if card.by == "current" else "gate voltage in V"
    power = "" if card.law == "points" else (
        f"median = {card.median_offset_us:.4g} + {card.median_gain_us:.4g} x^{card.median_exponent:.4g}, "
        f"s.d. = {card.sd_gain_us:.4g} x^{card.sd_exponent:.4g} uS; "
    )  # fmt: skip
    spread = "not known" if card.d2d_spread is None else f"{card.d2d_spread:.3g} of the median"
    rows = [
        ("card", f"{card.name}: {card.about}"),
        ("source", card.source),
        ("licence", card.licence),
        ("SHA-256", card.sha256[:16]),
        ("law", f"{power}x is the {axis}" + (", straight between points" if card.law == "points" else "")),
        ("known range", f"{low:g} to {high:g} uS, {card.current_low_ua:g} to {card.current_high_ua:g} uA, "
         f"{card.gate_low_v:g} to {card.gate_high_v:g} V"),
        ("device to device", spread),
        ("LCS", f"median {card.lcs_median_us:g} uS, s.d. of its logarithm {card.lcs_sigma_ln:g}"),
        ("relaxation", _relaxation(card.relaxation) if card.relaxation else ""),
        ("noise", _noise(card.noise) if card.noise else ""),
        ("has", ", ".join(name for name in TABLES if getattr(card, name) is not None)),
    ]  # fmt: skip
    rows += [(f"range of {key}", f"{reach.low:g} to {reach.high:g} {reach.unit}") for key, reach in card.ranges.items()]
    rows += [(f"not measured: {key}", text) for key, text in card.extrapolations.items()]
    rows += [(f"may leave it: {key}", text) for key, text in card.beyond.items()]
    return [(name, value) for name, value in rows if value]


def _relaxation(part: Relaxation) -> str:
    """The change by the last time at the lowest and the highest level, and from where to where it is known."""
    ends = (f"{part.shift[k][-1]:+.1%} +- {part.sd[k][-1]:.1%} at {part.level_us[k]:.3g} uS" for k in (0, -1))
    return f"{' to '.join(ends)} after {part.time_s[-1]:.3g} s; known from {part.time_s[0]:.3g} s on"


def _noise(part: Noise) -> str:
    """White and 1/f noise at the lowest and the highest level."""
    flicker = part.flicker or (0.0,) * len(part.level_us)
    ends = (f"white {part.white[k]:.2%}, 1/f {flicker[k]:.2%} at {part.level_us[k]:.3g} uS" for k in (0, -1))
    return f"{'; '.join(ends)}" + (f"; 1/f from {part.low_hz:.3g} to {part.high_hz:.3g} Hz" if part.flicker else "")


def law_table(cards: Sequence[Card]) -> Table:
    """The law of one card or several at the points of the first; what lies outside a card's range is in brackets."""
    table = Table(box=None, pad_edge=False)
    first, x = cards[0], np.linspace(*cards[0].ends, STEPS)
    own = [law_points(first, x)]
    currents = np.array([point["current_ua"]["value"] for point in own[0]])
    own += [law_points(card, card.x_at(currents)) for card in cards[1:]]
    for name in [
        "gate, V",
        "SET current, uA",
        *(f"{what}, {card.name}" for card in cards for what in ("median, uS", "s.d., uS")),
    ]:
        table.add_column(name, justify="right")
    for i, current in enumerate(currents):
        cells = [f"{own[0][i]['gate_v']:.3f}", f"{current:.4g}"]
        for card, points in zip(cards, own, strict=True):
            inside = card.current_low_ua <= current * (1 + 1e-9) and current <= card.current_high_ua * (1 + 1e-9)
            cells += [_cell(points[i][name], inside, alone=len(cards) == 1) for name in ("median_us", "c2c_sd_us")]
        table.add_row(*cells)
    return table


def _cell(span: Span, inside: bool, *, alone: bool) -> str:
    text = f"{span['value']:.4g}" + (f" ({span['low']:.3g} to {span['high']:.3g})" if alone else "")
    return text if inside else f"[{text}]"
