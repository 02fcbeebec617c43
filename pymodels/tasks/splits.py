"""What tasks share: the order of their points, scaling, and the rules that geometry and data must keep."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.streams import stream_rng
from oxmc.pymodels.tasks import Dataset, clipped_share
from oxmc.pymodels.tasks.scaling import Scaling


def split_rng(config: Config, seed: int) -> np.random.Generator:
    """The generator of the data split: of `seed`, or the same for every run."""
    return stream_rng(config.split_seed if config.split == "fixed" else seed, "split")


def check(task: str, name: str, value: int, expected: int) -> None:
    """Raises `InputError` unless key `name` is `expected`."""
    if value != expected:
        raise InputError(f"{name} must be {expected} for task {task}, not {value}")


def check_points(task: str, config: Config, points: int) -> None:
    """Raises `InputError` where `config` asks for more points than there are."""
    wanted = config.train_samples + config.test_samples
    if wanted > points:
        raise InputError(f"train_samples + test_samples must be at most {points} for task {task}, not {wanted}")


def outputs_for(classes: int) -> int:
    """One output tells two classes apart, else each class has its own."""
    return 1 if classes == 2 else classes


def clipping_note(config: Config, x: np.ndarray) -> str:
    return f"{100 * clipped_share(config, x):.2f} % of feature values clip at the input DAC's full scale"


def stratified(order: np.ndarray, t: np.ndarray, train: int) -> np.ndarray:
    """`order` int64 [n] with shares of the classes `t` [n] in its first `train` places as in all, one point at least.

    Within both parts the order stays. `train` is at least the number of classes and less than n.
    """
    drawn, sizes = t[order], np.bincount(t)
    due = sizes * train / len(t)
    taken = np.clip(due.astype(np.int64), 1, None)
    while taken.sum() != train:  # the class that is furthest from its share gives or gets a point
        step = 1 if taken.sum() < train else -1
        can = taken < sizes if step > 0 else taken > 1
        taken[np.argmax(np.where(can, step * (due - taken), -np.inf))] += step
    rank = np.zeros(len(t), np.int64)
    for number in range(len(sizes)):
        rank[drawn == number] = np.arange(sizes[number])
    first = rank < taken[drawn]
    return np.concatenate([order[first], order[~first]])


def scaled_split(
    config: Config, seed: int, x: np.ndarray, t: np.ndarray, names: tuple[str, ...], classes: tuple[str, ...],
    order: np.ndarray | None = None,
) -> Dataset:  # fmt: skip
    """Points `x` float64 [n, features] and classes `t` int64 [n] in random or given order, split, each feature scaled.

    Mean 0 and variance 1 over all points or, with `preprocessing = "train"`, over the training points, or "robust"; a
    feature that is constant there stays at 0 in them. `bias` appends a feature of 1.
    """
    if order is None:
        order = split_rng(config, seed).permutation(len(x))
    train, test = np.split(order[: config.train_samples + config.test_samples], [config.train_samples])
    seen = x if config.preprocessing == "all" else x[train]
    scaling = Scaling.robust(x[train]) if config.preprocessing == "robust" else Scaling.standard(seen, x[train])
    scaled = scaling.features(x, bias=config.bias)
    names = (*names, "bias") if config.bias else names
    which = "all points: a small leak of test data" if config.preprocessing == "all" else "the training points only"
    return Dataset(
        train_x=scaled[train], train_t=t[train], test_x=scaled[test], test_t=t[test],
        feature_names=names, class_names=classes,
        notes=(f"scaling saw {which}", clipping_note(config, scaled[np.concatenate([train, test])])),
        scaling=scaling,
    )  # fmt: skip
