"""The draws of `oxmc.pymodels.oxram.draws` for whole arrays of counters, in numpy alone.

For a process that lives for a second and should not load a compiler: the kernels of `draws` and `array` are faster by
the draw, but take half a second to load. Both give the same bits. Constants are shared; njit compiles them in.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np

DOMAINS = range(9)
SET, RESET, READ, EVAL, DEVICE, STUCK, FAULT_SET, FAULT_EVAL, RELAX = DOMAINS
"""Domain word of a counter: what the draw decides."""

Q = 16
"""Fraction bits of normal variates and device factors."""
ONE = 1 << Q
HALF = 1 << (Q - 1)
MIN_NS = 1000
"""nS; no SET leaves a filament below 1 uS. Six s.d. below every median of both cards' typical device (factor 1)."""
MIN_DEVICE_Q16 = round(0.05 * ONE)
"""Floor of a device's factor: a median conductance of 5 % of the population's, whatever the spread."""

SEGMENT_BITS = 6
"""Knots an octave of the tail probability, as a power of two."""
REST_BITS = 31 - SEGMENT_BITS
DOUBLE_FRACTION_BITS, DOUBLE_BIAS = 52, 1023

ROUNDS = 10
MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
WEYL = np.array([[0x9E3779B9], [0xBB67AE85]], np.uint64)
MASK, WORD = np.uint64(0xFFFFFFFF), np.uint64(32)


def _normal_knots() -> np.ndarray:
    """Upper quantiles in Q16, int64 [32 * 64 + 1]: knot 64e + s at tail probability 2^e (1 + s/64) / 2^33."""
    exact, segments = NormalDist(), 1 << SEGMENT_BITS
    tails = [2.0 ** (e - 33) * (1 + s / segments) for e in range(32) for s in range(segments)] + [0.5]
    return np.array([round(-exact.inv_cdf(tail) * ONE) for tail in tails], dtype=np.int64)


NORMAL_KNOTS = _normal_knots()


@lru_cache(maxsize=8)
def _round_keys(k0: int, k1: int) -> list[np.ndarray]:
    """The key of each round, uint64 [2, 1]."""
    key = np.array([[k0], [k1]], np.uint64)
    return [(key + np.uint64(number) * WEYL) & MASK for number in range(ROUNDS)]


def words(cell: np.ndarray, k: np.ndarray | int, domain: np.ndarray | int, key: tuple[int, int]) -> np.ndarray:
    """First word of the Philox blocks of counters (cell, k, 0, domain), int64 of the shape they broadcast to."""
    shape = np.broadcast_shapes(np.shape(cell), np.shape(k), np.shape(domain))
    x = np.zeros((2, 2, int(np.prod(shape))), np.uint64)  # words 0 and 2, words 1 and 3
    for place, value in (((0, 0), cell), ((1, 0), k), ((1, 1), domain)):
        x[place] = np.broadcast_to(np.asarray(value, np.int64), shape).ravel().view(np.uint64) & MASK
    even, odd = x
    for keys in _round_keys(*key):
        product = (MULTIPLIERS * even)[::-1]
        even, odd = (product >> WORD) ^ odd ^ keys, product & MASK
    return even[0].astype(np.int64).reshape(shape)


def normals_q16(u0: np.ndarray) -> np.ndarray:
    """`draws.normal_q16` of each word."""
    upper = u0 >> 31
    tail = 2 * (u0 ^ (0xFFFFFFFF * upper)) + 1
    bits = tail.astype(np.float64).view(np.int64)
    index = (bits >> (DOUBLE_FRACTION_BITS - SEGMENT_BITS)) - (DOUBLE_BIAS << SEGMENT_BITS)
    rest = (bits >> (DOUBLE_FRACTION_BITS - 31)) & ((1 << REST_BITS) - 1)
    knot = NORMAL_KNOTS[index]
    magnitude = knot + (((NORMAL_KNOTS[index + 1] - knot) * rest + (1 << (REST_BITS - 1))) >> REST_BITS)
    return np.where(upper == 1, magnitude, -magnitude)


def lcs_population(k0: int, k1: int, cells: int, lcs_table: np.ndarray) -> np.ndarray:
    """`array.lcs_population`: conductance in nS of cells RESET before any SET, int64 [cells]."""
    return lcs_table[words(np.arange(cells), 0, RESET, (k0, k1)) >> 24]


def device_factors_q16(k0: int, k1: int, cells: int, spread_q16: int) -> np.ndarray:
    """`array.device_factors_q16`: factor on the median conductance of each device, int64 [cells] in Q16."""
    normal = normals_q16(words(np.arange(cells), 0, DEVICE, (k0, k1)))
    return np.maximum(MIN_DEVICE_Q16, ONE + ((spread_q16 * normal + HALF) >> Q))


def stuck_cells(k0: int, k1: int, cells: int, lcs_below: int, hcs_below: int) -> np.ndarray:
    """`array.stuck_cells`: 0, or 1 and 2 for cells stuck in the LCS and the HCS, uint8 [cells]."""
    u0 = words(np.arange(cells), 0, STUCK, (k0, k1))
    return np.where(u0 < lcs_below, 1, np.where(u0 < hcs_below, 2, 0)).astype(np.uint8)
