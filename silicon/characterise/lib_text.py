"""The measured cells as a Liberty file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from oxmc.silicon.characterise.cells import CELLS, PREFIX, Cell
from oxmc.silicon.characterise.constraints import SLEWS_NS as CHECK_SLEWS_NS
from oxmc.silicon.characterise.measure import LOADS_FF, SLEWS_NS, TABLES, Record
from oxmc.silicon.characterise.spice import DIFFUSION_UM, PACKAGE, SUPPLY_V, TEMPERATURE_C, TERMINAL_FF

NAME = "oxmc_sky130_tt_1v80_25c"
LIBRARY = Path(str(resources.files("oxmc.silicon"))) / "libraries" / f"{NAME}.lib"
MAX_SLEW_NS = 1.5
"""The published library's limit."""
RECOVERY_NS = 0.15
"""Assumed of a reset that ends before the clock's edge."""
WIRE_PF = 0.004
"""Wire a listener: 20 um, about five gate pitches in a block of 5,000 gates (Donath), at the customary 0.2 fF/um.

An estimate, x/: 2; nothing here is placed.
"""
WIRE_LOAD, CONDITIONS = "listeners", "tt_1v80_25c"

HEAD = f"""\
/* {NAME}: cells of SkyWater's open 130 nm process, typical, {SUPPLY_V:g} V, {TEMPERATURE_C:g} C.

   Measured by `make characterise` of this project with ngspice, last on DATE. Netlists, sizes and transistor models:
   package {PACKAGE} (Apache License 2.0). Estimates of ours, in silicon/characterise/spice.py: junctions of
   {DIFFUSION_UM:g} um, wires in a cell of {TERMINAL_FF:g} fF a transistor terminal.
   Setup and hold are where the way from the clock to the output takes 10 % longer, to the next 0.01 ns. Recovery is
   assumed: {RECOVERY_NS:g} ns.
   Times of an arc are those of its slowest state, energies the mean over states; leakage is the PDK's tt_leak model.
   Power tables: supply energy less half of C V^2 of the load, pJ a change. Delay 50 % to 50 %, slew 20 % to 80 %. */
"""
UNITS = f"""\
  technology (cmos);
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1uA";
  pulling_resistance_unit : "1kohm";
  leakage_power_unit : "1pW";
  capacitive_load_unit (1, pf);
  nom_process : 1.0;
  input_threshold_pct_rise : 50;
  input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 20;
  slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80;
  slew_upper_threshold_pct_fall : 80;
  nom_voltage : {SUPPLY_V:g};
  nom_temperature : {TEMPERATURE_C:g};
  operating_conditions ({CONDITIONS}) {{ process : 1; temperature : {TEMPERATURE_C:g}; voltage : {SUPPLY_V:g}; }}
  default_operating_conditions : {CONDITIONS};
  wire_load ({WIRE_LOAD}) {{
    resistance : 0;
    capacitance : {WIRE_PF:g};
    area : 0;
    slope : 1;
    fanout_length (1, 1);
    fanout_length (2, 2);
  }}
  default_wire_load : {WIRE_LOAD};
  default_wire_load_mode : top;
  default_max_transition : {MAX_SLEW_NS};
"""
LOADS_PF = tuple(load / 1000 for load in LOADS_FF)
TEMPLATES = (
    # kind, variables and their points; every table says its own points
    ("lu_table_template (grid)", ("input_net_transition", SLEWS_NS), ("total_output_net_capacitance", LOADS_PF)),
    (
        "power_lut_template (power_grid)",
        ("input_transition_time", SLEWS_NS),
        ("total_output_net_capacitance", LOADS_PF),
    ),
    (
        "lu_table_template (checks)",
        ("related_pin_transition", CHECK_SLEWS_NS),
        ("constrained_pin_transition", CHECK_SLEWS_NS),
    ),
)


def library(records: dict[str, Record], date: str) -> str:
    """The whole file, cells in their usual order. Raises `ValueError` for a record of no known cell."""
    lines = [HEAD.replace("DATE", date) + f"library ({NAME}) {{", UNITS.rstrip()]
    for kind, *variables in TEMPLATES:
        lines += [f"  {kind} {{"] + [f"    variable_{i} : {name};" for i, (name, _) in enumerate(variables, start=1)]
        lines += [f"    index_{i} ({_row(points)});" for i, (_, points) in enumerate(variables, start=1)] + ["  }"]
    for name in sorted(records, key=list(CELLS).index):
        lines += _cell(CELLS[name], records[name])
    return "\n".join([*lines, "}", ""])


