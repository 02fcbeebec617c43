"""Records of measured cells back from a library that was written of them, to write its text anew."""

from __future__ import annotations

import re
from typing import Any

from oxmc.silicon.characterise.cells import CELLS, PREFIX, Cell
from oxmc.silicon.characterise.constraints import CHECKS
from oxmc.silicon.characterise.measure import TABLES, Record
from oxmc.silicon.characterise.syntax import Group, parse

DATE = re.compile(r"with ngspice, last on (\S+)\. ")


def records_of(text: str) -> tuple[dict[str, Record], str]:
    """Records by cell, as `measure.measure` gives them, rounded as the text is; and the date that stands in it.

    Raises `InputError` where the text is no Liberty, `KeyError` for a cell that is not known.
    """
    cells = {cell.args[0].removeprefix(PREFIX): cell for cell in parse(text).all("cell")}
    return {name: _record(CELLS[name], cell) for name, cell in cells.items()}, DATE.findall(text)[0]


def _record(cell: Cell, group: Group) -> Record:
    pins = {pin.args[0]: pin for pin in group.all("pin")}
    arcs = [_arc(pins[cell.output], timing) for timing in pins[cell.output].all("timing")]
    first = pins[cell.output].all("timing")[0].groups[0]
    return {
        "area_um2": group.number("area"),
        "slews_ns": _values(first, "index_1")[0],
        "loads_ff": [1000 * load for load in _values(first, "index_2")[0]],
        "leakage_pw": [(_states(leak)[0], leak.number("value")) for leak in group.all("leakage_power")],
        "arcs": arcs,
        "pins": {name: _input(pins[name]) for name in cell.inputs},
    }


def _values(group: Group, name: str, per: float = 1) -> list[list[float]]:
    return [[per * float(value) for value in row.split(",")] for row in group.attributes[name].split(";")]


def _states(group: Group) -> list[dict[str, bool]]:
    """What `lib_text` writes as a `when`; nothing for none."""
    terms = re.findall(r"\(([^()]*)\)", group.attributes.get("when", ""))
    return [{name.strip(" !"): "!" not in name for name in term.split("&")} for term in terms]


def _arc(pin: Group, timing: Group) -> dict[str, Any]:
    related = timing.attributes["related_pin"]
    (power,) = (group for group in pin.all("internal_power") if group.attributes["related_pin"] == related)
    groups = {table.kind: table for table in (*timing.groups, *power.groups)}
    kind = timing.attributes.get("timing_type", "combinational")
    names = [name for name in TABLES if name in groups]  # a reset has falling edges only
    tables = {name: _values(groups[name], "values", 1000 if name.endswith("power") else 1) for name in names}
    return {"related": related, "sense": timing.attributes["timing_sense"], "type": kind, "tables": tables}


def _input(pin: Group) -> Record:
    record: Record = {"capacitance_ff": 1000 * pin.number("capacitance")}
    checks = {
        timing.attributes["timing_type"]: {table.kind: _values(table, "values") for table in timing.groups}
        for timing in pin.all("timing")
        if timing.attributes["timing_type"] in CHECKS
    }
    if checks:
        record["constraints_ns"] = checks
    for power in pin.all("internal_power"):
        edges = {table.kind: 1000 * _values(table, "values")[0][0] for table in power.groups}
        record["hidden"] = {"when": _states(power), **edges}
    return record
