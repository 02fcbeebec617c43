"""Outputs with counters of their own: each a chain of one output, trained one after the other on the same chip.

Output k learns class k against all others, in rows, devices and noise of its own. A joined outcome is one array whose
rows are those of output 0, then of output 1, ...; empty rows count 0. No chip compares the outputs: their votes have
different totals, so the host divides each sum by the total of the counters behind it and takes the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import output_seeds

NOTE = "outputs trained one after the other, their votes compared by the host; posterior.nc is not written for them"


def output_jobs(job: Job) -> Iterator[Job]:
    """The training of each output, in turn."""
    for output, seed in enumerate(output_seeds(job.seed, job.config.outputs)):
        labels = (job.labels == output).astype(np.int64)
        yield Job(job.config.chip, seed, job.codes, labels, features=job.features)


def _sum(parts: Sequence[dict[str, dict]]) -> dict[str, dict]:
    """Counts by phase and name, added."""
    return {phase: {name: sum(p[phase][name] for p in parts) for name in parts[0][phase]} for phase in parts[0]}


def voting_totals(config: Config, counters: np.ndarray) -> np.ndarray:
    """Total of the counters behind the votes of each chain, int64 [chains]; `counters` as in an outcome.

    A chain's last row is its last that was counted; it votes alone where the burn-in leaves none.
    """
    parts = counters.reshape(config.chains, -1)
    last_rows = [np.flatnonzero(part)[-1] for part in parts]
    return np.array([part[min(config.burn_in, last) :].sum() for part, last in zip(parts, last_rows, strict=True)])


def joined(config: Config, outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of all outputs: rows below each other, sums [test, outputs] as the chip gave them, counts added."""
    counters = np.concatenate([np.pad(o.counters, (0, config.rows - len(o.counters))) for o in outcomes])
    sums = np.concatenate([o.sums for o in outcomes], axis=1)
    return Outcome(
        conductance_ns=np.concatenate([o.conductance_ns for o in outcomes]),
        counters=counters,
        classes=np.argmax(sums / voting_totals(config, counters), axis=1),
        sums=sums,
        last_row=len(counters) - 1,
        proposals=sum(o.proposals for o in outcomes),
        skipped=sum(o.skipped for o in outcomes),
        clamps=sum(o.clamps for o in outcomes),
        lost_counts=sum(o.lost_counts for o in outcomes),
        cycles=sum(o.cycles for o in outcomes),
        counts=_sum([o.counts for o in outcomes]),
        quantities=_sum([o.quantities for o in outcomes]),
        joules=_sum([o.joules for o in outcomes]),
        seeds=[seed for o in outcomes for seed in o.seeds],
    )
