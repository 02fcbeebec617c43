"""What a model of components says of the features that they are made of: its weights, mapped back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oxmc.posterior.names import pair_labels, pair_names
from oxmc.pymodels.config import Config
from oxmc.pymodels.tasks.scaling import Scaling

if TYPE_CHECKING:
    from oxmc.pymodels.tasks import Dataset


def original_weights(config: Config, scaling: Scaling, w_us: np.ndarray) -> np.ndarray:
    """The weight of each raw feature, scaled and centred, float64 [..., neurons * columns] in uS.

    `w_us` [..., pairs] are those of the components. Neurons are those that features feed: the hidden ones, or outputs.
    A bias stays what it is and is left out, and so are the weights behind a hidden layer.
    """
    assert scaling.components is not None
    neurons, before = config.hidden or config.outputs, w_us.shape[:-1]
    by_neuron = w_us[..., : neurons * config.features].reshape(*before, neurons, config.features)
    found: np.ndarray = by_neuron[..., : config.components] @ scaling.components.T
    return found.reshape(*before, -1)


def original_labels(config: Config, data: Dataset) -> list[str]:
    """A name for each of them: the raw feature's, and the neuron's where there are several."""
    neurons = config.hidden or config.outputs
    _, fed = pair_names(config, data.feature_names, data.class_names)
    names = [fed[neuron * config.features] for neuron in range(neurons)]
    return pair_labels(list(data.columns) * neurons, [name for name in names for _ in data.columns])
