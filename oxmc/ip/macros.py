"""The macros of an IP: its array and its memories, as files for simulation, synthesis and placement."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable

from oxmc.energy.area import areas
from oxmc.energy.point import operating_point
from oxmc.hdl.memory import geometry_of
from oxmc.ip.array_macro import NODE, array_macro, array_name, array_page
from oxmc.ip.array_model import array_verilog
from oxmc.ip.lef import lef
from oxmc.ip.sky130 import sram_list, sram_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.oxram.devices import load_card
from oxmc.silicon.macro import Macro, macro_liberty
from oxmc.silicon.opensta import memory_macro


def macro_files(config: Config, name: str, memory_list: str) -> dict[str, str]:
    """The files by their names; `memory_list` is the text of memories.csv."""
    rows = list(csv.DictReader(memory_list.splitlines()))
    modules = {row["module"]: len(row["instances"].split()) for row in rows}
    found = [array_macro(config, name), *memory_macros(config, modules)]
    about = f"Array and memories of {name}: stubs, times assumed, areas estimated. Not for sign-off."
    return {
        f"{array_name(name)}.v": array_verilog(config, name),
        "array.md": array_page(config, name),
        f"{name}_macros.lib": macro_liberty(f"{name}_macros", about, found),
        f"{name}_macros.lef": lef(found),
        f"{name}_sky130.v": sram_verilog(modules),
        "memories_sky130.csv": sram_list(modules),
    }


def memory_macros(config: Config, modules: Iterable[str]) -> list[Macro]:
    """The memories with their areas at 130 nm, from `energy/area.toml`."""
    point = operating_point(config, vars(load_card(config.card)), flip_flops=0)
    (um2_a_bit,) = (line.value for line in areas(NODE, point, 0.0) if line.component == "memories")
    found = []
    for module in modules:
        macro, geometry = memory_macro(module), geometry_of(module)
        assert macro is not None and geometry is not None
        um2 = um2_a_bit * geometry.depth * geometry.width
        found.append(dataclasses.replace(macro, hold_ns=0.0, area_um2=um2))
    return found
