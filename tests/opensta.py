"""Reads what OpenSTA prints, and what it is given, for the tests of its flow."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from vcd.reader import TokenKind, tokenize

needs_sta = pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed (Debian: opensta)")


def sta(folder: Path, script: str = "sta.tcl") -> str:
    """What the documented command prints; fails with it where OpenSTA fails."""
    done = subprocess.run(
        ["sta", "-no_splash", "-exit", script], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def complaints(said: str) -> list[str]:
    return [line for line in said.splitlines() if re.search(r"warning|error|not found", line, re.I)]


def paths(said: str) -> list[tuple[str, float, float, float]]:
    """Of the worst path of each group: its type (max or min), arrival, what its end asks for, slack."""
    found = []
    for text in said.split("Startpoint:")[1:]:
        kind = re.search(r"Path Type: (\w+)", text)
        arrival = re.search(r"([\d.]+) +data arrival time", text)
        asked = re.search(r"(-?[\d.]+) .*(?:library (?:setup|recovery|hold|removal) time|output external delay)", text)
        slack = re.search(r"(-?[\d.]+) +slack", text)
        assert kind and arrival and asked and slack, text
        found.append((kind[1], float(arrival[1]), -float(asked[1]), float(slack[1])))
    return found


def shortest_period_ns(said: str) -> float:
    """Arrival and setup of the longest path, of any group."""
    return max(arrival + asked for kind, arrival, asked, _ in paths(said) if kind == "max")


def broken_limits(said: str) -> list[str]:
    """Lines that report a broken limit."""
    return re.findall(r"^.*\(VIOL\w*\)$", said, re.M)


def power_w(said: str) -> dict[str, tuple[float, float, float]]:
    """Internal, switching and leakage by category of the last report."""
    rows = re.findall(r"^(\w+) +([\d.e+-]+) +([\d.e+-]+) +([\d.e+-]+) +[\d.e+-]+ +[\d.]+%$", said, re.M)
    return {name: (float(a), float(b), float(c)) for name, a, b, c in rows}


def pins_of_netlist(text: str) -> dict[str, str]:
    """The net on each pin of a flat `netlist.v`: g0/A, m1/read_data[3], and the chip's ports by name."""
    found = {}
    for cell, name, body in re.findall(r"^  (\w+) ([gm]\d+) \((.*)\);$", text, re.M):
        for pin, nets in re.findall(r"\.(\w+)\(([^()]*)\)", body):
            bits = nets.strip("{}").split(", ")[::-1]
            single = len(bits) == 1 and ("_ram_" not in cell or pin in ("clk", "read_enable"))
            found |= {f"{name}/{pin}" if single else f"{name}/{pin}[{i}]": bit for i, bit in enumerate(bits)}
    for left, right in re.findall(r"^  assign (\S+) = (\S+);$", text, re.M):
        port, net = (right, left) if re.fullmatch(r"n\d+", left) else (left, right)
        found[port] = net
    return found


def pins_of_waves(vcd: Path) -> dict[str, str]:
    """The code of each pin that the waves have in scope cosim.chip: g0/A; bits of vectors have their vector's."""
    found, scopes = {}, []  # type: dict[str, str], list[str]
    with open(vcd, "rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scopes.pop()
            elif token.kind is TokenKind.VAR and scopes[:2] == ["cosim", "chip"]:
                place, var = "/".join([*scopes[2:], token.var.reference]), token.var
                bits = var.bit_index if isinstance(var.bit_index, tuple) else (var.bit_index, var.bit_index)
                names = [place] if bits[0] is None else [f"{place}[{i}]" for i in range(bits[1], bits[0] + 1)]
                found |= dict.fromkeys(names, var.id_code)
            elif token.kind is TokenKind.ENDDEFINITIONS:
                break
    return found


def coverage(folder: Path, vcd: Path) -> float:
    """Share of the netlist's pins that have waves under the pin's own name."""
    pins = pins_of_netlist((folder / "netlist.v").read_text())
    waves = pins_of_waves(vcd)
    return sum(pin in waves for pin in pins) / len(pins)


def power_of_windows(said: str, windows: Iterable[str]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """By the reports that follow "power of WINDOW"."""
    parts = dict(re.findall(r"^power of (\w+)$(.*?)(?=^power of|\Z)", said, re.M | re.S))
    return {window: power_w(parts[window]) for window in windows}


@cache
def reads_waves() -> bool:
    """Whether the OpenSTA at hand has `read_vcd`, which Debian's 2.0.17 has not."""
    if shutil.which("sta") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ask.tcl").write_text("puts [info commands read_vcd]\n")
        return "read_vcd" in sta(Path(folder), "ask.tcl")


needs_waves = pytest.mark.skipif(not reads_waves(), reason="this OpenSTA reads no waves (2.0.17 does not)")
