"""Whitened leading principal components of the training points, in place of features that say the same twice.

A random walk over the weights takes steps of one size in each direction. Where features are nearly equal, the posterior
is a thousand times wider along some directions than along others, and no step suits both. Components that have variance
1 and no correlation take that away. Directions and mean are those of the training points alone, scaled before as
`preprocessing` says. The model is another one: N(0, sigma) on a component's weight is a prior under which a direction
of little variance counts as much as one of much, and directions beyond the leading ones do not count.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.pymodels.errors import InputError

if TYPE_CHECKING:
    from oxmc.pymodels.config import Config
    from oxmc.pymodels.tasks import Dataset

WITHOUT = {"toy": "whose posterior is shown in the plane of its features", "cartpole": "which has no training points"}
"""Tasks that have no components, and why."""
NO_VARIANCE = 1e-9
"""Of the largest variance: what is less is rounding, and cannot be made 1."""
DECIMALS = 9
"""Digits that are kept of a whitening matrix, so that rounding in a linear algebra library moves no input code."""


def component_keys(task: str, keys: Mapping[str, Any], fitted: Mapping[str, Any]) -> dict[str, Any]:
    """`features` and `raw_features` that go with `components`; `fitted` are keys that follow from a user's data.

    Raises `InputError` for a task that has no components.
    """
    n, biased = keys["components"], task in ("wine", "table") and keys["bias"]
    if not n:
        return {"features": keys["raw_features"] + biased, "raw_features": 0} if keys["raw_features"] else {}
    if task in WITHOUT or keys["acceptance"] == "reward":
        why = WITHOUT.get(task, WITHOUT["cartpole"])
        raise InputError(f"components must be 0 for task {task}, {why}, not {n}")
    return {"features": n + keys["bias"], "raw_features": _raw_features(task, keys, fitted)}


def _raw_features(task: str, keys: Mapping[str, Any], fitted: Mapping[str, Any]) -> int:
    """How many features the task has without components."""
    if task == "table":
        return int(fitted["features"] - keys["bias"])
    if task == "cancer":
        return int(keys["raw_features"] or keys["features"])
    module = importlib.import_module(f"oxmc.pymodels.tasks.{task}")
    found: int = module.width(keys["beat_features"]) if task == "ecg" else module.FEATURES
    return found


def principal(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances float64 [k] of training points x [n, features] along their principal directions [features, k].

    The largest come first; those without variance are left out. A direction's largest entry is positive.
    """
    off = x - x.mean(axis=0)
    variance, directions = np.linalg.eigh(off.T @ off / len(x))
    kept = np.flatnonzero(variance > NO_VARIANCE * variance.max())[::-1]
    directions = directions[:, kept]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(len(kept))]
    return variance[kept], directions * np.sign(largest)


def in_components(config: Config, data: Dataset) -> Dataset:
    """`data` with the components of its features in their place, a bias behind them where `config` says so.

    Raises `InputError` where the training points have fewer directions than components are asked for.
    """
    n, scaling = config.components, data.scaling
    assert scaling is not None
    variance, directions = principal(data.train_x)
    if n > len(variance):
        raise InputError(f"components must be at most {len(variance)}, the rank of the training points, not {n}")
    whiten = np.round(directions[:, :n] / np.sqrt(variance[:n]), DECIMALS)
    centre = data.train_x.mean(axis=0)
    scaling = dataclasses.replace(scaling, mean=scaling.mean + centre * scaling.scale, components=whiten)

    def whitened(x: np.ndarray) -> np.ndarray:
        found: np.ndarray = (x - centre) @ whiten
        return np.column_stack([found, np.ones(len(x))]) if config.bias else found

    train_x, test_x = whitened(data.train_x), whitened(data.test_x)
    names = [f"component {k + 1}" for k in range(n)] + ["bias"] * config.bias
    share = 100 * variance[:n].sum() / variance.sum()
    made = f"{n} whitened components of {len(directions)} features hold {share:.1f} % of the training points' variance"
    return dataclasses.replace(
        data, train_x=train_x, test_x=test_x, feature_names=tuple(names), columns=data.feature_names, scaling=scaling,
        notes=(*_without_clipping(data.notes), made, _clipping(config, np.concatenate([train_x, test_x]))),
    )  # fmt: skip


def _clipping(config: Config, x: np.ndarray) -> str:
    from oxmc.pymodels.tasks.splits import clipping_note

    return clipping_note(config, x)


def _without_clipping(notes: tuple[str, ...]) -> list[str]:
    """What is said of the raw features' clipping is not so of components."""
    return [note for note in notes if "clip at the input" not in note]
