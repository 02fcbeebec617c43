"""Limits of slew and load: kept by any netlist after the pass, and its logic the same, on netlists of real cells."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from oxmc.silicon.buffers import BUFFERS, keep_limits
from oxmc.silicon.liberty import shipped
from oxmc.silicon.mapped import Mapped, mapped_of
from oxmc.silicon.sta import violations

pytestmark = pytest.mark.testpoint(
    "limits of slew and load",
    "buffers, stronger cells and twins of clock gates keep every limit of any netlist, and its logic",
)

PREFIX = "sky130_fd_sc_hd__"
Module = dict[str, Any]


def cell(kind: str, **nets: int) -> dict[str, Any]:
    output = shipped().cells[PREFIX + kind].output
    ways = {pin: "output" if pin == output else "input" for pin in nets}
    return {"type": PREFIX + kind, "port_directions": ways, "connections": {pin: [net] for pin, net in nets.items()}}


def module(cells: dict[str, Any], inputs: dict[str, list[int]], outputs: dict[str, list[int]] | None = None) -> Module:
    ways = [("input", inputs), ("output", outputs or {})]
    ports = {name: {"direction": way, "bits": bits} for way, group in ways for name, bits in group.items()}
    return {"cells": cells, "ports": ports, "netnames": {name: {"bits": list(p["bits"])} for name, p in ports.items()}}


def netlist(made: Module) -> Mapped:
    return mapped_of(made, "t", shipped())


def sources(made: Module) -> dict[tuple[str, str, int], Any]:
    """What drives each input of each cell and each output port, through buffers and whichever twin of a clock gate.

    A gate that was there before goes by its name, a twin by its inputs, a buffer by what drives it.
    """
    cells = {name: c for name, c in made["cells"].items()}
    drivers = {c["connections"][pin][0]: name for name, c in cells.items() for pin, way in c["port_directions"].items()
               if way == "output"}  # fmt: skip

    def origin(net: Any) -> Any:
        name = drivers.get(net)
        if name is None:
            return net
        if "$buffer" in name:
            return origin(cells[name]["connections"]["A"][0])
        if "$twin" in name:
            first = name.partition("$twin")[0]
            inputs = [pin for pin, way in cells[name]["port_directions"].items() if way == "input"]
            assert all(origin(cells[name]["connections"][pin][0]) == origin(cells[first]["connections"][pin][0])
                       for pin in inputs)  # fmt: skip
            return first
        return name

    found = {}
    for name, each in cells.items():
        if "$buffer" not in name and "$twin" not in name:
            for pin, way in each["port_directions"].items():
                if way == "input":
                    found[name, pin, 0] = origin(each["connections"][pin][0])
    for name, port in made["ports"].items():
        if port["direction"] == "output":
            found |= {(name, "", i): origin(bit) for i, bit in enumerate(port["bits"])}
    return found


def families(made: Module) -> dict[str, str]:
    return {name: c["type"].rpartition("_")[0] for name, c in made["cells"].items() if "$" not in name}


def mended(made: Module) -> Module:
    """The module after the pass, which must keep every limit and all of its logic."""
    before = copy.deepcopy(made)
    keep_limits(made, "t", shipped())
    assert violations(netlist(made)) == []
    assert sources(made) == sources(before)
    assert families(made) == families(before)
    assert all(made["netnames"][name]["bits"] == port["bits"] for name, port in made["ports"].items())
    return made


def fan(listeners: int, kind: str = "nor3_1") -> Module:
    cells = {"d": cell(kind, A=2, B=3, C=4, Y=5)}
    cells |= {f"s{i}": cell("inv_1", A=5, Y=100 + i) for i in range(listeners)}
    return module(cells, {"in": [2, 3, 4]})


def test_a_net_within_its_limits_is_left() -> None:
    made = fan(3)
    assert mended(copy.deepcopy(made))["cells"] == made["cells"]


@pytest.mark.parametrize("listeners", [9, 40, 300, 3000])
def test_many_listeners_go_behind_buffers(listeners: int) -> None:
    made = fan(listeners)
    assert {v.kind for v in violations(netlist(made))} >= {"slew"}
    added = [c["type"] for name, c in mended(made)["cells"].items() if "$buffer" in name]
    assert added and set(added) <= set(BUFFERS)
    assert len(added) < 2 + listeners / 50  # a clkbuf_16 carries some 230 of them


def test_a_stronger_cell_comes_before_a_buffer() -> None:
    cells = {"d": cell("inv_1", A=2, Y=5)} | {f"s{i}": cell("inv_1", A=5, Y=100 + i) for i in range(20)}
    found = mended(module(cells, {"in": [2]}))["cells"]
    assert found["d"]["type"] == PREFIX + "inv_2" and len(found) == 21


def test_clock_gates_get_twins() -> None:
    """No buffer in a clock's way: 60 flip-flops are shared out evenly, the gate above has more listeners then."""
    cells = {"top": cell("dlclkp_1", GATE=2, CLK=3, GCLK=4), "low": cell("dlclkp_1", GATE=5, CLK=4, GCLK=6)}
    cells |= {f"f{i}": cell("dfxtp_1", D=2, CLK=6, Q=100 + i) for i in range(60)}
    found = mended(module(cells, {"in": [2, 5], "clk": [3]}))["cells"]
    gates = {name: c["connections"]["GCLK"][0] for name, c in found.items() if c["type"].endswith("dlclkp_1")}
    shares = [sum(c["connections"].get("CLK") == [net] for c in found.values()) for net in gates.values()]
    assert sorted(shares) == [4, 15, 15, 15, 15]
    assert found["low"]["connections"]["CLK"] == [4]
    assert not [name for name, c in found.items() if "$buffer" in name and c["connections"]["X"][0] in gates.values()]


