"""What toggles: the chip as gates in the co-simulation, its waves counted by net and window, as SAIF too.

The mapped netlist takes the RTL's place under the same top, host and array; each gate delays by what the library says
for its load, so that glitches are there. A run must give the RTL's bits, or the gates are not the chip.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pymodels.config import Config
from pymodels.errors import RunError
from pymodels.events import DIGITAL_EVENTS
from pymodels.outcome import Outcome
from tb.job import JOB_VARIABLE, OWNER_VARIABLE, Job
from tb.liberty import LibCell, Liberty
from tb.mapped import RAM, Gate, Mapped
from tb.netlist import CHIP_NAME, memory_macro
from tb.netlist_cache import cache_folder
from tb.simulator import Simulation

TYPICAL_SLEW_NS = 0.1
CHANGES = (
    # between answers the converter bus carries garbage, to catch a chip that looks then; here it holds
    ("answering ? answer : ~answer", "answer"),
    # the host waits for an edge of `busy`, which may glitch here: it sees the line long after the last gate has settled
    ("        .busy(busy),\n", "        .busy(busy_now),\n"),
    ("    wire wl, bl,", "    wire busy_now;\n    reg settled = 1'b0;\n"
     "    always @(posedge clk) #40 settled = busy_now;\n"
     "    assign busy = settled;\n    wire wl, bl,"),
)  # fmt: skip
"""What the co-simulation's top must do otherwise around gates that delay, as (old, new)."""

CLEARED = (
    "    integer i;\n",
    "    integer i;\n    initial begin\n        read_data = 0;\n"
    "        for (i = 0; i < DEPTH; i = i + 1) mem[i] = 0;\n    end\n",
)
"""Memories start at zero: gates spread an X where the RTL would not."""


def model(cell: LibCell) -> str:
    """Verilog of a library cell that answers after T ns."""
    pins = ", ".join(f"input {pin}" for pin in cell.capacitance_pf)
    head = f"module {cell.name} #(parameter T = 0.1) ({pins}, output {'reg ' * bool(cell.clock)}{cell.output});\n"
    if not cell.clock:
        return head + f"  assign #(T) {cell.output} = {cell.function.replace('!', '~')};\nendmodule\n"
    if cell.is_register:
        body = f"  initial {cell.output} = 1'b0;\n  always @(posedge CLK) {cell.output} <= #(T) D;\n"
    else:
        body = "  reg on;\n  always @* if (!CLK) on = GATE;\n  always @* GCLK = CLK & on;\n"
    return head + body + "endmodule\n"


def delay_ns(gate: Gate, load_pf: float) -> float:
    """Mean of its arcs at the gate's load."""
    times = [arc.tables[f"cell_{e}"].at(TYPICAL_SLEW_NS, load_pf) for arc in gate.cell.arcs for e in ("rise", "fall")]
    return max(0.001, sum(times) / len(times))


def gate_verilog(netlist: Mapped, module: dict[str, Any], library: Liberty) -> str:
    """The chip as gates, nets named n0, n1 ... by their number in the JSON, with the memories' own Verilog."""
    nets = {bit for cell in module["cells"].values() for bits in cell["connections"].values() for bit in bits}
    nets |= {bit for port in module["ports"].values() for bit in port["bits"]}
    lines = [f"  wire n{bit};" for bit in sorted(bit for bit in nets if isinstance(bit, int))]
    for name, port in module["ports"].items():
        for i, bit in enumerate(port["bits"]):
            place = f"{name}[{i}]" if len(port["bits"]) > 1 else name
            ends = (_net(bit), place) if port["direction"] == "input" else (place, _net(bit))
            lines.append("  assign {} = {};".format(*ends))
    for number, gate in enumerate(netlist.gates):
        pins = ", ".join(f".{pin}({_net(net)})" for pin, net in gate.nets.items())
        time = delay_ns(gate, netlist.load_pf[gate.output])
        lines.append(f"  {gate.cell.name} #(.T({time:.3f})) g{number} ({pins});")
    for number, cell in enumerate(c for c in module["cells"].values() if RAM in c["type"]):
        values = {
            name: int(value, 2) if isinstance(value, str) else value for name, value in cell["parameters"].items()
        }
        parameters = ", ".join(f".{name}({value})" for name, value in values.items())
        pins = ", ".join(
            f".{pin}({{{', '.join(_net(bit) for bit in reversed(bits))}}})" for pin, bits in cell["connections"].items()
        )
        lines.append(f"  {RAM} #({parameters}) m{number} ({pins});")
    ports = ", ".join(_port(name, port) for name, port in module["ports"].items())
    used = {gate.cell.name for gate in netlist.gates}
    models = "".join(model(cell) for name, cell in library.cells.items() if name in used)
    if CLEARED[0] not in memory_macro():
        raise RunError("the memory macro must be as tb.activity knows it")
    return "\n".join([f"module {CHIP_NAME}({ports});", *lines, "endmodule", models, memory_macro().replace(*CLEARED)])


