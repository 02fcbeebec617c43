"""Constraints of an IP in SDC: its clock, what lies outside of its pins, its reset."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from oxmc.hdl.verilog.netlist import Port, module_ports

CLOCK, RESET = "clk", "rst_n"
OUTSIDE, ARRAY = 0.4, 0.5
"""Shares of a period: of the bus and the system, and of the array macro."""


def sdc(name: str, verilog: str, clock_hz: float) -> str:
    """The constraints of the module `name` in `verilog`, in nanoseconds, for a chip built for `clock_hz` in hertz."""
    ports = [port for port in module_ports(verilog, name) if port.name != CLOCK]
    reset = any(port.name == RESET for port in ports)
    text = HEAD.format(name=name, clock_hz=clock_hz, period=1e9 / clock_hz, outside=OUTSIDE, array=ARRAY)
    for way in ("input", "output"):
        for where in ("outside", "array"):
            found = [port for port in ports if port.way == way and port.name.startswith("array_") == (where == "array")]
            text += DELAYS.format(way=way, where=where, ports=_names(found))
    return text + (ASYNCHRONOUS if reset else SYNCHRONOUS)


def _names(ports: Iterable[Port]) -> str:
    """Patterns that match every bit of each port, in lines."""
    names = " ".join(port.name + "[*]" * (port.width > 1) for port in ports)
    return "".join(f"    {line}\n" for line in textwrap.wrap(names, 100, break_on_hyphens=False))


HEAD = """\
# Constraints of {name} as a block of its own. Times are in ns, as those of the cells' library have to be.
# Crossings of clocks: none, there is one clock. Every flip-flop takes its rising edge.
# Not here, since they are of your cells: driving cells, loads, uncertainty and latency of the clock.
set_units -time ns

# For {clock_hz:g} Hz, which the cycles of all pulses are built for.
set period {period:.12g}
create_clock -name clk -period $period [get_ports clk]

# Shares of the period that lie outside of the pins: with the bus and the system, and within the array macro.
set outside {outside:g}
set array {array:g}
"""
DELAYS = """
set ports [get_ports {{
{ports}}}]
set_{way}_delay -max [expr {{${where} * $period}}] -clock clk $ports
set_{way}_delay -min 0 -clock clk $ports
"""
ASYNCHRONOUS = """
# The only crossing of resets: rst_n comes at any time, to two flip-flops alone, which release it in step with clk.
# Recovery and removal behind them are timed.
set_false_path -from [get_ports rst_n]
"""
SYNCHRONOUS = """
# There is no crossing of resets: rst has to be released in step with clk, and is timed as other inputs are.
"""
