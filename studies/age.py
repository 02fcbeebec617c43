"""An array of 128 x 16 pairs after up to 1e7 cycles, its stuck cells with it: accuracy to that of the fresh array.

Paired: each age sees the splits, devices and noise of the same seeds. `paper` is the paper's chain, which may only
program the same row again; with `reject_limit` it leaves a row after so many rejections. `frozen` is the share of
trainings that ended at `--limit` proposals before their array was full.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oxmc.pymodels.config import Config, resolve
from oxmc.studies.estimates import estimate, median, paired
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import seeds_of, training

TASK, ROWS, LIMIT = "cancer", 128, 20_000
AGES = (0.0, 1e4, 1e5, 1e6, 1e7)
REJECT_LIMIT = 63
CHAINS = {
    "paper": ("paper", {}),
    f"paper, reject_limit {REJECT_LIMIT}": ("paper", {"reject_limit": REJECT_LIMIT}),
    "wide": ("wide", {}),
}


def measure(config: Config, seed: int) -> Row:
    run = training(config, seed)
    return {
        "accuracy": run.accuracy, "rows": run.rows, "skipped": run.outcome.skipped, "proposals": run.proposals,
        "sets": run.sets, "frozen": run.rows + run.outcome.skipped < config.rows,
    }  # fmt: skip


def line(name: str, age: float, runs: Sequence[Row], fresh: Sequence[Row]) -> Row:
    """The line of one chain and age."""
    column = {key: [float(run[key]) for run in runs] for key in runs[0]}
    return {
        "chain": name,
        "cycles": f"{age:g}",
        "mean": estimate(column["accuracy"]),
        "median": median(column["accuracy"]),
        "to fresh": paired(column["accuracy"], [run["accuracy"] for run in fresh]),
        "rows filled": round(float(np.mean(column["rows"])), 1),
        "skipped": round(float(np.mean(column["skipped"])), 1),
        "frozen": round(float(np.mean(column["frozen"])), 2),
        "proposals": round(np.mean(column["proposals"])),
        "SETs": round(np.mean(column["sets"])),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=100)
    options.add_argument("--limit", type=int, default=LIMIT, help=f"most proposals of a training (default {LIMIT})")
    given = options.parse_args(arguments)
    records, progress, rows = Records(given.out), Progress(len(CHAINS) * len(AGES)), []
    for name, (preset_name, changes) in CHAINS.items():
        fresh: list[Row] = []
        for age in AGES:
            keys = {**changes, "age_cycles": age, "max_proposals": given.limit}
            config = resolve(TASK, preset_name, settings=keys, rows=ROWS)
            runs = [
                records.of((digest(config), seed), measure, config, seed)
                for seed in seeds_of(given.seed, given.repeats)
            ]
            fresh = fresh or runs
            rows.append(line(name, age, runs, fresh))
            progress.step(f"{name}, {age:g} cycles: {rows[-1]['mean']}")
    finish(rows, given)


if __name__ == "__main__":
    main()
