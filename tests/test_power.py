"""Toggles counted from waves written by hand, joules by hand, and costs that a fit must find again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pymodels.errors import RunError
from pymodels.events import DIGITAL_EVENTS
from tb import power
from tb.activity import CHANGES, CLEARED, Activity, count, model, saif
from tb.liberty import Arc, LibCell, Liberty, Table, shipped
from tb.mapped import WIRE_PF, Gate, Mapped
from tb.netlist import memory_macro
from tb.power import EVENTS_OF, errors, fit, power_of

NAMES = list(DIGITAL_EVENTS)
VCD = """\
$timescale 1ps $end
$scope module cosim $end
$scope module chip $end
$var wire 1 ! clk $end
$var wire 1 " n5 $end
$var wire 1 # n6 $end
$var wire 21 $ events [20:0] $end
$scope module g0 $end
$var wire 1 % n7 $end
$upscope $end
$upscope $end
$var wire 1 & n8 $end
$upscope $end
$enddefinitions $end
#0
0!
x"
0#
b0 $
#100
1!
0"
#110
1#
b11 $
#150
0!
#200
1!
1"
b0 $
#210
0"
0#
#250
0!
#300
1!
1#
#310
"""


def test_waves_are_counted_by_window(tmp_path: Path) -> None:
    """The first window closes at the second edge: what changes at that edge is already the next window's, and the
    strobes seen there are those from before it. From X is no change; nets outside the chip's own scope are not its."""
    file = tmp_path / "dump.vcd"
    file.write_text(VCD)
    found = count(file, 2)
    assert found.nets == ("n5", "n6")
    assert found.toggles.tolist() == [[0, 2], [1, 2]]
    assert found.cycles.tolist() == [2, 1]
    assert {name: row.tolist() for name, row in found.events.items() if row.any()} == {
        NAMES[0]: [1, 0],
        NAMES[1]: [1, 0],
    }
    assert (found.high_ps.tolist(), found.length_ps) == ([10, 100 + 10], 310)
    assert "(n6 (T0 200) (T1 110) (TX 0) (TC 3))" in saif(found)


def test_waves_without_definitions_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "dump.vcd"
    file.write_text("#0\n")
    with pytest.raises(RunError, match="must have definitions"):
        count(file, 2)


def activity(toggles: dict[str, list[int]], cycles: list[int], **events: list[int]) -> Activity:
    rows = {name: np.array(events.get(name, [0] * len(cycles))) for name in NAMES}
    nets = np.array(list(toggles.values()), np.int64).reshape(len(toggles), len(cycles))
    return Activity(tuple(toggles), nets, rows, np.array(cycles), np.zeros(len(toggles)), 1)


def test_joules_of_one_gate_by_hand() -> None:
    """10 changes of the output at 3 pJ (rise 5, fall 1), 4 inputs in vain at 0.5 pJ; 1/2 C V^2 of one register pin."""
    flat = {name: Table((0.0, 1.0), (0.0, 1.0), ((value,) * 2,) * 2) for name, value in
            (("rise_power", 5.0), ("fall_power", 1.0))}  # fmt: skip
    inverter = LibCell("i", 1, 7.0, {"A": 0.001}, {"A": 0.5}, {}, "Y", "(!A)", None, 1, (
        Arc("A", "negative_unate", "combinational", flat),))  # fmt: skip
    gates = (Gate("b.g", inverter, {"A": "5", "Y": "6"}), Gate("c.h", inverter, {"A": "6", "Y": "9"}))
    netlist = Mapped("t", gates, (), {}, {})
    found = power_of(netlist, Liberty("l", 2.0, {**shipped().cells}, ""), activity({"n5": [14], "n6": [10]}, [1]))
    wire_pj = 0.5 * (0.001 + WIRE_PF) * 4 * 10
    in_vain_pj = 10 * 0.5  # the second gate's output, which is on no net, does not move
    assert found.blocks["b"].tolist() == pytest.approx([10 * 3 + 4 * 0.5 + wire_pj])
    assert found.blocks["c"].tolist() == pytest.approx([in_vain_pj])
    assert found.blocks["top"].tolist() == pytest.approx([0.5 * (0.001 + WIRE_PF) * 4 * 14])  # an input port drives n5
    assert found.leakage_pw == 14.0


def test_clock_of_known_flip_flops() -> None:
    """32 flip-flops: their edges, pins and wires, two leaf buffers, one root; between that sum without the tree and
    twice it."""
    library = shipped()
    register = library.cells["sky130_fd_sc_hd__dfxtp_1"]
    bare = 2 * register.hidden_pj["CLK"] + (register.capacitance_pf["CLK"] + WIRE_PF) * library.voltage_v**2
    found = power.clock_pj([register] * 32, library)
    assert 32 * bare < found < 2 * 32 * bare


def test_a_fit_finds_known_costs() -> None:
    rng = np.random.default_rng(3)
    rows = {name: rng.integers(0, 30, 50).tolist() for name in EVENTS_OF["lfsr"]}
    seen = activity({}, [32] * 50, **rows)
    energy = 0.25 * 32 + 4.0 * np.array(rows["lfsr_step"])
    found = power.Power({"lfsr": energy}, 1.0, 1.0, 1)
    costs = fit(found, seen)
    assert costs == {"lfsr": pytest.approx({"cycle": 0.25, "lfsr_step": 4.0})}
    assert errors(costs, found, seen) == {"lfsr": pytest.approx(0.0, abs=1e-9)}
    doubled = power.Power({"lfsr": 2 * energy}, 1.0, 1.0, 1)
    assert errors(costs, doubled, seen) == {"lfsr": pytest.approx(-0.5)}


def test_blocks_name_known_events() -> None:
    assert {name for names in EVENTS_OF.values() for name in names} <= set(NAMES)


def test_models_answer_as_the_library_says() -> None:
    cells = shipped().cells
    assert "assign #(T) Y = (~(A & B));" in model(cells["sky130_fd_sc_hd__nand2_1"])
    assert "always @(posedge CLK) Q <= #(T) D;" in model(cells["sky130_fd_sc_hd__dfxtp_1"])


def test_what_is_replaced_is_there() -> None:
    """The co-simulation's top and the memory macro are as the gates need them."""
    top = (Path(power.__file__).parent / "cosim.v").read_text()
    assert [top.count(old) for old, _ in CHANGES] == [1] * len(CHANGES)
    assert memory_macro().count(CLEARED[0]) == 1
