"""Cost tables: one TOML file a node, one entry a figure, each with unit, interval and source.

An entry prices one event or one quantity; several may price the same one. Its joules a count are `value`, times every
operating-point figure named in `per` (a name given twice is a square: a capacitance per `set_sl_v` twice is C V^2).
Unit and `per` must make joules together. The array's entries carry `physics` instead: their joules follow from voltage
and time (`OperatingPoint.physics`), so their value is 1 and only the interval, relative, is an estimate. An entry with
`block` is paid where that block of the logic is built; entries of one `errs_with` err together. A `source` may name
texts of the file's table `[sources]` in braces; such texts may name others above them.

`[[scaled]]` takes the entries of some components over from another table, times a factor with an interval: the two
intervals, taken as independent, add as the squares of their logarithms.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from oxmc.energy.point import BLOCKS, MULTIPLIERS, OperatingPoint
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.events import EVENTS, QUANTITIES, QUANTITY_OF
from oxmc.pymodels.files import read_toml, understood

MOST = 1e60
"""No figure is larger, so that its products with counts and the operating point stay far inside a double."""
NODES = ("28nm", "130nm")
KEYS = (
    "component", "action", "event", "quantity", "value", "low", "high", "unit", "source", "per", "physics", "block",
    "errs_with",
)  # fmt: skip
SCALED_KEYS = ("file", "components", "value", "low", "high", "source")
LONGEST_LABEL = 80
LONGEST_SOURCE = 10_000
"""Letters of a source: names of names of names grow by powers."""
BRACES = re.compile(r"\{([^{}]*)\}")
UNITS = {"J": (0, 0), "W": (0, 1), "F": (2, 0), "C": (1, 0), "A": (1, 1), "S": (2, 1)}
"""What a unit begins with, and how many voltages and times `per` must have with it. Prefixes such as pJ are refused."""


Rule = Callable[[bool, str], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """One figure: what it prices (`item`, an event or a quantity) and what a count of it costs."""

    component: str
    action: str
    item: str
    value: float
    low: float
    high: float
    unit: str
    source: str
    per: tuple[str, ...] = ()
    physics: str | None = None
    block: str | None = None
    errs_with: str | None = None

    @property
    def figure(self) -> tuple[object, ...]:
        """What two entries share that quote the same figure, so that one error is in both."""
        return (self.component, self.unit, self.source, self.value, self.low, self.high)

    def factor(self, point: OperatingPoint) -> float:
        """Joules a count and unit of `value`; 0 where its block is not built."""
        if not self.is_built(point):
            return 0.0
        if self.physics:
            return point.physics(self.physics)
        return math.prod(point.figure(name) for name in self.per)

    def is_built(self, point: OperatingPoint) -> bool:
        return self.block is None or self.block in point.blocks

    def scaled(self, value: float, low: float, high: float, source: str) -> Cost:
        """This cost times a factor of that interval."""

        def away(own: float, its: float) -> float:
            return math.exp(math.hypot(math.log(own / self.value), math.log(its / value)))

        middle = self.value * value
        ends = (middle / away(self.low, low), middle * away(self.high, high)) if self.low else (0.0, self.high * high)
        return dataclasses.replace(self, value=middle, low=ends[0], high=ends[1], source=f"{self.source} {source}")


@dataclasses.dataclass(frozen=True)
class CostTable:
    """All costs of a node. `name` is the node or the file it was read from.

    An overlay (`energy/overlay.py`) has the node that it changes as its `base`, and the names of the `changed` figures.
    """

    name: str
    costs: tuple[Cost, ...]
    base: str | None = None
    changed: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name, and of an overlay what it is made of."""
        return f"{self.name} ({self.base}, changed: {'; '.join(self.changed)})" if self.base else self.name

    @property
    def sha256(self) -> str:
        """Of all entries as they are used, whatever file or files they came from."""
        entries = [dataclasses.asdict(cost) for cost in self.costs]
        return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {"base": self.base, "changed": list(self.changed), "sha256": self.sha256}

    def pricing(self, item: str) -> tuple[Cost, ...]:
        """Every cost of one event or quantity, in the table's order."""
        return tuple(cost for cost in self.costs if cost.item == item)

    @cached_property
    def _first(self) -> dict[tuple[object, ...], Cost]:
        first: dict[tuple[object, ...], Cost] = {}
        for cost in self.costs:
            first.setdefault(cost.figure, cost)
        return first

    def figure_name(self, cost: Cost) -> str:
        """What a cost errs with: its `errs_with`, or component, action and item of the first entry of its figure."""
        if cost.errs_with:
            return cost.errs_with
        first = self._first[cost.figure]
        return f"{first.component}, {first.action} ({first.item})"


