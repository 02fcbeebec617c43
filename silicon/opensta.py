"""What OpenSTA needs beside a netlist and the cells' library: the memories as Liberty, and the commands as `sta.tcl`.

The memories are the black boxes that `oxmc.silicon.sta` takes them for: the same times, and pins that weigh the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from oxmc.hdl.memory import Geometry, geometry_of
from oxmc.hdl.verilog.netlist import CHIP_NAME
from oxmc.pymodels.whole import write_file
from oxmc.silicon.characterise.lib_text import WIRE_LOAD
from oxmc.silicon.macro import Macro, MacroPin, macro_liberty
from oxmc.silicon.mapped import PIN_PF
from oxmc.silicon.sta import CLOCK_SLEW_NS, MEMORY_READ_NS, MEMORY_SETUP_NS, PORT_SLEW_NS


def memory_liberty(modules: Iterable[str]) -> str:
    """A library of memory macros, given by their modules' names: timing and capacitances; no power, no area."""
    assumed = f"Memories of {CHIP_NAME}, assumed and not compiled: read in {MEMORY_READ_NS:g} ns."
    return macro_liberty("oxmc_memories", assumed, filter(None, map(memory_macro, modules)))


def memory_macro(module: str) -> Macro | None:
    """The memory of that module, with the times that are assumed; None for what is no memory."""
    geometry = geometry_of(module)
    if geometry is None:
        return None
    return Macro(module, _pins(geometry), MEMORY_SETUP_NS, None, MEMORY_READ_NS)


def _pins(geometry: Geometry) -> tuple[MacroPin, ...]:
    """Pins beside the clock."""
    inputs = {
        "write_lanes": geometry.lanes, "write_address": geometry.address_bits, "write_data": geometry.width,
        "read_enable": 0, "read_address": geometry.address_bits,
    }  # fmt: skip
    pins = [MacroPin(name, max(1, bits), bits > 0, "input") for name, bits in inputs.items()]
    return (*pins, MacroPin("read_data", geometry.width, True, "output"))


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
