"""The co-simulation against bare Verilator, Icarus, and the whole command against both: one training, in turns.

All run the same training, but Icarus only its first `ICARUS_PROPOSALS`: it does what the others do in a second in a
minute. Cycles a second are those between the release of reset and the end of the inference, on the wall's clock.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from oxmc.pymodels.config import preset
from oxmc.pymodels.events import ARRAY_EVENTS
from oxmc.pymodels.job import SECONDS, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.simulated import simulate
from oxmc.speed.commands import Finished, run_oxmc
from oxmc.speed.figures import Raw, figure, in_turns
from oxmc.tb.cosim.compiled import load_for, read_counts
from oxmc.tb.cosim.simulator import CompiledSimulation, Simulation

ICARUS_PROPOSALS = 100
COMMAND = "train cancer --preset paper --coupling compiled --engine verilator --json --out".split()
REPEATS = 20
RATIOS = {
    "cosim_compiled_over_bare": ("compiled", "bare"),
    "cosim_python_us_per_event": ("python",),
    "verilator_over_icarus": ("compiled", "icarus"),
    "training_over_bare": ("command", "bare"),
    "repeats_over_bare": ("repeats", "bare"),
}
"""What each ratio needs to have run."""


def paper_job(seed: int = 0, **changes: int) -> Job:
    """Cancer `paper`, with keys changed."""
    config = preset("cancer", "paper").replace(**changes)
    return make_job(config, load_task("cancer", config, seed), seed)


def array_events(outcome: Outcome) -> int:
    """Pulses on the array port, each of which wakes Python in the python coupling; a RESET acts on a whole row."""
    one_cell = [name for name in ARRAY_EVENTS if name != "reset"]
    return sum(counts[name] for counts in outcome.counts.values() for name in (*one_cell, "reset_pulse"))


class Bare:
    """The program of the compiled coupling by itself, again and again in a folder that was made ready for it."""

    def __init__(self, job: Job, folder: Path):
        self.simulation = CompiledSimulation(job.config, "verilator")
        self.simulation.build()
        self.folder = folder / "bare"
        self.folder.mkdir()
        load_for(job, self.folder)

    def __call__(self) -> tuple[int, float]:
        """Clock cycles, and seconds of the whole program."""
        started = time.monotonic()
        self.simulation.run_alone(self.folder)
        seconds = time.monotonic() - started
        return sum(events["cycle"] for events in read_counts(self.folder).values()), seconds


def _simulation(job: Job, engine: str, coupling: str, names: Callable[[str], Path]) -> tuple[Outcome, float]:
    """The outcome of one co-simulation and the seconds that its clock ran."""
    folder = names(f"{engine}-{coupling}")
    folder.mkdir()
    outcome = simulate(job, engine, folder, coupling=coupling)
    return outcome, float((folder / SECONDS).read_text())


def _actions(wanted: set[str], scratch: Path) -> dict[str, Callable[[], object]]:
    """What to run in turns; builds come first, apart from all figures."""
    count = itertools.count()

    def names(stem: str) -> Path:
        return scratch / f"{stem}-{next(count)}"

    job, short = paper_job(), paper_job(max_proposals=ICARUS_PROPOSALS)
    actions: dict[str, Callable[[], object]] = {}
    if wanted & {"compiled", "command", "repeats"}:
        CompiledSimulation(job.config, "verilator").build()
    if "bare" in wanted:
        actions["bare"] = Bare(job, scratch)
    if "compiled" in wanted:
        actions["compiled"] = lambda: _simulation(job, "verilator", "compiled", names)
    if "command" in wanted:
        actions["command"] = lambda: run_oxmc(*COMMAND, names("command"))
    if "repeats" in wanted:
        repeats = [*COMMAND[:-1], "--repeats", str(REPEATS), *COMMAND[-1:]]
        actions["repeats"] = lambda: run_oxmc(*repeats, names("repeats"))
    if "icarus" in wanted:
        CompiledSimulation(short.config, "icarus").build()
        actions["icarus"] = lambda: _simulation(short, "icarus", "compiled", names)
    if "python" in wanted:
        Simulation(job.config, "verilator").build()
        actions["python"] = lambda: _simulation(job, "verilator", "python", names)
    return actions


def _rates(runs: list[tuple[Outcome, float]]) -> dict[str, object]:
    return figure([outcome.cycles / seconds for outcome, seconds in runs], "cycles/s")


def measure_cosim(ratios: list[str], rounds: int, limit_s: float, scratch: Path) -> Raw:
    """The raw figures that `ratios` (of `RATIOS`) need, all measured in turns in folder `scratch`."""
    wanted = {action for name in ratios for action in RATIOS[name]}
    runs = in_turns(_actions(wanted, scratch), rounds, limit_s)
    raw: Raw = {}
    if "bare" in runs:
        raw["bare_cycles_per_s"] = figure([cycles / seconds for cycles, seconds in runs["bare"]], "cycles/s")
        raw["bare_program_s"] = figure([seconds for _, seconds in runs["bare"]], "s")
        raw["bare_trainings_per_s"] = figure([1 / seconds for _, seconds in runs["bare"]], "1/s")
    if "compiled" in runs:
        raw["compiled_cycles_per_s"] = _rates(runs["compiled"])
    if "icarus" in runs:
        raw["icarus_compiled_cycles_per_s"] = _rates(runs["icarus"])
    if "python" in runs:
        raw["python_cycles_per_s"] = _rates(runs["python"])
        raw["python_us_per_event"] = figure(
            [1e6 * seconds / array_events(outcome) for outcome, seconds in runs["python"]], "us"
        )
        raw["python_events"] = figure([array_events(outcome) for outcome, _ in runs["python"]], "")
    if "repeats" in runs:
        raw["repeats_trainings_per_s"] = figure([REPEATS / command.wall_s for command in runs["repeats"]], "1/s")
    if "command" in runs:
        raw |= _command_figures(runs["command"])
    return raw


def _command_figures(commands: list[Finished]) -> Raw:
    return {
        "training_command_s": figure([command.wall_s for command in commands], "s"),
        "training_command_cpu_s": figure([command.cpu_s for command in commands], "s"),
        "verilator_peak_mb": figure([command.peak_mb for command in commands], "MB"),
    }
