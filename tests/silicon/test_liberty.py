"""The reader of Liberty files, and what our library says against published figures of the same cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from oxmc.pymodels.errors import InputError
from oxmc.silicon.characterise.cells import CELLS, PREFIX, evaluate
from oxmc.silicon.characterise.lib_text import MAX_SLEW_NS, WIRE_PF
from oxmc.silicon.characterise.spice import SUPPLY_V, TEMPERATURE_C
from oxmc.silicon.characterise.syntax import parse
from oxmc.silicon.liberty import LibCell, Table, read_liberty, shipped

pytestmark = pytest.mark.testpoint(
    "cell library",
    "the Liberty file parses, its areas, pins, delays and energies against SkyWater's published ones and hand "
    "calculations; functions against the table of cells",
)

SMALL = """\
/* a comment { */
library (small) {
  nom_voltage : 2;
  capacitive_load_unit (1, pf);
  cell (inv) {
    area : 3.5;
    cell_leakage_power : 7;
    pin (A) { direction : input; capacitance : 0.002;
      internal_power () { when : "X"; rise_power (scalar) { values ("1"); } fall_power (scalar) { values ("3"); } } }
    pin (Y) {
      direction : output; function : "(!A)"; max_capacitance : 0.1;
      timing () {
        related_pin : "A"; timing_sense : negative_unate;
        cell_rise (grid) { index_1 ("0.1, 0.3"); index_2 ("0.01, 0.02"); values ( \\
          "1, 2", \\
          "3, 5"); }
      }
      internal_power () { related_pin : "A";
        rise_power (power) { index_1 ("0.1, 0.3"); index_2 ("0.01, 0.02"); values ("1, 1", "2, 2"); } }
    }
  }
}
"""


def test_a_small_library_is_read(tmp_path: Path) -> None:
    file = tmp_path / "small.lib"
    file.write_text(SMALL)
    library = read_liberty(file)
    cell = library.cells["inv"]
    assert (library.name, library.voltage_v) == ("small", 2.0)
    assert (cell.area_um2, cell.leakage_pw, cell.capacitance_pf, cell.max_load_pf) == (3.5, 7.0, {"A": 0.002}, 0.1)
    assert (cell.output, cell.function, cell.clock, cell.is_register) == ("Y", "(!A)", None, False)
    assert cell.hidden_pj == {"A": 2.0}
    (arc,) = cell.arcs
    assert (arc.related, arc.sense, arc.kind) == ("A", "negative_unate", "combinational")
    assert arc.tables["cell_rise"] == Table((0.1, 0.3), (0.01, 0.02), ((1.0, 2.0), (3.0, 5.0)))


@pytest.mark.parametrize(
    ("slew", "load", "value"),
    # corners; the middle is the mean of four; beyond the edge the last piece goes on: 5 + 2 to the right, then 2 down
    [(0.1, 0.01, 1.0), (0.3, 0.02, 5.0), (0.2, 0.015, 2.75), (0.3, 0.03, 7.0), (0.1, 0.0, 0.0), (0.5, 0.01, 5.0)],
)
def test_tables_interpolate(slew: float, load: float, value: float) -> None:
    table = Table((0.1, 0.3), (0.01, 0.02), ((1.0, 2.0), (3.0, 5.0)))
    assert table.at(slew, load) == pytest.approx(value, rel=1e-12, abs=1e-12)  # rounding


@pytest.mark.parametrize("text", ["", "library (x) {", "cell (x) { }", SMALL + "}", "library (x) { area ; }", "hello"])
def test_what_is_no_liberty_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="^a Liberty file must be one whole library"):
        parse(text)


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a readable Liberty file, not .*No such file"):
        read_liberty(tmp_path / "none.lib")


def cell(name: str) -> LibCell:
    return shipped().cells[PREFIX + name]


def test_the_library_holds_every_cell_that_is_measured() -> None:
    library = shipped()
    assert sorted(library.cells) == sorted(PREFIX + name for name in CELLS)
    assert library.voltage_v == SUPPLY_V
    for found in library.cells.values():
        assert found.area_um2 > 0 and found.leakage_pw > 0
        assert all(0.5e-3 < farads < 0.05 for farads in found.capacitance_pf.values())  # fF of a few gates
        for arc in found.arcs:
            for name in ("cell_rise", "cell_fall", "rise_transition", "fall_transition"):
                rows = arc.tables[name].values
                assert all(a < b for row in rows for a, b in zip(row, row[1:], strict=False)), (found.name, name)


def test_stronger_cells_are_faster_and_larger() -> None:
    for weak, strong in (("inv_1", "inv_2"), ("inv_2", "inv_4"), ("buf_1", "buf_2"), ("nand2_1", "nand2_2")):
        times = [cell(name).arcs[0].tables["cell_rise"].at(0.1, 0.05) for name in (weak, strong)]
        assert times[1] < times[0] and cell(weak).area_um2 <= cell(strong).area_um2


PUBLISHED_AREA = {"inv_1": 3.7536, "nand2_1": 3.7536, "xor2_1": 8.7584, "dfxtp_1": 20.0192}
PUBLISHED_FF = {("inv_1", "A"): 2.302, ("nand2_1", "A"): 2.315, ("nand2_1", "B"): 2.324, ("xor2_1", "A"): 4.377,
                ("dfxtp_1", "CLK"): 1.794, ("dfxtp_1", "D"): 1.678}  # fmt: skip
PUBLISHED_NS = {
    # slew and load of a point of the published table, cell_rise and cell_fall there
    "inv_1": ("A", 0.0531329, 0.00356533, 0.0566328, 0.0410519),
    "nand2_1": ("A", 0.0531329, 0.00346659, 0.0612167, 0.0504824),
    "xor2_1": ("A", 0.122474, 0.00620138, 0.194654, 0.2008618),
    "dfxtp_1": ("CLK", 0.0531329, 0.00343455, 0.3070411, 0.2971512),
}
PUBLISHED_PJ = {
    # the same with rise_power and fall_power; their sum is the internal energy of a whole swing
    "inv_1": ("A", 0.05313293, 0.003565333, 0.0125411, -0.0071223),
    "nand2_1": ("B", 0.05313293, 0.003466593, 0.0114938, -0.0024519),
    "xor2_1": ("A", 0.1224745, 0.006201382, 0.0282972, -0.0117203),
    "dfxtp_1": ("CLK", 0.05313293, 0.003434554, 0.0233518, 0.015415),
}
"""SkyWater's sky130_fd_sc_hd, tt 25 C 1.8 V, from its cells' published .lib.json files."""


def test_setup_and_hold_are_near_the_published_ones() -> None:
    """dfxtp_1 at 0.01 ns of slew: setup 0.10 ns falling, 0.05 ns rising; ours at 0.02 ns where the way to Q takes 10 %
    longer, and rounded up (worst seen: 0.05 ns more). One flip-flop holds the next: hold is below the way to Q."""
    setup, hold = cell("dfxtp_1").setup_ns["D"], cell("dfxtp_1").hold_ns["D"]
    assert setup["fall"].at(0.02, 0.02) == pytest.approx(0.10, abs=0.06)
    assert setup["rise"].at(0.02, 0.02) == pytest.approx(0.05, abs=0.06)
    (arc,) = cell("dfxtp_1").arcs
    fastest = min(arc.tables[f"cell_{edge}"].at(0.02, 0.0) for edge in ("rise", "fall"))
    slews = (0.02, 0.5)
    assert all(table.at(clock, data) < fastest for table in hold.values() for clock in slews for data in slews)
    gate = cell("dlclkp_1")
    assert set(gate.setup_ns) == set(gate.hold_ns) == {"GATE"}


def test_limits_and_conditions_stand_in_the_library() -> None:
    """What tools take from the file: without conditions OpenSTA's switching power is 0, without a wire load nets weigh
    too little."""
    (top,) = [parse(shipped().text)]
    assert top.attributes["technology"] == "cmos"
    (conditions,) = top.all("operating_conditions")
    assert top.attributes["default_operating_conditions"] == conditions.args[0]
    assert (conditions.number("voltage"), conditions.number("temperature")) == (SUPPLY_V, TEMPERATURE_C)
    (wires,) = top.all("wire_load")
    assert top.attributes["default_wire_load"] == wires.args[0] and wires.number("capacitance") == WIRE_PF
    assert all(found.max_slew_ns == MAX_SLEW_NS and found.max_load_pf > 0 for found in shipped().cells.values())


def test_areas_are_the_published_ones() -> None:
    assert {name: cell(name).area_um2 for name in PUBLISHED_AREA} == pytest.approx(PUBLISHED_AREA)


@pytest.mark.parametrize(("name", "pin"), PUBLISHED_FF)
def test_pin_capacitances_are_near_the_published_ones(name: str, pin: str) -> None:
    assert cell(name).capacitance_pf[pin] * 1e3 == pytest.approx(PUBLISHED_FF[name, pin], rel=0.25)  # our wires differ


@pytest.mark.parametrize("name", PUBLISHED_NS)
def test_delays_are_near_the_published_ones(name: str) -> None:
    """Within 25 %: the published netlists carry extracted wires, ours estimated ones (worst seen: 19 %)."""
    pin, slew, load, rise, fall = PUBLISHED_NS[name]
    arc = next(arc for arc in cell(name).arcs if arc.related == pin)
    assert arc.tables["cell_rise"].at(slew, load) == pytest.approx(rise, rel=0.25)
    assert arc.tables["cell_fall"].at(slew, load) == pytest.approx(fall, rel=0.25)


@pytest.mark.parametrize("name", PUBLISHED_PJ)
def test_internal_energies_are_near_the_published_ones(name: str) -> None:
    """Within 45 %: the same, and another mean over states (worst seen: xor2_1, 40 %)."""
    pin, slew, load, rise, fall = PUBLISHED_PJ[name]
    arc = next(arc for arc in cell(name).arcs if arc.related == pin)
    found = arc.tables["rise_power"].at(slew, load) + arc.tables["fall_power"].at(slew, load)
    assert found == pytest.approx(rise + fall, rel=0.45)


def test_a_clocked_flip_flop_costs_near_the_published_energy() -> None:
    """17.4 and 22.3 fJ for the edges of an idle dfxtp_1 at 0.05 ns; ours has less wire in it (28 % less seen)."""
    assert cell("dfxtp_1").hidden_pj["CLK"] * 1e3 == pytest.approx((17.4 + 22.3) / 2, rel=0.35)


def test_inverter_gate_is_its_oxide() -> None:
    """8.32 fF/um2 (3.9 eps0 / 4.148 nm) over 0.15 um x (0.65 + 1.0) um is 2.06 fF; overlap and wire come on top."""
    oxide_ff = 3.9 * 8.854e-3 / 4.148e-3 * 0.15 * 1.65
    assert oxide_ff == pytest.approx(2.06, rel=0.01)
    assert oxide_ff < cell("inv_1").capacitance_pf["A"] * 1e3 < 1.5 * oxide_ff


def test_a_loaded_inverter_takes_c_v_squared() -> None:
    """From the load of 0.1 pF: C V^2 = 0.324 pJ a cycle is nearly all that the supply gives."""
    (arc,) = cell("inv_1").arcs
    internal = arc.tables["rise_power"].at(0.1, 0.1) + arc.tables["fall_power"].at(0.1, 0.1)
    assert 0 < internal < 0.05 * 0.1 * SUPPLY_V**2  # short circuit and own nodes are a few per cent of it


def test_library_functions_agree_with_the_table_of_cells() -> None:
    for name, known in CELLS.items():
        if known.kind == "gate":
            assert cell(name).function == known.function
            states = [known.sensitised(pin) for pin in known.inputs]
            assert all(states)  # no pin without effect


def test_functions_evaluate() -> None:
    assert [evaluate("(!(A & B))", {"A": a, "B": b}) for a in (False, True) for b in (False, True)] == [1, 1, 1, 0]
    with pytest.raises(KeyError):
        evaluate("(!Z)", {"A": True})


def test_a_reset_is_no_part_of_a_cycle() -> None:
    """The flip-flop that clears is timed from its clock alone, and slower and larger than the one without."""
    found, plain = cell("dfrtp_1"), cell("dfxtp_1")
    assert (found.clear, found.clock, found.is_register, plain.clear) == ("RESET_B", "CLK", True, None)
    assert list(found.setup_ns) == ["D"] and [arc.related for arc in found.arcs] == ["CLK"]
    assert found.area_um2 > plain.area_um2
    late, early = (c.arcs[0].tables["cell_fall"].at(0.1, 0.004) for c in (found, plain))
    assert early < late < 1.5 * early
