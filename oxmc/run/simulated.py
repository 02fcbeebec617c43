"""A training in a simulator: what is built for it, and how it is watched while it runs."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from oxmc.posterior.posterior import available
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.job import JOB_VARIABLE, LOCKSTEP_VARIABLE, OWNER_VARIABLE, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.run.engine import COUPLINGS, Progress, Watcher
from oxmc.silicon.chip_point import point_of
from oxmc.tb.cosim.simulator import CompiledSimulation, EpisodeSimulation, Simulation
from oxmc.tb.cosim.watchdog import PROGRESS


def simulation_of(config: Config, simulator: str, coupling: str = COUPLINGS[0], *, waves: bool = False) -> Simulation:
    """The co-simulation of the RTL that a coupling takes. Raises `InputError` where the simulator is not installed."""
    if coupling == COUPLINGS[0]:
        return Simulation(config, simulator, waves=waves)
    compiled = EpisodeSimulation if config.acceptance == "reward" else CompiledSimulation
    return compiled(config, simulator, waves=waves)


@cache
def ready_for_the_end(config: Config) -> None:
    """Load what every run needs after its simulation and nothing needs before."""
    from oxmc.run.result import NODES, costs_of

    for node in NODES:
        costs_of(node)
    point_of(config)
    if available():
        importlib.import_module("h5netcdf")


def run_simulation(
    simulation: Simulation,
    job: Job,
    folder: Path,
    *,
    lockstep: bool = False,
    watcher: Watcher | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Outcome:
    """Run a job in `folder`, which keeps the simulator's log and waves; `lockstep` runs the twin beside it.

    `meanwhile` is called once the simulator runs.

    Raises `RunError` if it fails or the two differ.
    """
    simulation.build()
    job.save(folder / "job.npz")
    started = time.monotonic()
    progress_file, waiting = folder / PROGRESS, [meanwhile] if meanwhile else []

    def watch() -> None:
        ready_for_the_end(job.config)
        while waiting:
            waiting.pop()()
        if watcher is not None and progress_file.exists():
            fields = progress_file.read_text().split()
            if len(fields) == 3:  # not caught in the middle of being rewritten
                cycles, row, proposals = map(int, fields)
                watcher(Progress(cycles, row, proposals, time.monotonic() - started))

    beside = {LOCKSTEP_VARIABLE: "1"} if lockstep else {}
    environment = beside | {JOB_VARIABLE: str(folder.absolute()), OWNER_VARIABLE: str(os.getpid())}
    simulation.run(folder, environment, watch)
    if not (folder / "outcome.npz").exists():
        raise RunError(f"{simulation.simulator} ended without an outcome")
    return Outcome.load(folder / "outcome.npz")


def simulate(
    job: Job,
    simulator: str,
    folder: Path,
    *,
    coupling: str = COUPLINGS[0],
    lockstep: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """The same on the RTL, of which what it leaves in `folder` is wanted, too."""
    simulation = simulation_of(job.config, simulator, coupling)
    return run_simulation(simulation, job, folder, lockstep=lockstep, watcher=watcher)