def _row(values: Iterable[float]) -> str:
    return '"' + ", ".join(f"{value:.6g}" for value in values) + '"'


def _cell(cell: Cell, record: Record) -> list[str]:
    leaks = [power for _, power in record["leakage_pw"]]
    lines = [f"  cell ({PREFIX}{cell.name}) {{", f"    area : {record['area_um2']:.4f};"]
    lines += [f"    cell_leakage_power : {math.fsum(leaks) / len(leaks):.5g};"]
    for state, power in record["leakage_pw"]:
        lines += [f'    leakage_power () {{ when : "{_when([state])}"; value : {power:.5g}; }}']
    if cell.kind == "flip-flop":
        clear = f' clear : "!{cell.clear}";' if cell.clear else ""
        lines += [f'    ff (IQ, IQN) {{ clocked_on : "CLK"; next_state : "D";{clear} }}']
    if cell.kind == "clock gate":
        lines += ["    clock_gating_integrated_cell : latch_posedge;"]
    for pin in cell.inputs:
        lines += _input(cell, pin, record["pins"][pin])
    lines += [f"    pin ({cell.output}) {{", "      direction : output;"]
    lines += [f'      function : "{cell.function}";'] if cell.function else ["      clock_gate_out_pin : true;"]
    lines += [f"      max_capacitance : {record['loads_ff'][-1] / 1000:g};"]
    for arc in record["arcs"]:
        lines += _arc(arc, record)
    return [*lines, "    }", "  }"]


def _when(states: list[dict[str, bool]]) -> str:
    return " | ".join(
        "(" + " & ".join(name if level else f"!{name}" for name, level in state.items()) + ")" for state in states
    )


def _input(cell: Cell, pin: str, record: dict[str, Any]) -> list[str]:
    lines = [f"    pin ({pin}) {{", "      direction : input;"]
    lines += [f"      capacitance : {record['capacitance_ff'] / 1000:.6f};"]
    if cell.kind != "gate" and pin == "CLK":
        lines += ["      clock : true;"] + ["      clock_gate_clock_pin : true;"] * (cell.kind == "clock gate")
    if cell.kind != "gate" and pin != "CLK":
        lines += ["      clock_gate_enable_pin : true;"] * (cell.kind == "clock gate")
        for check, tables in record.get("constraints_ns", {}).items():
            lines += [f'      timing () {{ related_pin : "CLK"; timing_type : {check};']
            for edge, rows in tables.items():
                lines += _table(edge, "checks", (CHECK_SLEWS_NS, CHECK_SLEWS_NS), rows)
            lines += ["      }"]
    if cell.clear == pin:
        lines += ['      timing () { related_pin : "CLK"; timing_type : recovery_rising;']
        lines += [f'        rise_constraint (scalar) {{ values ("{RECOVERY_NS:g}"); }}', "      }"]
    if "hidden" in record:
        hidden = record["hidden"]
        lines += ["      internal_power () {"] + [f'        when : "{_when(hidden["when"])}";'] * bool(hidden["when"])
        for edge in ("rise_power", "fall_power"):
            lines += [f'        {edge} (scalar) {{ values ("{hidden[edge] / 1000:.6g}"); }}']
        lines += ["      }"]
    return [*lines, "    }"]


def _arc(arc: dict[str, Any], record: Record) -> list[str]:
    related = f'        related_pin : "{arc["related"]}";'
    kind = [] if arc["type"] == "combinational" else [f"        timing_type : {arc['type']};"]
    lines = ["      timing () {", related, f"        timing_sense : {arc['sense']};", *kind]
    axes = record["slews_ns"], [load / 1000 for load in record["loads_ff"]]
    for name in TABLES[:4]:
        lines += _table(name, "grid", axes, arc["tables"].get(name, []))
    lines += ["      }", "      internal_power () {", related]
    for name in TABLES[4:]:
        rows = [[value / 1000 for value in row] for row in arc["tables"].get(name, [])]
        lines += _table(name, "power_grid", axes, rows)
    return [*lines, "      }"]


def _table(
    name: str, template: str, axes: tuple[Sequence[float], Sequence[float]], rows: list[list[float]]
) -> list[str]:
    if not rows:
        return []
    lines = [f"        {name} ({template}) {{"]
    lines += [f"          index_{number} ({_row(axis)});" for number, axis in enumerate(axes, start=1)]
    body = [f"            {_row(row)}" for row in rows]
    return [*lines, "          values ( \\", ", \\\n".join(body) + ");", "        }"]