def load_costs(node_or_path: str | Path) -> CostTable:
    """The table of a node ("28nm", "130nm"), of one under an assumption ("28nm:free-pumps"), or of a TOML file.

    A file may be an overlay of a node's table.

    Raises `InputError`, naming file, entry and rule, for a table that is unreadable or breaks a rule above.
    """
    node = str(node_or_path)
    head, colon, name = node.partition(":")
    if colon and head in NODES:
        from oxmc.energy.overlay import assumed  # which reads its base by this module

        return assumed(head, name)
    file = _shipped(f"{node}.toml") if node in NODES else Path(node_or_path)
    table = _read(file)
    with understood("--node must name a table of costs in the range of double precision", node):
        if "base" in table:
            from oxmc.energy.overlay import overlay  # which reads its base by this module

            return overlay(node, file.name, table)
        return CostTable(node, _costs(file, table))


def _costs(file: Traversable, table: dict[str, Any]) -> tuple[Cost, ...]:
    sources = _sources(file.name, table.get("sources", {}))
    costs = _entries(file.name, table, sources)
    scaled = table.get("scaled", [])
    if not isinstance(scaled, list) or not all(isinstance(entry, dict) for entry in scaled):
        raise InputError(f"{file.name}: scaled must be a list of tables, [[scaled]], not {shown(scaled)}")
    for number, entry in enumerate(scaled, start=1):
        costs += _scaled(f"{file.name}, scaled {number}", entry, file, sources)
    _check_unique(file.name, costs)
    return costs


def _shipped(name: str) -> Traversable:
    return resources.files("oxmc.energy") / "tables" / name


def _read(file: Traversable) -> dict[str, Any]:
    rule = f"--node must be {', '.join(NODES)} or name a readable TOML file"
    return read_toml(file, rule, "--node must name valid TOML")


def _entries(file: str, table: dict[str, Any], sources: dict[str, str]) -> tuple[Cost, ...]:
    entries = table.get("cost")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{file}: cost must be a list of tables, [[cost]], not {shown(entries)}")
    return tuple(_cost(file, number, entry, sources) for number, entry in enumerate(entries, start=1))


def _scaled(where: str, entry: dict[str, Any], file: Traversable, sources: dict[str, str]) -> tuple[Cost, ...]:
    """The entries that one [[scaled]] takes over; its file lies beside the table, or is one that is shipped."""
    rule = rule_of(where)
    for key in SCALED_KEYS:
        rule(key in entry, f"{key} must be given")
    for key in entry:
        rule(key in SCALED_KEYS, f"every key must be one of {', '.join(SCALED_KEYS)}, not {shown(key)}")
    for key in ("file", "source"):
        check_text(key, entry[key], rule)
    rule(re.fullmatch(r"[^/\0]+", entry["file"]) is not None, f"file must be a name, not {shown(entry['file'])}")
    names = entry["components"]
    rule(isinstance(names, list), f"components must be a list of names, not {shown(names)}")
    value, low, high = interval(entry, rule)
    rule(low > 0, f"low must be positive, not {low:g}")
    shipped = _shipped(entry["file"])
    beside = file.with_name(entry["file"]) if isinstance(file, Path) else shipped
    costs = _entries_of(beside) if beside != shipped and beside.is_file() else _shipped_entries(entry["file"])
    source = _expanded(where, entry["source"], sources)
    known = dict.fromkeys(cost.component for cost in costs)
    for name in names:
        rule(
            name in list(known), f"components must name those of {entry['file']}, {', '.join(known)}, not {shown(name)}"
        )
    return tuple(cost.scaled(value, low, high, source) for cost in costs if cost.component in names)


def _entries_of(file: Traversable) -> tuple[Cost, ...]:
    table = _read(file)
    return _entries(file.name, table, _sources(file.name, table.get("sources", {})))


@cache
def _shipped_entries(name: str) -> tuple[Cost, ...]:
    """Of a file that no one edits while a program runs, and that each node's table takes over from."""
    return _entries_of(_shipped(name))


def _sources(file: str, texts: dict[str, str]) -> dict[str, str]:
    """The table `[sources]` with the names in its texts replaced."""
    if not isinstance(texts, dict):
        raise InputError(f"{file}: sources must be a table, [sources], not {shown(texts)}")
    sources: dict[str, str] = {}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"{file}, sources, {name}: must be a text, not {shown(text)}")
        sources[name] = _expanded(f"{file}, sources, {name}", text, sources)
    return sources


def _expanded(where: str, text: str, sources: dict[str, str]) -> str:
    """`text` with the names in its braces replaced; no format, which could make any number of blanks of a few letters.

    Raises `InputError`.
    """
    parts = BRACES.split(text)  # outside and inside by turns
    unknown = [name for name in parts[1::2] if name not in sources]
    if unknown or any(brace in part for part in parts[::2] for brace in "{}"):
        raise InputError(f"{where}: braces must hold the name of a text in [sources], not {shown(text)}")
    parts[1::2] = [sources[name] for name in parts[1::2]]
    if sum(map(len, parts)) > LONGEST_SOURCE:
        raise InputError(f"{where}: source must have at most {LONGEST_SOURCE} letters, which {shown(text)} has not")
    expanded = "".join(parts)
    if not expanded.strip():
        raise InputError(f"{where}: source must say something, which {shown(text)} does not")
    return expanded


