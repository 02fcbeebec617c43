"""The measured cells as a Liberty file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from energy.characterise.cells import CELLS, PREFIX, Cell
from energy.characterise.measure import LOADS_FF, SLEWS_NS, TABLES, Record
from energy.characterise.spice import DIFFUSION_UM, PACKAGE, SUPPLY_V, TEMPERATURE_C, TERMINAL_FF

NAME = "oxmc_sky130_tt_1v80_25c"
LIBRARY = Path(str(resources.files("energy"))) / "liberty" / f"{NAME}.lib"
SETUP_NS = 0.15
"""Assumed; the published setup of dfxtp_1 is 0.10 ns falling and 0.05 ns rising at 0.01 ns of slew."""
MAX_SLEW_NS = 1.5

HEAD = f"""\
/* {NAME}: cells of SkyWater's open 130 nm process, typical, {SUPPLY_V:g} V, {TEMPERATURE_C:g} C.

   Measured by `make characterise` of this project with ngspice on DATE. Netlists, sizes and transistor models:
   package {PACKAGE} (Apache License 2.0). Estimates of ours, in energy/characterise/spice.py: junctions of
   {DIFFUSION_UM:g} um, wires in a cell of {TERMINAL_FF:g} fF a transistor terminal. Setup and recovery are assumed:
   {SETUP_NS:g} ns.
   Times of an arc are those of its slowest state, energies the mean over states; leakage is the PDK's tt_leak model.
   Power tables: supply energy less half of C V^2 of the load, pJ a change. Delay 50 % to 50 %, slew 20 % to 80 %. */
"""
UNITS = """\
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
"""
TEMPLATES = (("lu_table_template (grid)", "net_transition"), ("power_lut_template (power_grid)", "transition_time"))


def library(records: dict[str, Record], date: str) -> str:
    """The whole file. Raises `KeyError` for a record of no known cell."""
    lines = [HEAD.replace("DATE", date) + f"library ({NAME}) {{", UNITS.rstrip()]
    lines += [f"  nom_voltage : {SUPPLY_V:g};", f"  nom_temperature : {TEMPERATURE_C:g};"]
    lines += [f"  default_max_transition : {MAX_SLEW_NS};"]
    for kind, slew in TEMPLATES:
        lines += [f"  {kind} {{", f"    variable_1 : input_{slew};", "    variable_2 : total_output_net_capacitance;"]
        lines += [f"    index_1 ({_row(SLEWS_NS)});", f"    index_2 ({_row(LOADS_FF)});", "  }"]
    for name, record in records.items():
        lines += _cell(CELLS[name], record)
    return "\n".join([*lines, "}", ""])


def with_cells(text: str, records: dict[str, Record], date: str) -> str:
    """The file `text` with cells put in that were measured apart, in place of those of their names or at its end."""
    for name, record in records.items():
        body = "\n".join([f"  /* measured on {date} */", *_cell(CELLS[name], record), ""])
        old = rf"(?ms)^(  /\* measured on \S+ \*/\n)?  cell \({PREFIX}{name}\) .*?^  }}\n"
        text, found = re.subn(old, lambda _, body=body: body, text)  # type: ignore[misc]
        text = text if found else text.removesuffix("}\n") + body + "}\n"
    return text


def _row(values: Iterable[float]) -> str:
    return '"' + ", ".join(f"{value:.6g}" for value in values) + '"'


def _cell(cell: Cell, record: Record) -> list[str]:
    leaks = [power for _, power in record["leakage_pw"]]
    lines = [f"  cell ({PREFIX}{cell.name}) {{", f"    area : {record['area_um2']:.4f};"]
    lines += [f"    cell_leakage_power : {sum(leaks) / len(leaks):.5g};"]
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
        kind, edges = ("recovery_rising", ("rise",)) if pin == cell.clear else ("setup_rising", ("rise", "fall"))
        lines += ["      clock_gate_enable_pin : true;"] * (cell.kind == "clock gate")
        lines += [f'      timing () {{ related_pin : "CLK"; timing_type : {kind};']
        lines += [f'        {edge}_constraint (scalar) {{ values ("{SETUP_NS}"); }}' for edge in edges]
        lines += ["      }"]
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
    tables = [name for name in TABLES if name in arc["tables"]]
    for name in (name for name in tables if name in TABLES[:4]):
        lines += _table(name, "grid", arc["tables"][name], record, 1)
    lines += ["      }", "      internal_power () {", related]
    for name in (name for name in tables if name in TABLES[4:]):
        lines += _table(name, "power_grid", arc["tables"][name], record, 1000)
    return [*lines, "      }"]


def _table(name: str, template: str, rows: list[list[float]], record: Record, per: float) -> list[str]:
    lines = [f"        {name} ({template}) {{", f"          index_1 ({_row(record['slews_ns'])});"]
    lines += [f"          index_2 ({_row(load / 1000 for load in record['loads_ff'])});", "          values ( \\"]
    body = [f"            {_row(value / per for value in row)}" for row in rows]
    return [*lines, ", \\\n".join(body) + ");", "        }"]
