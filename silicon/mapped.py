"""A netlist of library cells, flat, from the JSON that Yosys writes: who drives a net, who listens, what it weighs."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any

from oxmc.hdl.memory import geometry_of
from oxmc.pymodels.errors import RunError
from oxmc.silicon.characterise.lib_text import WIRE_PF
from oxmc.silicon.liberty import LibCell, Liberty

PIN_PF = 0.0025
"""What an output port leads to, and a pin of a memory: as much as one inverter's."""


@dataclasses.dataclass(frozen=True)
class Gate:
    """One instance: its hierarchical name, its cell, and the net on each pin; constants are "0", "1" and "x"."""

    name: str
    cell: LibCell
    nets: dict[str, str]

    @property
    def block(self) -> str:
        """The instance right below the top that it belongs to, "top" for the top's own gates."""
        name = self.name.removeprefix("$flatten\\")
        first, dot, _ = name.partition(".")
        return first.partition("$")[0] or "top" if dot else "top"  # a number behind "$" keeps apart what has one name

    @property
    def output(self) -> str:
        return self.nets[self.cell.output]


@dataclasses.dataclass(frozen=True)
class Mapped:
    """`rams` are (name, bits read, bits that enter); ports are lists of nets; `wire_pf` is of wire a listener."""

    top: str
    gates: tuple[Gate, ...]
    rams: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    inputs: dict[str, list[str]]
    outputs: dict[str, list[str]]
    wire_pf: float = WIRE_PF

    @cached_property
    def listeners(self) -> dict[str, list[tuple[Gate, str]]]:
        """Pins of gates on each net."""
        found: dict[str, list[tuple[Gate, str]]] = defaultdict(list)
        for gate in self.gates:
            for pin in gate.cell.capacitance_pf:
                found[gate.nets[pin]].append((gate, pin))
        return found

    @cached_property
    def load_pf(self) -> dict[str, float]:
        """Pins and wire on each net."""
        loads: dict[str, float] = defaultdict(float)
        for net, pins in self.listeners.items():
            loads[net] += sum(gate.cell.capacitance_pf[pin] + self.wire_pf for gate, pin in pins)
        others = [net for nets in self.outputs.values() for net in nets]
        others += [net for _, _, entering in self.rams for net in entering]
        for net in others:
            loads[net] += PIN_PF + self.wire_pf
        return loads

    @cached_property
    def clocks(self) -> set[str]:
        """Nets that clock something."""
        return {gate.nets[gate.cell.clock] for gate in self.gates if gate.cell.clock}

    @property
    def area_um2(self) -> dict[str, float]:
        """Cell area by block; memories are macros and have none here."""
        areas: dict[str, float] = defaultdict(float)
        for gate in self.gates:
            areas[gate.block] += gate.cell.area_um2
        return dict(areas)


def read_mapped(path: Path, top: str, library: Liberty) -> Mapped:
    """The flat netlist of module `top` in a file. Raises `RunError` for a cell that the library does not have."""
    return mapped_of(json.loads(path.read_text())["modules"][top], top, library)


def mapped_of(module: dict[str, Any], top: str, library: Liberty) -> Mapped:
    """The flat netlist that a module of Yosys' JSON is. Raises `RunError` for a cell that the library does not have."""
    gates, rams = [], []
    for name, cell in module["cells"].items():
        kind, nets = cell["type"], cell["connections"]
        if geometry_of(kind):
            rams.append((name, *_ram_nets(nets, cell["port_directions"])))
        elif kind in library.cells:
            gates.append(Gate(name, library.cells[kind], {pin: str(bits[0]) for pin, bits in nets.items()}))
        elif kind != "$scopeinfo":
            raise RunError(f"synthesis left {name} as {kind}, which the library does not have")
    ports = {way: _ports(module, way) for way in ("input", "output")}
    return Mapped(top, tuple(gates), tuple(rams), ports["input"], ports["output"])


def macros(module: dict[str, Any]) -> list[str]:
    """The modules of the memories in a module of Yosys' JSON, by geometry."""
    kinds = {cell["type"] for cell in module["cells"].values()}
    found = {kind: geometry for kind in kinds if (geometry := geometry_of(kind))}
    return sorted(found, key=found.__getitem__)


def _ram_nets(nets: dict[str, list[Any]], ways: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    out = [str(bit) for bit in nets["read_data"]]
    entering = [str(bit) for pin, bits in nets.items() if pin not in ("read_data", "clk") for bit in bits]
    return tuple(out), tuple(entering)


def _ports(module: dict[str, Any], way: str) -> dict[str, list[str]]:
    return {
        name: [str(bit) for bit in port["bits"]] for name, port in module["ports"].items() if port["direction"] == way
    }
