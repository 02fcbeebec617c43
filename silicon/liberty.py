"""Reader of Liberty files: cells with areas, pins, look-up tables, as `characterise/lib_text.py` writes them."""

from __future__ import annotations

import bisect
import dataclasses
import math
from functools import cache
from importlib import resources
from pathlib import Path

from oxmc.pymodels.files import read_text, understood
from oxmc.silicon.characterise.syntax import Group, parse

SHIPPED = "oxmc_sky130_tt_1v80_25c.lib"


@dataclasses.dataclass(frozen=True)
class Table:
    """Values over slew (ns) and load (pF); between and beyond the points along the nearest piece's plane."""

    slews: tuple[float, ...]
    loads: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, slew_ns: float, load_pf: float) -> float:
        i, u = _place(self.slews, slew_ns)
        j, v = _place(self.loads, load_pf)
        low = self.values[i][j] * (1 - v) + self.values[i][j + 1] * v
        high = self.values[i + 1][j] * (1 - v) + self.values[i + 1][j + 1] * v
        return low * (1 - u) + high * u


def flat(value: float) -> Table:
    """The same everywhere."""
    return Table((0.0, 1.0), (0.0, 1.0), ((value,) * 2,) * 2)


def _place(axis: tuple[float, ...], x: float) -> tuple[int, float]:
    i = min(max(bisect.bisect_right(axis, x) - 1, 0), len(axis) - 2)
    return i, (x - axis[i]) / (axis[i + 1] - axis[i])


@dataclasses.dataclass(frozen=True)
class Arc:
    """From `related` to the output: times in ns, energies in pJ a change of the output."""

    related: str
    sense: str
    kind: str
    tables: dict[str, Table]


@dataclasses.dataclass(frozen=True)
class LibCell:
    """`hidden_pj` is the mean energy of a change of an input that the output does not follow.

    `setup_ns` and `hold_ns` are by input and by its edge, "rise" or "fall": tables over the slews of clock and input.
    `clear` is the input that holds a flip-flop at 0 while it is low, whenever it falls: it belongs to no clock cycle
    and has no arc here.
    """

    name: str
    area_um2: float
    leakage_pw: float
    capacitance_pf: dict[str, float]
    hidden_pj: dict[str, float]
    setup_ns: dict[str, dict[str, Table]]
    output: str
    function: str
    clock: str | None
    max_load_pf: float
    arcs: tuple[Arc, ...]
    hold_ns: dict[str, dict[str, Table]] = dataclasses.field(default_factory=dict)
    max_slew_ns: float = math.inf
    clear: str | None = None

    @property
    def is_register(self) -> bool:
        return self.function == "IQ"


@dataclasses.dataclass(frozen=True)
class Liberty:
    name: str
    voltage_v: float
    cells: dict[str, LibCell]
    text: str


def shipped() -> Liberty:
    """Our library of 130 nm cells."""
    return read_liberty(Path(str(resources.files("oxmc.silicon"))) / "libraries" / SHIPPED)


@cache
def read_liberty(path: Path) -> Liberty:
    """The library in a file. Raises `InputError` if it cannot be read or is no Liberty."""
    rule = "the library must be a readable Liberty file"
    text = read_text(path, rule)
    with understood(rule, path):
        top = parse(text)
        max_slew = top.number("default_max_transition", math.inf)
        cells = {cell.args[0]: _cell(cell, max_slew) for cell in top.all("cell")}
        return Liberty(top.args[0], top.number("nom_voltage"), cells, text)


def _rows(text: str) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row.replace(",", " ").split()) for row in text.split(";"))


def _table(group: Group) -> Table:
    return Table(
        _rows(group.attributes["index_1"])[0],
        _rows(group.attributes["index_2"])[0],
        _rows(group.attributes["values"]),
    )


def _scalars(groups: list[Group]) -> float:
    """Mean of the scalar values in `groups`, 0 without any."""
    values = [_rows(table.attributes["values"])[0][0] for group in groups for table in group.groups]
    return sum(values) / len(values) if values else 0.0


def _checks(inputs: dict[str, Group], kind: str) -> dict[str, dict[str, Table]]:
    return {
        name: {table.kind.partition("_")[0]: _table(table) for table in timing.groups}
        for name, pin in inputs.items()
        for timing in pin.all("timing")
        if timing.attributes["timing_type"] == kind
    }


def _arcs(pin: Group) -> tuple[Arc, ...]:
    powers = {group.attributes["related_pin"]: group for group in pin.all("internal_power")}
    arcs = []
    for timing in pin.all("timing"):
        related = timing.attributes["related_pin"]
        if timing.attributes.get("timing_type") == "clear":
            continue
        tables = {table.kind: _table(table) for table in (*timing.groups, *powers[related].groups)}
        kind = timing.attributes.get("timing_type", "combinational")
        arcs.append(Arc(related, timing.attributes["timing_sense"], kind, tables))
    return tuple(arcs)


def _cell(group: Group, max_slew: float) -> LibCell:
    pins = {pin.args[0]: pin for pin in group.all("pin")}
    inputs = {name: pin for name, pin in pins.items() if pin.attributes["direction"] == "input"}
    (output,) = (name for name in pins if name not in inputs)
    clears = [ff.attributes["clear"].removeprefix("!") for ff in group.all("ff") if "clear" in ff.attributes]
    clocks = [name for name, pin in inputs.items() if pin.attributes.get("clock") == "true"]
    return LibCell(
        name=group.args[0],
        area_um2=group.number("area"),
        leakage_pw=group.number("cell_leakage_power"),
        capacitance_pf={name: pin.number("capacitance") for name, pin in inputs.items()},
        hidden_pj={name: _scalars(pin.all("internal_power")) for name, pin in inputs.items()},
        setup_ns=_checks(inputs, "setup_rising"),
        output=output,
        function=pins[output].attributes.get("function", ""),
        clock=clocks[0] if clocks else None,
        clear=clears[0] if clears else None,
        max_load_pf=pins[output].number("max_capacitance"),
        arcs=_arcs(pins[output]),
        hold_ns=_checks(inputs, "hold_rising"),
        max_slew_ns=pins[output].number("max_transition", max_slew),
    )
