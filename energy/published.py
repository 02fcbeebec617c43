"""What the paper states for whole trainings, and what would have to differ for a ledger to come to it.

T. Dalgaty et al., Nature Electronics 4 (2021), 151-161. It counts array and converters and little of the digital part;
which converters and pulse widths its totals stand for is in a supplement that we do not have. So a training is held
against it as a whole and in parts that are counted alone, from everything down to the cells' own current.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from oxmc.energy.interval import Band, uncertainty
from oxmc.energy.ledger import Ledger, Line
from oxmc.energy.parts import HEADLINE, ledger_of_part
from oxmc.energy.whatif import ANALOGUE

PAPER_J: dict[tuple[str, str], float] = {
    ("cancer", "28nm"): 1.3e-6,
    ("ecg", "28nm"): 4.7e-6,
    ("cartpole", "28nm"): 3.6e-6,
    ("cartpole", "130nm"): 6.9e-6,
}
"""By task and node."""

CPU_J = 600e-3
"""A training on a workstation's processor."""

SOURCE = "Dalgaty et al., Nature Electronics 4, 151-161 (2021)"
DOI = "10.1038/s41928-020-00523-3"

COUNTED: dict[str, Callable[[Line], bool]] = {
    "everything": lambda line: True,
    "array and converters": lambda line: line.component in ANALOGUE,
    "array and drivers": lambda line: line.component in ("array", "drivers"),
    "the cells alone": lambda line: line.physics is not None,
}
"""Lines that are counted, ever fewer."""

LEVERS: dict[str, Callable[[Line], bool]] = {
    "energy of an ADC's step": lambda line: line.component == "adc" and line.action.startswith("conversion"),
    "energy of a sample read": lambda line: line.component == "memories" and line.item == "sample_read",
    "all pulse widths": lambda line: line.physics is not None or "front end" in line.action,
}
"""Figures that are said to decide a total, and the lines that are proportional to each."""


@dataclasses.dataclass(frozen=True)
class Counted:
    """A training if only some of its lines count, in J; `times` the paper's, which is `inside` the band or not."""

    name: str
    energy_j: float
    band: Band
    times: float
    inside: bool


@dataclasses.dataclass(frozen=True)
class Lever:
    """A figure, the joules it stands for, and the factor on it alone that gives the paper's total.

    None: none does, because the rest alone is more.
    """

    name: str
    energy_j: float
    factor: float | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A training beside the paper's `paper_j`: `counted` as in `COUNTED`, `levers` its largest component and `LEVERS`.

    `cells_factor` is the factor on all pulse widths with which the cells alone come to the paper's figure.
    """

    paper_j: float
    counted: tuple[Counted, ...]
    levers: tuple[Lever, ...]
    cells_factor: float

    @property
    def sentences(self) -> list[str]:
        """In words: whether the paper's figure is in our band, and what would have to differ."""
        whole, cells, largest = self.counted[0], self.counted[-1], self.levers[0]
        where = "inside our band" if whole.inside else "below our band" if whole.times > 1 else "above our band"
        said = [f"The paper's {micro(self.paper_j)} is {where}, {micro(whole.band.low)} to {micro(whole.band.high)}."]
        if whole.inside:
            return said
        held = [part.name for part in self.counted if part.inside]
        said.append(f"It is inside the band of {' and of '.join(held)}." if held else "It is in none of these bands.")
        enough = [f"{lever.name} x {lever.factor:.3g}" for lever in self.levers if lever.factor is not None]
        rest = micro(whole.energy_j - largest.energy_j)
        said.append(
            f"One figure alone would need: {'; '.join(enough)}."
            if enough
            else f"No single figure is enough: without {largest.name}, the largest component with "
            f"{micro(largest.energy_j)}, {rest} stay. "
            f"All figures together would have to be {1 / whole.times:.3g} times theirs."
        )
        said.append(
            f"The cells alone take {micro(cells.energy_j)}, {cells.times:.2f} times the paper's figure. "
            f"Pulses of {self.cells_factor:.3g} times the width would make both equal."
        )
        return said

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"source": SOURCE, "doi": DOI, "sentences": self.sentences}


def compare(task: str, node: str, ledger: Ledger) -> Comparison | None:
    """The training of a run's ledger beside the paper's figure; None where it gives none for this task and node."""
    paper_j, training = PAPER_J.get((task, node)), ledger_of_part(ledger, HEADLINE)
    if paper_j is None or not any(line.physics for line in training.lines):
        return None
    counted = tuple(_counted(name, training, holds, paper_j) for name, holds in COUNTED.items())
    sums = training.by_component()
    largest = max(sums, key=lambda name: sums[name])
    levers = {largest: lambda line: line.component == largest, **LEVERS}
    return Comparison(
        paper_j,
        counted,
        tuple(_lever(name, training, holds, paper_j) for name, holds in levers.items()),
        paper_j / counted[-1].energy_j,
    )


def _counted(name: str, training: Ledger, holds: Callable[[Line], bool], paper_j: float) -> Counted:
    part = Ledger(tuple(line for line in training.lines if holds(line)))
    band = uncertainty(part).total
    return Counted(name, part.total_j, band, part.total_j / paper_j, band.low <= paper_j <= band.high)


def _lever(name: str, training: Ledger, holds: Callable[[Line], bool], paper_j: float) -> Lever:
    joules = Ledger(tuple(line for line in training.lines if holds(line))).total_j
    factor = 1 + (paper_j - training.total_j) / joules if joules else 0.0
    return Lever(name, joules, factor if factor > 0 else None)


def micro(joules: float) -> str:
    """uJ with three digits."""
    return f"{joules * 1e6:.3g} uJ"
