"""Macros as other tools take them: pins, times and area of a black box, and the Liberty text of a library of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from oxmc.silicon.characterise.lib_text import UNITS
from oxmc.silicon.mapped import PIN_PF
from oxmc.silicon.sta import PORT_MAX_PF, PORT_SLEW_NS

CLOCK = "clk"


@dataclasses.dataclass(frozen=True)
class MacroPin:
    """A pin beside the clock, or with `bus` one of `width` bits with indices; `way` is "input" or "output"."""

    name: str
    width: int
    bus: bool
    way: str


@dataclasses.dataclass(frozen=True)
class Macro:
    """A black box on the rising edge of `clk`: times in ns, area in um2.

    Inputs stand `setup_ns` before the edge and `hold_ns` after it, None without such a check; outputs come `access_ns`
    after it. `width_ns` has the shortest high time of pins that carry pulses, `period_ns` is the shortest clock period,
    0 for none.
    """

    name: str
    pins: tuple[MacroPin, ...]
    setup_ns: float
    hold_ns: float | None
    access_ns: float
    area_um2: float = 0.0
    period_ns: float = 0.0
    width_ns: Mapping[str, float] = dataclasses.field(default_factory=dict)


def macro_liberty(library: str, comment: str, macros: Iterable[Macro]) -> str:
    """A library of macros: timing, capacitances and area; no power."""
    macros = list(macros)
    sizes = {pin.width for macro in macros for pin in macro.pins if pin.bus}
    lines = [f"/* {comment} */", f"library ({library}) {{", UNITS.rstrip()]
    for size in sorted(sizes):
        lines += [f"  type (bits_{size}) {{", "    base_type : array; data_type : bit;"]
        lines += [f"    bit_width : {size}; bit_from : {size - 1}; bit_to : 0;", "  }"]
    for macro in macros:
        lines += [f"  cell ({macro.name}) {{", f"    area : {macro.area_um2:g}; is_macro : true; is_macro_cell : true;"]
        least = f" min_period : {macro.period_ns:g};" if macro.period_ns else ""
        lines += [f"    pin ({CLOCK}) {{ direction : input; clock : true; capacitance : {PIN_PF:g};{least} }}"]
        for pin in macro.pins:
            lines += _pin(macro, pin)
        lines += ["  }"]
    return "\n".join([*lines, "}", ""])


def _pin(macro: Macro, pin: MacroPin) -> list[str]:
    head = f"    bus ({pin.name}) {{ bus_type : bits_{pin.width};" if pin.bus else f"    pin ({pin.name}) {{"
    return [head, *(_output(macro) if pin.way == "output" else _input(macro, pin.name)), "    }"]


def _input(macro: Macro, name: str) -> list[str]:
    wide = f" min_pulse_width_high : {macro.width_ns[name]:g};" if name in macro.width_ns else ""
    checks = {"setup_rising": macro.setup_ns, "hold_rising": macro.hold_ns}
    return [f"      direction : input; capacitance : {PIN_PF:g};{wide}"] + [
        f'      timing () {{ related_pin : "{CLOCK}"; timing_type : {kind}; {_edges("{}_constraint", value)} }}'
        for kind, value in checks.items()
        if value is not None
    ]


def _output(macro: Macro) -> list[str]:
    tables = f"{_edges('cell_{}', macro.access_ns)} {_edges('{}_transition', PORT_SLEW_NS)}"
    arc = f'related_pin : "{CLOCK}"; timing_type : rising_edge; timing_sense : non_unate;'
    return [f"      direction : output; max_capacitance : {PORT_MAX_PF:g};", f"      timing () {{ {arc} {tables} }}"]


def _edges(kind: str, value: float) -> str:
    return " ".join(f'{kind.format(edge)} (scalar) {{ values ("{value:g}"); }}' for edge in ("rise", "fall"))
