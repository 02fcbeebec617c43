"""A row's EVAL of many samples at once, compiled: exact dot products, the converter, a table look-up."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit


def sample_codes(codes: np.ndarray) -> np.ndarray:
    """Input codes int64 [samples, features] as these kernels take them, float32 [features, samples]; exact."""
    return np.ascontiguousarray(codes.T, np.float32)


@njit(cache=True, nogil=True, inline="always")
def pair_ns(cells_ns: np.ndarray, pair: int) -> float:
    """w = g+ - g- in nS."""
    return np.float64(cells_ns[2 * pair] - cells_ns[2 * pair + 1])


@njit(cache=True, nogil=True, fastmath={"contract"})
def dot_products(cells_ns: np.ndarray, first: int, codes: np.ndarray, sums: np.ndarray) -> None:
    """V.w of each sample under the pairs from `first` on, in nS times codes, into `sums` float64 [samples].

    `cells_ns` int64 [cells] in nS, `codes` as `sample_codes`. All are integers and no sum comes near 2^50 (conductances
    below 2^24 nS, codes below 2^12, at most 2^7 features), so floating point is exact, in any order, fused or not, and
    four times as fast as 64-bit integers. Four features at a time load and store `sums` a quarter as often.
    """
    features, samples = codes.shape
    sums[:] = 0.0
    fours = features // 4 * 4
    for feature in range(0, fours, 4):
        w0, w1 = pair_ns(cells_ns, first + feature), pair_ns(cells_ns, first + feature + 1)
        w2, w3 = pair_ns(cells_ns, first + feature + 2), pair_ns(cells_ns, first + feature + 3)
        c0, c1, c2, c3 = codes[feature], codes[feature + 1], codes[feature + 2], codes[feature + 3]
        for sample in range(samples):
            sums[sample] += w0 * c0[sample] + w1 * c1[sample] + w2 * c2[sample] + w3 * c3[sample]
    for feature in range(fours, features):
        w = pair_ns(cells_ns, first + feature)
        for sample in range(samples):
            sums[sample] += w * codes[feature, sample]


@njit(cache=True, nogil=True, inline="always")
def whole_steps(value: float, step: int) -> float:
    """floor(value / step), exact for whole numbers below 2^50, by a product, which is much faster than a quotient.

    The half that is added keeps the quotient 1 / (2 step) clear of any integer, more than two roundings can err.
    """
    return np.floor((value + 0.5) * (1.0 / step))


@njit(cache=True, nogil=True)
def look_up(
    sums: np.ndarray, flips: np.ndarray, table: np.ndarray, step: int, top: int, shift: int, entries: np.ndarray
) -> None:
    """The table entry of each dot product into `entries` int64 [samples].

    ADC codes are floor(sum / `step`) from -`top` - 1 to `top`, inverted where `flips` is -1; a table index is such a
    code in offset binary without its lowest `shift` bits. Two loops, as in `array.reset_draws`.
    """
    low, high = np.float64(-top - 1), np.float64(top)
    for sample in range(len(sums)):
        code = np.int64(min(max(whole_steps(sums[sample], step), low), high)) ^ flips[sample]
        entries[sample] = (code + top + 1) >> shift
    for sample in range(len(sums)):
        entries[sample] = table[entries[sample]]


@njit(cache=True, nogil=True)
def votes(
    rows_ns: np.ndarray, counts: np.ndarray, codes: np.ndarray, outputs: int, table: np.ndarray, step: int, top: int,
    shift: int,
) -> np.ndarray:  # fmt: skip
    """Table entries of every row times its count, summed over rows: int64 [samples, outputs].

    `rows_ns` int64 [rows, cells], `counts` int64 [rows], the rest as in `dot_products` and `look_up`.
    """
    features, samples = codes.shape
    votes = np.zeros((outputs, samples), np.int64)
    sums, flips, entries = np.empty(samples), np.zeros(samples, np.int64), np.empty(samples, np.int64)
    for row in range(len(rows_ns)):
        for output in range(outputs):
            dot_products(rows_ns[row], output * features, codes, sums)
            look_up(sums, flips, table, step, top, shift, entries)
            for sample in range(samples):
                votes[output, sample] += counts[row] * entries[sample]
    return votes.T.copy()
