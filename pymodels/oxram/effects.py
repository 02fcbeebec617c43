"""What makes devices worse than their card: faults that are drawn again, read noise, relaxation. All off by default.

Each draw comes from one Philox block under the array's key, whose counter says what it is for (`pymodels.oxram.draws`):

    (cell, k, 0, SET)                word 1: whether the k-th SET of a cell leaves it in the LCS (`set_failure`)
    (cell, k, 0, FAULT_SET)          word 0: whether it finds the cell failing
    (cell, k, r, READ)               word 0: noise of READ number r (from 0) since that SET, word 1: whether it fails
    (first cell of row, K, e, EVAL)  word 0: noise of evaluation number e (from 0) since the row's K-th SET
    (cell / 4, K, e, FAULT_EVAL)     word cell % 4: whether that evaluation finds the cell failing
    (cell, k, 0, RELAX)              word 0: how a cell relaxes after its k-th SET

Evaluations are counted, since an array sees its port alone: which sample one is for it cannot know. The count starts
anew with each SET of the row, so that a sweep that stops early and a whole one agree as far as both go.

Faults. A cell that fails looks like one that is stuck: in the LCS, at an entry of the LCS table chosen by the low byte
of the word that decided, or in the HCS.

Read noise. A READ adds a normal of s.d. `read_noise` times the conductance. An evaluation adds one normal to V.w, of
s.d. `read_noise` times the root of the sum of all (g code)^2: the exact law of the sum of independent noises of its
cells. Quantities and joules are those of the stored conductances.

Relaxation. The first evaluation after a row's SETs finds each conductance that was SET moved for good by a normal of
s.d. `relaxation` times itself; READs before it, by which a row is verified, find it fresh.

The draws themselves are compiled, in `oxmc.pymodels.oxram.effect_draws`; nothing here loads a compiler.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.oxram.bulk_draws import ONE
from oxmc.pymodels.oxram.devices import Card, lut_table, stuck_shares
from oxmc.pymodels.oxram.scatter import scatter_table

POWER_SHIFT = 8
"""Products g code lose these bits before they are squared, so that the sum of squares stays below 2^62."""


class Effects(NamedTuple):
    """Faults by thresholds in 2^-32 as `array.stuck_cells`, redrawn at a SET or when sensed; relative s.d. in Q16.

    `sensing`: whether a READ or an evaluation may find another conductance than the stored one.
    """

    at_set: bool
    sensing: bool
    lcs_below: int
    hcs_below: int
    hcs_ns: int
    noise_q16: int
    relax_q16: int
    fail_below: int
    """A uniform uint32 below it is a SET that fails."""
    rho_q16: int
    rest_q16: int
    """Root of 1 - rho^2."""
    bends: np.ndarray
    """How a normal variate is bent, `scatter.scatter_table`."""

    @property
    def any(self) -> bool:
        """Whether anything is on."""
        scatters = self.fail_below or self.rho_q16 or self.bends.size > 1
        return bool(self.at_set or self.sensing or self.relax_q16 or scatters)


def fault_thresholds(card: Card, config: Config) -> tuple[int, int]:
    """A uniform uint32 below the first is stuck in the LCS, else below the second in the HCS."""
    lcs, hcs = stuck_shares(card, config)
    return round(lcs * 2**32), round((lcs + hcs) * 2**32)


def effects_of(card: Card, config: Config) -> Effects:
    """The effects that a configuration asks for."""
    redrawn = config.fault_mode != "permanent"
    lcs_below, hcs_below = fault_thresholds(card, config) if redrawn else (0, 0)
    noise_q16 = round(config.read_noise * ONE)
    return Effects(
        at_set=hcs_below > 0 and config.fault_mode == "each_set",
        sensing=noise_q16 > 0 or (hcs_below > 0 and config.fault_mode == "each_read"),
        lcs_below=lcs_below,
        hcs_below=hcs_below,
        hcs_ns=round(1000 * card.hcs_stuck_us),
        noise_q16=noise_q16,
        relax_q16=round(config.relaxation * ONE),
        fail_below=round(config.set_failure * 2**32),
        rho_q16=round(config.cycle_correlation * ONE),
        rest_q16=round(math.sqrt(1 - config.cycle_correlation**2) * ONE),
        bends=scatter_table(card, lut_table(card, config), config.set_distribution),
    )
