"""Rows as a ring: which of them vote, in what order they aged, and an adaptation that is cut at each proposal."""

from __future__ import annotations

import numpy as np
import pytest
from chip_jobs import adapting_job

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job, Stored
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.ring import rolled, unrolled, voting_rows
from oxmc.pymodels.twin.chain import arithmetic, devices_of, new_chain, training_data
from oxmc.pymodels.twin.kernel import step
from oxmc.pymodels.twin.state import CURRENT, GOES_ON, ROW, Chain
from oxmc.tb.cosim.program import lut_codes
from oxmc.tb.cosim.twin import twin_of

pytestmark = pytest.mark.testpoint("ring of rows")

RING = Config(
    rows=8, features=4, train_samples=12, test_samples=6, burn_in=2, scale_per_us=0.05, eval_range=8.0, ring=True
)  # fmt: skip


def test_the_newest_rows_vote() -> None:
    """By a walk back from the newest row."""
    for rows in (2, 3, 8):
        for burn_in in range(rows):
            config = Config(rows=rows, burn_in=burn_in, ring=True)
            for newest in range(rows):
                walk = [(newest - age) % rows for age in range(rows - burn_in)]
                assert [row for piece in voting_rows(config, newest) for row in piece] == walk[::-1]


def test_other_chips_vote_from_burn_in_on() -> None:
    config = Config(rows=8, burn_in=3)
    assert voting_rows(config, 6) == [range(3, 7)]
    assert voting_rows(config, 1) == [range(1, 2)]


def test_rows_by_age_and_back(seed: int) -> None:
    found = twin_of(adapting_job(RING, seed, 5))
    aged = unrolled(RING, found)
    assert aged.pointer == found.last_row == 4
    assert (aged.conductance_ns[-1] == found.conductance_ns[4]).all() and aged.counters[0] == found.counters[5]
    assert (rolled(aged.conductance_ns, aged.pointer) == found.conductance_ns).all()
    assert (rolled(aged.counters, aged.pointer) == found.counters).all()


def test_an_adaptation_leaves_the_other_rows(seed: int) -> None:
    """Three rows after row 7, round the end; row 7 goes on being counted."""
    job = adapting_job(RING, seed, 3)
    before, found = job.stored, twin_of(job)
    assert before is not None and found.last_row == 2
    changed = [row for row in range(8) if (found.conductance_ns[row] != before.conductance_ns[row]).any()]
    assert changed == [0, 1, 2]
    assert found.counters[3:7].tolist() == before.counters[3:7].tolist()
    counts = found.counters[[7, 0, 1, 2]].sum() - before.counters[7]
    assert counts == found.proposals, "each proposal is one more count of some row"


def test_draws_are_not_those_of_before(seed: int) -> None:
    """The same points from the same row with the same seed, but cells that have seen more SETs."""
    job = adapting_job(RING, seed, 3)
    again = Stored(job.stored.conductance_ns, job.stored.counters, number=2)
    one, other = (
        twin_of(Job(job.config, seed, job.codes, job.labels, stored=stored)) for stored in (job.stored, again)
    )
    assert (one.conductance_ns[0] != other.conductance_ns[0]).all()


class Twin:
    """An adaptation of a job, a proposal at a time."""

    def __init__(self, job: Job):
        config, formats = job.config, Formats(job.config)
        self.job, array = job, OxramArray(config, load_card(config.card), job.seed)
        array.restore(job.stored)
        self.array, self.devices = array, devices_of(array)
        self.chip = arithmetic(formats, np.array(lut_codes(formats)), adapts=True)
        self.chain: Chain = new_chain(config, config.rows, job.seed, job.stored)
        self.data = training_data(config, job.codes[: config.train_samples], job.labels)

    def step(self) -> bool:
        return bool(step(self.chip, self.devices, self.chain, self.data))

    def cut(self) -> Job:
        """What the power leaves: the row at work is anything, and empty by its counter."""
        config, newest = self.job.config, int(self.chain.place[CURRENT])
        conductance_ns, at_work = self.array.conductance_ns.copy(), int(self.chain.place[ROW])
        conductance_ns[at_work] = np.random.default_rng(0).integers(1_000, 90_000, conductance_ns.shape[1])
        stored = Stored(conductance_ns, self.chain.counters.copy(), self.job.stored.number)
        left = (config.stop_row - newest) % config.rows
        rest = config.replace(start_row=newest, adapt_rows=left)
        return Job(rest, self.job.seed + 1, self.job.codes, self.job.labels, stored=stored)


def test_the_power_is_cut_after_each_proposal(seed: int) -> None:
    """What went before is there, the row at work is empty, and the rest ends at the same row with whole counts."""
    job, cuts = adapting_job(RING, seed, 7), 0
    twin = Twin(job)
    assert twin.chain.place[GOES_ON]
    while not twin.step():
        rest, counted = twin.cut(), twin.chain.counters.copy()
        assert rest.stored.counters[int(twin.chain.place[ROW])] == 0
        found = twin_of(rest)
        assert found.last_row == job.config.stop_row
        assert (found.counters > 0).all()
        assert found.counters.sum() - counted.sum() == found.proposals - forgotten(counted, rest)
        cuts += 1
    assert cuts > 5


def forgotten(counters: np.ndarray, rest: Job) -> int:
    """Counts of the rows that the rest of an adaptation empties."""
    config = rest.config
    return int(sum(counters[(config.start_row + 1 + row) % config.rows] for row in range(config.adapt_rows)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (dict(start_row=1), "start_row must be 0 without ring, not 1"),
        (dict(adapt_rows=1), "adapt_rows must be 0 without ring, not 1"),
        (dict(ring=True, adapt_rows=256), "adapt_rows must be below rows (256), not 256"),
        (dict(ring=True, outputs=2, counters="own"), "counters must be shared with ring, not own"),
    ],
)
def test_rules_of_its_keys(keys: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        Config(**keys)
    assert str(error.value) == message
