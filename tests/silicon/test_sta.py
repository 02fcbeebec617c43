"""Static timing against sums by hand on netlists of a few gates."""

from __future__ import annotations

import dataclasses

import pytest

from oxmc.pymodels.errors import RunError
from oxmc.silicon.liberty import Arc, LibCell, Table
from oxmc.silicon.mapped import WIRE_PF, Gate, Mapped
from oxmc.silicon.sta import MEMORY_READ_NS, MEMORY_SETUP_NS, PORT_MAX_PF, longest, violations

pytestmark = pytest.mark.testpoint(
    "static timing", "paths of hand-made chains against hand sums; loops and unknown cells"
)

INPUT_PF = 0.001


def flat(value: float, per_pf: float = 0.0) -> Table:
    """The same at every slew; `per_pf` more for each pF."""
    return Table((0.0, 1.0), (0.0, 1.0), ((value, value + per_pf),) * 2)


def gate_cell(name: str, rise: float, fall: float, *, sense: str = "negative_unate", per_pf: float = 0.0) -> LibCell:
    tables = {"cell_rise": flat(rise, per_pf), "cell_fall": flat(fall, per_pf)}
    tables |= {"rise_transition": flat(0.1), "fall_transition": flat(0.1)}
    arcs = (Arc("A", sense, "combinational", tables),)
    return LibCell(name, 1.0, 1.0, {"A": INPUT_PF}, {}, {}, "Y", "(!A)", None, 1.0, arcs)


def register() -> LibCell:
    tables = {"cell_rise": flat(2.0), "cell_fall": flat(3.0)}
    tables |= {"rise_transition": flat(0.1), "fall_transition": flat(0.1)}
    arcs = (Arc("CLK", "non_unate", "rising_edge", tables),)
    pins = {"D": INPUT_PF, "CLK": INPUT_PF}
    return LibCell(
        "dff", 1.0, 1.0, pins, {}, {"D": {"rise": flat(0.5), "fall": flat(0.5)}}, "Q", "IQ", "CLK", 1.0, arcs
    )


def netlist(*gates: Gate, rams: tuple = (), inputs: dict | None = None, outputs: dict | None = None) -> Mapped:
    return Mapped("t", gates, rams, inputs or {}, outputs or {})


def test_a_chain_is_the_sum_by_hand() -> None:
    """Register, two inverters, register. Rise and fall alternate: worst is Q falling at 3, up at 3 + 10, down at
    13 + 200, set up 0.5; the other way is 2 + 20 + 100."""
    first = gate_cell("i1", rise=10.0, fall=20.0)
    second = gate_cell("i2", rise=100.0, fall=200.0)
    timing = longest(
        netlist(
            Gate("a", register(), {"CLK": "1", "D": "9", "Q": "2"}),
            Gate("b", first, {"A": "2", "Y": "3"}),
            Gate("c", second, {"A": "3", "Y": "4"}),
            Gate("d", register(), {"CLK": "1", "D": "4", "Q": "5"}),
        )
    )
    assert timing.period_ns == pytest.approx(3 + 10 + 200 + 0.5)
    assert [(step.name, step.time_ns) for step in timing.steps] == [("a", 3.0), ("b", 13.0), ("c", 213.0)]
    assert (timing.start, timing.end) == ("a", "d")
    assert timing.fmax_mhz == pytest.approx(1e3 / 213.5)


def test_loads_delay() -> None:
    """Two listeners, each an input and a piece of wire, at 1000 ns a pF."""
    slow = gate_cell("slow", rise=1.0, fall=1.0, per_pf=1000.0)
    end = gate_cell("end", rise=0.0, fall=0.0)
    timing = longest(
        netlist(
            Gate("a", slow, {"A": "1", "Y": "2"}),
            Gate("b", end, {"A": "2", "Y": "3"}),
            Gate("c", end, {"A": "2", "Y": "4"}),
            inputs={"in": ["1"]},
            outputs={"out": ["3"]},
        )
    )
    assert timing.period_ns == pytest.approx(1 + 1000 * 2 * (INPUT_PF + WIRE_PF))
    assert timing.steps[0].name == "in" and timing.end == "out"


def test_unateness_keeps_edges_apart() -> None:
    """A buffer keeps the edge, an exclusive or takes both."""
    for sense, period in (("positive_unate", 2 + 10 + 0.5), ("non_unate", 3 + 10 + 0.5)):
        gate = gate_cell("g", rise=10.0, fall=0.0, sense=sense)
        gates = [
            Gate("a", register(), {"CLK": "1", "D": "9", "Q": "2"}),
            Gate("b", gate, {"A": "2", "Y": "3"}),
            Gate("c", register(), {"CLK": "1", "D": "3", "Q": "4"}),
        ]
        assert longest(netlist(*gates)).period_ns == pytest.approx(period)