def _port(name: str, port: dict[str, Any]) -> str:
    width = f"[{len(port['bits']) - 1}:0] " if len(port["bits"]) > 1 else ""
    return f"{port['direction']} {width}{name}"


def _net(bit: Any) -> str:
    return f"n{bit}" if isinstance(bit, int) or bit.isdecimal() and bit not in ("0", "1") else f"1'b{bit}"


class GateSimulation(Simulation):
    """The co-simulation with gates in place of the RTL, on Icarus, with waves."""

    def __init__(self, config: Config, gates: str):
        super().__init__(config, "icarus", waves=True)
        top = self.sources["cosim.v"]
        for old, new in CHANGES:
            if top.count(old) != 1:
                raise RunError(f"the co-simulation's top must hold {old.strip()!r} once for tb.activity to change it")
            top = top.replace(old, new)
        self.sources |= {f"{CHIP_NAME}.v": gates, "cosim.v": top}
        self.folder = cache_folder() / f"gates-{hashlib.sha256(repr(self.sources).encode()).hexdigest()[:16]}"


def run_gates(job: Job, gates: str, folder: Path) -> Outcome:
    """Train on the gates in `folder`, where `dump.vcd` is left. Raises `RunError` if that fails."""
    simulation = GateSimulation(job.config, gates)
    simulation.build()
    folder.mkdir(parents=True, exist_ok=True)
    job.save(folder / "job.npz")
    simulation.run(folder, {JOB_VARIABLE: str(folder.absolute()), OWNER_VARIABLE: str(os.getpid())})
    return Outcome.load(folder / "outcome.npz")


@dataclasses.dataclass(frozen=True)
class Activity:
    """Changes of each net, int64 [nets, windows], the events and cycles of each window, and times for SAIF."""

    nets: tuple[str, ...]
    toggles: np.ndarray
    events: dict[str, np.ndarray]
    cycles: np.ndarray
    high_ps: np.ndarray
    length_ps: int

    def of(self) -> dict[str, np.ndarray]:
        return dict(zip(self.nets, self.toggles, strict=True))


def count(vcd: Path, window_cycles: int) -> Activity:
    """Count the chip's nets in a wave file, window after window of clock cycles from the end of the dump's start."""
    with open(vcd) as file:
        names = _names(file)
        counter = _Counter(names, window_cycles)
        for time, changes in _steps(file):
            counter.step(time, changes)
    return counter.result()


def _names(file: Iterator[str]) -> dict[str, str]:
    """Nets of the chip (n0, n1 ...), its clock and its event strobes, by their codes; leaves `file` at the values."""
    found: dict[str, str] = {}
    scopes: list[str] = []
    for line in file:
        words = line.split()
        if line.startswith("$scope"):
            scopes.append(words[2])
        elif line.startswith("$upscope"):
            scopes.pop()
        elif line.startswith("$var") and scopes[-1] == "chip":
            if re.fullmatch(r"n\d+", words[4]):
                found.setdefault(words[3], words[4])
            elif words[4] in ("clk", "events"):
                found[words[3]] = words[4]
        elif line.startswith("$enddefinitions"):
            return found
    raise RunError("a wave file must have definitions, which this one has not")