def test_ports_and_memories_are_kept_within_limits_too() -> None:
    """An input port, a memory's output and one net on 90 output ports; the clock's port is left to its tree."""
    ram = {"type": "t_ram_8x1", "port_directions": {"clk": "input", "read_data": "output"},
           "connections": {"clk": [3], "read_data": [9]}}  # fmt: skip
    cells = {"m": ram, "d": cell("inv_1", A=2, Y=5)}
    cells |= {f"p{i}": cell("inv_1", A=2, Y=1000 + i) for i in range(99)}
    cells |= {f"r{i}": cell("inv_1", A=9, Y=2000 + i) for i in range(99)}
    cells |= {f"f{i}": cell("dfxtp_1", D=5, CLK=3, Q=3000 + i) for i in range(99)}
    made = module(cells, {"in": [2], "clk": [3]}, {"out": [5] * 90})
    assert len(violations(netlist(made))) == 4
    found = mended(made)
    assert found["ports"]["out"]["bits"] != [5] * 90
    assert all(c["connections"].get("CLK", [3]) == [3] for c in found["cells"].values())


def test_random_netlists_keep_their_logic_and_limits() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(3):
        nets, cells = [2, 3, 4], {}  # type: list[int], dict[str, Any]
        for i in range(400):
            few = rng.choices(nets[:12], k=3) if rng.random() < 0.7 else rng.choices(nets, k=3)
            kind = rng.choice(["nor3_1", "inv_1", "nand2_1", "dfxtp_1"])
            pins = {"nor3_1": "ABC", "inv_1": "A", "nand2_1": "AB", "dfxtp_1": "D"}[kind]
            connected = dict(zip(pins, few, strict=False)) | ({"CLK": 1} if kind == "dfxtp_1" else {})
            cells[f"c{i}"] = cell(kind, **connected, **{"Q" if kind == "dfxtp_1" else "Y": 10 + i})
            nets.append(10 + i)
        mended(module(cells, {"in": [2, 3, 4], "clk": [1]}, {"out": nets[-8:]}))


def test_a_lost_listener_is_seen() -> None:
    """The comparison itself: a sink on another net, or a twin with another enable, is another netlist."""
    made = mended(fan(40))
    right = sources(made)
    made["cells"]["s7"]["connections"]["A"] = [2]
    assert sources(made) != right
