"""Cartpole: keep a pole upright on a cart by pushing it left or right, learned from rewards alone (Fig 6 of the paper).

There is no data set. The environment is `oxmc.pymodels.cartpole`: gymnasium's CartPole-v1, where an episode ends at 15
degrees, 2.4 m or `episode_steps`, and its reward is the number of steps. Two outputs of four inputs each, left and
right, share rows and row counters; the greater response acts.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.cartpole import FEATURES
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import Dataset, DataSource

OUTPUTS = 2


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """No points, but names and notes. Raises `InputError` where `config` is not for this task."""
    if config.acceptance != "reward":
        raise InputError(f"acceptance must be reward for task cartpole, not {config.acceptance!r}")
    own = source.surroundings
    features, outputs = (own.observations, own.actions) if own else (FEATURES, OUTPUTS)
    for name, value in (("outputs", outputs), ("features", len(features))):
        if getattr(config, name) != value:
            raise InputError(
                f"{name} must be {value} for task {source.name or 'cartpole'}, not {getattr(config, name)}"
            )
    none = np.zeros((0, config.features)), np.zeros(0, np.int64)
    notes = (
        f"mean reward of {config.test_episodes} test episodes of at most {config.episode_steps} steps",
        "one training episode a proposal, from a start of its own",
    )
    return Dataset(
        train_x=none[0], train_t=none[1], test_x=none[0], test_t=none[1], feature_names=features, notes=notes,
        surroundings=own,
    )  # fmt: skip
