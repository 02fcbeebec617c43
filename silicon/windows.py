"""Waves of single operations of the chip as gates, for other tools: VCD and SAIF, with netlist and library beside them.

`python -m oxmc.silicon.windows` maps the chip of a task and preset, trains it as gates until there is a whole proposal,
and cuts the waves: a proposal, its evaluations, one SET, READ, evaluation, RESET and decision. Nets and instances have
the names of `netlist.v`, in scope `cosim.chip`; time starts at 0 with every net's value.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from oxmc.hdl.verilog.memories import memories_verilog
from oxmc.hdl.verilog.netlist import write_verilog
from oxmc.pymodels.config import resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.interface import ArrayOp
from oxmc.silicon.activity import COUNTED, OBSERVED, count, cycle_events, saif, steps_of
from oxmc.silicon.gate_costs import train_gates
from oxmc.silicon.gates import Instance, gate_verilog, instances, module_of, ports
from oxmc.silicon.liberty import shipped
from oxmc.silicon.mapped import macros
from oxmc.silicon.opensta import write_commands
from oxmc.silicon.synth import map_chip

SMALL = {"rows": 4, "burn_in": 1, "max_proposals": 4}
SAMPLES = {"train_samples": 16, "test_samples": 2}
EPISODES = {"episode_steps": 4, "test_episodes": 1}
PULSES = {"set": "set", "read": "read", "evaluation": "eval", "reset": "reset_pulse", "decision": "decision"}
"""Windows of a pulse, or of the decision's cycle, and the event that ends them."""
CONSTANT = "constant"
"""Begins the codes of constants in the waves: longer than those that a simulator gives."""


def edges_of(vcd: Path) -> tuple[list[int], np.ndarray, list[str]]:
    """Times of the clock's rising edges; of the cycle that ends at each what was counted, and the array's op."""
    times, events, ops = [], [], []
    values = dict.fromkeys(OBSERVED, "0")
    with open(vcd) as file:
        names = definitions(file)[1]
        for time, changes in steps_of(file):
            if any(value == "1" and names.get(code) == "clk" for code, value in changes):
                times.append(time)
                events.append(cycle_events(values))
                ops.append(values["array_op"])
            values |= {names[code]: value for code, value in changes if code in names}
    return times, np.array(events), ops


def windows_of(times: list[int], events: np.ndarray, ops: list[str]) -> dict[str, tuple[int, int]]:
    """Start and stop of each window in the waves' time unit: the first whole proposal after row 0 and what it does.

    Raises `RunError` where the waves hold no whole proposal.
    """
    column = {name: events[:, i] for i, name in enumerate(COUNTED)}
    decisions = np.flatnonzero(column["decision"])
    if len(decisions) < 2:
        raise RunError(f"the waves must hold two decisions, not {len(decisions)}")
    first, last = int(decisions[0]), int(decisions[1])
    inside = range(first + 1, last + 1)

    def span(start: int, stop: int) -> tuple[int, int]:
        """From the edge that begins cycle `start` to the one that ends cycle `stop`."""
        return times[start - 1], times[stop]

    found = {"proposal": span(first + 1, last)}
    evaluating = [i for i in inside if ops[i].isdecimal() and int(ops[i], 2) == ArrayOp.EVAL.value]
    if evaluating:
        found["evaluations"] = span(evaluating[0], evaluating[-1])
    for name, event in PULSES.items():
        ends = np.flatnonzero(column[event][first + 1 :]) + first + 1
        if ends.size:
            stop = start = int(ends[0])
            while name != "decision" and ops[start - 1] == ops[stop] and not events[start - 1][COUNTED.index(event)]:
                start -= 1  # a pulse of several cycles
            found[name] = span(start, stop)
    return found


def definitions(file: Iterator[str]) -> tuple[list[str], dict[str, str]]:
    """Lines of a wave file that define the scope `cosim.chip`, without the ones inside it, and its observed ports."""
    lines, names, depth = [], {}, 0  # type: list[str], dict[str, str], int
    inside = False
    for line in file:
        words = line.split()
        if line.startswith("$scope"):
            depth += 1
            inside = inside or (depth == 2 and words[2] == "chip")
            if depth == 1 or (depth == 2 and inside):
                lines.append(line)
        elif line.startswith("$upscope"):
            if depth == 1 or (depth == 2 and inside):
                lines.append(line)
            inside = inside and depth > 2
            depth -= 1
        elif not line.startswith("$var"):
            lines.append(line)
        else:
            here = {1: "cosim", 2: "chip" if inside else ""}.get(depth)
            if here == "chip":
                lines.append(line)
            if here and OBSERVED.get(words[4]) == here:
                names[words[3]] = words[4]
        if line.startswith("$enddefinitions"):
            return lines, names
    raise RunError("a wave file must have definitions, which this one has not")