def _cost(file: str, number: int, entry: dict[str, Any], sources: dict[str, str]) -> Cost:
    """One checked entry."""
    names = (entry.get(key) for key in ("component", "action"))
    label = ": ".join(name if isinstance(name, str) else shown(name) for name in names)
    label = " ".join(label.split())[:LONGEST_LABEL]  # on one line, whatever it is
    where = f"{file}, cost {number} ({label})"
    rule = rule_of(where)
    for key in entry:
        rule(key in KEYS, f"every key must be one of {', '.join(KEYS)}, not {shown(key)}")
    for key in ("component", "action", "unit", "source"):
        check_text(key, entry.get(key), rule)
    if "errs_with" in entry:
        check_text("errs_with", entry["errs_with"], rule)
    value, low, high = interval(entry, rule)
    item, physics, per = _item(entry, rule), entry.get("physics"), entry.get("per", [])
    rule(isinstance(per, list), f"per must be a list of names, not {shown(per)}")
    for name in per:
        rule(name in MULTIPLIERS, f"per must name figures of the operating point, not {shown(name)}")
    _check_unit(entry["unit"], per, physics, rule)
    if physics is not None:
        rule(physics in list(QUANTITY_OF), f"physics must be one of {', '.join(QUANTITY_OF)}, not {shown(physics)}")
        rule(item == QUANTITY_OF[physics], f"physics {physics!r} must price {QUANTITY_OF[physics]}, not {item}")
        rule(value == 1.0 and not per, "value must be 1 without per where physics gives the factor")
    block = entry.get("block")
    rule(block is None or block in BLOCKS, f"block must be one of {', '.join(BLOCKS)}, not {shown(block)}")
    texts = {key: entry[key] for key in ("component", "action", "unit", "block", "errs_with") if key in entry}
    source = _expanded(where, entry["source"], sources)
    return Cost(**texts, source=source, item=item, value=value, low=low, high=high, per=tuple(per), physics=physics)


def check_text(key: str, text: Any, rule: Rule) -> None:
    rule(isinstance(text, str) and text.strip() != "", f"{key} must be a text that is not empty, not {shown(text)}")


def _check_unit(unit: str, per: list[str], physics: Any, rule: Rule) -> None:
    """Unit and `per` together must be joules a count."""
    head = unit.partition("/")[0].strip()
    if physics is not None:
        rule(head == "relative", f"unit must be relative where physics gives the factor, not {shown(unit)}")
        return
    rule(head in UNITS, f"unit must begin with one of {', '.join(UNITS)}, without prefix, not {shown(unit)}")
    found = (sum(name.endswith("_v") for name in per), sum(name.endswith("_s") for name in per) - per.count("clock_hz"))
    volts, seconds = UNITS[head]
    rule(
        found == (volts, seconds),
        f"per must have {volts} voltages and {seconds} times to make joules of {unit}, not {found[0]} and {found[1]}",
    )


def rule_of(where: str) -> Rule:
    """What refuses, naming `where`, a rule that does not hold."""

    def rule(holds: bool, message: str) -> None:
        if not holds:
            raise InputError(f"{where}: {message}")

    return rule


def interval(entry: dict[str, Any], rule: Rule) -> tuple[float, float, float]:
    """Value, low and high of an entry."""
    for key in ("value", "low", "high"):
        given = entry.get(key)
        due = f"a finite number that is not negative (at most {MOST:g})"
        rule(_is_figure(given), f"{key} must be {due}, not {shown(given)}")
    value, low, high = (float(entry[key]) for key in ("value", "low", "high"))
    rule(low <= value <= high, f"value must lie between low ({low:g}) and high ({high:g}), not {value:g}")
    return value, low, high


def _item(entry: dict[str, Any], rule: Rule) -> str:
    """The event or quantity that an entry prices."""
    named = [key for key in ("event", "quantity") if key in entry]
    rule(len(named) == 1, f"exactly one of event and quantity must be given, not {' and '.join(named) or 'none'}")
    name, known = entry[named[0]], EVENTS if named == ["event"] else QUANTITIES
    rule(name in list(known), f"{named[0]} must be one that events.py names, not {shown(name)}")
    return name


def _is_figure(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MOST  # false for NaN


def _check_unique(file: str, costs: tuple[Cost, ...]) -> None:
    """A figure that stands in the table twice would be paid twice."""
    seen: set[tuple[str, str, str]] = set()
    for number, cost in enumerate(costs, start=1):
        key = (cost.component, "" if cost.physics else cost.action, cost.item)
        if key in seen:
            where = f"{file}, cost {number} ({cost.component}: {cost.action})"
            raise InputError(f"{where}: {cost.item} must be priced once by one component and action, not twice")
        seen.add(key)
