"""What a finished run makes of new points: its stored rows and counters vote (Eq 8), in the twin or on the RTL.

Both give the same integers. Read noise of an array that has it would depend on all that was read before; here rows vote
by the conductances that were stored, through the chip's own circuit.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.posterior.row_accuracy import chain_parts
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.files import understood
from oxmc.pymodels.job import JOB_VARIABLE, OWNER_VARIABLE, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.circuit import circuit_of
from oxmc.pymodels.ring import in_array
from oxmc.pymodels.tasks import quantise
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.twin.inference import predict_in_array, winners
from oxmc.pymodels.uncertainty import class_probabilities, entropy_bits
from oxmc.run.engine import engine_of, rtl_names
from oxmc.run.own_counters import voting_totals

if TYPE_CHECKING:
    from oxmc.tb.cosim.restored import RestoredSimulation

Vote = Callable[[Config, int, np.ndarray, np.ndarray, int, np.ndarray], np.ndarray]
"""Response sums int64 [n, outputs] by the seed of the chip, rows int64 [rows, cells] as they lie in the array, their
counters, the newest row, and codes int64 [n, features]."""


@dataclasses.dataclass(frozen=True)
class Prediction:
    """Of n points: class numbers int64 [n], response sums int64 [n, outputs] and probabilities float64 [n, classes]."""

    classes: np.ndarray
    sums: np.ndarray
    probability: np.ndarray

    @property
    def entropy(self) -> np.ndarray:
        """Entropy of each point's probabilities, float64 [n] in bits."""
        return entropy_bits(self.probability)


def kept_scaling(record: Mapping[str, Any], named: str) -> Scaling:
    """How the run of a run.json scaled its features.

    Raises `InputError` for a task that has none to scale, and for a run of before this was kept.
    """
    if record["result"]["metric"] != "accuracy":
        raise InputError(f"RUN must be of a task with classes to predict one, not {named}, which learned from rewards")
    data = record["data"]
    if "scaling" not in data:
        rule = "RUN must keep the scaling of its features to predict"
        raise InputError(f"{rule}, which {named} does not: an older oxmc has made it; train again")
    with understood("RUN must hold the scaling of its features", named):
        return Scaling.read(data["scaling"], len(data["features"]))


def kept_columns(record: Mapping[str, Any], scaling: Scaling) -> list[str]:
    """Names of the columns that a run's features were made of."""
    data = record["data"]
    names: list[str] = data.get("columns") or data["features"]
    return names[: len(scaling.mean)]


def infer(config: Config, state: Outcome, x: np.ndarray, engine: str = "twin") -> Prediction:
    """What the stored rows of a run make of features `x` float64 [n, features], scaled as in training.

    Raises `InputError` for an engine that infers in other numbers; `RunError` where the simulation fails or no row has
    a vote.
    """
    vote, codes = _vote_of(engine), quantise(config, x)
    arrays = [in_array(state)] if config.ring else [(*part, len(part[1]) - 1) for part in chain_parts(config, state)]
    chains = zip(state.seeds or [0] * config.chains, arrays, strict=True)
    parts = [vote(config.chip, seed, rows[: len(counts)], counts, last, codes) for seed, (rows, counts, last) in chains]
    sums, totals = np.concatenate(parts, axis=1), voting_totals(config, state.counters)
    classes = winners(sums) if config.chains == 1 else np.argmax(sums / totals, axis=1)
    return Prediction(classes, sums, class_probabilities(config, sums, totals))


def _vote_of(name: str) -> Vote:
    engine = engine_of(name)
    if engine.is_rtl:
        return lambda config, seed, *stored: on_chip(config, name, seed, *stored)
    if name != "twin":
        raise InputError(f"--engine must be one of twin, {rtl_names()} to predict, not {name!r}")
    return _on_twin


def _on_twin(
    config: Config, seed: int, conductance_ns: np.ndarray, counters: np.ndarray, newest: int, codes: np.ndarray
) -> np.ndarray:
    return predict_in_array(config, conductance_ns, counters, newest, codes, circuit=circuit_of(config, seed))[1]


def on_chip(
    config: Config, simulator: str, seed: int, conductance_ns: np.ndarray, counters: np.ndarray, newest: int,
    codes: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Response sums int64 [n, outputs] of the RTL, its chip that of `seed`; the others as for `twin.inference.predict`.

    The chip is that of the training, but for what only runs ahead of one; more points than its memory takes go in turn.
    """
    from oxmc.pymodels.formats import Formats
    from oxmc.tb.cosim.restored import RestoredSimulation

    config = config.replace(form=False, calibrate=False, read_noise=0.0, relaxation=0.0, fault_mode="permanent")
    simulation = RestoredSimulation(config, simulator)
    simulation.build()
    most = Formats(config).sample_capacity - 1  # ahead of the points lies one of the training
    parts = [codes[first : first + most] for first in range(0, len(codes), most)]
    return np.concatenate(
        [_simulated(simulation, config, seed, conductance_ns, counters, newest, part) for part in parts]
    )


def _simulated(
    simulation: RestoredSimulation, config: Config, seed: int, conductance_ns: np.ndarray, counters: np.ndarray,
    newest: int, codes: np.ndarray,
) -> np.ndarray:  # fmt: skip
    from oxmc.tb.cosim.restored import FOUND, STORED

    loaded = np.concatenate([np.zeros((1, config.features), np.int64), codes])
    with tempfile.TemporaryDirectory(prefix="oxmc-") as name:
        folder = Path(name)
        config = config.replace(train_samples=1, test_samples=len(codes))
        job = Job(config, seed, loaded, np.zeros(len(loaded), np.int64))
        job.save(folder / "job.npz")
        np.savez(folder / STORED, conductance_ns=conductance_ns, counters=counters, newest=newest)
        simulation.run(folder, {JOB_VARIABLE: str(folder), OWNER_VARIABLE: str(os.getpid())})
        if not (folder / FOUND).exists():
            raise RunError(f"{simulation.simulator} ended without a prediction")
        sums: np.ndarray = np.load(folder / FOUND)
    return sums
