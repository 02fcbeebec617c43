"""Energy ledger: counts of a run times a node's cost table gives joules, each with an interval and a source.

One way through it: `load_costs` reads a table, `operating_point` says under which conditions the chip ran, `account`
multiplies and sums, `render` prints. Nothing here simulates, and nothing is kept between calls.
"""

from oxmc.energy.costs import NODES, Cost, CostTable, load_costs
from oxmc.energy.ledger import Ledger, Line, account, array_energy_error
from oxmc.energy.point import OperatingPoint, operating_point

__all__ = [
    "NODES",
    "Cost",
    "CostTable",
    "Ledger",
    "Line",
    "OperatingPoint",
    "account",
    "array_energy_error",
    "load_costs",
    "operating_point",
]
