"""A row of the array as ngspice has it: wires, input sources, cells, selectors, the front end's virtual ground.

The topology is that of docs/design.md (the array as a circuit). Column wires and bit line are resistors; each cell is a
`still` of `oxmc.silicon.cell.filament` with its selector, or in a `plain` row a resistor alone. All rows share one
circuit, whose conductances and column wires are altered.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.oxram.card import Card
from oxmc.silicon.cell.filament import Filament
from oxmc.silicon.cell.selector import Selector
from oxmc.silicon.cell.session import Session

GROUND_V = 0.4
"""The virtual ground: lines swing between 0 V and twice this, the rail of the cost tables."""
OPTIONS = ".options gmin=1e-15 reltol=1e-7 abstol=1e-16 vntol=1e-10\n.temp 25\n"
LEAST_OHM, OPEN_OHM = 1e-3, 1e13
"""In place of a wire without resistance, and of one that is not connected."""


class Row:
    """One row of `cells` cells with the wires that `config` asks for."""

    def __init__(
        self, selector: Selector | None, filament: Filament, config: Config, card: Card, cells: int, folder: Path
    ):
        self.config, self.card, self.cells, self.filament = config, card, cells, filament
        self._plain, self._known = selector is None, {0: 0.0}
        lines = ["* a row\n", OPTIONS, filament.functions(), filament.still()]
        lines += [f"vfe fe 0 {GROUND_V}\nrfe fe b {max(LEAST_OHM, config.front_end_ohm)}\nvwl wl 0 {card.read_wl_v}\n"]
        if selector is not None:
            lines += [selector.models, f"vone one 0 {GROUND_V}\nibone 0 mone 0\n"]
            lines += [selector.instance("one", "mone", "wl", "one")]
        lines += [self._cell(selector, n) for n in range(cells)]
        self._session = Session("".join([*lines, ".end\n"]), folder)

    def _cell(self, selector: Selector | None, n: int) -> str:
        wire, before = max(LEAST_OHM, self.config.line_ohm), "b" if n == 0 else f"b{n - 1}"
        head = f"vs{n} c{n} 0 {GROUND_V}\nrc{n} c{n} s{n} 1\nrb{n} {before} b{n} {wire}\n"
        if selector is None:
            return f"{head}rg{n} s{n} b{n} 1e6\n"
        return f"{head}vg{n} g{n} 0 1\nx{n} s{n} m{n} g{n} still\n{selector.instance(str(n), f'm{n}', 'wl', f'b{n}')}"

    def program(self, row: int, cells_ns: np.ndarray) -> None:
        """Let the cells conduct int64 `cells_ns` at a READ from the front end without wires, as a card means it."""
        column = max(LEAST_OHM, (row + 1) * self.config.line_ohm + self.config.selector_ohm)
        self._sources = {f"rc{n}": column for n in range(self.cells)}
        for n, ns in enumerate(cells_ns.tolist()):
            self._sources |= {f"rg{n}": 1e9 / ns} if self._plain else {f"vg{n}": self.filament_us(ns)}

    def filament_us(self, ns: int) -> float:
        """The filament that conducts `ns` together with its selector at the READ voltage."""
        if ns not in self._known:
            microamperes = 1e-3 * ns * self.card.read_sl_v
            volts = self.card.read_sl_v - self.selector_v(microamperes)
            found = 1e-3 * ns
            for _ in range(30):
                found *= microamperes / self.filament.carried(found, volts)
            self._known[ns] = found
        return self._known[ns]

    def selector_v(self, microamperes: float) -> float:
        """What a selector that conducts to the virtual ground takes off a READ."""
        at, ground = self._session.point({"ibone": 1e-6 * microamperes}, "v(mone)", "v(one)")
        return at - ground

    def current_na(self, volts: np.ndarray, offset_v: float = 0.0) -> float:
        """What flows into the front end, whose ground is off by `offset_v`, under `volts` [cells] above the ground."""
        sources = {f"vs{n}": GROUND_V + float(v) for n, v in enumerate(volts)}
        (current,) = self._session.point(self._sources | sources | {"vfe": GROUND_V + offset_v}, "i(vfe)")
        return 1e9 * current

    def read_ns(self, cell: int, offset_v: float = 0.0) -> float:
        """What a READ of one cell sees; all other columns are open."""
        open_columns = {f"rc{n}": OPEN_OHM for n in range(self.cells) if n != cell}
        sources = {f"vs{n}": GROUND_V + self.card.read_sl_v * (n == cell) for n in range(self.cells)}
        at = self._sources | open_columns | sources | {"vfe": GROUND_V + offset_v}
        return 1e9 * self._session.point(at, "i(vfe)")[0] / self.card.read_sl_v

    def watts(self, volts: np.ndarray) -> float:
        """What the sources of columns and front end deliver under `volts` [cells], beyond what passes between them."""
        sources = {f"vs{n}": GROUND_V + float(v) for n, v in enumerate(volts)}
        names = [f"i(vs{n})" for n in range(self.cells)]
        currents = self._session.point(self._sources | sources | {"vfe": GROUND_V}, *names)
        return -float(np.dot(volts, currents))

    def close(self) -> None:
        self._session.close()
