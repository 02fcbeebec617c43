"""Random draws in integers alone, so that neither order, batching, engine nor compiler can change a bit.

Each draw takes the first word of one Philox block, whose counter says what the draw is for (a contract; those of
`oxmc.pymodels.oxram.effects` stand there):

    (cell, k modulo 2^32, read index, domain)        cell = row * cells a row + cell
    k = SETs of that cell's life: for a SET counting this one (the first has k = 1), for a RESET those so far

Two RESETs without a SET between them therefore find the same value: the second pulse moves nothing.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.bulk_draws import (
    DOMAINS,
    DOUBLE_BIAS,
    DOUBLE_FRACTION_BITS,
    HALF,
    MIN_DEVICE_Q16,
    MIN_NS,
    NORMAL_KNOTS,
    ONE,
    REST_BITS,
    SEGMENT_BITS,
    Q,
)

SET, RESET, READ, EVAL, DEVICE, STUCK, FAULT_SET, FAULT_EVAL, RELAX = DOMAINS
SEGMENTS = 1 << SEGMENT_BITS


@njit(cache=True, nogil=True, inline="always")
def normal_q16(u0: int) -> int:
    """Standard normal in Q16 from one uint32: the quantile at (u0 + 1/2) / 2^32.

    Piecewise linear between 64 knots an octave of the tail probability. Within 1.9/65536 s.d. of the exact quantile
    for every u0; odd in u0 about the middle; tails end at +-6.34 s.d., the quantile at 2^-33.
    """
    word = np.int64(u0)
    upper = word >> 31
    below = word ^ (np.int64(0xFFFFFFFF) * upper)  # values below the nearer end of the uint32 range
    tail = 2 * below + 1  # tail probability times 2^33, in 1 .. 2^32 - 1
    bits = np.float64(tail).view(
        np.int64
    )  # exact: exponent and mantissa are octave and what is below it, found at once
    index = (bits >> (DOUBLE_FRACTION_BITS - SEGMENT_BITS)) - DOUBLE_BIAS * SEGMENTS
    rest = (bits >> (DOUBLE_FRACTION_BITS - 31)) & ((1 << REST_BITS) - 1)
    knot, step = NORMAL_KNOTS[index], NORMAL_KNOTS[index + 1] - NORMAL_KNOTS[index]
    magnitude = knot + ((step * rest + (1 << (REST_BITS - 1))) >> REST_BITS)
    return magnitude if upper else -magnitude


@njit(cache=True, nogil=True, inline="always")
def scaled_q16(value: int, factor_q16: int) -> int:
    """value * factor_q16 / 2^16 to the nearest integer, halves up."""
    return int((np.int64(value) * np.int64(factor_q16) + HALF) >> Q)


@njit(cache=True, nogil=True, inline="always")
def set_ns(u0: int, median_ns: int, sd_ns: int, device_q16: int) -> int:
    """Conductance in nS after a SET: normal about the device's median (Eq 1, 9, 10), never below `MIN_NS`."""
    return max(MIN_NS, scaled_q16(median_ns, device_q16) + scaled_q16(sd_ns, normal_q16(u0)))


@njit(cache=True, nogil=True)
def lcs_ns(u0: int, table: np.ndarray) -> int:
    """Conductance in nS after a RESET: one of the 256 equally likely entries of int64 `table` (`lcs_table_ns`)."""
    return table[np.int64(u0) >> 24]


@njit(cache=True, nogil=True)
def device_factor_q16(u0: int, spread_q16: int) -> int:
    """A device's median conductance over the population's, Q16: normal about 1, floored at `MIN_DEVICE_Q16`."""
    return max(MIN_DEVICE_Q16, ONE + scaled_q16(spread_q16, normal_q16(u0)))
