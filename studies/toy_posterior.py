"""How far the posterior of task toy is from the exact one, both cut to what the devices can reach.

Chains with devices and noise of their own on one split (50 points, the same for all), pooled; several such splits.
Exact is the real-valued posterior on a grid, as in `oxmc.studies.total_variation`. Cut: only |w| up to `REACH_US` in
both pairs counts, of the exact posterior and of the chains; what share of the chains' draws lies beyond is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.likelihood import log_likelihood
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.tasks import Dataset
from oxmc.studies import total_variation as tv
from oxmc.studies.estimates import estimate
from oxmc.studies.records import Progress
from oxmc.studies.tables import Row, finish, save_figure, study_parser
from oxmc.studies.trainings import split_of, training

TASK = "toy"
PRESETS = ("paper", "plain", "best", "wide")
REACH_US = {"paper": 40.0, "plain": 40.0, "best": 40.0, "wide": 80.0}
"""A pair of a LUT of 40 to 80 uS spans +-40 uS; with 10 to 200 uS five s.d. of the prior and more are in reach."""
FIRST_SPLIT = 2021


def exact_mass(config: Config, data: Dataset, reach_us: float) -> np.ndarray:
    """The exact posterior's mass a bin within reach, [bins, bins], summing to 1."""
    w = tv.grid(2, tv.FINE, reach_us)
    density = log_likelihood(config, w, data.train_x, data.train_t)
    return tv.binned(density - (w**2).sum(axis=1) / (2 * config.prior_sigma_us**2), 2, tv.FINE)


def pooled(config: Config, seeds: Sequence[int], reach_us: float) -> dict[str, Any]:
    """Chains on one split: their counts [chains, bins^2] within reach, all draws, effective draws and SETs."""
    inside, draws, effective, sets = [], 0, 0.0, 0
    for seed in seeds:
        outcome = training(config, seed, task=TASK).outcome
        w, counters = tv.weighted_rows(config, outcome)
        inside.append(np.histogramdd(w, [tv.edges(reach_us)] * 2, weights=counters)[0].ravel())
        draws += int(counters.sum())
        effective += tv.effective_size(w, counters)
        sets += outcome.counts["train"]["set"]
    return {"inside": np.array(inside), "draws": draws, "effective": effective, "sets": sets}


def line(name: str, split_seed: int, seeds: Sequence[int], changes: dict[str, Any]) -> tuple[Row, np.ndarray]:
    """One preset on one split, and the chains' share a bin and the exact mass, [2, bins, bins]."""
    config = preset(TASK, name).replace(split="fixed", split_seed=split_seed, **changes)
    reach = REACH_US[name]
    mass = exact_mass(config, split_of(config, seeds[0], TASK)[0], reach)
    found = pooled(config, seeds, reach)
    counts = found["inside"]
    kept = counts.sum()
    row = {
        "preset": name,
        "split_seed": split_seed,
        "total variation": tv.jackknife(np.pad(counts, ((0, 0), (0, 1))), mass),
        "noise": round(tv.noise_level(mass, round(found["effective"]), np.random.default_rng(0)), 4),
        "beyond reach": round(float(1 - kept / found["draws"]), 4),
        "effective draws": round(found["effective"]),
        "SETs an effective draw": round(found["sets"] / found["effective"], 1),
    }
    return row, np.stack([counts.sum(axis=0).reshape(mass.shape) / kept, mass])


def mean_line(rows: Sequence[Row]) -> Row:
    """The line of a preset over its splits; the error is that of the mean over splits."""
    means = {key: float(np.mean([row[key] for row in rows])) for key in ("noise", "beyond reach")}
    return {
        "preset": rows[0]["preset"],
        "split_seed": "mean",
        "total variation": estimate(row["total variation"].mean for row in rows),
        **{key: round(value, 4) for key, value in means.items()},
        "effective draws": round(np.mean([row["effective draws"] for row in rows])),
        "SETs an effective draw": round(float(np.mean([row["SETs an effective draw"] for row in rows])), 1),
    }


def draw(pictures: dict[str, np.ndarray], folder: Path) -> None:
    """Chains beside the exact posterior, a row a preset, of the first split."""
    from oxmc.plots.style import grid, plot_style

    with plot_style():
        figure, axes = grid(len(pictures), 2, height_in=2.6 * len(pictures), wide_in=5.4)
        for (name, parts), pair in zip(pictures.items(), axes, strict=True):
            reach, top = REACH_US[name], parts.max()
            for axis, part, title in zip(pair, parts, (f"{name}: chains", "exact"), strict=True):
                axis.imshow(part.T, origin="lower", extent=[-reach, reach] * 2, vmin=0, vmax=top, cmap="viridis")
                axis.set(title=title, xlabel="w of x, uS", ylabel="w of y, uS")
        save_figure(figure, folder, "toy_posterior")


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=30000, repeats=100)
    options.add_argument("--splits", type=int, default=4, help=f"how many, from {FIRST_SPLIT} on (default 4)")
    options.add_argument("--rows", type=int, help="rows of a chain (default the preset's)")
    given = options.parse_args(arguments)
    changes: dict[str, Any] = {"test_samples": 1} | ({"rows": given.rows} if given.rows else {})
    seeds = range(given.seed, given.seed + given.repeats)
    pictures: dict[str, np.ndarray] = {}
    progress, rows = Progress(len(PRESETS) * given.splits), []
    for name in PRESETS:
        lines = []
        for split in range(FIRST_SPLIT, FIRST_SPLIT + given.splits):
            row, picture = line(name, split, seeds, changes)
            pictures.setdefault(name, picture)
            lines.append(row)
            progress.step(f"{name}, split {split}: {row['total variation']}")
        rows += [*lines, mean_line(lines)]
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        draw(pictures, given.out)
    finish(rows, given)


if __name__ == "__main__":
    main()
