"""What a finished run's result is held against, worked out from what its directory keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oxmc.posterior.posterior import FILE, values_of
from oxmc.pymodels.config import TASKS
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import understood
from oxmc.pymodels.outcome import kept_test_set
from oxmc.pymodels.tasks import Dataset, DataSource, load_task, quantise, reference_accuracy, reference_value
from oxmc.run.checked import STATE, CheckedRun, checked_posterior
from oxmc.run.records import mean_reference

if TYPE_CHECKING:
    import xarray as xr

NAMES = {"accuracy": "logistic regression", "reward": "random actions"}
"""What a metric is held against."""


def baseline_of(path: Path, checked: CheckedRun) -> float:
    """A logistic regression's accuracy on the run's split, or the reward of acting at random; of repeats, the mean.

    The points are those of a task that brings its data, else those that posterior.nc keeps: no file that run.json
    names is opened, since a run may come from anywhere. Raises `InputError` where neither has them.
    """
    run, config = checked.run, checked.config
    if "repeats" in run:
        return mean_reference(path)
    data = run["data"]
    if "adapted" not in run and run["task"] in TASKS and data["file"] is None and data["sha256"] is None:
        dataset = load_task(run["task"], config, run["seed"], DataSource(subject=data["subject"]))
        _check_same_points(path, dataset, quantise(config, dataset.test_x))
        return reference_value(config, dataset, run["seed"])
    if run["result"]["metric"] != "accuracy" or not (path / FILE).exists():
        raise InputError(f"RUN must keep its training points for a baseline, which {str(path)!r} does not")
    with understood("RUN must hold a whole run", path):
        return reference_accuracy(kept_points(checked_posterior(path, checked.config), checked))


def _check_same_points(path: Path, dataset: Dataset, codes: np.ndarray) -> None:
    """Raises `InputError` where a task's test points are no longer those that the run was tested on."""
    kept = kept_test_set(path / STATE)
    if kept and not (np.array_equal(kept[0], codes) and np.array_equal(kept[1], dataset.test_t)):
        raise InputError(f"RUN must be tested on the points that its task has now, which {str(path)!r} is not")


def kept_points(tree: xr.DataTree, checked: CheckedRun) -> Dataset:
    """Training and test points of a run, scaled, as its posterior.nc keeps them."""
    return Dataset(
        train_x=values_of(tree, "constant_data", "x"),
        train_t=values_of(tree, "observed_data", "t"),
        test_x=values_of(tree, "predictions_constant_data", "x"),
        test_t=values_of(tree, "predictions_constant_data", "t"),
        feature_names=tuple(checked.run["data"]["features"]),
        notes=(),
    )
