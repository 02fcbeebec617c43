"""Macros in LEF: an outline of the estimated area, pins on tracks at both sides, and layers that are taken.

A stub to plan a floor with: nothing is drawn within. Layers and grid are SkyWater's 130 nm (sky130_fd_sc_hd).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from oxmc.silicon.macro import CLOCK, Macro, MacroPin

SITE_UM, ROW_UM = 0.46, 2.72
"""Width and height that outlines are multiples of: the cells' grid."""
PIN_LAYER, PITCH_UM, PIN_UM, DEPTH_UM = "met3", 0.68, 0.3, 1.0
"""Pins: every second track, so that each can be reached; width and how far they reach in."""
RAIL_LAYER, RAIL_UM = "met4", 2.4
TAKEN = ("met1", "met2")
SUPPLIES = {"VPWR": "POWER", "VGND": "GROUND"}


def outline_um(macro: Macro) -> tuple[float, float]:
    """Width and height: square, but as high as the pins ask for."""
    bits = 1 + sum(pin.width for pin in macro.pins)
    least = (math.ceil(bits / 2) + 2) * 2 * PITCH_UM
    height = max(math.sqrt(macro.area_um2), least)
    return _up(max(macro.area_um2 / height, 10 * RAIL_UM), SITE_UM), _up(height, ROW_UM)


def _up(value: float, step: float) -> float:
    return round(math.ceil(value / step - 1e-9) * step, 3)


def lef(macros: Iterable[Macro]) -> str:
    """A library of macros."""
    parts = [HEAD, *(_macro(macro) for macro in macros), "END LIBRARY\n"]
    return "\n".join(parts)


HEAD = """\
# Stubs: outline and pins, nothing drawn within. The supplies are those of the logic.
VERSION 5.7 ;
BUSBITCHARS "[]" ;
DIVIDERCHAR "/" ;
UNITS
  DATABASE MICRONS 1000 ;
END UNITS
"""


def _macro(macro: Macro) -> str:
    width, height = outline_um(macro)
    lines = [f"MACRO {macro.name}", "  CLASS BLOCK ;", "  ORIGIN 0 0 ;", f"  SIZE {width:g} BY {height:g} ;"]
    lines += ["  SYMMETRY X Y R90 ;"]
    for number, (name, way, use) in enumerate(_bits(macro)):
        lines += _pin(name, way, use, PIN_LAYER, _place(number, width))
    for number, (name, use) in enumerate(SUPPLIES.items()):
        left = RAIL_UM * (2 + 2 * number)
        lines += _pin(name, "INOUT", use, RAIL_LAYER, (left, 0, left + RAIL_UM, height))
    lines.append("  OBS")
    boxes = [(layer, (0.0, 0.0, width, height)) for layer in TAKEN]
    boxes.append((PIN_LAYER, (2 * DEPTH_UM, 0.0, width - 2 * DEPTH_UM, height)))
    boxes.append((RAIL_LAYER, (RAIL_UM * 6, 0.0, width, height)))
    lines += [f"    LAYER {layer} ;\n      RECT {_box(box)} ;" for layer, box in boxes]
    return "\n".join([*lines, "  END", f"END {macro.name}", ""])


def _bits(macro: Macro) -> Iterator[tuple[str, str, str]]:
    """Name, direction and use of every bit."""
    yield CLOCK, "INPUT", "CLOCK"
    for pin in macro.pins:
        for name in bit_names(pin):
            yield name, pin.way.upper(), "SIGNAL"


def bit_names(pin: MacroPin) -> list[str]:
    return [f"{pin.name}[{bit}]" for bit in range(pin.width)] if pin.bus else [pin.name]


def _place(number: int, width: float) -> tuple[float, float, float, float]:
    """Left and right in turn, from below."""
    middle = PITCH_UM * (2 + 2 * (number // 2))
    left = 0.0 if number % 2 == 0 else width - DEPTH_UM
    return left, middle - PIN_UM / 2, left + DEPTH_UM, middle + PIN_UM / 2


def _pin(name: str, way: str, use: str, layer: str, box: tuple[float, float, float, float]) -> list[str]:
    head = [f"  PIN {name}", f"    DIRECTION {way} ;", f"    USE {use} ;"]
    return [*head, f"    PORT\n      LAYER {layer} ;\n        RECT {_box(box)} ;\n    END", f"  END {name}"]


def _box(box: tuple[float, float, float, float]) -> str:
    return " ".join(f"{round(edge, 3):g}" for edge in box)
