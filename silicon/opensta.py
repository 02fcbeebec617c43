"""What OpenSTA needs beside a netlist and the cells' library: the memories as Liberty, and the commands as `sta.tcl`.

The memories are the black boxes that `oxmc.silicon.sta` takes them for: the same times, and pins that weigh the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from oxmc.hdl.memory import Geometry, geometry_of
from oxmc.hdl.verilog.netlist import CHIP_NAME
from oxmc.pymodels.whole import write_file
from oxmc.silicon.characterise.lib_text import UNITS, WIRE_LOAD
from oxmc.silicon.mapped import PIN_PF
from oxmc.silicon.sta import CLOCK_SLEW_NS, MEMORY_READ_NS, MEMORY_SETUP_NS, PORT_MAX_PF, PORT_SLEW_NS


def memory_liberty(modules: Iterable[str]) -> str:
    """A library of memory macros, given by their modules' names: timing and capacitances; no power, no area."""
    cells = {module: geometry for module in modules if (geometry := geometry_of(module))}
    sizes = {size for geometry in cells.values() for _, size, _ in _pins(geometry)}
    lines = [f"/* Memories of {CHIP_NAME}, assumed and not compiled: read in {MEMORY_READ_NS:g} ns. */"]
    lines += ["library (oxmc_memories) {", UNITS.rstrip()]
    for size in sorted(sizes):
        lines += [f"  type (bits_{size}) {{", "    base_type : array; data_type : bit;"]
        lines += [f"    bit_width : {size}; bit_from : {size - 1}; bit_to : 0;", "  }"]
    for module, geometry in cells.items():
        lines += [f"  cell ({module}) {{", "    area : 0; is_macro : true; is_macro_cell : true;"]
        lines += [f"    pin (clk) {{ direction : input; clock : true; capacitance : {PIN_PF:g}; }}"]
        for name, size, way in _pins(geometry):
            one = name == "read_enable"
            lines += [f"    pin ({name}) {{" if one else f"    bus ({name}) {{ bus_type : bits_{size};"]
            lines += _output() if way == "output" else _input()
        lines += ["  }"]
    return "\n".join([*lines, "}", ""])


def _pins(geometry: Geometry) -> list[tuple[str, int, str]]:
    """Pins beside the clock: name, bits, direction."""
    inputs = {
        "write_lanes": geometry.lanes, "write_address": geometry.address_bits, "write_data": geometry.width,
        "read_enable": 1, "read_address": geometry.address_bits,
    }  # fmt: skip
    return [(name, size, "input") for name, size in inputs.items()] + [("read_data", geometry.width, "output")]


def _input() -> list[str]:
    checks = " ".join(f'{edge}_constraint (scalar) {{ values ("{MEMORY_SETUP_NS:g}"); }}' for edge in ("rise", "fall"))
    return [
        f"      direction : input; capacitance : {PIN_PF:g};",
        f'      timing () {{ related_pin : "clk"; timing_type : setup_rising; {checks} }}',
        "    }",
    ]


def _output() -> list[str]:
    times = {f"cell_{edge}": MEMORY_READ_NS for edge in ("rise", "fall")}
    times |= {f"{edge}_transition": PORT_SLEW_NS for edge in ("rise", "fall")}
    tables = " ".join(f'{name} (scalar) {{ values ("{value:g}"); }}' for name, value in times.items())
    return [
        f"      direction : output; max_capacitance : {PORT_MAX_PF:g};",
        f'      timing () {{ related_pin : "clk"; timing_type : rising_edge; timing_sense : non_unate; {tables} }}',
        "    }",
    ]


def write_commands(
    out: Path, netlist: str, modules: Iterable[str], period_ns: float, windows: Iterable[str] = ()
) -> None:
    """`memories.lib` and `sta.tcl` beside a netlist in `out`; `windows` are names of waves there."""
    write_file(out / "memories.lib", memory_liberty(modules))
    text = COMMANDS.format(netlist=netlist, period=period_ns)
    write_file(out / "sta.tcl", text + (WAVES.format(windows=" ".join(windows)) if windows else ""))


COMMANDS = f"""\
# Timing, limits and power of {CHIP_NAME}: sta -exit sta.tcl. Units: ns, pF.
# 2.0.17 reads no waves, knows limits of slew only, and takes a port's load in place of its net's wires.
set old [expr {{{{[info commands read_vcd] eq ""}}}}]
read_liberty cells.lib
read_liberty memories.lib
read_verilog {{netlist}}
link_design {CHIP_NAME}
create_clock -period {{period:g}} clk
set_clock_transition {CLOCK_SLEW_NS:g} clk
set_wire_load_mode top
set_wire_load_model -name {WIRE_LOAD}
foreach port [all_inputs] {{{{
  set_input_transition {PORT_SLEW_NS:g} $port
  if {{{{[get_name $port] ne "clk"}}}} {{{{ set_input_delay 0 -clock clk $port }}}}
}}}}
set_output_delay 0 -clock clk [all_outputs]
if {{{{!$old}}}} {{{{ set_load {PIN_PF:g} [all_outputs] }}}}
report_checks -path_delay max -digits 4
report_checks -path_delay min -digits 4
if {{{{$old}}}} {{{{
  report_check_types -max_transition -all_violators
}}}} else {{{{
  report_check_types -max_slew -max_capacitance -violators
}}}}
puts "power where every net changes in a tenth of the cycles"
set_power_activity -global -activity 0.1 -duty 0.5
report_power -digits 4
"""
WAVES = """\
if {{!$old}} {{
  unset_power_activity -global
  foreach window {{{windows}}} {{
    puts "power of $window"
    read_vcd -scope cosim/chip $window.vcd
    report_activity_annotation
    report_power -digits 4
  }}
}}
"""
