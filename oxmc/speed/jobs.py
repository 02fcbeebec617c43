"""Throughput of repeats on one process and on two, and the memory of a training.

A rate is taken between two finished repeats, so that starting the workers, some seconds a command, is apart; the rate
of the whole is beside it. The twin trains: a repeat is as short as it gets, and handing repeats out costs most.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import NamedTuple

from oxmc.campaign.repeats import Plan, Standing, UnfinishedError, train_repeats
from oxmc.pymodels.config import preset
from oxmc.run.train import Request
from oxmc.speed.commands import run_oxmc
from oxmc.speed.figures import Raw, figure, in_turns

REPEATS = 400
WARM = 20
"""Finished repeats before the clock starts: by then all workers work."""


class Rates(NamedTuple):
    """Repeats a second: between repeat `WARM` and the last, and over everything."""

    steady: float
    whole: float


def repeats_rates(repeats: int, jobs: int, out: Path) -> Rates:
    """Rates of cancer `paper` on the twin, `repeats` times on `jobs` processes, `out` the run directory."""
    config = preset("cancer", "paper")
    request = Request(task="cancer", preset="paper", engine="twin", seed=0, config=config, out=out)
    done: list[float] = []

    def watch(standing: Standing) -> None:
        done.append(time.monotonic())

    started = time.monotonic()
    try:
        train_repeats(request, Plan(repeats=repeats, jobs=jobs), watch)
    except UnfinishedError as error:
        stopped = error.__cause__
        if stopped is None or isinstance(stopped, Exception):
            raise
        raise stopped from None  # an interrupt; that repeats are kept is not so in a scratch folder
    whole = time.monotonic() - started
    return Rates((repeats - WARM) / (done[-1] - done[WARM - 1]), repeats / whole)


def measure_jobs(rounds: int, limit_s: float, scratch: Path, repeats: int = REPEATS) -> Raw:
    """The raw figures, rounds in turns, run directories in folder `scratch`."""
    count = itertools.count()

    def rates(jobs: int) -> Rates:
        return repeats_rates(repeats, jobs, scratch / f"repeats-{next(count)}")

    runs = in_turns({"jobs1": lambda: rates(1), "jobs2": lambda: rates(2)}, rounds, limit_s)
    raw: Raw = {"repeats": figure([repeats], "")}
    for name, turns in runs.items():
        raw[f"{name}_repeats_per_s"] = figure([rate.steady for rate in turns], "1/s")
        raw[f"{name}_whole_repeats_per_s"] = figure([rate.whole for rate in turns], "1/s")
    single = run_oxmc("train", "cancer", "--engine", "twin", "--json", "--out", scratch / "memory")
    raw["twin_command_s"], raw["twin_peak_mb"] = figure([single.wall_s], "s"), figure([single.peak_mb], "MB")
    return raw
