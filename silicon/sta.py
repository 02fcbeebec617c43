"""Static timing of a mapped netlist: the longest path between registers, memories and ports.

Delays come from the library's tables by slew and load, rise and fall apart, the worst arrival and the worst slew kept
at each gate, whichever path they come by. The clock is ideal to the pins of clock gates, too; wires weigh but do not
delay (`WIRE_PF`), no path is taken for false, nothing is derated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from oxmc.pymodels.errors import RunError
from oxmc.silicon.liberty import Arc, Table, flat
from oxmc.silicon.mapped import Gate, Mapped

CLOCK_SLEW_NS = 0.1
PORT_SLEW_NS = 0.1
MEMORY_READ_NS, MEMORY_SETUP_NS = 3.0, 0.5
"""Assumed of a macro of some kilobytes at 130 nm: nothing here is compiled."""
PORT_MAX_PF = 0.2
"""Load that an input port or an output of a memory may have: as if an inv_2 drove it, which mapping assumes, too."""
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
            clocked = arc.related == gate.cell.clock
            before = Point(0.0, CLOCK_SLEW_NS, None, gate.name) if clocked else points.get((net, in_edge))
            if before is None:
                continue
            time = before.time_ns + arc.tables[f"cell_{out_edge}"].at(before.slew_ns, load_pf)
            slew = arc.tables[f"{out_edge}_transition"].at(before.slew_ns, load_pf)
            point = Point(time, slew, None if clocked else (net, in_edge), gate.name)
            known = points.get((gate.output, out_edge), point)
            later = max(known, point, key=lambda each: each.time_ns)
            points[gate.output, out_edge] = dataclasses.replace(later, slew_ns=max(known.slew_ns, slew))


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
    reached = [
        (points[net, edge].time_ns + setup[edge].at(CLOCK_SLEW_NS, points[net, edge].slew_ns), net, edge, end)
        for net, setup, end in _ends(netlist)
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


def _ends(netlist: Mapped) -> Iterator[tuple[str, Mapping[str, Table], str]]:
    """Nets where a path ends, the setup of each edge there, over the slews of clock and net, and the end's name."""
    for gate in netlist.gates:
        for pin, setup in gate.cell.setup_ns.items():
            yield gate.nets[pin], setup, gate.name
    for setup_ns, ends in (
        (MEMORY_SETUP_NS, ((name, entering) for name, _, entering in netlist.rams)),
        (0.0, netlist.outputs.items()),
    ):
        for name, nets in ends:
            for net in nets:
                yield net, dict.fromkeys(EDGES, flat(setup_ns)), name


@dataclasses.dataclass(frozen=True)
class Violation:
    """A net that is slower ("slew", ns) or heavier ("load", pF) than its driver's limit.

    The driver is a gate, a memory or an input port; a clock's port is left to its tree.
    """

    kind: str
    net: str
    driver: str
    value: float
    limit: float


def slew_of(points: dict[tuple[str, str], Point], net: str) -> float:
    """Of a net's slower edge; 0 where nothing arrives."""
    return max((points[net, edge].slew_ns for edge in EDGES if (net, edge) in points), default=0.0)


def violations(netlist: Mapped) -> list[Violation]:
    """Limits of slew and load that nets break, the worst of each kind first. Raises `RunError` for a loop."""
    points = arrivals(netlist)
    checks = [
        (kind, gate.output, gate.name, value, limit)
        for gate in netlist.gates
        for kind, value, limit in (
            ("slew", slew_of(points, gate.output), gate.cell.max_slew_ns),
            ("load", netlist.load_pf[gate.output], gate.cell.max_load_pf),
        )
    ]
    outside = [(net, name) for name, nets in netlist.inputs.items() for net in nets if net not in netlist.clocks]
    outside += [(net, name) for name, read, _ in netlist.rams for net in read]
    checks += [("load", net, name, netlist.load_pf[net], PORT_MAX_PF) for net, name in outside]
    found = [Violation(*check) for check in checks if check[3] > check[4]]
    return sorted(found, key=lambda each: (each.kind, -each.value / each.limit))
