"""Philox4x32-10 against the known-answer vectors of its authors."""

from __future__ import annotations

import random

import pytest

from oxmc.pymodels.oxram.philox import philox4x32

pytestmark = pytest.mark.testpoint("Philox", "published known answers; every input bit matters; compiled equals Python")

FULL = 0xFFFFFFFF
# Random123 (D. E. Shaw Research), kat_vectors, philox4x32 10: counter, key, output.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL,) * 4, (FULL,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter: tuple, key: tuple, expected: tuple) -> None:
    assert philox4x32(*counter, *key) == expected


def test_arguments_count_modulo_2_32() -> None:
    assert philox4x32(2**32, 2**40 + 1, 2, 3, 2**33, 5) == philox4x32(0, 1, 2, 3, 0, 5)


def test_compiled_equals_its_python(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(200):
        words = [rng.getrandbits(32) for _ in range(6)]
        assert philox4x32(*words) == philox4x32.py_func(*words)


@pytest.mark.parametrize("bit", range(192))
def test_every_input_bit_matters(bit: int, seed: int) -> None:
    """One flipped bit of counter or key changes about half of 128 output bits: within 6 s.d. (5.7 each) of 64."""
    rng = random.Random(seed)
    words = [rng.getrandbits(32) for _ in range(6)]
    flipped = list(words)
    flipped[bit // 32] ^= 1 << bit % 32
    pairs = zip(philox4x32(*words), philox4x32(*flipped), strict=True)
    assert abs(sum((a ^ b).bit_count() for a, b in pairs) - 64) <= 34
