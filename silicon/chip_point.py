"""The operating point of a chip: its configuration, its device card and the flip-flops of its netlist."""

from __future__ import annotations

from oxmc.energy.point import OperatingPoint, operating_point
from oxmc.hdl.verilog.netlist import flip_flop_total
from oxmc.pymodels.config import Config
from oxmc.pymodels.oxram.devices import load_card


def point_of(config: Config) -> OperatingPoint:
    """The operating point of a configuration's chip with its card."""
    config = config.chip
    return operating_point(config, vars(load_card(config.card)), flip_flop_total(config))
