"""Models in real numbers: V.w of their outputs, through the hidden layer where there is one."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config


def layer_weights(config: Config, models: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `models` [rows, pairs] hold of the neurons fed by features and of the outputs fed by hidden neurons.

    Their shapes are [rows, neurons, features] and [rows, outputs, hidden]; without a hidden layer the first neurons are
    the outputs and the second array is empty.
    """
    neurons = config.hidden or config.outputs
    first, second = np.split(models, [neurons * config.features], axis=1)
    return first.reshape(-1, neurons, config.features), second.reshape(len(models), config.outputs, config.hidden)


def hidden_neurons(config: Config, models_us: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Sigmoids of the hidden neurons of `models_us` [rows, pairs] for features `x` [n, features]: [rows, n, hidden]."""
    y = config.scale_per_us * np.einsum("rhf,nf->rnh", layer_weights(config, models_us)[0], x)
    sigmoids: np.ndarray = np.tanh(y / 2) / 2 + 0.5
    return sigmoids


def output_sums(config: Config, models_us: np.ndarray, x: np.ndarray) -> np.ndarray:
    """V.w of the outputs of `models_us` [rows, pairs] in uS for features `x` [n, features]: [rows, n, outputs]."""
    from_features, from_hidden = layer_weights(config, models_us)
    if config.hidden:
        return np.matmul(hidden_neurons(config, models_us, x), from_hidden.transpose(0, 2, 1))
    return np.matmul(x, from_features.transpose(0, 2, 1))


def softmax(y: np.ndarray) -> np.ndarray:
    """exp(y) over its sum along the last axis, without overflow."""
    powers = np.exp(y - y.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares
