"""A training in a simulator: what is built for it, and how it is watched while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from oxmc.posterior.file import load_library
from oxmc.posterior.posterior import available
from oxmc.pymodels.config import Config
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.run.engine import COUPLINGS, Progress, Watcher
from oxmc.tb.cosim.simulator import CompiledSimulation, EpisodeSimulation, Simulation
from oxmc.tb.cosim.views import GTKWAVE, SURFER
from oxmc.tb.cosim.watchdog import PROGRESS, read_progress


def simulation_of(config: Config, simulator: str, coupling: str = COUPLINGS[0], *, waves: bool = False) -> Simulation:
    """The co-simulation of the RTL that a coupling takes. Raises `InputError` where the simulator is not installed."""
    if coupling == COUPLINGS[0]:
        return Simulation(config, simulator, waves=waves)
    compiled = EpisodeSimulation if config.acceptance == "reward" else CompiledSimulation
    return compiled(config, simulator, waves=waves)


def viewers(run: Path) -> dict[str, str]:
    """The command of each viewer for the waves of a run, to be started in its directory."""
    waves = next(path.name for path in run.glob("waves.*") if path.suffix in (".fst", ".vcd"))
    return {"GTKWave": f"gtkwave {GTKWAVE}", "Surfer": f"surfer -c {SURFER} {waves}"}


@cache
def ready_for_the_end(config: Config) -> None:
    """Load what every run needs after its simulation and nothing needs before."""
    from oxmc.run.result import NODES, costs_of, versions
    from oxmc.silicon.chip_point import point_of

    for node in NODES:
        costs_of(node)
    point_of(config)
    versions()
    if available():
        load_library()


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
    started = time.monotonic()
    progress_file, waiting = folder / PROGRESS, [meanwhile] if meanwhile else []

    def watch() -> None:
        ready_for_the_end(job.config)
        while waiting:
            waiting.pop()()
        if watcher is not None and (seen := read_progress(progress_file)):
            cycles, row, proposals, _ = seen
            watcher(Progress(cycles, row, proposals, time.monotonic() - started))

    return simulation.train(job, folder, watch, lockstep=lockstep)


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
