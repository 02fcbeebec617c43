"""Device cards as TOML: read, checked and written. An error names the card, the entry, the rule and the value.

The project's cards lie in `cards/`; any other is a file of the user's own, whose name ends with `.toml`.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import math
import tomllib
import typing
from collections.abc import Collection, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.config import CARDS, SUFFIX
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import read_bytes, understood
from oxmc.pymodels.oxram.card import (
    AXES,
    ENTRIES,
    FIGURES,
    KINDS,
    LAWS,
    LEAST_QUANTILES,
    MOST_POINTS,
    MOST_TEXT,
    NOTES,
    POWER,
    REACHES,
    SCHEMA,
    TABLES,
    TEXTS,
    Card,
    Figure,
    Reach,
    Relaxation,
)

MOST_BYTES = 1 << 20
"""Bytes that a card's file may have."""
CLOSE = 0.01
"""How far, relatively, currents and gate voltages of a card may contradict each other."""
KEEP = 64


def load_card(name: str) -> Card:
    """The card of that name, or in the file of that name. Raises `InputError` for none, and for a bad one."""
    if name in CARDS:
        return _built_in(name)
    path = Path(name)
    if path.suffix != SUFFIX:
        raise InputError(f"card must be one of {', '.join(CARDS)} or a file {SUFFIX}, not {shown(name)}")
    with understood("card must name a readable TOML file", name):
        found = path.stat()
    return _of_file(name, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(KEEP)
def _built_in(name: str) -> Card:
    return read_card(name, resources.files("oxmc.pymodels.oxram").joinpath("cards", f"{name}{SUFFIX}").read_bytes())


@lru_cache(KEEP)
def _of_file(path: str, *state: int) -> Card:
    """The card in a file as it was in `state`, which changes with each writing."""
    content = read_bytes(Path(path), "card must name a readable TOML file", MOST_BYTES)
    return read_card(Path(path).stem, content)


def read_card(name: str, content: bytes) -> Card:
    """The card in the bytes of a TOML file. Raises `InputError`."""
    with understood("card must be valid TOML", name):
        table = tomllib.loads(content.decode("utf-8-sig"))
    return parse_card(name, table, hashlib.sha256(content).hexdigest())


def parse_card(name: str, table: Mapping[str, Any], sha256: str = "") -> Card:
    """The card in a TOML table. Raises `InputError` for an entry that is missing, unknown or bad."""
    what = f"card {name}"
    _check_keys(
        what, table, ENTRIES, ("schema", "about", "source", *(key for key in FIGURES if FIGURES[key]["needed"]))
    )
    texts = {key: _text(f"{what} {key}", table[key]) for key in TEXTS if key in table}
    texts = {"licence": "", "law": LAWS[0], "by": AXES[0]} | texts
    for key, choices in (("schema", (SCHEMA,)), ("law", LAWS), ("by", AXES)):
        _choice(f"{what} {key}", texts[key], choices)
    figures = {key: _figure(f"{what} figure {key}", table[key], meta) for key, meta in FIGURES.items() if key in table}
    values = dict.fromkeys(FIGURES) | {key: figure.value for key, figure in figures.items()}
    tables = {key: _table(f"{what} {key}", table[key], TABLES[key]) for key in TABLES if key in table}
    notes = {key: _notes(f"{what} {key}", table.get(key, {}), _noted(key)) for key in NOTES}
    del texts["schema"]
    parts: dict[str, Any] = {**texts, **values, **tables, **notes, "ranges": _ranges(what, table.get("ranges", {}))}
    card = Card(name=name, sha256=sha256, figures=figures, **parts)
    _check_whole(what, card)
    return card


def _noted(key: str) -> tuple[str, ...]:
    """What a note of `extrapolations` or `beyond` may be about."""
    return (*FIGURES, *TABLES) if key == "extrapolations" else BEYOND


BEYOND = ("lut_low_us", "lut_high_us", "age_cycles", *REACHES)
"""Configuration keys that a card limits."""


def _check_keys(what: str, table: Any, known: Collection[str], needed: Collection[str]) -> None:
    """Raises `InputError` for what is no table, an unknown key, with the nearest known one, or a missing one."""
    if not isinstance(table, Mapping):
        raise InputError(f"{what} must be a table of {', '.join(known)}, not {shown(table)}")
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key[:80], known, n=1, cutoff=0.0)[0]
            raise InputError(f"{what} must not have {shown(key[:80])}; did you mean {near}?")
    for key in needed:
        if key not in table:
            raise InputError(f"{what} must have {key}, which is not there")


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{what} must be a text, not {shown(value)}")
    if len(value) > MOST_TEXT:
        raise InputError(f"{what} must have at most {MOST_TEXT} characters, not {len(value)}")
    return value


def _choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{what} must be {' or '.join(choices)}, not {shown(value)}")


def _number(what: str, value: Any, least: float, most: float) -> float:
    finite = not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
    if not finite or not least <= value <= most:
        raise InputError(f"{what} must be a number from {least:g} to {most:g}, not {shown(value)}")
    return float(value)


