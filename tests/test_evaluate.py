"""Evaluation of many samples in floating point against Python's own integers, to the ends of every format."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxmc.pymodels.twin.evaluate import dot_products, look_up, sample_codes, whole_steps

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


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, LARGEST), st.integers(-LARGEST, LARGEST), st.integers(-1, 1))
def test_whole_steps_round_down(step: int, value: int, beside: int) -> None:
    """Any value, and the values about a multiple of the step, where a wrong rounding would show."""
    for each in (value, value // step * step + beside):
        if abs(each) <= LARGEST:
            assert whole_steps(float(each), step) == each // step


def test_look_up_clips_inverts_and_shortens() -> None:
    """10-bit codes into a table of 8 bits: floor(sum / 100) in -512 .. 511, inverted by a flip, lowest 2 bits off."""
    table, sums = np.arange(256) * 3 + 1, np.array([0, -1, 99, 100, 51_100, 51_200, 10**9, -51_200, -51_201, -(10**9)])
    codes = np.array([0, -1, 0, 1, 511, 511, 511, -512, -512, -512])
    for flip in (0, -1):
        entries = np.zeros(10, np.int64)
        look_up(sums.astype(float), np.full(10, flip), table, 100, 511, 2, entries)
        assert entries.tolist() == [3 * (((code if flip == 0 else -1 - code) + 512) // 4) + 1 for code in codes]
