"""Philox4x32-10, a counter-based random generator: the same counter and key always give the same four words.

A draw therefore depends on what it is for (cell, how often the cell was SET, ...), never on when it is made. Inlined
by numba, not by the compiler behind it, a loop over counters becomes one over vectors of them: ten times as fast.
Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11; checked against
the known-answer vectors published with it in Random123.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit

ROUNDS = 10
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)  # golden ratio
WEYL_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
MASK = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def philox4x32(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Four random uint32 of counter (c0, c1, c2, c3) under key (k0, k1); each argument counts modulo 2^32."""
    x0, x1, x2, x3 = np.uint64(c0) & MASK, np.uint64(c1) & MASK, np.uint64(c2) & MASK, np.uint64(c3) & MASK
    key0, key1 = np.uint64(k0) & MASK, np.uint64(k1) & MASK
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIER_0 * x0, MULTIPLIER_1 * x2
        x0, x1, x2, x3 = (
            (product1 >> HALF) ^ x1 ^ key0,
            product1 & MASK,
            (product0 >> HALF) ^ x3 ^ key1,
            product0 & MASK,
        )
        key0, key1 = (key0 + WEYL_0) & MASK, (key1 + WEYL_1) & MASK
    return int(x0), int(x1), int(x2), int(x3)
