"""A rule of a user's own in the place of the chip's acceptance: what it is told of a proposal, and what it answers.

A compiled kernel cannot call Python, so a training with a rule goes proposal by proposal, some hundred times slower.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from oxmc.pymodels.errors import InputError, shown


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A proposed model beside the current one. All costs are -log2, in bits, as the engine has them.

    `number` counts from 1, `row` and `current_row` are where the two are stored, `w_us` and `current_w_us` float64
    [pairs] their weights in uS as the array holds them. `likelihood` and `prior` are the proposed model's (`likelihood`
    tempered, or of its reward's power), `current` the sum of both of the current model. `u` is -log2 of the engine's
    own uniform draw, `correction` what else it weighs (Hastings' ratio, or kappa of rewards). `accepts` is what the
    engine itself decides: likelihood + prior + correction <= current + u. On the twin all of these are exact multiples
    of 2^-log_fraction_bits. `rng` is a generator for the rule alone, seeded by the run's seed.
    """

    number: int
    row: int
    current_row: int
    w_us: np.ndarray
    current_w_us: np.ndarray
    likelihood: float
    prior: float
    current: float
    u: float
    correction: float
    accepts: bool
    rng: np.random.Generator


Rule = Callable[[Proposal], bool]
"""Whether a proposal is accepted. Row 0, which is compared with nothing, is not asked about."""
NOTE = "accepted by a rule of the user's own, not by the chip's; every proposal was evaluated whole"


def answer(rule: Rule, proposal: Proposal) -> bool:
    """What a rule says of a proposal. Raises `InputError` for what is neither True nor False, as of no `return`."""
    said = rule(proposal)
    if not isinstance(said, (bool, np.bool_)):
        raise InputError(f"accept must return True or False, not {shown(said)}")
    return bool(said)
