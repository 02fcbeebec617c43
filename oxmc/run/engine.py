"""The engines: what can run a training, in one table. Nowhere else is an engine known by its name.

A user's own is one entry, `ENGINES["mine"] = Mine()`, or an entry point of the group `oxmc.engines` in whatever package
has it, which the command line and all its processes find (docs/reference/engines.md).
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from oxmc.pymodels.ahead import heard
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from oxmc.pymodels.job import Job
    from oxmc.pymodels.outcome import Outcome
    from oxmc.pymodels.rule import Rule
    from oxmc.tb.cosim.simulator import Simulation

COUPLINGS = ("python", "compiled")
"""Where the array's arithmetic runs: in Python, woken at each pulse, or beside the chip in the simulator."""
SLOW_TEST_EPISODES = 10
"""Test episodes in a simulator unless a user names a number: each takes seconds there, milliseconds on the twin."""
GROUP = "oxmc.engines"
"""Entry points of other packages, each an engine's class by the engine's name."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a running training is."""

    cycles: int
    row: int
    proposals: int
    seconds: float


Watcher = Callable[[Progress], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How a training is run, whatever it trains."""

    waves: bool = False
    lockstep: bool = False
    coupling: str = "python"
    meanwhile: Callable[[], object] | None = None
    """Called while a simulator runs; starts what does not depend on the outcome, in a thread of its own."""
    accept: Rule | None = None
    """A rule of a user's own in the place of the chip's acceptance."""


class Engine:
    """What runs a job. One of a user's own overrides `run`, and says what it refuses."""

    name = ""
    help = ""
    """What it is, in a line of `oxmc train --help`."""
    is_rtl = False
    """Whether the chip's RTL runs, with lockstep, waves and a choice of couplings."""
    has_waves = False
    in_integers = True
    """Whether it infers in the chip's integers, so that what it found can be held against them."""
    is_integer_model = False
    """Whether it is the model that they are held against."""
    learns_from_rewards = True
    calibrates = False
    """Whether `lut` is there."""
    adapts = False
    """Whether it goes on from stored rows."""
    takes_rules = False
    """Whether `Options.accept` can replace the acceptance."""

    def refuse(self, options: Options) -> None:
        """Raises `InputError` for options that this engine does not have."""
        compiled = options.coupling == COUPLINGS[1]
        missing = {"--waves": options.waves and not self.has_waves, "--lockstep": options.lockstep and not self.is_rtl}
        for option, is_missing in missing.items():
            if is_missing:
                raise InputError(f"{option} needs an RTL engine ({rtl_names()}), not {self.name!r}")
        if options.coupling not in COUPLINGS:
            raise InputError(f"--coupling must be one of {', '.join(COUPLINGS)}, not {options.coupling!r}")
        if compiled and not self.is_rtl:
            raise InputError(f"--coupling compiled needs an RTL engine ({rtl_names()}), not {self.name!r}")
        if options.accept is not None and not self.takes_rules:
            names = ", ".join(name for name, engine in ENGINES.items() if engine.takes_rules)
            raise InputError(f"accept needs a software engine ({names}), not {self.name!r}")
        if compiled and options.lockstep:
            raise InputError("--lockstep must be left out with --coupling compiled, where Python sees no pulses")

    def refuse_config(self, config: Config) -> None:
        """Raises `InputError` for a configuration that this engine cannot run."""
        if config.acceptance == "reward" and not self.learns_from_rewards:
            *names, last = (engine.name for engine in ENGINES.values() if engine.learns_from_rewards)
            message = f"--engine must be {', '.join(names)} or {last} for a task with rewards, not {self.name!r}"
            raise InputError(message)

    def sized(self, config: Config, given: Collection[str]) -> Config:
        """`config` as this engine runs it; `given` are the keys that the user set himself."""
        return config

    def prepare(self, config: Config, options: Options) -> None:
        """Do once what all trainings of a chip share, before several of them start in processes of their own."""

    def run(self, job: Job, options: Options, folder: Path, watcher: Watcher | None) -> Outcome:
        """The outcome of a job; whatever is left in `folder` becomes part of the run directory.

        Raises `InputError` for what it refuses and could not before, `RunError` where it fails.
        """
        raise NotImplementedError

    def lut(self, config: Config, seed: int) -> np.ndarray:
        """The gate LUT in read codes, int64 [gate_codes], that the chip finds by its sweep with the devices of `seed`.

        Raises `InputError` for a card that does not serve the configuration, `RunError` where it fails.
        """
        raise NotImplementedError


class Simulated(Engine):
    """The chip as Verilog in a simulator; log and waves are kept."""

    has_waves = True

    def simulation(self, config: Config, options: Options) -> Simulation:
        """What `run` builds and runs. Raises `InputError` where tools are missing."""
        raise NotImplementedError

    def sized(self, config: Config, given: Collection[str]) -> Config:
        if config.acceptance == "reward" and "test_episodes" not in given:
            return config.replace(test_episodes=min(config.test_episodes, SLOW_TEST_EPISODES))
        return config

    def prepare(self, config: Config, options: Options) -> None:
        self.simulation(config.chip, options).build()

    def run(self, job: Job, options: Options, folder: Path, watcher: Watcher | None) -> Outcome:
        from oxmc.run.simulated import run_simulation

        scratch = folder / "scratch"
        scratch.mkdir()
        simulation = self.simulation(job.config, options)
        outcome = run_simulation(
            simulation, job, scratch,
            lockstep=options.lockstep, watcher=watcher, meanwhile=options.meanwhile,
        )  # fmt: skip
        if options.waves:
            simulation.keep_waves(scratch, folder, job, outcome)
        (scratch / "simulator.log").rename(folder / "simulator.log")
        shutil.rmtree(scratch)
        return outcome


class Rtl(Simulated):
    """The chip's RTL in the simulator of the engine's name."""

    is_rtl = True
    calibrates = True
    adapts = True

    def __init__(self, name: str, help: str):
        self.name, self.help = name, help

    def simulation(self, config: Config, options: Options) -> Simulation:
        from oxmc.run.simulated import simulation_of

        return simulation_of(config, self.name, options.coupling, waves=options.waves)

    def lut(self, config: Config, seed: int) -> np.ndarray:
        from oxmc.run.calibration import on_chip

        return on_chip(config, self.name, seed)


class Gates(Simulated):
    """The chip mapped onto library cells that delay, in the RTL's place."""

    name = "gates"
    help = "the RTL mapped onto 130 nm cells, for small trainings (extra synth)"

    def refuse(self, options: Options) -> None:
        """Packages that map the chip must be there, too."""
        super().refuse(options)
        from oxmc.silicon.synth import check_packages

        check_packages("sky130", f"--engine {self.name}")

    def simulation(self, config: Config, options: Options) -> Simulation:
        from oxmc.silicon.gates import GateSimulation, gates_of
        from oxmc.tb.cosim.simulator import use_simulator

        use_simulator("icarus", f"--engine {self.name}")
        return GateSimulation(config, gates_of(config), waves=options.waves)


class Twin(Engine):
    """The chip's integer arithmetic without its clock."""

    name = "twin"
    is_integer_model = True
    adapts = True
    help = "the RTL's bit-true model"
    calibrates = True
    takes_rules = True

    def run(self, job: Job, options: Options, folder: Path, watcher: Watcher | None) -> Outcome:
        from oxmc.tb.cosim.twin import twin_of

        return heard(lambda: twin_of(job, options.accept))

    def lut(self, config: Config, seed: int) -> np.ndarray:
        from oxmc.run.calibration import in_model

        return heard(lambda: in_model(config, seed))


class Float(Engine):
    """The paper's simulator: no pulses, no converters, no rewards."""

    name = "float"
    help = "the paper's simulator in real numbers"
    in_integers = False
    learns_from_rewards = False
    takes_rules = True

    def sized(self, config: Config, given: Collection[str]) -> Config:
        """Without the auto-zero of a preset: there is no front end whose offset it would take off."""
        return config if "auto_zero_bits" in given else config.replace(auto_zero_bits=0)

    def refuse_config(self, config: Config) -> None:
        """Nor anything ahead of the training, nor devices that a chip meets only in its pulses."""
        super().refuse_config(config)
        for name in ("form", "calibrate"):
            if getattr(config, name):
                raise InputError(f"{name} must be false with --engine float, which has no pulses, not true")
        from oxmc.pymodels.oxram.circuit import has_circuit
        from oxmc.pymodels.oxram.devices import load_card
        from oxmc.pymodels.oxram.effects import effects_of

        if config.auto_zero_bits:
            raise InputError(
                f"auto_zero_bits must be 0 with --engine float, which has no front end, not {config.auto_zero_bits}"
            )
        if has_circuit(config):
            raise InputError("conditions must be ideal with --engine float, which knows no circuit around the cells")
        if effects_of(load_card(config.card), config).any:
            raise InputError(
                "fault_mode must be permanent, set_distribution normal, cycle_correlation, set_failure, read_noise and "
                "relaxation 0 with --engine float, which knows none"
            )

    def run(self, job: Job, options: Options, folder: Path, watcher: Watcher | None) -> Outcome:
        from oxmc.pymodels.formats import Formats
        from oxmc.pymodels.real.engine import run_float
        from oxmc.tb.cosim.program import load_word_count

        features = job.features
        assert features is not None
        words = load_word_count(Formats(job.config), len(job.codes))
        return heard(lambda: run_float(job.config, job.seed, features, job.labels, words, options.accept))


ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Rtl("verilator", "the RTL, compiled"),
        Rtl("icarus", "the RTL, interpreted"),
        Twin(),
        Float(),
        Gates(),
    )
}


def engine_of(name: str, *, calibrates: bool = False) -> Engine:
    """The engine of that name; with `calibrates` one that has a `lut`.

    Raises `InputError` if neither the table nor another package has it.
    """
    if name not in ENGINES:
        for entry in importlib.metadata.entry_points(group=GROUP, name=name):
            ENGINES[name] = entry.load()()
    names = [each for each, engine in ENGINES.items() if engine.calibrates or not calibrates]
    if name not in names:
        raise InputError(f"--engine must be one of {', '.join(names)}, not {name!r}")
    return ENGINES[name]


def in_integers(name: str) -> bool:
    """Whether a run on that engine is in the chip's integers; of one that is not known here nothing is expected."""
    return name in ENGINES and ENGINES[name].in_integers


def is_integer_model(name: str) -> bool:
    """Whether a run on that engine is the model itself that others are held against."""
    return name in ENGINES and ENGINES[name].is_integer_model


def rtl_names() -> str:
    """The RTL engines, for a message."""
    return ", ".join(name for name, engine in ENGINES.items() if engine.is_rtl)
