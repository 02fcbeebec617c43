"""Static timing of a mapped netlist: the longest path between registers, memories and ports.

Delays come from the library's tables by slew and load, rise and fall apart, the worst arrival kept at each gate. The
clock is ideal, wires weigh but do not delay (`tb.mapped.WIRE_PF`), no path is taken for false, nothing is derated.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from pymodels.errors import RunError
from tb.liberty import Arc
from tb.mapped import Gate, Mapped

CLOCK_SLEW_NS = 0.1
PORT_SLEW_NS = 0.1
MEMORY_READ_NS, MEMORY_SETUP_NS = 3.0, 0.5
"""Assumed of a macro of some kilobytes at 130 nm: nothing here is compiled."""
EDGES = ("rise", "fall")


@dataclasses.dataclass(frozen=True)
class Point:
    """When the slower edge of a net comes, where it came from, how steep it is."""

    time_ns: float
    slew_ns: float
    origin: tuple[str, str] | None  # net and edge before it
    through: str  # instance, memory or port


@dataclasses.dataclass(frozen=True)
class Step:
    """One stage of the longest path; `time_ns` is the arrival at its output."""

    name: str
    cell: str
    time_ns: float


@dataclasses.dataclass(frozen=True)
class Timing:
    """`period_ns` is the shortest clock that the longest path allows: arrival and set-up of its end."""

    period_ns: float
    start: str
    end: str
    steps: tuple[Step, ...]

    @property
    def fmax_mhz(self) -> float:
        return 1e3 / self.period_ns if self.period_ns else float("inf")


def arrivals(netlist: Mapped) -> dict[tuple[str, str], Point]:
    """Arrival of both edges at each net that a register, a memory or an input reaches. Raises `RunError` for a loop."""
    points: dict[tuple[str, str], Point] = {}
    for name, nets in netlist.inputs.items():
        for net in nets:
            _start(points, net, 0.0, name)
    for name, read, _ in netlist.rams:
        for net in read:
            _start(points, net, MEMORY_READ_NS, name)
    for gate in ordered(netlist):
        for arc in gate.cell.arcs:
            _propagate(points, gate, arc, netlist.load_pf[gate.output])
    return points


def _start(points: dict[tuple[str, str], Point], net: str, time: float, name: str) -> None:
    for edge in EDGES:
        points[net, edge] = Point(time, PORT_SLEW_NS, None, name)


def ordered(netlist: Mapped) -> list[Gate]:
    """Registers first, then every gate after those that drive it. Raises `RunError` where gates form a loop."""
    registers = [gate for gate in netlist.gates if gate.cell.clock]
    waiting = {gate.name: 0 for gate in netlist.gates if not gate.cell.clock}
    driven = {gate.output for gate in netlist.gates if not gate.cell.clock}
    for gate in netlist.gates:
        if not gate.cell.clock:
            waiting[gate.name] = sum(gate.nets[pin] in driven for pin in gate.cell.capacitance_pf)
    ready = [gate for gate in netlist.gates if not gate.cell.clock and waiting[gate.name] == 0]
    order = []
    while ready:
        gate = ready.pop()
        order.append(gate)
        for listener, _ in netlist.listeners.get(gate.output, []):
            if not listener.cell.clock:
                waiting[listener.name] -= 1
                if waiting[listener.name] == 0:
                    ready.append(listener)
    if len(order) < len(waiting):
        stuck = next(name for name, count in waiting.items() if count)
        raise RunError(f"gates must not form a loop, as those around {stuck} do")
    return registers + order


def _propagate(points: dict[tuple[str, str], Point], gate: Gate, arc: Arc, load_pf: float) -> None:
    for out_edge in EDGES:
        for in_edge in _causes(arc, out_edge):
            net = gate.nets[arc.related]
            if arc.kind == "rising_edge":
                before: Point | None = Point(0.0, CLOCK_SLEW_NS, None, gate.name)
            else:
                before = points.get((net, in_edge))
            if before is None:
                continue
            time = before.time_ns + arc.tables[f"cell_{out_edge}"].at(before.slew_ns, load_pf)
            key = gate.output, out_edge
            if key not in points or time > points[key].time_ns:
                slew = arc.tables[f"{out_edge}_transition"].at(before.slew_ns, load_pf)
                origin = None if arc.kind == "rising_edge" else (net, in_edge)
                points[key] = Point(time, slew, origin, gate.name)


def _causes(arc: Arc, out_edge: str) -> tuple[str, ...]:
    if arc.kind == "rising_edge":
        return ("rise",)
    if arc.sense == "non_unate":
        return EDGES
    same = arc.sense == "positive_unate"
    return (out_edge,) if same else ("fall" if out_edge == "rise" else "rise",)


def longest(netlist: Mapped) -> Timing:
    """The longest path. Raises `RunError` if there is none."""
    points = arrivals(netlist)
    ends = [
        (gate.nets[pin], gate.cell.setup_ns[pin], gate.name)
        for gate in netlist.gates
        if gate.cell.clock
        for pin in gate.cell.setup_ns
    ]
    ends += [(net, MEMORY_SETUP_NS, name) for name, _, entering in netlist.rams for net in entering]
    ends += [(net, 0.0, name) for name, nets in netlist.outputs.items() for net in nets]
    reached = [
        (points[net, edge].time_ns + setup, net, edge, end)
        for net, setup, end in ends
        for edge in EDGES
        if (net, edge) in points
    ]
    if not reached:
        raise RunError("a netlist must have a path to time, which this one has not")
    period, net, edge, end = max(reached, key=lambda entry: entry[0])
    cells = {gate.name: gate.cell.name for gate in netlist.gates}
    steps: list[Step] = []
    at: tuple[str, str] | None = (net, edge)
    while at is not None:
        point = points[at]
        steps.append(Step(point.through, cells.get(point.through, ""), point.time_ns))
        at = point.origin
    return Timing(period, steps[-1].name, end, tuple(reversed(steps)))


def fanouts(netlist: Mapped) -> dict[int, int]:
    """How many nets have how many listeners."""
    counts: dict[int, int] = defaultdict(int)
    for pins in netlist.listeners.values():
        counts[len(pins)] += 1
    return dict(counts)
