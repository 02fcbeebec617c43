"""What accuracy a run had bought at each stage of its chain, from the stored rows alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from pymodels.config import Config
from pymodels.errors import InputError
from pymodels.inference import predict
from pymodels.outcome import Outcome
from pymodels.streams import repeat_seed
from pymodels.tasks import DataSource, load_task, quantise

STAGES = 48
"""Row counts at which the chain is stopped; fewer where it has fewer rows."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """The chain after `rows` rows: its share of the training's proposals, and the accuracy of what was stored."""

    rows: int
    share: float
    accuracy: float


def learning_curve(folder: Path, run: dict[str, Any], config: Config) -> tuple[Stage, ...]:
    """Test accuracy of the first n rows in the chip's integers, for growing n; the last stage is the whole run.

    A row's counter is the proposals made while it was the current one, so the counters say what share of the training
    had passed. Raises `InputError` where the state is not there, the data cannot be loaded again, or do not give the
    run's own accuracy.
    """
    if run["result"]["metric"] != "accuracy":
        raise InputError(f"RUN must have an accuracy for a curve of it, not a {run['result']['metric']}")
    try:
        state = Outcome.load(folder / "state.npz")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"RUN must hold a state.npz, which {str(folder)!r} does not") from error
    seed = repeat_seed(run["seed"], 0) if "repeats" in run else run["seed"]
    dataset = load_task(run["task"], config, seed, _source(run))
    codes = quantise(config, dataset.test_x)
    counters = np.asarray(state.counters, np.int64)
    if not counters.sum():
        raise InputError(f"RUN must have filled a row, which {str(folder)!r} did not")
    passed = np.cumsum(counters) / counters.sum()
    stages = []
    for rows in np.unique(np.geomspace(1, len(counters), STAGES).round().astype(int)).tolist():
        classes, _ = predict(config, state.conductance_ns[:rows], counters[:rows], codes)
        stages.append(Stage(rows, float(passed[rows - 1]), float((classes == dataset.test_t).mean())))
    if run["engine"] != "float" and stages[-1].accuracy != run["result"]["value"]:
        raise InputError(f"RUN must give its own accuracy again, {run['result']['value']}, not {stages[-1].accuracy}")
    return tuple(stages)


def _source(run: dict[str, Any]) -> DataSource:
    """The data that a run was given, where they were then. Raises `InputError` if they have changed."""
    data = run.get("data") or {}
    file = data.get("file")
    keep, drop = (tuple(data.get(name, ())) for name in ("keep", "drop"))
    source = DataSource(
        data=Path(file) if file else None, subject=data.get("subject"), label=data.get("label"), keep=keep, drop=drop
    )
    if source.identity()["sha256"] != data.get("sha256"):
        raise InputError(f"RUN must have been trained on {file!r} as it is now, which has changed since")
    return source
