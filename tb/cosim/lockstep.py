"""`--lockstep`: the twin runs beside the RTL and every proposal must be the same, or the run stops.

The array model tells of each SET and READ, the co-simulation top of each decision. At a decision the twin takes one
step of its own and the two are held against each other in the order in which the chip computes, so that the first
difference names the block where it arose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oxmc.pymodels.cartpole import cart_of
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import decision_widths, unpacked
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.twin.chain import arithmetic, devices_of, new_chain, training_data
from oxmc.pymodels.twin.episode_kernel import episode_step
from oxmc.pymodels.twin.episodes import rewards_of
from oxmc.pymodels.twin.kernel import step
from oxmc.pymodels.twin.prepare import prepare
from oxmc.pymodels.twin.programming import clear_array
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    ATTEMPTS,
    COST,
    CURRENT,
    CURRENT_COST,
    FIRST,
    GOES_ON,
    HASTINGS,
    NEG_LOG2_U,
    PRIOR,
    ROW,
)
from oxmc.tb.cosim.program import lut_codes


class LockstepError(RunError):
    """Chip and twin differ; names cycle, row, block, both values and where to look."""


class Lockstep:
    """The twin of one training, a proposal at a time.

    `set` and `read` take what the array saw (row, cell, gate code or read code) with its clock cycle, `decide` the
    word that the top latched. Each raises `LockstepError` at the first difference.
    """

    def __init__(self, job: Job):
        config = job.config
        formats = Formats(config)
        array = OxramArray(config, load_card(config.card), job.seed, formed=not config.form)
        array.restore(job.stored)
        self.devices = devices_of(array)
        lut, _ = prepare(formats, array, self.devices, np.array(lut_codes(formats)))
        self.chip = arithmetic(formats, lut, adapts=job.stored is not None)
        self.chain = new_chain(config, config.rows, job.seed, job.stored)
        self._step = self._episode_stepper(job) if formats.rewards else self._sample_stepper(job)
        if job.stored is None:
            clear_array(self.devices, self.chain)
        self.widths = decision_widths(formats)
        self.judge = "Reward" if formats.rewards else "Likelihood"
        self.proposals = 0
        self.ended = False
        self._sets: list[tuple[int, int, int, int]] = []
        self._reads: list[tuple[int, int, int, int]] = []

    def _sample_stepper(self, job: Job) -> Callable[[], bool]:
        data = training_data(job.config, job.codes[: job.config.train_samples], job.labels)
        return lambda: step(self.chip, self.devices, self.chain, data)

    def _episode_stepper(self, job: Job) -> Callable[[], bool]:
        cart, rewards = cart_of(job.config, job.seed), rewards_of(Formats(job.config))
        stored = np.zeros(job.config.rows, np.int64)
        return lambda: episode_step(self.chip, self.devices, self.chain, cart, rewards, stored)

    def set(self, cycle: int, row: int, cell: int, gate: int) -> None:
        self._sets.append((cycle, row, cell, gate))

    def read(self, cycle: int, row: int, cell: int, code: int) -> None:
        self._reads.append((cycle, row, cell, code))

    def decide(self, cycle: int, word: int) -> None:
        """Compare a whole proposal; `word` is packed as `decision_widths`."""
        place = self.chain.place
        row, current, current_cost = (int(place[name]) for name in (ROW, CURRENT, CURRENT_COST))
        counter = int(self.chain.counters[current])
        first, stored = bool(place[FIRST]), bool(place[FIRST] and place[GOES_ON])
        if self.ended:
            self._refuse(cycle, row, "Trainer", "decision after the last one", "there", "absent")
        self.ended = self._step()
        last = self.chain.seen_last
        self._compare_programming(row)
        seen = unpacked(word, self.widths)
        expected = {
            ("Trainer", "row"): row,
            ("Trainer", "current_row"): None if first and not stored else current,
            ("RowCounters", "counter"): None if first and not stored else counter,
            ("Prior", "prior"): int(last[PRIOR]),
            ("Lfsr and LogUniform", "neg_log2_u"): None if first else int(last[NEG_LOG2_U]),
            ("Acceptance", "current_cost"): None if first else current_cost,
            (self.judge, "likelihood"): int(last[COST]),
            ("Acceptance", "accepted"): int(last[ACCEPTED]),
        }
        if self.chip.hastings and not first:
            width = self.widths["hastings"]
            expected = {("Hastings", "hastings"): int(last[HASTINGS]) % 2**width, **expected}
        for (block, name), value in expected.items():
            if value is not None and seen[name] != value:
                self._refuse(cycle, row, block, name, seen[name], value)
        self.proposals += not first
        self._sets.clear()
        self._reads.clear()

    def finish(self, cycle: int, counters: list[int]) -> None:
        """After the training: nothing of the twin is left over, and the row counters in memory are its own."""
        row = int(self.chain.place[ROW])
        if not self.ended:
            self._refuse(cycle, row, "Trainer", "number of decisions", "too small", "larger")
        for index, (found, due) in enumerate(zip(counters, self.chain.counters.tolist(), strict=False)):
            if found != due:
                self._refuse(cycle, index, "RowCounters", "stored counter", found, due)

    def _compare_programming(self, row: int) -> None:
        """Gate codes and read codes of the row, in the order in which they were applied."""
        attempts: list[Any] = self.chain.programmed[: self.chain.place[ATTEMPTS]].tolist()
        sets = [(row, cell, gate) for cell, gate, _ in attempts if gate >= 0]
        for block, kind, seen, due in (
            ("GateDac or programmer", "SET", self._sets, sets),
            ("array port", "READ", self._reads, [(row, cell, code) for cell, _, code in attempts]),
        ):
            for (cycle, *found), expected in zip(seen, due, strict=False):
                if tuple(found) != expected:
                    self._refuse(cycle, row, block, f"{kind} (row, cell, code)", tuple(found), expected)
            if len(seen) != len(due):
                cycle = seen[-1][0] if seen else 0
                self._refuse(cycle, row, block, f"number of {kind}s", len(seen), len(due))

    def _refuse(self, cycle: int, row: int, block: str, what: str, found: object, expected: object) -> None:
        raise LockstepError(
            f"lockstep: cycle {cycle}, row {row}, {block}: {what} is {found} on the chip, {expected} in the twin after "
            f"{self.proposals} proposals; the same command with --waves and --rows {row + 2} shows it at cycle {cycle}"
        )


__all__ = ["Lockstep", "LockstepError"]
