"""Joules of the chip's logic from counted toggles and the cells' library, block by block, and what an event costs.

`python -m tb.power` maps the chip, trains it as gates twice, fits the costs of events to the windows of the first
training and tries them on the second.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from pymodels.config import Config, resolve
from pymodels.errors import RunError
from pymodels.outcome import Outcome
from pymodels.tasks import load_task
from tb import activity as counting
from tb.activity import Activity
from tb.liberty import LibCell, Liberty, shipped
from tb.mapped import WIRE_PF, Gate, Mapped
from tb.netlist import write_verilog
from tb.synth import map_chip
from tb.train import make_job

WINDOW_CYCLES = 32
SLEW_NS = 0.1
TREE = (("sky130_fd_sc_hd__clkbuf_4", 16), ("sky130_fd_sc_hd__clkbuf_16", 16))
"""Clock tree by rule of thumb: a leaf buffer for 16 flip-flops, above it a stronger one for 16 of those."""

EVENTS_OF = {
    "log_prior": ("prior_square", "decision"),
    "log_likelihood": ("likelihood_add", "decision"),
    "acceptance": ("likelihood_add", "decision", "prior_square"),
    "lfsr": ("lfsr_step",),
    "log_uniform": ("lfsr_step",),
    "gate_dac": ("lut_read", "map_write", "gate_lookup", "gate_code_read", "likelihood_add"),
    "row_counters": ("decision", "counter_write", "counter_read"),
    "inference": ("counter_read", "response_add", "classify", "likelihood_add"),
    "control": ("host_write",),
    "trainer": ("gate_code_read", "gate_lookup", "sample_read", "decision", "counter_read"),
    "pulse": ("gate_code_read", "gate_lookup", "sample_read", "response_add"),
    "top": ("host_write", "gate_code_read", "gate_lookup", "sample_read", "decision", "response_add"),
    "memories": ("sample_read", "gate_lookup", "gate_code_read", "likelihood_add", "response_add", "lut_read"),
}
"""Events that make a block work; each block has a cost a cycle beside them."""


def internal_pj(cell: LibCell, pin: str, load_pf: float) -> float:
    """Of one change of the output by `pin`: the mean of both edges, in which the load's share cancels."""
    arc = next(arc for arc in cell.arcs if arc.related == pin)
    return sum(arc.tables[name].at(SLEW_NS, load_pf) for name in ("rise_power", "fall_power")) / 2


@dataclasses.dataclass(frozen=True)
class Power:
    """Energy in pJ by block and window, without the clock's; the clock's a cycle; leakage in pW."""

    blocks: dict[str, np.ndarray]
    clock_pj: float
    leakage_pw: float
    flip_flops: int


def gate_pj(gate: Gate, load_pf: float, toggles: dict[str, np.ndarray], zero: np.ndarray) -> np.ndarray:
    """Inside one gate: changes of the output by the inputs that moved, and inputs that moved for nothing."""
    cell = gate.cell
    out = toggles.get(gate.output, zero)
    moved = {pin: toggles.get(gate.nets[pin], zero) for pin in cell.capacitance_pf if pin != cell.clock}
    if cell.clock:
        (data,) = moved
        return out * internal_pj(cell, cell.clock, load_pf) + moved[data] * cell.hidden_pj[data]
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
    drivers = {gate.output: gate.block for gate in netlist.gates}
    drivers |= {net: "memories" for _, read, _ in netlist.rams for net in read}
    clocks = {gate.nets[gate.cell.clock] for gate in netlist.gates if gate.cell.clock}
    for gate in netlist.gates:
        blocks[gate.block] += gate_pj(gate, netlist.load_pf[gate.output], toggles, zero)
    for net, load in netlist.load_pf.items():
        if net not in clocks and net in toggles:
            blocks[drivers.get(net, "top")] += 0.5 * load * library.voltage_v**2 * toggles[net]
    registers = [gate.cell for gate in netlist.gates if gate.cell.is_register]
    leakage = math.fsum(gate.cell.leakage_pw for gate in netlist.gates)
    return Power(dict(blocks), clock_pj(registers, library), leakage, len(registers))


