"""What a cell costs and takes: one record a cell, of plain numbers, from transient analyses.

Units: ns, fF, fJ, pW. Tables are [slew][load]. Energies are Liberty's: what the supply gave less half of C V^2 of the
load for each change of the output. Charge that an input takes is its driver's load, not this cell's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.silicon.characterise.cells import Cell
from oxmc.silicon.characterise.constraints import constraints
from oxmc.silicon.characterise.spice import SUPPLY_V, Instance, Pdk, Waves, simulate

SLEWS_NS = (0.02, 0.1, 0.5)
LOADS_FF = (0.5, 4.0, 20.0, 100.0)
"""Loads of a cell of drive strength 1; stronger ones get multiples."""
SLOT_NS = 5.0
"""From one edge to the next: the slowest cell has settled by then."""
TABLES = ("cell_rise", "cell_fall", "rise_transition", "fall_transition", "rise_power", "fall_power")
Record = dict[str, Any]
Points = list[tuple[int, int, dict[str, float]]]


def loads_ff(cell: Cell) -> tuple[float, ...]:
    drive = int(cell.name.rpartition("_")[2])
    return tuple(load * drive for load in LOADS_FF)


def measure(pdk: Pdk, cell: Cell, folder: Path) -> Record:
    """Everything the library says of a cell. Raises `RunError` where a wave does not come."""
    record: Record = {"area_um2": pdk.area_um2(cell), "slews_ns": SLEWS_NS, "loads_ff": loads_ff(cell)}
    if cell.kind == "gate":
        return record | _gate(pdk, cell, folder) | {"leakage_pw": _gate_leakage(pdk, cell, folder)}
    return record | _clocked(pdk, cell, folder) | {"leakage_pw": _clocked_leakage(pdk, cell, folder)}


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found)


def _grid(cell: Cell) -> list[tuple[int, int]]:
    return [(i, j) for i in range(len(SLEWS_NS)) for j in range(len(LOADS_FF))]


def _pulse(cell: Cell, pin: str, state: dict[str, bool], slew: float, load: float) -> Instance:
    drives = {name: [(0.0, level)] for name, level in state.items()}
    return Instance(drives | {pin: [(0.0, False), (SLOT_NS, True), (2 * SLOT_NS, False)]}, slew, load)


def _gate(pdk: Pdk, cell: Cell, folder: Path) -> Record:
    """Arcs and pins of a gate: all states, slews and loads of one pin in one analysis."""
    loads, arcs, pins = loads_ff(cell), [], dict[str, Record]()
    for pin in cell.inputs:
        active, hidden = _ends(cell.sensitised(pin)), cell.hidden(pin)
        cases = [(state, i, j) for state in active for i, j in _grid(cell)]
        instances = [_pulse(cell, pin, state, SLEWS_NS[i], loads[j]) for state, i, j in cases]
        instances += [_pulse(cell, pin, state, SLEWS_NS[1], loads[1]) for state in hidden]
        waves = simulate(pdk, cell, instances, 3 * SLOT_NS, folder)
        points = [_arc_point(cell, waves, k, pin, state, loads[j]) for k, (state, _, j) in enumerate(cases)]
        arcs.append(_arc(cell, pin, active, [(i, j, point) for (_, i, j), point in zip(cases, points, strict=True)]))
        pins[pin] = {"capacitance_ff": _mean(_input_ff(waves, k, pin, SLOT_NS) for k in range(len(instances)))}
        if hidden:
            rows = range(len(cases), len(instances))
            pins[pin]["hidden"] = {
                "when": hidden,
                "rise_power": _mean(waves.energy_fj(k, 0.98 * SLOT_NS, 1.98 * SLOT_NS) for k in rows),
                "fall_power": _mean(waves.energy_fj(k, 1.98 * SLOT_NS, 2.98 * SLOT_NS) for k in rows),
            }
    return {"arcs": arcs, "pins": pins}


def _ends(states: list[dict[str, bool]]) -> list[dict[str, bool]]:
    """The first and the last state, with most other inputs low and high: the extremes of a stack of transistors."""
    return states if len(states) < 3 else [states[0], states[-1]]


def _input_ff(waves: Waves, k: int, pin: str, start: float) -> float:
    """Charge that a rising and a falling edge move, over twice the swing."""
    total = 0.0
    for edge in (start, start + SLOT_NS):
        part = waves.window(edge - 0.02 * SLOT_NS, edge + 0.98 * SLOT_NS)
        total += abs(float(np.trapezoid(waves.input_ua[k][pin][part], waves.time_ns[part])))
    return total / (2 * SUPPLY_V)


def _edge(waves: Waves, k: int, pin: str, start: float, load: float, rising: bool) -> dict[str, float]:
    """Delay, transition and energy of an output edge that an input edge at `start` causes."""
    out = waves.output_v[k]
    direction = "rise" if rising else "fall"
    first, last = (0.2, 0.8) if rising else (0.8, 0.2)
    before = start - 0.02 * SLOT_NS
    asked = waves.crossing_ns(waves.inputs_v[k][pin], 0.5, before)
    energy = waves.energy_fj(k, before, before + SLOT_NS) - 0.5 * load * SUPPLY_V**2
    return {
        f"cell_{direction}": waves.crossing_ns(out, 0.5, before) - asked,
        f"{direction}_transition": waves.crossing_ns(out, last, before) - waves.crossing_ns(out, first, before),
        f"{direction}_power": energy,
    }


def _arc_point(cell: Cell, waves: Waves, k: int, pin: str, state: dict[str, bool], load: float) -> dict[str, float]:
    rising = cell.value(state | {pin: True})
    return _edge(waves, k, pin, SLOT_NS, load, rising) | _edge(waves, k, pin, 2 * SLOT_NS, load, not rising)


def _arc(cell: Cell, pin: str, states: list[dict[str, bool]], points: Points) -> Record:
    """The slowest of the states for times, their mean for energies."""
    senses = {cell.value(state | {pin: True}) for state in states}
    sense = "non_unate" if len(senses) == 2 else "positive_unate" if senses == {True} else "negative_unate"
    return {"related": pin, "sense": sense, "type": "combinational", "tables": _tables(points)}


def _tables(points: Points, names: Iterable[str] = TABLES) -> dict[str, list[list[float]]]:
    tables = {}
    for name in names:
        pick = _mean if name.endswith("power") else max
        tables[name] = [
            [pick([p[name] for i, j, p in points if (i, j) == (slew, load)]) for load in range(len(LOADS_FF))]
            for slew in range(len(SLEWS_NS))
        ]
    return tables


def _gate_leakage(pdk: Pdk, cell: Cell, folder: Path) -> list[tuple[dict[str, bool], float]]:
    pin = cell.inputs[0]
    states = [s | {pin: level} for s in [*cell.sensitised(pin), *cell.hidden(pin)] for level in (False, True)]
    instances = [Instance({name: [(0.0, level)] for name, level in state.items()}) for state in states]
    waves = simulate(pdk, cell, instances, 1.0, folder, "tt_leak")
    return [(state, 1e6 * SUPPLY_V * float(waves.supply_ua[k][0])) for k, state in enumerate(states)]


STEPS = {
    # what changes at each slot; the first two bring a flip-flop to a known state
    "flip-flop": "CLK1 CLK0 D1 CLK1 CLK0 CLK1 CLK0 D0 CLK1 CLK0 CLK1 D1 D0 CLK0".split(),
    "clock gate": "CLK1 CLK0 GATE1 CLK1 CLK0 GATE0 CLK1 CLK0".split(),
    # of a flip-flop that holds 1, then of one that is clear
    "clear": "D1 CLK1 CLK0 RESET_B0 RESET_B1 RESET_B0 RESET_B1".split(),
}


def _sequence(cell: Cell, slot: float, slew: float, load: float, steps: str = "") -> Instance:
    drives = {pin: [(0.0, pin == cell.clear)] for pin in cell.inputs}
    for number, step in enumerate(STEPS[steps or cell.kind], start=1):
        drives[step[:-1]].append((number * slot, step[-1] == "1"))
    return Instance(drives, slew, load)


def _clocked(pdk: Pdk, cell: Cell, folder: Path) -> Record:
    loads, cases = loads_ff(cell), _grid(cell)
    instances = [_sequence(cell, SLOT_NS, SLEWS_NS[i], loads[j]) for i, j in cases]
    stop = SLOT_NS * (len(STEPS[cell.kind]) + 1)
    waves = simulate(pdk, cell, instances, stop, folder)
    enable, clock = cell.inputs[:2]

    def joules(k: int, *slots: int) -> float:
        return _mean(waves.energy_fj(k, (n - 0.02) * SLOT_NS, (n + 0.98) * SLOT_NS) for n in slots)

    # slots by STEPS: edges of the clock alone, of the enable, and those that move the output
    flip_flop = cell.kind == "flip-flop"
    alone, enabled = (((6, 11), (7, 14)), ((3, 12), (8, 13))) if flip_flop else (((7,), (8,)), ((3,), (6,)))
    rise_slot, fall_slot = (4, 9) if flip_flop else (4, 5)
    clock_rise = [joules(k, *alone[0]) for k in range(len(cases))]
    clock_fall = [joules(k, *alone[1]) for k in range(len(cases))]
    points = []
    for k, (i, j) in enumerate(cases):
        point = _edge(waves, k, clock, rise_slot * SLOT_NS, loads[j], True)
        point |= _edge(waves, k, clock, fall_slot * SLOT_NS, loads[j], False)
        point["rise_power"] -= clock_rise[k]
        point["fall_power"] -= clock_rise[k] if flip_flop else clock_fall[k]
        points.append((i, j, point))
    kind = "rising_edge" if flip_flop else "combinational"
    arc = {"related": clock, "sense": "non_unate" if flip_flop else "positive_unate", "type": kind}
    every = range(len(cases))
    pins = {
        clock: {
            "capacitance_ff": _mean(_input_ff(waves, k, clock, alone[0][0] * SLOT_NS) for k in every),
            "hidden": {"when": [], "rise_power": _mean(clock_rise), "fall_power": _mean(clock_fall)},
        },
        enable: {
            "capacitance_ff": _mean(_enable_ff(waves, k, enable, enabled) for k in every),
            "constraints_ns": constraints(pdk, cell, folder / "constraints"),
            "hidden": {
                "when": [],
                "rise_power": _mean(joules(k, *enabled[0]) for k in every),
                "fall_power": _mean(joules(k, *enabled[1]) for k in every),
            },
        },
    }
    record = {"arcs": [arc | {"tables": _tables(points)}], "pins": pins}
    if cell.clear:
        arc, pin = _clear(pdk, cell, cell.clear, folder)
        record = {"arcs": [*record["arcs"], arc], "pins": pins | {cell.clear: pin}}
    return record


def _clear(pdk: Pdk, cell: Cell, pin: str, folder: Path) -> tuple[Record, Record]:
    """The arc by which a falling `pin` clears the output, and the pin: its edges while the output is clear."""
    loads, cases = loads_ff(cell), _grid(cell)
    instances = [_sequence(cell, SLOT_NS, SLEWS_NS[i], loads[j], "clear") for i, j in cases]
    waves = simulate(pdk, cell, instances, SLOT_NS * (len(STEPS["clear"]) + 1), folder)

    def femtojoules(slot: int) -> list[float]:
        return [waves.energy_fj(k, (slot - 0.02) * SLOT_NS, (slot + 0.98) * SLOT_NS) for k in range(len(cases))]

    idle_fall, points = femtojoules(6), []
    for k, (i, j) in enumerate(cases):
        point = _edge(waves, k, pin, 4 * SLOT_NS, loads[j], False)
        point["fall_power"] -= idle_fall[k]
        points.append((i, j, point))
    arc = {"related": pin, "sense": "positive_unate", "type": "clear", "tables": _tables(points, TABLES[1::2])}
    hidden = {"when": [], "rise_power": _mean(femtojoules(5) + femtojoules(7)), "fall_power": _mean(idle_fall)}
    return arc, {
        "capacitance_ff": _mean(_input_ff(waves, k, pin, 6 * SLOT_NS) for k in range(len(cases))),
        "hidden": hidden,
    }


def _enable_ff(waves: Waves, k: int, pin: str, slots: tuple[tuple[int, ...], tuple[int, ...]]) -> float:
    def charge(slot: int) -> float:
        part = waves.window((slot - 0.02) * SLOT_NS, (slot + 0.98) * SLOT_NS)
        return abs(float(np.trapezoid(waves.input_ua[k][pin][part], waves.time_ns[part])))

    return (_mean(map(charge, slots[0])) + _mean(map(charge, slots[1]))) / (2 * SUPPLY_V)


def _clocked_leakage(pdk: Pdk, cell: Cell, folder: Path) -> list[tuple[dict[str, bool], float]]:
    """At the end of slots of 1 ms: picoamperes are left when charge no longer moves. Later visits of a state win."""
    slot = 1e6
    instance = _sequence(cell, slot, SLEWS_NS[1], LOADS_FF[1])
    waves = simulate(pdk, cell, [instance], slot * (len(STEPS[cell.kind]) + 1), folder, "tt_leak")
    found: dict[tuple[bool, ...], float] = {}
    names = (*cell.inputs, cell.output)
    for number in range(1, len(STEPS[cell.kind]) + 1):
        at = waves.window(0, (number + 0.99) * slot).stop - 1
        volts = [waves.inputs_v[0][pin][at] for pin in cell.inputs] + [waves.output_v[0][at]]
        state = tuple(bool(v > SUPPLY_V / 2) for v in volts)
        found[state] = 1e6 * SUPPLY_V * float(waves.supply_ua[0][at])
    return [(dict(zip(names, state, strict=True)), power) for state, power in found.items()]
