"""What accuracy a run had bought at each stage of its chain, from the stored rows alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.ahead import heard
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import understood
from oxmc.pymodels.outcome import Outcome, kept_test_set
from oxmc.pymodels.oxram.circuit import circuit_of
from oxmc.pymodels.streams import repeat_seed
from oxmc.pymodels.tasks import load_task, quantise
from oxmc.pymodels.twin.inference import predict

STAGES = 48
"""Row counts at which the chain is stopped; fewer where it has fewer rows."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """The chain after `rows` rows: its share of the training's proposals, and the accuracy of what was stored."""

    rows: int
    share: float
    accuracy: float


def learning_curve(folder: Path, run: dict[str, Any], config: Config, *, in_integers: bool = True) -> tuple[Stage, ...]:
    """Test accuracy of the first n rows in the chip's integers, for growing n; the last stage is the whole run.

    A row's counter is the proposals made while it was the current one, so the counters say what share of the training
    had passed. Raises `InputError` where the state or its test points are not there or, of a run `in_integers`, do not
    give its own accuracy.
    """
    if run["result"]["metric"] != "accuracy":
        raise InputError(f"RUN must have an accuracy for a curve of it, not a {run['result']['metric']}")
    state = Outcome.load(folder / "state.npz")
    with understood("RUN must hold a whole run", folder):
        stages = heard(lambda: _stages(folder, run, config, state))
    if in_integers and stages[-1].accuracy != run["result"]["value"]:
        raise InputError(f"RUN must give its own accuracy again, {run['result']['value']}, not {stages[-1].accuracy}")
    return stages


def _stages(folder: Path, run: dict[str, Any], config: Config, state: Outcome) -> tuple[Stage, ...]:
    codes, test_t = _test_set(folder, run, config)
    counters = np.asarray(state.counters, np.int64)
    if not counters.sum():
        raise InputError(f"RUN must have filled a row, which {str(folder)!r} did not")
    circuit = circuit_of(config, state.seeds[0]) if state.seeds else None
    passed = np.cumsum(counters) / counters.sum()
    stages = []
    for rows in np.unique(np.geomspace(1, len(counters), STAGES).round().astype(int)).tolist():
        classes, _ = predict(config, state.conductance_ns[:rows], counters[:rows], codes, circuit=circuit)
        stages.append(Stage(rows, float(passed[rows - 1]), float((classes == test_t).mean())))
    return tuple(stages)


def _test_set(folder: Path, run: dict[str, Any], config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Codes and classes of the test points: those kept with the state, else of a task that brings its data.

    No file that run.json names is opened: a run may come from anywhere. Raises `InputError` where there are none.
    """
    kept = kept_test_set(folder / "state.npz")
    if kept is not None:
        return kept
    if (run.get("data") or {}).get("file") is not None:
        raise InputError(f"RUN must keep its test points for a curve, which {shown(str(folder))} does not")
    seed = repeat_seed(run["seed"], 0) if "repeats" in run else run["seed"]
    dataset = load_task(run["task"], config, seed)
    return quantise(config, dataset.test_x), dataset.test_t
