"""Cards of measured filamentary RRAM, as the project ships them, and how far they are from what was not fitted.

The recordings are A. Levy's (MIT licence; IEEE Trans. Electron Devices 2021, doi 10.1109/TED.2021.3097975) of two
foundry technologies, neither of them the paper's stack: relaxation of 16k cells of technology C, noise of five cells of
technology A. They lie in folder `rram` of the one that OXMC_DATA names. `--cards` writes the cards. Each line is of a
fit to another part than it is held against: `KS` is the distance of Kolmogorov and Smirnov, `dB` the largest difference
in an octave.
"""

from __future__ import annotations

import argparse
import gzip
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from oxmc.cards.learn import make
from oxmc.cards.noise import decibels, fit_noise, spectrum
from oxmc.cards.relaxation import LEAST_CELLS, Relaxing, distance, fit_relaxation, relaxing
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.card_file import card_text, load_card
from oxmc.pymodels.whole import write_file
from oxmc.studies.tables import Row, finish

LICENCE = "MIT License, Copyright (c) 2021 Akash Levy"
SOURCE = "A. Levy, RRAM-Relaxation-Master-Model; IEEE Trans. Electron Devices (2021), doi 10.1109/TED.2021.3097975"
ABOUT = "filamentary RRAM of foundry technology {}, not the paper's stack: {}, with the law of card 16k"
RATE_HZ, LEVELS = 400.0, ("0", "8", "16", "24", "31")
TIMES = (0.1, 1.0, 1e5)
BAND_HZ = (0.1, 100.0)


def relaxation_of(folder: Path) -> tuple[Relaxing, np.ndarray]:
    """Changes of technology C's cells, and the target level of each, int64 [n]."""
    with gzip.open(folder / "techC_relaxation.tsv.gz") as file:
        cell, time_s, _, siemens, _, level, _ = np.loadtxt(file).T
    cells = cell.astype(np.int64)
    readings = relaxing(cells, time_s, 1e6 * siemens)
    of_cell = np.zeros(int(cells.max()) + 1, np.int64)
    of_cell[cells] = level
    return readings, of_cell[readings.cell]


def noise_of(folder: Path) -> np.ndarray:
    """Series of technology A's cells in uS, float64 [5, samples], 400 a second."""
    with gzip.open(folder / "techA_noise.tsv.gz") as file:
        return np.asarray(1e6 * np.loadtxt(file)[:, 2:])


def cards(readings: Relaxing, series: np.ndarray) -> Iterator[Card]:
    """The project's cards `rram-c` and `rram-a`, fitted to all there is."""
    texts = {"source": SOURCE, "licence": LICENCE}
    about = ABOUT.format("C", "relaxation of 16k cells")
    yield make("rram-c", texts | {"about": about}, load_card("16k"), None, fit_relaxation(readings), [], []).card
    about = ABOUT.format("A", "noise of five cells")
    fits = [fit_noise(each, RATE_HZ) for each in series]
    yield make("rram-a", texts | {"about": about}, load_card("16k"), None, None, fits, LEVELS).card


def relaxation_rows(readings: Relaxing, level: np.ndarray) -> Iterator[Row]:
    """Fitted: cells of even numbers set to even levels. Held against: odd cells of odd levels, all and by level."""
    even, odd = ((level % 2 == k) & (readings.cell % 2 == k) for k in (0, 1))
    fit = fit_relaxation(readings.kept(even))
    for time_s in TIMES:
        node = int(np.abs(np.log(fit.time_s / time_s)).argmin())
        near = odd & (np.abs(np.log10(readings.time_s / time_s)) < 0.1)
        full = np.flatnonzero(np.bincount(level[near]) >= LEAST_CELLS)
        alone = [distance(fit.probability(readings.kept(near & (level == k)), node)) for k in full]
        yield {
            "part": f"relaxation, {time_s:g} s", "held against": f"{int(near.sum())} cells of odd levels",
            "error": f"KS {distance(fit.probability(readings.kept(near), node)):.3f}",
            "worst part": f"KS {max(alone):.3f}, one of {len(alone)} levels alone",
        }  # fmt: skip


def noise_rows(series: np.ndarray) -> Iterator[Row]:
    """Fitted: all of a series, then its first half alone, which is held against the second; so are their spectra."""
    for level, each in zip(LEVELS, series, strict=True):
        first, second = each[: each.size // 2], each[each.size // 2 :]
        whole, half = (decibels(fit_noise(fitted, RATE_HZ), against, *BAND_HZ)
                       for fitted, against in ((each, each), (first, second)))  # fmt: skip
        seen = [spectrum(part, RATE_HZ, 1, *BAND_HZ).density for part in (first, second)]
        apart = f"{np.abs(10 * np.log10(seen[0] / seen[1])).max():.1f} dB between the halves themselves"
        yield {
            "part": f"noise, {each.mean():.3g} uS (level {level})", "held against": "itself; second half of it",
            "error": f"{np.abs(whole).max():.1f} dB",
            "worst part": f"{np.abs(half).max():.1f} dB, first half to second; {apart}",
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--json", action="store_true", help="print JSON, one object a line of the table")
    options.add_argument("--out", type=Path, help="folder for table.csv and table.json")
    options.add_argument("--cards", type=Path, help="folder to write the cards into")
    given = options.parse_args(arguments)
    if "OXMC_DATA" not in os.environ:
        raise InputError("OXMC_DATA must name the folder with rram/ in it, not be unset")
    folder = Path(os.environ["OXMC_DATA"]) / "rram"
    (readings, level), series = relaxation_of(folder), noise_of(folder)
    for card in cards(readings, series) if given.cards else ():
        write_file(given.cards / f"{card.name}.toml", card_text(card))
    finish([*relaxation_rows(readings, level), *noise_rows(series)], given)


if __name__ == "__main__":
    main()
