"""What a training would be, without running it: its sizes, and by the twin, where that is quick, its cost."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from oxmc.hdl.verilog.netlist_cache import BUILDS
from oxmc.pymodels.config import TASKS, Config, preset, presets_of
from oxmc.pymodels.ring import unrolled
from oxmc.run.cards import card_record
from oxmc.run.engine import engine_of
from oxmc.run.train import Request

QUICK = 1 << 26
"""Products of all rows with all points up to which the twin is asked; it takes some 20 ms a million."""


def changed_keys(task: str, preset_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The keys of a configuration that are not its preset's; none of a preset that is not known here."""
    if task not in TASKS or preset_name not in presets_of(task):
        return {}
    base = preset(task, preset_name).as_dict()
    return {name: value for name, value in config.items() if value != base.get(name)}


def foreseen(request: Request) -> dict[str, Any]:
    """A training by what it would take. `estimate` is None on engines in real numbers, and where it would take long."""
    config = request.config
    names = {name: getattr(request, name) for name in ("task", "preset", "engine", "seed", "chains", "coupling")}
    return {
        **names,
        "config": config.as_dict(),
        "card": card_record(config),
        "changed": changed_keys(request.task, request.preset, config.as_dict()),
        "sizes": _sizes(config),
        "estimate": _estimate(request) if engine_of(request.engine).in_integers and _is_quick(config) else None,
    }


def _sizes(config: Config) -> dict[str, int]:
    cells = 2 * config.chip.pairs * config.rows * config.chains
    return {"pairs": config.pairs, "rows": config.rows * config.chains, "cells": cells}


def _is_quick(config: Config) -> bool:
    points = config.episode_steps if config.acceptance == "reward" else config.train_samples
    return config.rows * points * config.pairs <= QUICK


@contextlib.contextmanager
def _builds_elsewhere() -> Iterator[None]:
    """Nothing is kept of what is built: joules need the chip's flip-flops, which are counted in its netlist."""
    kept = os.environ.get(BUILDS)
    with tempfile.TemporaryDirectory(prefix="oxmc-") as folder:
        os.environ[BUILDS] = folder
        try:
            yield
        finally:
            del os.environ[BUILDS]
            if kept is not None:
                os.environ[BUILDS] = kept


def _estimate(request: Request) -> dict[str, Any]:
    """Proposals, clock cycles and joules of the first training: the twin's, which are the RTL's."""
    from oxmc.pymodels.ahead import heard
    from oxmc.pymodels.tasks import load_task
    from oxmc.pymodels.tasks.jobs import make_job
    from oxmc.run.own_counters import joined, output_jobs
    from oxmc.run.result import run_record
    from oxmc.tb.cosim.twin import twin_of

    config = request.config
    dataset = load_task(request.task, config, request.seed, request.source)
    job = make_job(config, dataset, request.seed)
    own = config.counters == "own"
    whole = heard(lambda: joined(config, list(map(twin_of, output_jobs(job)))) if own else twin_of(job))
    outcome = unrolled(config, whole)
    names: dict[str, Any] = {"engine": "twin", "preset": request.preset, "task": request.task}
    with _builds_elsewhere():
        record = heard(lambda: run_record(job, outcome, dataset, wall_s=1.0, **names))
    chip = {key: record["time"][key] for key in ("cycles", "clock_hz", "chip_s")}
    return {"proposals": record["chain"]["proposals"], **chip, "energy_j": record["energy_j"]}