def clock_pj(registers: list[LibCell], library: Liberty) -> float:
    """One cycle of the clock: both edges in the flip-flops, their pins and wires, and the tree above them."""
    if not registers:
        return 0.0
    volts = library.voltage_v
    inside = math.fsum(2 * cell.hidden_pj["CLK"] for cell in registers)
    load = math.fsum(cell.capacitance_pf["CLK"] + WIRE_PF for cell in registers)
    total, below = inside + load * volts**2, len(registers)
    for name, fanout in TREE:
        cell, number = library.cells[name], math.ceil(below / fanout)
        each = 2 * internal_pj(cell, "A", load / number) + (cell.capacitance_pf["A"] + WIRE_PF) * volts**2
        total += number * each
        load, below = number * (cell.capacitance_pf["A"] + WIRE_PF), number
    return total


def fit(power: Power, activity: Activity) -> dict[str, dict[str, float]]:
    """pJ an event and pJ a cycle of each block, by least squares that allow no negative cost."""
    from scipy.optimize import nnls

    costs = {}
    for block, energy in power.blocks.items():
        names = [name for name in EVENTS_OF[block] if activity.events[name].any()]
        columns = np.array([activity.cycles, *(activity.events[name] for name in names)], float).T
        solution, _ = nnls(columns, energy)
        costs[block] = dict(zip(["cycle", *names], solution.tolist(), strict=True))
    return costs


def predict(costs: dict[str, float], activity: Activity) -> float:
    """Energy in pJ of a block over a whole run from its counts."""
    counts = {name: int(row.sum()) for name, row in activity.events.items()} | {"cycle": int(activity.cycles.sum())}
    return math.fsum(cost * counts[name] for name, cost in costs.items())


def errors(costs: dict[str, dict[str, float]], power: Power, activity: Activity) -> dict[str, float]:
    """Relative error of each block's predicted energy."""
    return {
        block: predict(costs[block], activity) / float(energy.sum()) - 1
        for block, energy in power.blocks.items()
        if energy.sum() > 0
    }


def same(a: Outcome, b: Outcome) -> bool:
    """Whether two runs gave the same conductances, counters, classes and events."""
    arrays = ("conductance_ns", "counters", "classes", "sums")
    return a.counts == b.counts and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)


def measure(config: Config, seed: int, gates: str, folder: Path) -> Activity:
    """Train as gates, check the bits against the twin's, count. Raises `RunError` where they differ."""
    from pymodels.fixed import Formats
    from pymodels.streams import lfsr_seed
    from pymodels.twin import run_twin
    from tb.program import load_words, lut_codes

    job = make_job(config, load_task("cancer", config, seed), seed)
    outcome = counting.run_gates(job, gates, folder)
    formats = Formats(config)
    words = len(load_words(formats, job.codes, job.labels, lfsr_seed(seed, config.lfsr_bits)))
    if not same(outcome, run_twin(config, seed, job.codes, job.labels, np.array(lut_codes(formats)), words)):
        raise RunError("the gates must give the bits of the twin, which they do not")
    return counting.count(folder / "dump.vcd", WINDOW_CYCLES)


RUNS = (
    ("fit", 0, {"rows": 12, "train_samples": 64, "test_samples": 24, "burn_in": 1, "max_proposals": 60}),
    ("check", 7, {"rows": 6, "train_samples": 48, "test_samples": 16, "burn_in": 1, "max_proposals": 24}),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="power", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/power"))
    out, library = parser.parse_args().out, shipped()
    write_verilog(resolve("cancer", "paper"), out)
    netlist = map_chip(out, library)
    gates = counting.gate_verilog(netlist, counting.module_of(out / "mapped.json"), library)
    (out / "gates.v").write_text(gates)
    found = {}
    for name, seed, settings in RUNS:
        activity = measure(resolve("cancer", "paper", settings=settings), seed, gates, out / name)
        (out / name / "activity.saif").write_text(counting.saif(activity))
        found[name] = activity, power_of(netlist, library, activity)
        print(f"{name}: {int(activity.cycles.sum())} cycles, {int(activity.toggles.sum())} changes", flush=True)
    activity, power = found["fit"]
    costs = fit(power, activity)
    result = {
        "costs_pj": costs,
        "clock_pj_a_cycle": power.clock_pj,
        "leakage_pw": power.leakage_pw,
        "flip_flops": power.flip_flops,
        "errors": {name: errors(costs, p, a) for name, (a, p) in found.items()},
        "energy_pj": {name: {b: float(e.sum()) for b, e in p.blocks.items()} for name, (_, p) in found.items()},
        "cycles": {name: int(a.cycles.sum()) for name, (a, _) in found.items()},
        "events": {name: {e: int(n.sum()) for e, n in a.events.items()} for name, (a, _) in found.items()},
    }
    (out / "power.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result["errors"], indent=1))


if __name__ == "__main__":
    main()