def scopes(head: list[str], cells: Sequence[Instance]) -> tuple[list[str], list[str]]:
    """`head` with a scope for each cell in the chip's, whose pins are aliases of their nets; and the constants' values.

    Tools look activity up by pin. A pin of several bits is given bit by bit, since its nets have codes of their own.
    """
    if not cells:
        return head, []
    codes = {words[4]: words[3] for words in map(str.split, head) if words[0] == "$var"}
    codes |= {f"n{value}": CONSTANT + value for value in "01x"}
    lines = [f"$var wire 1 {CONSTANT}{value} constant_{value} $end\n" for value in "01x"]
    for cell in cells:
        lines.append(f"$scope module {cell.name} $end\n")
        for pin, net in cell.bits():
            lines.append(f"$var wire 1 {codes[f'n{net}']} {pin.replace('[', ' [')} $end\n")
        lines.append("$upscope $end\n")
    end = head.index(next(line for line in head if line.startswith("$upscope")))
    return [*head[:end], *lines, *head[end:]], [f"{value}{CONSTANT}{value}" for value in "01x"]


def cut(vcd: Path, spans: dict[str, tuple[int, int]], out: Path, cells: Sequence[Instance] = ()) -> None:
    """Write the waves of each span to `out`/NAME.vcd, from its start with all values to just before its stop."""
    with open(vcd) as file:
        head, _ = definitions(file)
        widths = {line.split()[3]: int(line.split()[2]) for line in head if line.startswith("$var")}
        head, constants = scopes(head, cells)
        state: dict[str, str] = {}
        bodies: dict[str, list[str]] = {}
        for time, changes in steps_of(file):
            here = {code: f"b{v} {code}" if widths[code] > 1 else v + code for code, v in changes if code in widths}
            for name, (start, stop) in spans.items():
                if start <= time and name not in bodies:
                    bodies[name] = ["#0", "$dumpvars", *constants, *state.values(), "$end"]
                if start <= time < stop and here:
                    bodies[name] += [f"#{time - start}", *here.values()]
            state |= here
    for name, (start, stop) in spans.items():
        (out / f"{name}.vcd").write_text("".join(head) + "\n".join([*bodies[name], f"#{stop - start}", ""]))


def write_windows(task: str, preset: str, out: Path) -> dict[str, tuple[int, int]]:
    """Netlist, libraries, commands and the windows' files in `out`; the windows by name.

    Raises `RunError` if a tool fails.
    """
    learns = resolve(task, preset).acceptance == "reward"
    config, library = resolve(task, preset, settings=SMALL | (EPISODES if learns else SAMPLES)), shipped()
    write_verilog(config, out)
    netlist = map_chip(out, library)
    module = module_of(out / "mapped.json")
    (out / "netlist.v").write_text(gate_verilog(netlist, module, library, simulated=False))
    (out / "memories.v").write_text(memories_verilog(macros(module)))
    vcd = train_gates(task, config, 0, gate_verilog(netlist, module, library), out / "run")
    spans, cells = windows_of(*edges_of(vcd)), list(instances(netlist, module))
    cut(vcd, spans, out, cells)
    for name in spans:
        (out / f"{name}.saif").write_text(saif(count(out / f"{name}.vcd", 1 << 30), [ports(module), *cells]))
    write_commands(out, "netlist.v", macros(module), 1e9 / config.clock_hz, spans)
    return spans


def main() -> None:
    parser = argparse.ArgumentParser(prog="windows", description=__doc__)
    parser.add_argument("task", nargs="?", default="cancer")
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--out", type=Path, default=Path("build/windows"))
    options = parser.parse_args()
    for name, (start, stop) in write_windows(options.task, options.preset, options.out).items():
        print(f"{options.out / name}.vcd, .saif: {(stop - start) / 1e3:g} ns")


if __name__ == "__main__":
    main()
