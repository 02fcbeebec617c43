"""A row's EVAL of many samples at once, compiled: exact dot products, the converter, a table look-up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.kernels import njit


class Room(NamedTuple):
    """Where `evaluate` keeps dot products, float64 and int32 [samples], and leaves table indices, int32 [samples].

    `cubes` and `powers` float64 and `words` int64 [samples] are for what circuit and noise add to them
    (`oxmc.pymodels.twin.through`, `oxmc.pymodels.twin.noise`).
    """

    sums: np.ndarray
    cubes: np.ndarray
    powers: np.ndarray
    words: np.ndarray
    sums_32: np.ndarray
    indices: np.ndarray


def room_for(samples: int) -> Room:
    sums, cubes, powers = np.empty((3, samples))
    return Room(
        sums, cubes, powers, np.empty(samples, np.int64), np.empty(samples, np.int32), np.empty(samples, np.int32)
    )


def sample_codes(codes: np.ndarray) -> np.ndarray:
    """Input codes int64 [samples, features] as these kernels take them, int32 [features, samples]."""
    return np.ascontiguousarray(codes.T, np.int32)


@njit(cache=True, nogil=True, inline="always")
def pair_ns(cells_ns: np.ndarray, pair: int) -> int:
    """w = g+ - g- in nS."""
    return cells_ns[2 * pair] - cells_ns[2 * pair + 1]


@njit(cache=True, nogil=True, borrows=True)
def fits_32(cells_ns: np.ndarray, first: int, features: int, top_code: int) -> bool:
    """Whether no sum over the pairs from `first` on leaves 32 bits, whatever the codes up to `top_code` either way."""
    total = 0
    for pair in range(first, first + features):
        total += abs(pair_ns(cells_ns, pair))
    return total * top_code < 2**31


@njit(cache=True, nogil=True, borrows=True, fastmath={"contract"})
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
        w0, w1 = np.float64(pair_ns(cells_ns, first + feature)), np.float64(pair_ns(cells_ns, first + feature + 1))
        w2, w3 = np.float64(pair_ns(cells_ns, first + feature + 2)), np.float64(pair_ns(cells_ns, first + feature + 3))
        c0, c1, c2, c3 = codes[feature], codes[feature + 1], codes[feature + 2], codes[feature + 3]
        for sample in range(samples):
            sums[sample] += w0 * c0[sample] + w1 * c1[sample] + w2 * c2[sample] + w3 * c3[sample]
    for feature in range(fours, features):
        w = np.float64(pair_ns(cells_ns, first + feature))
        for sample in range(samples):
            sums[sample] += w * codes[feature, sample]


@njit(cache=True, nogil=True, borrows=True)
def dot_products_32(cells_ns: np.ndarray, first: int, codes: np.ndarray, sums: np.ndarray) -> None:
    """`dot_products` into `sums` int32 [samples], where they fit (`fits_32`): twice as many to a vector."""
    features, samples = codes.shape
    sums[:] = 0
    fours = features // 4 * 4
    for feature in range(0, fours, 4):
        w0, w1 = np.int32(pair_ns(cells_ns, first + feature)), np.int32(pair_ns(cells_ns, first + feature + 1))
        w2, w3 = np.int32(pair_ns(cells_ns, first + feature + 2)), np.int32(pair_ns(cells_ns, first + feature + 3))
        c0, c1, c2, c3 = codes[feature], codes[feature + 1], codes[feature + 2], codes[feature + 3]
        for sample in range(samples):
            low = np.int32(w0 * c0[sample]) + np.int32(w1 * c1[sample])
            sums[sample] += np.int32(low + np.int32(w2 * c2[sample]) + np.int32(w3 * c3[sample]))
    for feature in range(fours, features):
        w = np.int32(pair_ns(cells_ns, first + feature))
        for sample in range(samples):
            sums[sample] += np.int32(w * codes[feature, sample])


@njit(cache=True, nogil=True, inline="always")
def whole_steps(value: float, step: int) -> float:
    """floor(value / step), exact for whole numbers below 2^50, by a product, which is much faster than a quotient.

    The half that is added keeps the quotient 1 / (2 step) clear of any integer, more than two roundings can err.
    """
    return np.floor((value + 0.5) * (1.0 / step))


@njit(cache=True, nogil=True, borrows=True)
def convert(sums: np.ndarray, flips: np.ndarray, step: int, top: int, shift: int, indices: np.ndarray) -> None:
    """Where a table holds what each dot product is worth, into `indices` int32 [samples].

    ADC codes are floor(sum / `step`) from -`top` - 1 to `top`, inverted where int32 `flips` is -1; a table index is
    such a code in offset binary without its lowest `shift` bits.
    """
    low, high, half, places = np.float64(-top - 1), np.float64(top), np.int32(top + 1), np.int32(shift)
    for sample in range(len(sums)):
        code = np.int32(min(max(whole_steps(np.float64(sums[sample]), step), low), high)) ^ flips[sample]
        indices[sample] = np.int32(code + half) >> places


@njit(cache=True, nogil=True, borrows=True)
def look_up(indices: np.ndarray, table: np.ndarray, entries: np.ndarray) -> None:
    """The entry of `table` at each index, all int32; apart from `convert`, which is compiled to one over vectors."""
    for sample in range(len(indices)):
        entries[sample] = table[np.uint32(indices[sample])]  # unsigned, so that none counts from the end


@njit(cache=True, nogil=True, borrows=True)
def evaluate(
    cells_ns: np.ndarray, first: int, codes: np.ndarray, top_code: int, flips: np.ndarray, step: int, top: int,
    shift: int, room: Room,
) -> None:  # fmt: skip
    """Table indices (`convert`) of all samples under the pairs from `first` on, codes up to `top_code` either way."""
    if fits_32(cells_ns, first, len(codes), top_code):
        dot_products_32(cells_ns, first, codes, room.sums_32)
        convert(room.sums_32, flips, step, top, shift, room.indices)
    else:
        dot_products(cells_ns, first, codes, room.sums)
        convert(room.sums, flips, step, top, shift, room.indices)


@njit(cache=True, nogil=True, borrows=True)
def add_votes(
    rows_ns: np.ndarray, counts: np.ndarray, codes: np.ndarray, top_code: int, table: np.ndarray, step: int, top: int,
    shift: int, flips: np.ndarray, room: Room, entries: np.ndarray, votes: np.ndarray,
) -> None:  # fmt: skip
    """Add table entries of every row times its count to `votes` int64 [outputs, samples].

    `rows_ns` int64 [rows, cells], `counts` int64 [rows], `flips` int32 [samples] all 0, `entries` int32 [samples] room.
    """
    for row in range(len(rows_ns)):
        for output in range(len(votes)):
            evaluate(rows_ns[row], output * len(codes), codes, top_code, flips, step, top, shift, room)
            look_up(room.indices, table, entries)
            for sample in range(len(entries)):
                votes[output, sample] += counts[row] * entries[sample]
