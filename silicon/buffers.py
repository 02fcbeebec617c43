"""Limits of slew and load kept: stronger cells, buffers and twins of clock gates, put into a mapped netlist.

Works on the module that Yosys writes as JSON. The chip's function stays the same: a cell gives way to a stronger one of
its family, a net goes on behind buffers, and a clock gate's listeners are shared out among gates with the same inputs.
"""

from __future__ import annotations

import copy
import math
from typing import Any

from oxmc.silicon.liberty import LibCell, Liberty
from oxmc.silicon.mapped import Gate, mapped_of
from oxmc.silicon.sta import CLOCK_SLEW_NS, EDGES, PORT_MAX_PF, PORT_SLEW_NS, arrivals, slew_of

BUFFERS = tuple(f"sky130_fd_sc_hd__{name}" for name in ("buf_1", "buf_2", "buf_4", "clkbuf_16"))
"""From the weakest to the strongest."""
MARGIN = 0.95
"""Share of a limit that is filled, so that a limit also holds where another program rounds otherwise."""
ROUNDS = 20
"""More than a tree of buffers over all nets of a chip is deep."""
Sink = tuple[list[Any], int]
"""Where the module has a net at something that listens: a list of bits and the index in it."""


def keep_limits(module: dict[str, Any], top: str, library: Liberty) -> None:
    """Change `module` until no net breaks a limit of its driver; `oxmc.silicon.sta.violations` says what is left."""
    for name, port in module["ports"].items():
        module["netnames"][name]["bits"] = port["bits"]  # one list: a port goes by both, and may get another net
    for _ in range(ROUNDS):
        if not _Round(module, top, library).mend():
            return


def drive(cell: LibCell) -> int:
    """The strength in a cell's name."""
    return int(cell.name.rpartition("_")[2])


def holds(cell: LibCell, load_pf: float, slews_ns: dict[str, float], share: float = MARGIN) -> bool:
    """Whether a load, and the slew of the output that it makes, stay below `share` of the cell's limits."""
    slews = (arc.tables[f"{e}_transition"].at(slews_ns[arc.related], load_pf) for arc in cell.arcs for e in EDGES)
    return load_pf <= share * cell.max_load_pf and max(slews) <= share * cell.max_slew_ns


class _Round:
    """One look at all nets; what a change does to others is seen in the next."""

    def __init__(self, module: dict[str, Any], top: str, library: Liberty):
        self.module, self.liberty = module, library
        self.netlist = mapped_of(module, top, library)
        self.points = arrivals(self.netlist)
        self.sinks = self._sinks()
        nets = [*self.sinks, *(gate.output for gate in self.netlist.gates)]
        self.next_net = 1 + max(int(net) for net in nets if net.isdecimal())

    def mend(self) -> bool:
        """Mend every net that breaks a limit; whether there was one."""
        heavy = [gate for gate in self.netlist.gates if not self._holds(gate, gate.cell, 1.0)]
        for gate in heavy:
            self._mend(gate)
        outside = [(net, "") for nets in self.netlist.inputs.values() for net in nets if net not in self.netlist.clocks]
        outside += [(net, name) for name, read, _ in self.netlist.rams for net in read]
        weighty = [(net, name) for net, name in outside if self.netlist.load_pf[net] > PORT_MAX_PF]
        for net, name in weighty:
            self._put_behind(net, name)
        return bool(heavy or weighty)

    def _sinks(self) -> dict[str, list[Sink]]:
        lists = [port["bits"] for port in self.module["ports"].values() if port["direction"] == "output"]
        for cell in self.module["cells"].values():
            ways = cell["port_directions"]
            lists += [bits for pin, bits in cell["connections"].items() if ways[pin] == "input"]
        found: dict[str, list[Sink]] = {}
        for bits in lists:
            for index, bit in enumerate(bits):
                found.setdefault(str(bit), []).append((bits, index))
        return found

    def _holds(self, gate: Gate, cell: LibCell, share: float = MARGIN) -> bool:
        """Whether `cell` can stand in the gate's place, its inputs no slower than they may be."""
        slews = {pin: CLOCK_SLEW_NS for pin in cell.capacitance_pf}
        if not cell.clock:
            found = {pin: slew_of(self.points, gate.nets[pin]) or PORT_SLEW_NS for pin in slews}
            slews = {pin: min(slew, cell.max_slew_ns) for pin, slew in found.items()}
        return holds(cell, self.netlist.load_pf[gate.output], slews, share)

    def _mend(self, gate: Gate) -> None:
        stronger = [cell for cell in self._family(gate.cell) if self._holds(gate, cell)]
        if stronger:
            self.module["cells"][gate.name]["type"] = stronger[0].name
        elif gate.cell.clock and not gate.cell.is_register:
            self._split(gate)
        else:
            self._put_behind(gate.output, gate.name)

    def _family(self, cell: LibCell) -> list[LibCell]:
        """Cells that do the same with more drive, the weakest first."""
        family = cell.name.rpartition("_")[0]
        found = [each for name, each in self.liberty.cells.items() if name.rpartition("_")[0] == family]
        return sorted((each for each in found if drive(each) > drive(cell)), key=drive)

    def _split(self, gate: Gate) -> None:
        """Share the listeners of a clock gate out among twins of it, neighbours together."""
        load = self.netlist.load_pf[gate.output]
        fill = max(load / gate.cell.max_load_pf, slew_of(self.points, gate.output) / gate.cell.max_slew_ns)
        for group in _shares(self.sinks[gate.output], math.ceil(fill / MARGIN))[1:]:
            twin = copy.deepcopy(self.module["cells"][gate.name])
            twin["connections"][gate.cell.output] = self._move(group)
            self._add(f"{gate.name}$twin", twin)

    def _put_behind(self, net: str, driver: str) -> None:
        """All listeners of a net behind the weakest buffer that carries them, or behind several of the strongest.

        A buffer is chosen for an input that is as slow as it may be.
        """
        load, cells = self.netlist.load_pf[net], [self.liberty.cells[name] for name in BUFFERS]
        fit = [cell for cell in cells if holds(cell, load, {"A": cell.max_slew_ns})]
        cell = (fit or cells[-1:])[0]
        for group in _shares(self.sinks[net], 1 if fit else math.ceil(load / (MARGIN * cell.max_load_pf))):
            ways = {"A": "input", cell.output: "output"}
            ends = {"A": [int(net)], cell.output: self._move(group)}
            shape = {"hide_name": 1, "type": cell.name, "parameters": {}, "attributes": {}}
            self._add(f"{driver}$buffer", shape | {"port_directions": ways, "connections": ends})

    def _add(self, name: str, cell: dict[str, Any]) -> None:
        """Under a name that none has, and that belongs to the block that `name` belongs to."""
        self.module["cells"][f"{name}{self.next_net}"] = cell

    def _move(self, sinks: list[Sink]) -> list[int]:
        """Connect sinks to a new net, which is given back as the bits of a pin."""
        self.next_net += 1
        for bits, index in sinks:
            bits[index] = self.next_net - 1
        return [self.next_net - 1]


def _shares(sinks: list[Sink], number: int) -> list[list[Sink]]:
    """At most `number` equal shares, none empty."""
    size = math.ceil(len(sinks) / max(1, min(number, len(sinks))))
    return [sinks[i : i + size] for i in range(0, len(sinks), size)]
