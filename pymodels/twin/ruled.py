"""The twin with a rule of a user's own: the kernel's proposals one by one, the decision in Python."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.rule import Proposal, Rule, answer
from oxmc.pymodels.twin.kernel import propose, settle
from oxmc.pymodels.twin.programming import clear_array
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    COST,
    CURRENT,
    CURRENT_COST,
    FIRST,
    GOES_ON,
    HASTINGS,
    NEG_LOG2_U,
    PRIOR,
    PROPOSALS,
    ROW,
    Arithmetic,
    Chain,
    Data,
    Devices,
)


def train_by_rule(
    chip: Arithmetic, devices: Devices, chain: Chain, data: Data, accept: Rule, rng: np.random.Generator
) -> None:
    """`kernel.train_chain` with `accept` in the place of its comparison."""
    if not chain.place[GOES_ON]:
        clear_array(devices, chain)
    ended = False
    while not ended:
        propose(chip, devices, chain, data)
        decide(chip, devices, chain, accept, rng, int(chain.seen_last[HASTINGS]) if chip.hastings else 0)
        ended = settle(chip, devices, chain)


def decide(
    chip: Arithmetic, devices: Devices, chain: Chain, accept: Rule, rng: np.random.Generator, correction: int
) -> None:
    """Ask the rule about the proposal in `chain`, unless it is the first row; `correction` in fixed point."""
    if not chain.place[FIRST]:
        proposal = _proposal(chip, devices, chain, rng, correction)
        chain.seen_last[ACCEPTED] = answer(accept, proposal)


def _proposal(chip: Arithmetic, devices: Devices, chain: Chain, rng: np.random.Generator, correction: int) -> Proposal:
    place, last, bit = chain.place, chain.seen_last, 2.0**-chip.log_fraction_bits
    row, current = int(place[ROW]), int(place[CURRENT])
    return Proposal(
        number=int(place[PROPOSALS]),
        row=row,
        current_row=current,
        w_us=_weights(devices, row),
        current_w_us=_weights(devices, current),
        likelihood=(int(last[COST]) >> chip.temper) * bit,
        prior=int(last[PRIOR]) * bit,
        current=int(place[CURRENT_COST]) * bit,
        u=int(last[NEG_LOG2_U]) * bit,
        correction=correction * bit,
        accepts=bool(last[ACCEPTED]),
        rng=rng,
    )


def _weights(devices: Devices, row: int) -> np.ndarray:
    """w = g+ - g- of a row, float64 [pairs] in uS."""
    cells = devices.conductance_ns[row]
    w: np.ndarray = (cells[0::2] - cells[1::2]) / 1000
    return w
