"""Joules of the chip's logic from counted toggles and the cells' library: by block and window, clock apart."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict

import numpy as np

from oxmc.silicon.activity import Activity
from oxmc.silicon.liberty import LibCell, Liberty
from oxmc.silicon.mapped import Gate, Mapped

SLEW_NS = 0.1
TREE = (("sky130_fd_sc_hd__clkbuf_4", 16), ("sky130_fd_sc_hd__clkbuf_16", 16))
"""Clock tree by rule of thumb: a leaf buffer for 16 flip-flops, above it a stronger one for 16 of those."""


def internal_pj(cell: LibCell, pin: str, load_pf: float) -> float:
    """Of one change of the output by `pin`: the mean of both edges, in which the load's share cancels."""
    arc = next(arc for arc in cell.arcs if arc.related == pin)
    return sum(arc.tables[name].at(SLEW_NS, load_pf) for name in ("rise_power", "fall_power")) / 2


@dataclasses.dataclass(frozen=True)
class Power:
    """Energy in pJ by block and window: of its logic, and of those of its clocks that a gate can stop.

    `clock_pj` is a cycle's of the clock that always runs, of which `tree_pj` in the buffers of its tree; `leakage_pw`
    is of all cells.
    """

    blocks: dict[str, np.ndarray]
    gated: dict[str, np.ndarray]
    clock_pj: float
    tree_pj: float
    leakage_pw: float
    flip_flops: int


def gate_pj(gate: Gate, load_pf: float, toggles: dict[str, np.ndarray], zero: np.ndarray) -> np.ndarray:
    """Inside one gate: changes of the output by the inputs that moved, and inputs that moved for nothing."""
    cell = gate.cell
    out = toggles.get(gate.output, zero)
    moved = {pin: toggles.get(gate.nets[pin], zero) for pin in cell.capacitance_pf if pin != cell.clock}
    if cell.clock:
        idle = sum((changes * cell.hidden_pj[pin] for pin, changes in moved.items()), 0.0 * zero)
        return out * internal_pj(cell, cell.clock, load_pf) + idle
    total = np.maximum(sum(moved.values(), zero), 1)
    shares = {pin: changes / total for pin, changes in moved.items()}
    active = sum((share * internal_pj(cell, pin, load_pf) for pin, share in shares.items()), 0.0 * zero)
    hidden = sum((share * cell.hidden_pj.get(pin, 0.0) for pin, share in shares.items()), 0.0 * zero)
    return out * active + np.maximum(total - out, 0) * hidden


def power_of(netlist: Mapped, library: Liberty, activity: Activity) -> Power:
    """All gates and nets; a net's charge goes to the block that drives it, or to the memories or ports that do."""
    toggles = {name[1:]: changes for name, changes in zip(activity.nets, activity.toggles, strict=True)}
    zero = np.zeros(activity.toggles.shape[1])
    blocks: dict[str, np.ndarray] = defaultdict(lambda: np.zeros_like(zero))
    gated: dict[str, np.ndarray] = defaultdict(lambda: np.zeros_like(zero))
    drivers = {gate.output: gate.block for gate in netlist.gates}
    drivers |= {net: "memories" for _, read, _ in netlist.rams for net in read}
    clocks: dict[str, list[Gate]] = defaultdict(list)
    for gate in netlist.gates:
        inside = gate_pj(gate, netlist.load_pf[gate.output], toggles, zero)
        (gated if gate.cell.clock and not gate.cell.is_register else blocks)[gate.block] += inside
        if gate.cell.clock:
            clocks[gate.nets[gate.cell.clock]].append(gate)
    for net, load in netlist.load_pf.items():
        if net not in clocks and net in toggles:
            blocks[drivers.get(net, "top")] += 0.5 * load * library.voltage_v**2 * toggles[net]
    always = [gate.cell for net, sinks in clocks.items() if net not in drivers for gate in sinks]
    for net in clocks.keys() & drivers.keys():
        change_pj = sum(clock_pj([gate.cell for gate in clocks[net]], library, netlist.wire_pf)) / 2
        for gate in clocks[net]:
            gated[gate.block] += change_pj / len(clocks[net]) * toggles[net]
    leakage = math.fsum(gate.cell.leakage_pw for gate in netlist.gates)
    registers = sum(gate.cell.is_register for gate in netlist.gates)
    below, tree = clock_pj(always, library, netlist.wire_pf)
    return Power(dict(blocks), dict(gated), below + tree, tree, leakage, registers)


def clock_pj(sinks: list[LibCell], library: Liberty, wire_pf: float) -> tuple[float, float]:
    """One cycle of a clock, both edges: in what it drives with pins and wires, and in the buffers of its tree.

    What one gate can drive has no tree.
    """
    volts, tree = library.voltage_v, 0.0
    load = math.fsum(cell.capacitance_pf["CLK"] + wire_pf for cell in sinks)
    below = math.fsum(2 * cell.hidden_pj["CLK"] for cell in sinks) + load * volts**2
    number = len(sinks)
    for name, fanout in TREE if number > TREE[0][1] else ():
        cell, number = library.cells[name], math.ceil(number / fanout)
        each = 2 * internal_pj(cell, "A", load / number) + (cell.capacitance_pf["A"] + wire_pf) * volts**2
        tree += number * each
        load = number * (cell.capacitance_pf["A"] + wire_pf)
    return below, tree
