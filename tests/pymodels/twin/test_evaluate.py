"""Evaluation of many samples at once against Python's own integers, to the ends of every format."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxmc.pymodels.twin.evaluate import (
    convert,
    dot_products,
    dot_products_32,
    evaluate,
    fits_32,
    look_up,
    room_for,
    sample_codes,
    whole_steps,
)

pytestmark = pytest.mark.testpoint(
    "evaluation in floating point",
    "dot products, converter steps and look-ups against Python's integers, to the ends of every format",
)

LARGEST_NS, LARGEST_CODE, LARGEST = 2**24 - 1, 2**11 - 1, 2**50 - 1


@pytest.mark.parametrize("features", [1, 3, 4, 6, 128])
def test_dot_products_are_exact(features: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells_ns = rng.integers(0, LARGEST_NS, (2 * features + 2), endpoint=True)
    codes = rng.integers(-LARGEST_CODE, LARGEST_CODE, (9, features), endpoint=True)
    cells_ns[0::2], cells_ns[-2:] = LARGEST_NS, (7, 5)
    codes[0] = LARGEST_CODE  # all terms of the largest sums have one sign
    sums = np.full(9, np.nan)
    dot_products(cells_ns, 1, sample_codes(codes), sums)
    for found, inputs in zip(sums.tolist(), codes.tolist(), strict=True):
        pairs = zip(cells_ns[2::2].tolist(), cells_ns[3::2].tolist(), inputs, strict=True)
        assert found == sum((plus - minus) * code for plus, minus, code in pairs)


@pytest.mark.parametrize("features", [1, 4, 6, 128])
@pytest.mark.parametrize("beyond", [False, True])
def test_sums_are_taken_in_32_bits_where_they_fit(features: int, beyond: bool, seed: int) -> None:
    """At the last sum of 32 bits, and one conductance step beyond it, where 32 bits alone would wrap."""
    rng, cells_ns = np.random.default_rng(seed), np.zeros(2 * features + 2, np.int64)
    largest = (2**31 - 1) // LARGEST_CODE  # of the sum of |w|
    shares = np.sort(rng.integers(0, largest, features - 1, endpoint=True))
    w = np.diff(np.concatenate([[0], shares, [largest]])) * rng.choice([-1, 1], features)
    w[0] += (1 if w[0] >= 0 else -1) * beyond
    cells_ns[2::2], cells_ns[3::2] = np.maximum(w, 0), np.maximum(-w, 0)
    codes = rng.integers(-LARGEST_CODE, LARGEST_CODE, (9, features), endpoint=True)
    codes[0], codes[1] = LARGEST_CODE * np.sign(w), -LARGEST_CODE * np.sign(w)
    due = [sum(a * b for a, b in zip(w.tolist(), inputs, strict=True)) for inputs in codes.tolist()]
    sums, room, step = np.zeros(9, np.int32), room_for(9), 2**24
    dot_products_32(cells_ns, 1, sample_codes(codes), sums)
    assert fits_32(cells_ns, 1, features, LARGEST_CODE) == (not beyond) == (sums.tolist() == due)
    none = np.zeros(9, np.int32)
    evaluate(cells_ns, 1, sample_codes(codes), LARGEST_CODE, none, step, 511, 0, room)
    assert room.indices.tolist() == [total // step + 512 for total in due]


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, LARGEST), st.integers(-LARGEST, LARGEST), st.integers(-1, 1))
def test_whole_steps_round_down(step: int, value: int, beside: int) -> None:
    """Any value, and the values about a multiple of the step, where a wrong rounding would show."""
    for each in (value, value // step * step + beside):
        if abs(each) <= LARGEST:
            assert whole_steps(float(each), step) == each // step


@pytest.mark.parametrize("kind", [np.float64, np.int32])
def test_codes_are_clipped_inverted_and_shortened(kind: type) -> None:
    """10-bit codes into a table of 8 bits: floor(sum / 100) in -512 .. 511, inverted by a flip, lowest 2 bits off."""
    sums = np.array([0, -1, 99, 100, 51_100, 51_200, 10**9, -51_200, -51_201, -(10**9)], kind)
    codes = np.array([0, -1, 0, 1, 511, 511, 511, -512, -512, -512])
    for flip in (0, -1):
        indices, entries = np.zeros((2, 10), np.int32)
        convert(sums, np.full(10, flip, np.int32), 100, 511, 2, indices)
        assert indices.tolist() == [((code if flip == 0 else -1 - code) + 512) // 4 for code in codes]
        look_up(indices, np.arange(256, dtype=np.int32) * 3 + 1, entries)
        assert entries.tolist() == [3 * index + 1 for index in indices.tolist()]
