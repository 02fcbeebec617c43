"""What the pairs of a stored model are called: by what feeds each, and by the neuron that it feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from oxmc.pymodels.config import Config


def output_names(config: Config, classes: Sequence[str]) -> list[str]:
    """The classes that the outputs answer for, by name where the task has names; one output is that of class 1."""
    if config.acceptance == "reward":
        return [f"action {k}" for k in range(config.outputs)]
    numbers = range(config.outputs) if config.outputs > 1 else (1,)
    return [classes[k] if classes else f"class {k}" for k in numbers]


def pair_inputs(config: Config, features: Sequence[str]) -> list[str]:
    """What feeds each pair of a row: a feature, or behind a hidden layer one of its neurons."""
    hidden = [f"hidden {neuron}" for neuron in range(config.hidden)]
    return [*features] * (config.hidden or config.outputs) + hidden * config.outputs


def pair_neurons(config: Config) -> np.ndarray:
    """The output that each pair of a row feeds, int64; hidden neurons count on behind the outputs."""
    outputs, neurons = np.arange(config.outputs), config.outputs + np.arange(config.hidden)
    if not config.hidden:
        return np.repeat(outputs, config.features)
    return np.concatenate([np.repeat(neurons, config.features), np.repeat(outputs, config.hidden)])


def pair_names(config: Config, features: Sequence[str], classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """What feeds each pair of a model, and the neuron that it feeds.

    Where outputs are chains of their own, a model is one of each output, one behind the other.
    """
    outputs = output_names(config, classes)
    if config.counters == "own":
        inputs = pair_inputs(config.chip, features)
        return inputs * config.outputs, [name for name in outputs for _ in inputs]
    neurons = [*outputs, *(f"hidden {neuron}" for neuron in range(config.hidden))]
    return pair_inputs(config, features), [neurons[neuron] for neuron in pair_neurons(config)]


def pair_labels(inputs: Sequence[str], neurons: Sequence[str]) -> list[str]:
    """One name a pair, no two alike: its input, and the neuron that it feeds where there are several."""
    several = len(set(neurons)) > 1
    labels = [f"{name}, {neuron}" if several else name for name, neuron in zip(inputs, neurons, strict=True)]
    seen: Counter[str] = Counter()
    distinct = []
    for label in labels:
        seen[label] += 1
        distinct.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return distinct
