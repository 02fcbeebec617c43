"""The blocks of draws that the compiled coupling hands over, compiled: fast by the draw, slow to load."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.draws import RESET, SET, normal_q16
from oxmc.pymodels.oxram.philox import philox4x32


@njit(cache=True, nogil=True)
def block_words(k0: int, k1: int, first: int, counts: np.ndarray, block: int) -> np.ndarray:
    """`oxmc.tb.cosim.compiled.draw_words` of the cells from global index `first` on, uint32 [cells * block]."""
    words = np.empty(len(counts) * block, np.uint32)
    for cell in range(len(counts)):
        for i in range(block):
            k = counts[cell] + 1 + i
            normal = normal_q16(philox4x32(first + cell, k, 0, SET, k0, k1)[0])
            found = np.int64(philox4x32(first + cell, k, 0, RESET, k0, k1)[0]) >> 24
            words[cell * block + i] = (found << 24) | (normal & 0xFFFFFF)
    return words
