"""A second level of clock gates: where a block has several, one above them stops their clock while all are shut.

Works on the JSON that Yosys writes of the chip before its gates are mapped; the chip's function stays the same, since a
gate above is open whenever one below it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

GATE = "sky130_fd_sc_hd__dlclkp_1"
NESTED = {
    "control": "",
    "gate_dac": "",
    "inference": "",
    "lfsr": "",
    "log_prior": "",
    "programmer": "",
    "row_counters": "",
    "trainer": r"sample|segment",
}
"""Blocks that sleep most of the time, each with a pattern of registers that do not and keep their own gate."""


def nest(design: dict[str, Any], top: str) -> int:
    """Put a gate above those of each block of `NESTED` in a design of Yosys; returns how many gates it stands above."""
    numbers = _numbers(design)
    nested = 0
    for block, awake in NESTED.items():
        module = design["modules"].get(f"{top}_{block}")
        gates = _gates(module, awake) if module else []
        if len(gates) > 1:
            _put_above(module, gates, numbers)
            nested += len(gates)
    return nested


def _numbers(design: dict[str, Any]) -> Iterator[int]:
    """Numbers of nets that are in no module yet."""
    used = (bit for m in design["modules"].values() for net in m["netnames"].values() for bit in net["bits"])
    number = max(bit for bit in used if isinstance(bit, int))
    while True:
        number += 1
        yield number


def _gates(module: dict[str, Any], awake: str) -> list[dict[str, Any]]:
    """The module's clock gates, without those of registers that `awake` names."""
    names = {bit: name for name, net in module["netnames"].items() if not net["hide_name"] for bit in net["bits"]}
    clocks = {
        cell["connections"]["C"][0]
        for cell in module["cells"].values()
        if awake and "C" in cell["connections"] and re.search(awake, names.get(cell["connections"]["Q"][0], ""))
    }
    gates = [cell for cell in module["cells"].values() if cell["type"] == GATE]
    return [gate for gate in gates if gate["connections"]["GCLK"][0] not in clocks]


def _put_above(module: dict[str, Any], gates: list[dict[str, Any]], numbers: Iterator[int]) -> None:
    """A gate that is open while any of `gates` is."""
    wanted = gates[0]["connections"]["GATE"]
    for index, gate in enumerate(gates[1:]):
        either = [next(numbers)]
        ports = {"A": wanted, "B": gate["connections"]["GATE"], "Y": either}
        module["cells"][f"$clock_tree$or{index}"] = _cell("$_OR_", "Y", ports)
        wanted = either
    clock = [next(numbers)]
    ports = {"CLK": gates[0]["connections"]["CLK"], "GATE": wanted, "GCLK": clock}
    module["cells"]["$clock_tree$gate"] = _cell(GATE, "GCLK", ports)
    for gate in gates:
        gate["connections"]["CLK"] = clock


def _cell(kind: str, output: str, ports: dict[str, list[Any]]) -> dict[str, Any]:
    directions = {port: "output" if port == output else "input" for port in ports}
    shape = {"hide_name": 1, "type": kind, "parameters": {}, "attributes": {}}
    return shape | {"port_directions": directions, "connections": ports}
