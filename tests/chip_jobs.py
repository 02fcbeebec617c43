"""What the benches of the whole chip are given: a training and the twin's outcome of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job, Stored
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.twin.chain import run_twin
from oxmc.pymodels.twin.episodes import run_twin_episodes
from oxmc.tb.cosim.program import load_words, lut_codes
from oxmc.tb.cosim.twin import twin_of


def make_job(config: Config, seed: int) -> Job:
    """Random codes; the label follows their first feature, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    top = Formats(config).input_max
    samples = config.train_samples + config.test_samples
    codes = rng.integers(-top, top + 1, (samples, config.features))
    classes = max(2, config.outputs)
    return Job(config, seed, codes, np.clip((codes[:, 0] + top) * classes // (2 * top), 0, classes - 1))


def adapting_job(config: Config, seed: int, adapt_rows: int) -> Job:
    """`make_job` with other points, for rows that were trained on the first ones."""
    before = twin_of(make_job(config, seed))
    job = make_job(config.replace(start_row=before.last_row, adapt_rows=adapt_rows), seed + 1)
    return dataclasses.replace(job, seed=seed, stored=Stored(before.conductance_ns, before.counters, number=1))


def adapting_parameters(config: Config, seed: int, adapt_rows: int, folder: Path) -> dict[str, Any]:
    """`chip_parameters` of an adaptation."""
    job = adapting_job(config, seed, adapt_rows)
    job.save(folder / "job.npz")
    twin_of(job).save(folder / "outcome.npz")
    return dict(job=str(folder / "job.npz"), outcome=str(folder / "outcome.npz"), seed=seed)


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
