"""The twin's random bits: the chip's LFSR and what is drawn from it, u and gate codes of row 0, compiled."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.twin.state import Arithmetic, Chain


@njit(cache=True, nogil=True)
def draw_state(state: np.uint64, bits: int, taps: np.uint64) -> np.uint64:
    """The LFSR `bits` shifts on; the new bit is the parity of the tapped ones and enters at bit 0."""
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1) if bits < 64 else ~np.uint64(0)
    for _ in range(bits):
        parity = state & taps
        for shift in (32, 16, 8, 4, 2, 1):
            parity ^= parity >> np.uint64(shift)
        state = ((state << np.uint64(1)) | (parity & np.uint64(1))) & mask
    return state


@njit(cache=True, nogil=True)
def neg_log2_u(state: np.uint64, chip: Arithmetic) -> int:
    """-log2 u of an LFSR state, see `Formats.neg_log2_u`."""
    octave, zeros = np.int64(state >> np.uint64(chip.log_u_index_bits)), chip.lfsr_bits - chip.log_u_index_bits
    while octave:
        octave >>= 1
        zeros -= 1
    index = np.int64(state & np.uint64((1 << chip.log_u_index_bits) - 1))
    return ((zeros + 1) << chip.log_fraction_bits) - chip.log_u_table[index]


@njit(cache=True, nogil=True)
def first_gate(chip: Arithmetic, chain: Chain) -> int:
    """The gate code of the next cell of row 0: one for all, or a fresh draw."""
    if not chip.first_draw_bits:
        return chip.first_gate
    chain.lfsr[0] = draw_state(chain.lfsr[0], chip.lfsr_bits, chip.lfsr_taps)
    drawn = np.int64(chain.lfsr[0] & np.uint64((1 << chip.first_draw_bits) - 1))
    return int((drawn * (chip.gate_top + 1)) >> chip.first_draw_bits)
