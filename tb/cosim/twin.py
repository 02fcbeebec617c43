"""A job on the twin, with the tables that a host would load and the words that it would take."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.rule import Rule
from oxmc.tb.cosim.program import load_word_count, lut_codes


def twin_of(job: Job, accept: Rule | None = None) -> Outcome:
    """What the twin makes of a job; `accept` takes the place of the chip's acceptance.

    Raises `InputError` for a card that does not serve the configuration.
    """
    formats = Formats(job.config)
    lut, words = np.array(lut_codes(formats)), load_word_count(formats, len(job.codes), adapts=job.stored is not None)
    if formats.rewards:
        from oxmc.pymodels.twin.episodes import run_twin_episodes

        return run_twin_episodes(job.config, job.seed, lut, words, accept, job.surroundings)
    from oxmc.pymodels.twin.chain import run_twin

    return run_twin(job.config, job.seed, job.codes, job.labels, lut, words, accept, job.stored)
