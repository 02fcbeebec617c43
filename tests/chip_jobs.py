"""What the benches of the whole chip are given: a training and the twin's outcome of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.twin.chain import run_twin
from oxmc.pymodels.twin.episodes import run_twin_episodes
from oxmc.tb.cosim.program import load_words, lut_codes


def make_job(config: Config, seed: int) -> Job:
    """Random codes; the label follows their first feature, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    top = Formats(config).input_max
    samples = config.train_samples + config.test_samples
    codes = rng.integers(-top, top + 1, (samples, config.features))
    classes = max(2, config.outputs)
    return Job(config, seed, codes, np.clip((codes[:, 0] + top) * classes // (2 * top), 0, classes - 1))


def chip_parameters(config: Config, seed: int, folder: Path, twin_seed: int | None = None) -> dict[str, Any]:
    """Parameters of a bench: files of the job and of the outcome that the twin has for `twin_seed` or `seed`."""
    job = make_job(config, seed)
    words = load_words(Formats(config), job.codes, job.labels, lfsr_seed(seed, config.lfsr_bits))
    lut = np.array(lut_codes(Formats(config)))
    chain_seed = seed if twin_seed is None else twin_seed
    if config.acceptance == "reward":
        outcome = run_twin_episodes(config, chain_seed, lut, len(words))
    else:
        outcome = run_twin(config, chain_seed, job.codes, job.labels, lut, len(words))
    job.save(folder / "job.npz")
    outcome.save(folder / "outcome.npz")
    return dict(job=str(folder / "job.npz"), outcome=str(folder / "outcome.npz"), seed=seed)
