"""A job of a task: its split as the chip gets it."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.devices import load_card, stuck_shares
from oxmc.pymodels.tasks import Dataset, quantise


def make_job(config: Config, dataset: Dataset, seed: int) -> Job:
    """The data as input codes and labels, training points first."""
    stuck_shares(load_card(config.card), config)
    Formats(config).prior_constants  # noqa: B018 - a prior that cannot be represented fails here, not in a simulator
    if config.hastings:
        from oxmc.pymodels.twin.hastings import law_of

        law_of(config)  # so does a law
    x, labels = np.concatenate([dataset.train_x, dataset.test_x]), np.concatenate([dataset.train_t, dataset.test_t])
    return Job(config, seed, quantise(config, x), labels, features=x, surroundings=dataset.surroundings)
