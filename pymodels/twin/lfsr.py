"""The twin's random bits: the chip's LFSR and what is drawn from it, u and gate codes of row 0, compiled."""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import xor

import numpy as np

from oxmc.pymodels.formats import LFSR_SHIFT, LFSR_TAPS
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.twin.state import Arithmetic, Chain


@lru_cache(maxsize=8)
def leap_table(bits: int) -> np.ndarray:
    """What each 4-bit digit of an LFSR's state becomes in `bits` shifts, uint64 [digits, 16].

    A shift moves each bit one up and puts the parity of the tapped ones in at bit 0. This is linear: a state's leap is
    the sum without carry of those of its digits.
    """
    taps = sum(1 << (tap - 1) for tap in LFSR_TAPS[bits])

    def leap(state: int) -> int:
        for _ in range(bits):
            state = (state << 1 | (state & taps).bit_count() & 1) & (2**bits - 1)
        return state

    ones = [leap(1 << bit) if bit < bits else 0 for bit in range(-(-bits // 4) * 4)]
    sums = [[reduce(xor, (ones[4 * digit + i] for i in range(4) if value >> i & 1), 0) for value in range(16)]
            for digit in range(len(ones) // 4)]  # fmt: skip
    return np.array(sums, np.uint64)


@njit(cache=True, nogil=True, borrows=True)
def draw_state(state: np.uint64, leap: np.ndarray) -> np.uint64:
    """The LFSR as a draw leaves it, as many shifts on as it has bits; `leap` is `leap_table`."""
    drawn = np.uint64(0)
    for digit in range(len(leap)):
        drawn ^= leap[digit, np.int64((state >> np.uint64(4 * digit)) & np.uint64(15))]
    return drawn


@njit(cache=True, nogil=True, borrows=True)
def drawn_bits(state: np.uint64, chip: Arithmetic) -> np.uint64:
    """The random bits of an LFSR state: itself, or what `lfsr_sum` makes of it."""
    if not chip.lfsr_summed:
        return state
    return (state + (state << np.uint64(LFSR_SHIFT))) & (
        np.uint64(0xFFFF_FFFF_FFFF_FFFF) >> np.uint64(64 - chip.lfsr_bits)
    )


@njit(cache=True, nogil=True, borrows=True)
def neg_log2_u(state: np.uint64, chip: Arithmetic) -> int:
    """-log2 u of an LFSR state, see `Formats.neg_log2_u`."""
    bits = drawn_bits(state, chip)
    octave, zeros = np.int64(bits >> np.uint64(chip.log_u_index_bits)), chip.lfsr_bits - chip.log_u_index_bits
    while octave:
        octave >>= 1
        zeros -= 1
    index = np.int64(bits & np.uint64((1 << chip.log_u_index_bits) - 1))
    return ((zeros + 1) << chip.log_fraction_bits) - chip.log_u_table[index]


@njit(cache=True, nogil=True, borrows=True)
def first_gate(chip: Arithmetic, chain: Chain) -> int:
    """The gate code of the next cell of row 0: one for all, or a fresh draw."""
    if not chip.first_draw_bits:
        return chip.first_gate
    chain.lfsr[0] = draw_state(chain.lfsr[0], chip.lfsr_leap)
    drawn = np.int64(drawn_bits(chain.lfsr[0], chip) & np.uint64((1 << chip.first_draw_bits) - 1))
    return int((drawn * (chip.gate_top + 1)) >> chip.first_draw_bits)