def test_memories_start_and_end_paths() -> None:
    wire = gate_cell("g", rise=1.0, fall=1.0)
    gates = [Gate("b", wire, {"A": "2", "Y": "3"})]
    rams = (("m.macro", ("2",), ("3",)),)
    timing = longest(netlist(*gates, rams=rams))
    assert timing.period_ns == pytest.approx(MEMORY_READ_NS + 1 + MEMORY_SETUP_NS)
    assert timing.start == timing.end == "m.macro"


def test_a_loop_is_refused() -> None:
    gate = gate_cell("g", rise=1.0, fall=1.0)
    gates = [Gate("a", gate, {"A": "2", "Y": "3"}), Gate("b", gate, {"A": "3", "Y": "2"})]
    with pytest.raises(RunError, match="^gates must not form a loop, as those around a do$"):
        longest(netlist(*gates))


def test_nothing_to_time_is_refused() -> None:
    with pytest.raises(RunError, match="must have a path to time"):
        longest(netlist())


def test_the_slowest_slew_goes_on() -> None:
    """Two inputs meet in a gate: the late one is steep, the early one is not. The next delay is by the worse slew,
    as in other timers, which do not know what path will be asked for: 10 + 1 + 5 x 0.9."""
    slow = {name: flat(1.0) for name in ("cell_rise", "cell_fall")}
    slews = {"A": flat(0.1), "B": flat(0.9)}
    arcs = tuple(
        Arc(pin, "positive_unate", "combinational", slow | {f"{edge}_transition": slew for edge in ("rise", "fall")})
        for pin, slew in slews.items()
    )
    meet = LibCell("m", 1.0, 1.0, {"A": INPUT_PF, "B": INPUT_PF}, {}, {}, "Y", "(A & B)", None, 1.0, arcs)
    by_slew = Table((0.0, 1.0), (0.0, 1.0), ((0.0, 0.0), (5.0, 5.0)))
    tables = dict.fromkeys(("cell_rise", "cell_fall"), by_slew)
    tables |= dict.fromkeys(("rise_transition", "fall_transition"), flat(0.1))
    end = LibCell("e", 1.0, 1.0, {"A": INPUT_PF}, {}, {}, "Y", "A", None, 1.0, (
        Arc("A", "positive_unate", "combinational", tables),))  # fmt: skip
    gates = [
        Gate("late", gate_cell("l", 10.0, 10.0, sense="positive_unate"), {"A": "1", "Y": "2"}),
        Gate("meet", meet, {"A": "2", "B": "1", "Y": "3"}),
        Gate("end", end, {"A": "3", "Y": "4"}),
    ]
    timing = longest(netlist(*gates, inputs={"in": ["1"]}, outputs={"out": ["4"]}))
    assert timing.period_ns == pytest.approx(10 + 1 + 5 * 0.9)


def test_limits_that_are_broken_are_said() -> None:
    """By kind, the worst first, with the driver: a gate, a port, a memory; a clock's port is left to its tree."""
    weak = dataclasses.replace(gate_cell("weak", 0.0, 0.0), max_load_pf=0.012, max_slew_ns=0.05)
    gates = [Gate("a", weak, {"A": "1", "Y": "2"})]
    gates += [Gate(f"b{i}", gate_cell("end", 0.0, 0.0), {"A": "2", "Y": f"{10 + i}"}) for i in range(3)]
    gates += [Gate(f"c{i}", gate_cell("end", 0.0, 0.0), {"A": "8", "Y": f"{100 + i}"}) for i in range(50)]
    gates += [Gate(f"d{i}", gate_cell("end", 0.0, 0.0), {"A": "7", "Y": f"{200 + i}"}) for i in range(60)]
    gates += [Gate(f"e{i}", register(), {"CLK": "6", "D": "2", "Q": f"{300 + i}"}) for i in range(90)]
    found = violations(netlist(*gates, rams=(("m", ("8",), ()),), inputs={"in": ["1"], "big": ["7"], "clk": ["6"]}))
    each = INPUT_PF + WIRE_PF
    assert [(v.kind, v.driver, v.value, v.limit) for v in found] == [
        ("load", "a", pytest.approx(93 * each), 0.012),
        ("load", "big", pytest.approx(60 * each), PORT_MAX_PF),
        ("load", "m", pytest.approx(50 * each), PORT_MAX_PF),
        ("slew", "a", 0.1, 0.05),
    ]
    kept = dataclasses.replace(weak, max_load_pf=1.0, max_slew_ns=0.2)
    assert violations(netlist(Gate("a", kept, {"A": "1", "Y": "2"}), *gates[1:4], inputs={"in": ["1"]})) == []
