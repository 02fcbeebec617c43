"""`make cell`: print each figure of the array model beside the circuit's, and end with 1 if one is outside."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from oxmc.pymodels.config import preset
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.oxram.devices import load_card
from oxmc.silicon.cell import selector
from oxmc.silicon.cell.checks import cell_figures, row_figures
from oxmc.silicon.cell.figures import HEAD, Figure
from oxmc.silicon.cell.filament import Filament

SELECTORS = {"sky130": selector.sky130, "level1": selector.level_1}
QUIET = {"read_noise": 0.0, "relaxation": 0.0}
"""What is drawn at each READ or move is in no circuit."""
GATES_V = (1.4, 1.5, 1.6, 1.7, 1.8)
ROWS = {"frugal": (0, 23), "wide": (0, 95)}
"""Presets of cancer, of 10 and of 32 cells a row, and which of their rows."""


def main() -> int:
    options = argparse.ArgumentParser(prog="cell", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--selector", choices=SELECTORS, default="sky130", help="the transistor (default sky130)")
    options.add_argument("--evaluations", type=int, default=40, help="of each row (default 40)")
    options.add_argument("--folder", type=Path, default=Path("build/cell"), help="where the decks are kept")
    given = options.parse_args()
    try:
        found = figures(given.selector, given.evaluations, given.folder)
    except (InputError, RunError) as error:
        options.error(str(error))
    wrong = [f"{figure.kind} ({figure.of})" for figure in found if not figure.holds]
    print(f"{len(found)} figures, outside: {', '.join(wrong) or 'none'}")
    return int(bool(wrong))


def figures(name: str, evaluations: int, folder: Path) -> list[Figure]:
    """All of them, printed as tables part by part."""
    chosen, card, filament = SELECTORS[name](), load_card("16k"), Filament()
    parts: dict[str, Callable[[], list[Figure]]] = {
        "Pulses of 100 ns": lambda: cell_figures(chosen, filament, card, GATES_V, folder / "pulses"),
        "Pulses of 1 us": lambda: cell_figures(chosen, filament, card, GATES_V[::4], folder / "wide", 1e-6),
    }
    for of, rows in ROWS.items():
        config = preset("cancer", of).replace(conditions="real", **QUIET)
        parts[f"Rows of cancer {of}, real"] = partial(
            row_figures, chosen, filament, card, config, rows, evaluations, folder / "rows"
        )
    found = []
    for title, part in parts.items():
        print(f"\n{title}; selector {chosen.name}\n\n{HEAD}", flush=True)
        seen = part()
        print("\n".join(figure.line() for figure in seen), flush=True)
        found += seen
    return found


if __name__ == "__main__":
    sys.exit(main())
