"""Trainings on the twin, many with what is counted of them, or one with all that it stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.likelihood import log_likelihood
from oxmc.posterior.row_accuracy import accuracy_alone, accuracy_together
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.devices import load_card, lut_table
from oxmc.pymodels.streams import repeat_seed
from oxmc.pymodels.tasks import Dataset, DataSource, fit_config, quantise
from oxmc.studies.trainings import split_of, training

Values = dict[str, Any]


def source_of(data: str | None = None, subject: int | None = None, sha256: str | None = None) -> DataSource:
    """Where a task's data come from; `sha256` is what tells other recordings under the same name apart."""
    return DataSource() if data is None else DataSource(data=Path(data), subject=subject)


def config_of(task: str, preset: str, settings: Values, source: DataSource, rows: int | None = None) -> Config:
    """A task's configuration: the preset, then `settings`, then what follows from the data."""
    return fit_config(task, resolve(task, preset, settings=settings, rows=rows), tuple(settings), source)


def many(
    task: str, preset: str, settings: Values, seed: int, first: int, count: int, *, rows: int | None = None,
    engine: str = "twin", source: Values | None = None,
) -> Values:  # fmt: skip
    """Repeats `first` and on, `count` of them, of a training under base seed `seed`: a list a figure of each."""
    place = source_of(**(source or {}))
    config = config_of(task, preset, settings, place, rows)
    found: dict[str, list[Any]] = {
        name: [] for name in ("result", "proposals", "sets", "resets", "rows", "full", "clamps", "energy_uj")
    }
    for repeat in range(first, first + count):
        run = training(config, repeat_seed(seed, repeat), engine, task, place)
        filled = run.rows + run.outcome.skipped
        line = (
            run.accuracy, run.proposals, run.sets, run.outcome.counts["train"]["reset"], run.rows,
            filled >= config.rows, run.outcome.clamps, run.energy_uj,
        )  # fmt: skip
        for values, value in zip(found.values(), line, strict=True):
            values.append(value)
    return {**found, "of_rows": config.rows}


def logistic(task: str, preset: str, settings: Values, seed: int, first: int, count: int) -> Values:
    """Accuracy of scikit-learn's logistic regression on the same splits."""
    config = config_of(task, preset, settings, DataSource())
    return {"result": [split_of(config, repeat_seed(seed, repeat), task)[1] for repeat in range(first, first + count)]}


def chain(
    task: str, preset: str, settings: Values, seed: int, *, rows: int | None = None, source: Values | None = None
) -> Values:
    """One training with its filled rows: conductances in uS [rows, cells], counters, what each row is worth."""
    place = source_of(**(source or {}))
    config = config_of(task, preset, settings, place, rows)
    run = training(config, seed, task=task, source=place)
    state = run.outcome
    filled = np.flatnonzero(state.counters)
    conductance_us = state.conductance_ns[filled] / 1000
    found: Values = {
        "result": run.accuracy, "burn_in": config.burn_in, "of_rows": config.rows, "row": filled.tolist(),
        "conductance_us": np.round(conductance_us, 2).tolist(), "counter": state.counters[filled].tolist(),
        "current_ua": set_currents_ua(config, conductance_us).tolist(), "proposals": state.proposals,
    }  # fmt: skip
    if state.rewards.size:
        return found | {"reward": state.row_rewards[filled].tolist()}
    return found | _rows_of(config, split_of(config, seed, task, place)[0], state)


def _rows_of(config: Config, dataset: Dataset, state: Outcome) -> Values:
    """How good each row is alone, and all up to it; log-likelihood of the training points in real numbers."""
    codes = quantise(config, dataset.test_x)
    filled, alone = accuracy_alone(config, state, codes, dataset.test_t)
    ends, together = accuracy_together(config, state, codes, dataset.test_t)
    stored = state.conductance_ns[filled] / 1000
    logs = log_likelihood(config, stored[:, 0::2] - stored[:, 1::2], dataset.train_x, dataset.train_t)
    return {
        "alone": alone.tolist(), "end": ends.tolist(), "together": together.tolist(),
        "log_likelihood": np.round(logs, 3).tolist(),
    }  # fmt: skip


def set_currents_ua(config: Config, conductance_us: np.ndarray) -> np.ndarray:
    """SET current in uA of each cell of a row after the first: that of the LUT's median nearest to the cell before it,
    float64 [cells * (rows - 1)]. What verified pairs correct is not in it."""
    gates = lut_table(load_card(config.card), config)
    before = conductance_us[:-1].ravel()
    code = np.abs(before[:, None] - gates.median_ns[None, :] / 1000).argmin(axis=1)
    current: np.ndarray = gates.current_na[code] / 1000
    return current
