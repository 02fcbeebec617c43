"""The benchmarks: networks trained by Adam on the same splits, and how often such a training programs its devices.

As the paper's Methods have it: logistic units, cross-entropy, 100 epochs of Adam, 4,096 weights in all layers together.
scikit-learn's perceptron of several layers takes TensorFlow's place. Batch and rate are not given there; 32 and 0.001
are what TensorFlow does unless told otherwise.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from oxmc.paper.measure.trainings import config_of, source_of
from oxmc.pymodels.streams import repeat_seed
from oxmc.pymodels.tasks import Dataset
from oxmc.studies.trainings import split_of

Values = dict[str, Any]
WEIGHTS, EPOCHS, BATCH, RATE = 4096, 100, 32, 1e-3
LEVELS = 32
"""Conductance levels over the weights' range in the rule of pulses by level: our choice."""


def width(features: int, depth: int, weights: int = WEIGHTS) -> int:
    """Neurons of each of `depth` hidden layers with which all layers have `weights` weights, biases apart."""
    if depth == 1:
        return round(weights / (features + 1))
    b = features + 1
    return round((math.sqrt(b**2 + 4 * (depth - 1) * weights) - b) / (2 * (depth - 1)))


def network(features: int, depth: int, seed: int) -> Any:
    """An untrained network; depth 0 is the perceptron, a weight a feature."""
    from sklearn.neural_network import MLPClassifier

    hidden = [width(features, depth)] * depth if depth else []
    return MLPClassifier(
        hidden, activation="logistic", solver="adam", alpha=0.0, batch_size=BATCH, learning_rate_init=RATE,
        max_iter=EPOCHS, n_iter_no_change=EPOCHS, tol=0.0, random_state=seed % 2**32,
    )  # fmt: skip


def fitted(data: Dataset, depth: int, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 epochs are the benchmark's, whatever is left to learn
        return network(data.train_x.shape[1], depth, seed).fit(data.train_x, data.train_t)


def accuracies(
    task: str, settings: Values, seed: int, first: int, count: int, depth: int, source: Values | None = None
) -> Values:
    """Test accuracy of a network on the splits of preset `paper`, and how many weights it has."""
    place = source_of(**(source or {}))
    config = config_of(task, "paper", settings, place)
    found, weights = [], 0
    for repeat in range(first, first + count):
        own = repeat_seed(seed, repeat)
        data = split_of(config, own, task, place)[0]
        model = fitted(data, depth, own)
        weights = sum(each.size for each in model.coefs_)
        found.append(float(model.score(data.test_x, data.test_t)))
    return {"result": found, "weights": weights}


def programming(task: str, settings: Values, seed: int, count: int, source: Values | None = None) -> Values:
    """Programming operations of devices that the benchmark's training would take in a memory, by four rules.

    Each weight is a pair, of which an update programs one device. `example`: every weight at every example, as a
    parallel update does. `batch`: every weight at every mini-batch. `level`: a weight once its updates add up to one of
    `LEVELS` levels of the trained weights' range, a pulse each. `transfer`: updates gather in volatile capacitors, and
    once an epoch both devices of every weight are RESET and SET.
    """
    place = source_of(**(source or {}))
    config = config_of(task, "paper", settings, place)
    rules: dict[str, list[int]] = {"example": [], "batch": [], "level": [], "transfer": []}
    result = []
    for repeat in range(count):
        own = repeat_seed(seed, repeat)
        data = split_of(config, own, task, place)[0]
        path, model = weight_path(data, own)
        steps, weights = len(path) - 1, path.shape[1]
        rules["example"].append(len(data.train_x) * EPOCHS * weights)
        rules["batch"].append(steps * weights)
        rules["level"].append(level_pulses(path))
        rules["transfer"].append(4 * weights * EPOCHS)
        result.append(float(model.score(data.test_x, data.test_t)))
    return {**rules, "result": result, "weights": weights}


def weight_path(data: Dataset, seed: int) -> tuple[np.ndarray, Any]:
    """All weights before and after each mini-batch of the training, float32 [steps + 1, weights], and the network."""
    model, rng = network(data.train_x.shape[1], 1, seed), np.random.default_rng(seed)
    model.set_params(batch_size="auto")  # the batch is what each call brings
    points, steps = len(data.train_x), []
    for _ in range(EPOCHS):
        order = rng.permutation(points)
        for start in range(0, points, BATCH):
            batch = order[start : start + BATCH]
            model.partial_fit(data.train_x[batch], data.train_t[batch], classes=[0, 1])
            steps.append(np.concatenate([each.ravel() for each in model.coefs_]).astype(np.float32))
    return np.array([steps[0], *steps]), model


def level_pulses(path: np.ndarray, levels: int = LEVELS) -> int:
    """Pulses of one level each that follow weights [steps, weights]: what is below a level waits for more."""
    step = 2 * float(np.abs(path[-1]).max()) / levels
    at, count = path[0].copy(), 0
    for weights in path[1:]:
        pulses = np.trunc((weights - at) / step)
        at += pulses * step
        count += int(np.abs(pulses).sum())
    return count
