"""One cell through a SET, a READ, a RESET and a READ, as the chip's pulses do it: cells side by side in one analysis.

Voltages are a card's. The selector lies between cell and bit line, so that a SET's current is the one its gate lets
through from a source at 0 V.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oxmc.pymodels import tools
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.oxram.card import Card
from oxmc.silicon.cell.filament import Filament
from oxmc.silicon.cell.selector import Selector
from oxmc.silicon.characterise.spice import run_deck

EDGE_S, PAUSE_S, LEAD_S = 1e-9, 20e-9, 4e-9
"""An edge, the time between pulses, and by how much a word line is ahead of and behind its pulse."""
OPTIONS = ".options gmin=1e-15 reltol=1e-4 abstol=1e-13 chgtol=1e-18\n.temp 25\n"


@dataclasses.dataclass(frozen=True)
class Asked:
    """A cell at `gate_v` of a SET that starts from `lcs_us`; its RESET opens it by `opens` of the model's rate."""

    gate_v: float
    lcs_us: float = 5.0
    opens: float = 1.0


@dataclasses.dataclass(frozen=True)
class Done:
    """What became of a cell: currents in uA at the end of the SET and at most in the RESET, READs in uS after both, J
    out of the line that drives each pulse, and C that a READ's word line takes up."""

    set_ua: float
    hcs_us: float
    lcs_us: float
    reset_ua: float
    set_j: float
    reset_j: float
    word_line_c: float


def program(
    selector: Selector, filament: Filament, card: Card, cells: Sequence[Asked], pulse_s: float, folder: Path
) -> list[Done]:
    """All `cells` by pulses of `pulse_s`. Raises `InputError` without ngspice, `RunError` where it fails."""
    tools.find_tool("ngspice", "make cell")
    folder.mkdir(parents=True, exist_ok=True)
    starts = [PAUSE_S + n * (pulse_s + PAUSE_S) for n in range(4)]
    end = starts[-1] + pulse_s + PAUSE_S
    lines = ["* 1T1R cells\n", selector.models, filament.functions(), filament.moving(), OPTIONS]
    lines += [_cell(selector, filament, card, n, cell, starts, pulse_s) for n, cell in enumerate(cells)]
    saved = [" ".join(f"{kind}{line}{n})" for kind in ("v(", "i(v") for line in LINES) for n in range(len(cells))]
    lines += [f".save {names}\n" for names in saved]
    lines += [f".tran {pulse_s / 500:g} {end:g} 0 {pulse_s / 50:g}\n.end\n"]
    waves = run_deck("".join(lines), "a cell", folder)
    if waves["time"][-1] < 0.999 * end:
        raise RunError(f"ngspice stopped on a cell at {waves['time'][-1]:g} of {end:g} s")
    return [_done(waves, card, n, starts, pulse_s) for n in range(len(cells))]


LINES = ("sl", "bl", "wl")


def _cell(
    selector: Selector, filament: Filament, card: Card, n: int, cell: Asked, starts: Sequence[float], pulse_s: float
) -> str:
    first, second, third, fourth = ((start, start + pulse_s) for start in starts)
    pulses = {
        "sl": [(first, card.set_sl_v), (second, card.read_sl_v), (fourth, card.read_sl_v)],
        "bl": [(third, card.reset_bl_v)],
        "wl": [(first, cell.gate_v), (second, card.read_wl_v), (third, card.reset_wl_v), (fourth, card.read_wl_v)],
    }
    sources = "".join(
        f"v{line}{n} {line}{n} 0 pwl(0 0 {' '.join(_edges(on, volts, LEAD_S * (line == 'wl')) for on, volts in of)})\n"
        for line, of in pulses.items()
    )
    return (
        f"x{n} sl{n} m{n} d{n} r{n} moving opens={cell.opens}\n{selector.instance(str(n), f'm{n}', f'wl{n}', f'bl{n}')}"
        f"{sources}.ic v(d{n})={filament.gap_nm(cell.lcs_us):g} v(r{n})={filament.stump_nm}\n"
    )


def _edges(on: tuple[float, float], volts: float, lead_s: float) -> str:
    """The corners of a pulse."""
    start, stop = on[0] - lead_s, on[1] + lead_s
    return f"{start:g} 0 {start + EDGE_S:g} {volts:g} {stop:g} {volts:g} {stop + EDGE_S:g} 0"


def _done(waves: dict[str, np.ndarray], card: Card, n: int, starts: Sequence[float], pulse_s: float) -> Done:
    times = waves["time"]

    def current(line: str, start: float) -> float:
        """In A out of a line's source near the end of a pulse."""
        return -float(np.interp(start + 0.98 * pulse_s, times, waves[f"i(v{line}{n})"]))

    def integral(line: str, start: float, *, volts: bool) -> float:
        part = slice(*np.searchsorted(times, (start - 2 * LEAD_S, start + pulse_s / (1 if volts else 2))))
        if volts:
            part = slice(part.start, int(np.searchsorted(times, start + pulse_s + 2 * LEAD_S)))
        values = -waves[f"i(v{line}{n})"][part] * (waves[f"v({line}{n})"][part] if volts else 1.0)
        return float(np.trapezoid(values, times[part]))

    first, second, third, fourth = starts
    reset = slice(*np.searchsorted(times, (third, third + pulse_s)))
    return Done(
        set_ua=1e6 * current("sl", first),
        hcs_us=1e6 * current("sl", second) / card.read_sl_v,
        lcs_us=1e6 * current("sl", fourth) / card.read_sl_v,
        reset_ua=-1e6 * float(waves[f"i(vbl{n})"][reset].min()),
        set_j=integral("sl", first, volts=True),
        reset_j=integral("bl", third, volts=True),
        word_line_c=integral("wl", second, volts=False),
    )