def _steps(file: Iterator[str]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """Changes by time, as (code, value)."""
    time, changes = 0, []  # type: int, list[tuple[str, str]]
    for line in file:
        first = line[0]
        if first == "#":
            yield time, changes
            time, changes = int(line[1:]), []
        elif first in "01xz":
            changes.append((line[1:-1], first))
        elif first == "b":
            value, code = line.split()
            changes.append((code, value[1:]))
    yield time, changes


class _Counter:
    def __init__(self, names: dict[str, str], window_cycles: int):
        self.clock = {code for code, name in names.items() if name == "clk"}
        self.strobes = {code for code, name in names.items() if name == "events"}
        nets = [code for code in names if code not in self.clock | self.strobes]
        self.nets = tuple(names[code] for code in nets)
        self.index = {code: i for i, code in enumerate(nets)}
        self.state = ["x"] * len(nets)
        self.since, self.high = [0] * len(nets), [0] * len(nets)
        self.window = [0] * len(nets)
        self.windows: list[list[int]] = []
        self.events, self.rows, self.cycles = "0", [], []  # type: str, list[np.ndarray], list[int]
        self.row = np.zeros(len(DIGITAL_EVENTS), np.int64)
        self.in_window, self.window_cycles, self.time = 0, window_cycles, 0

    def step(self, time: int, changes: list[tuple[str, str]]) -> None:
        index, state, window = self.index, self.state, self.window
        for code, value in changes:  # what the clock's edge sees is from before this step
            if value == "1" and code in self.clock:
                self._edge()
        window = self.window
        for code, value in changes:
            i = index.get(code)
            if i is not None:
                old = state[i]
                if old != value:
                    window[i] += old in "01" and value in "01"
                    if old == "1":
                        self.high[i] += time - self.since[i]
                    state[i], self.since[i] = value, time
            elif code in self.strobes:
                self.events = value
        self.time = time

    def _edge(self) -> None:
        bits = self.events.rjust(len(self.row), "0")[::-1]
        if "1" in bits:
            self.row += [bit == "1" for bit in bits]
        self.in_window += 1
        if self.in_window == self.window_cycles:
            self._close()

    def _close(self) -> None:
        self.windows.append(self.window)
        self.rows.append(self.row)
        self.cycles.append(self.in_window)
        self.window, self.row, self.in_window = [0] * len(self.nets), np.zeros(len(DIGITAL_EVENTS), np.int64), 0

    def result(self) -> Activity:
        if self.in_window:
            self._close()
        for i, value in enumerate(self.state):
            if value == "1":
                self.high[i] += self.time - self.since[i]
        events = dict(zip(DIGITAL_EVENTS, np.array(self.rows).T, strict=True))
        toggles = np.array(self.windows, np.int64).T
        return Activity(self.nets, toggles, events, np.array(self.cycles), np.array(self.high), self.time)


def saif(activity: Activity) -> str:
    """All nets as SAIF 2.0: time low and high in ps, and changes."""
    lines = ['(SAIFILE (SAIFVERSION "2.0") (DIRECTION "backward") (TIMESCALE 1 ps)']
    lines += [f"(DURATION {activity.length_ps})", f"(INSTANCE {CHIP_NAME} (NET"]
    totals = activity.toggles.sum(axis=1)
    for name, high, changes in zip(activity.nets, activity.high_ps, totals, strict=True):
        lines.append(f"  ({name} (T0 {activity.length_ps - high}) (T1 {high}) (TX 0) (TC {changes}))")
    return "\n".join([*lines, ")))", ""])


def module_of(path: Path) -> dict[str, Any]:
    """The chip's module in the JSON of `tb.synth.map_chip`."""
    return json.loads(path.read_text())["modules"][CHIP_NAME]