def _figure(what: str, entry: Any, meta: Mapping[str, Any]) -> Figure:
    names = [field.name for field in dataclasses.fields(Figure)]
    _check_keys(what, entry, names, names)
    value, low, high = (
        _number(f"{what} {key}", entry[key], meta["least"], meta["most"]) for key in ("value", "low", "high")
    )
    if not low <= value <= high:
        raise InputError(f"{what} must lie from its low {low:g} to its high {high:g}, not {value:g}")
    if entry["unit"] != meta["unit"]:
        raise InputError(f"{what} must have unit {meta['unit']}, not {shown(entry['unit'])}")
    return Figure(value, meta["unit"], low, high, _text(f"{what} source", entry["source"]))


def _table(what: str, entry: Any, kind: type) -> Any:
    """A table of class `kind`, each entry by its field's limits."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    needed = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    _check_keys(what, entry, fields, needed)
    types = typing.get_type_hints(kind)
    values = {name: _entry(f"{what} {name}", entry[name], types[name], fields[name].metadata) for name in entry}
    for name in values:
        like = fields[name].metadata.get("like")
        if like and len(values[name]) != len(values[like]):
            raise InputError(f"{what} {name} must have as many points as {like} ({len(values[like])}), "
                             f"not {len(values[name])}")  # fmt: skip
    return kind(**values)


def _entry(what: str, value: Any, kind: Any, meta: Mapping[str, Any]) -> Any:
    if kind is str:
        return _text(what, value)
    if kind is float:
        return _number(what, value, meta["least"], meta["most"])
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MOST_POINTS:
        size = f"{len(value)} entries" if isinstance(value, (list, tuple)) else shown(value)
        raise InputError(f"{what} must be a list of 1 to {MOST_POINTS} entries, not {size}")
    inner = typing.get_args(kind)[0]
    if inner is not float:
        return tuple(_entry(f"{what}[{i}]", row, inner, meta) for i, row in enumerate(value))
    numbers = tuple(_number(f"{what}[{i}]", number, meta["least"], meta["most"]) for i, number in enumerate(value))
    if meta["rising"] and not all(a < b for a, b in zip(numbers, numbers[1:], strict=False)):
        raise InputError(f"{what} must rise from entry to entry, not be {shown(list(numbers))}")
    return numbers


def _notes(what: str, entry: Any, known: tuple[str, ...]) -> dict[str, str]:
    _check_keys(what, entry, known, ())
    return {key: _text(f"{what} {key}", value) for key, value in entry.items()}


def _ranges(what: str, entry: Any) -> dict[str, Reach]:
    _check_keys(f"{what} ranges", entry, REACHES, ())
    found = {key: _table(f"{what} ranges.{key}", value, Reach) for key, value in entry.items()}
    for key, reach in found.items():
        _choice(f"{what} ranges.{key} unit", reach.unit, (REACHES[key],))
        if reach.low > reach.high:
            raise InputError(f"{what} ranges.{key} low must be at most high ({reach.high:g}), not {reach.low:g}")
    return found


def _check_whole(what: str, card: Card) -> None:
    """Rules between the entries of a card."""

    def rule(holds: bool, message: str) -> None:
        if not holds:
            raise InputError(f"{what} {message}")

    for low, high in (("gate_low_v", "gate_high_v"), ("current_low_ua", "current_high_ua")):
        least, most = getattr(card, low), getattr(card, high)
        rule(least < most, f"{low} must be below {high} ({most:g}), not {least:g}")
    _check_law(card, rule)
    _check_tables(card, rule)


def _check_law(card: Card, rule: Any) -> None:
    """The law must be there, over the whole range, and rise."""
    for name in POWER if card.law == "power" else ():
        rule(name in card.figures, f"must have {name} with law = power, which is not there")
    if card.law == "points":
        rule(card.points is not None, "must have points with law = points, which are not there")
    low, high = card.ends
    for name, x in (("points", card.points and card.points.x), ("selector", _selector_axis(card))):
        if x and (name == "selector" or card.law == "points"):
            rule(len(x) > 1 and x[0] <= low and high <= x[-1], f"{name} must reach from {low:g} to {high:g}, "
                 f"not from {x[0]:g} to {x[-1]:g}")  # fmt: skip
    if card.selector is not None:
        currents = card.current_ua(np.array([card.gate_low_v, card.gate_high_v])).tolist()
        for key, current in zip(("current_low_ua", "current_high_ua"), currents, strict=True):
            stated = getattr(card, key)
            rule(
                math.isclose(stated, current, rel_tol=CLOSE),
                f"{key} must be within {CLOSE:.0%} of its selector's {current:g} uA, not {stated:g}",
            )
    rule(card.by == "current" or card.selector is not None, "must have selector with by = gate, which is not there")
    medians, sds = card.law_us(np.linspace(low, high, MOST_POINTS))
    rule(
        bool((np.diff(medians) > 0).all() and medians[0] > 0),
        f"law must give medians that are positive and rise from {low:g} to {high:g}",
    )
    rule(bool((sds > 0).all()), f"law must give a positive s.d. from {low:g} to {high:g}")


def _selector_axis(card: Card) -> tuple[float, ...]:
    if card.selector is None:
        return ()
    return card.selector.gate_v if card.by == "gate" else card.selector.current_ua


def _check_tables(card: Card, rule: Any) -> None:
    if card.distribution is not None:
        _check_distribution(card, rule)
    if card.relaxation is not None:
        times, levels = len(card.relaxation.time_s), len(card.relaxation.level_us)
        for name in ("shift", "sd"):
            rows = getattr(card.relaxation, name)
            rule(
                len(rows) == levels and all(len(row) == times for row in rows),
                f"relaxation {name} must have {levels} lists, one a level, of {times} numbers, one a time",
            )
        _check_relaxation_quantiles(card.relaxation, levels, times, rule)
    if card.noise is not None and card.noise.flicker:
        low, high = card.noise.low_hz, card.noise.high_hz
        rule(0 < low < high, f"noise low_hz must be positive and below high_hz ({high:g}) with flicker, not {low:g}")
    if card.noise is not None:
        parts = [name for name in ("telegraph_share", "telegraph_step", "telegraph_hz") if getattr(card.noise, name)]
        rule(
            len(parts) in (0, 3),
            f"noise must have telegraph_share, telegraph_step and telegraph_hz together, not {', '.join(parts)}",
        )
    if card.temperature is not None:
        heat = card.temperature
        rule(
            heat.low_c <= heat.reference_c <= heat.high_c,
            f"temperature reference_c must lie from low_c {heat.low_c:g} to high_c {heat.high_c:g}, "
            f"not {heat.reference_c:g}",
        )
    if card.endurance is not None:
        for name in ("stuck_lcs", "stuck_hcs"):
            shares = getattr(card.endurance, name)
            rule(
                len(shares) > 1 and list(shares) == sorted(shares),
                f"endurance {name} must be 2 or more shares that do not fall",
            )


def _check_relaxation_quantiles(relaxation: Relaxation, levels: int, times: int, rule: Any) -> None:
    rows = relaxation.quantiles
    if not rows:
        return
    rule(
        len(rows) == levels and all(len(row) == times for row in rows),
        f"relaxation quantiles must have {levels} lists, one a level, of {times} lists, one a time",
    )
    sizes = {len(numbers) for row in rows for numbers in row}
    rule(
        len(sizes) == 1 and min(sizes) >= LEAST_QUANTILES,
        f"relaxation quantiles must be lists of one length, {LEAST_QUANTILES} or more, not {sorted(sizes)}",
    )
    rising = all((np.diff(numbers) >= 0).all() for row in rows for numbers in row)
    rule(rising, "relaxation quantiles must not fall")


def _check_distribution(card: Card, rule: Any) -> None:
    scatter = card.distribution
    assert scatter is not None
    rule(scatter.kind in KINDS, f"distribution kind must be {', '.join(KINDS)}, not {shown(scatter.kind)}")
    count, due = len(scatter.quantiles), scatter.kind == "empirical"
    rule(
        count >= LEAST_QUANTILES if due else count == 0,
        f"distribution quantiles must be {LEAST_QUANTILES} or more with kind = empirical and left out with others, "
        f"not {count}",
    )
    if due:
        quantiles = np.array(scatter.quantiles)
        rule(bool((np.diff(quantiles) >= 0).all()), "distribution quantiles must not fall")
        rule(
            bool(abs(np.median(quantiles)) < 0.05),
            f"distribution quantiles must have median 0, not {np.median(quantiles):g}",
        )
        rule(bool(0.8 < quantiles.std() < 1.2), f"distribution quantiles must have s.d. 1, not {quantiles.std():g}")


def card_table(card: Card) -> dict[str, Any]:
    """The card as a TOML table, in the order of `ENTRIES`; `parse_card` gives the same card."""
    table: dict[str, Any] = {"schema": SCHEMA}
    table |= {key: getattr(card, key) for key in TEXTS[1:] if getattr(card, key)}
    table |= {key: dataclasses.asdict(card.figures[key]) for key in FIGURES if key in card.figures}
    table |= {key: _plain(getattr(card, key)) for key in TABLES if getattr(card, key) is not None}
    table |= {"ranges": {key: _plain(reach) for key, reach in card.ranges.items()}}
    return table | {key: dict(getattr(card, key)) for key in NOTES}


def _plain(table: Any) -> dict[str, Any]:
    """A table of a card without the lists that it leaves out."""
    return {key: value for key, value in dataclasses.asdict(table).items() if value not in ((), 0.0) or key in _NEEDED}


_NEEDED = {
    field.name for kind in (*TABLES.values(), Reach) for field in dataclasses.fields(kind)
    if field.default is dataclasses.MISSING
}  # fmt: skip


def card_text(card: Card) -> str:
    """The card as the text of a TOML file."""
    import tomli_w  # what reads need not load

    return tomli_w.dumps(card_table(card))
