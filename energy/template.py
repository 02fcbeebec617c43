"""A cost table to fill in: every entry a table needs, what it counts, and figures of a known node to replace."""

from __future__ import annotations

from oxmc.energy.costs import Cost, load_costs
from oxmc.energy.point import MULTIPLIERS
from oxmc.pymodels.events import EVENTS, QUANTITIES

HEAD = """\
# Energy costs of a node of your own, for `oxmc energy RUN --node FILE`. Made by `oxmc energy --template`.
#
# Replace value, low, high and source of each entry; until then it has the figures of {node}. An entry prices one event
# or one quantity of a run; its joules are
#
#     count x value x every figure of the operating point that `per` names
#
# so that unit x units of `per` must be J a count. A unit begins with J, W, F, C or A, without prefix; voltages and
# times of `per` make it joules. A name given twice is a square: capacitance x voltage x voltage.
# low and high are read as 5th and 95th percentile; 0 <= low <= value <= high. Every entry needs unit and source.
# An event may be priced by several entries, but only once by one component and action. Every event and quantity
# that a run counts must be priced. Entries with the same figure and source, or of one `errs_with`, err together. An
# entry with `block` is paid by chips that have that block.
#
# Components array, drivers, adc, input_dac, gate_dac, regulators and bias count as array and converters, all others
# as memories and logic.
#
# To change a few figures alone, a table of three lines is enough:
#
#     base = "{node}"
#     [change]
#     "adc, conversion of an evaluation" = {{ value = 5e-13, low = 2e-13, high = 1e-12, source = "our converter" }}
#
# The operating point has (V, s, Hz, bits or numbers, as the names say):
{multipliers}
#
# An entry with `physics` has its factor from voltage and time: value 1, low and high relative.

[sources]  # texts that a `source` may name in braces
mine = "figure of {node}, to be replaced"
"""


def template(node: str = "28nm") -> str:
    """The table as TOML, with the figures of `node`; `load_costs` reads it."""
    lines, line = [], "#"
    for name in MULTIPLIERS:
        if len(line) + len(name) > 115:
            lines.append(line)
            line = "#"
        line += f" {name}"
    parts = [HEAD.format(node=node, multipliers="\n".join([*lines, line]))]
    costs = load_costs(node)
    parts += [_entry(cost, costs.figure_name(cost)) for cost in costs.costs]
    return "\n".join(parts)


def _entry(cost: Cost, figure: str) -> str:
    kind = "event" if cost.item in EVENTS else "quantity"
    per = ", ".join(f'"{name}"' for name in cost.per)
    lines = [
        f"# {(EVENTS | QUANTITIES)[cost.item]}",
        "[[cost]]",
        f'component = "{cost.component}"',
        f'action = "{cost.action}"',
        f'{kind} = "{cost.item}"',
        *([f'physics = "{cost.physics}"'] if cost.physics else []),
        *([f"per = [{per}]"] if per else []),
        *(f'{key} = "{text}"' for key, text in (("block", cost.block), ("errs_with", cost.errs_with)) if text),
        *(f"{key} = {getattr(cost, key)!r}" for key in ("value", "low", "high")),
        f'unit = "{cost.unit}"',
        f'source = "{{mine}}: {figure}"',
        "",
    ]
    return "\n".join(lines)
