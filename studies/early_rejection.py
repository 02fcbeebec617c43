"""Early rejection: that it decides alike, and the share of evaluations, cycles and joules that it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oxmc.pymodels.config import PRESETS, preset
from oxmc.pymodels.errors import RunError
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import NODE, TASK, Training, seeds_of, training

ORDERS = ("given", "hard_first")


def check_alike(whole: Training, early: Training, what: str) -> None:
    """Raises `RunError` unless both chains took every decision alike: the same rows, counters and proposals."""
    for name in ("conductance_ns", "counters", "classes"):
        if not np.array_equal(getattr(whole.outcome, name), getattr(early.outcome, name)):
            raise RunError(f"early rejection must decide alike, but {name} of {what} differ")
    if whole.proposals != early.proposals:
        raise RunError(f"early rejection must decide alike, but {what} made {early.proposals}, not {whole.proposals}")


def compare(name: str, seed: int, proposals: int) -> list[Row]:
    """A line an order of the samples, over as many trainings of a preset as make up so many proposals."""
    base = preset(TASK, name).replace(early_rejection=False, sample_order="given")
    totals = {order: np.zeros(3) for order in ("off", *ORDERS)}
    done = repeats = 0
    while done < proposals:
        here = seeds_of(seed, repeats + 1)[-1]
        whole = training(base, here)
        runs = {"off": whole}
        for order in ORDERS:
            runs[order] = training(base.replace(early_rejection=True, sample_order=order), here)
            check_alike(whole, runs[order], f"{name} with seed {here}, samples {order},")
        for order, run in runs.items():
            totals[order] += run.evaluations, run.cycles, run.energy_uj
        done, repeats = done + whole.proposals, repeats + 1
    left = {order: totals[order] / totals["off"] for order in ORDERS}
    columns = ("evaluations left", "cycles left", f"joules left, {NODE}")
    return [
        {"preset": name, "samples": order, "trainings": repeats, "proposals": done, "decisions that differ": 0}
        | {column: round(float(share), 3) for column, share in zip(columns, left[order], strict=True)}
        for order in ORDERS
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__, seed=20000, repeats=0)
    options.add_argument("--proposals", type=int, default=100_000, help="at least so many a preset (default 100000)")
    options.add_argument("--preset", action="append", choices=PRESETS, help="only these presets (default all)")
    given = options.parse_args(arguments)
    show([line for name in given.preset or PRESETS for line in compare(name, given.seed, given.proposals)], given.json)


if __name__ == "__main__":
    main()
