"""The draws in numpy: Philox's published vector, and bit by bit the compiled kernels."""

from __future__ import annotations

import numpy as np
import pytest

from oxmc.pymodels.oxram import array, bulk_draws, draws
from oxmc.pymodels.oxram.devices import lcs_table_ns, load_card
from oxmc.pymodels.oxram.philox import philox4x32

pytestmark = pytest.mark.testpoint(
    "draws in numpy",
    "Philox's published vector; words, normals and population are the kernels' bit by bit",
)

TABLE = lcs_table_ns(load_card("16k"))
CELLS = 4000


def key_of(seed: int) -> tuple[int, int]:
    k0, k1 = np.random.default_rng(seed).integers(2**32, size=2).tolist()
    return k0, k1


def test_published_vector() -> None:
    """Random123's known answer for counter and key 0."""
    assert bulk_draws.words(np.array([0]), 0, 0, (0, 0)).tolist() == [0x6627E8D5]


def test_words_are_the_kernels(seed: int) -> None:
    rng, key = np.random.default_rng(seed), key_of(seed)
    cells, counts = rng.integers(2**32, size=50), rng.integers(2**33, size=50)  # k counts modulo 2^32
    found = bulk_draws.words(cells[:, None], counts[:, None], np.arange(6), key)
    assert found.shape == (50, 6)
    for (i, domain), word in np.ndenumerate(found):
        assert word == philox4x32(int(cells[i]), int(counts[i]), 0, domain, *key)[0]


def test_normals_are_the_kernels(seed: int) -> None:
    ends = np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
    u0 = np.concatenate([ends, np.random.default_rng(seed).integers(2**32, size=2000)])
    assert bulk_draws.normals_q16(u0).tolist() == [draws.normal_q16(word) for word in u0.tolist()]


@pytest.mark.parametrize("spread", [0, 3277, 10 * draws.ONE])
def test_a_population_is_the_kernels(spread: int, seed: int) -> None:
    """The widest spread reaches the floor of a device's factor."""
    key = key_of(seed)
    for name, arguments in (
        ("device_factors_q16", (spread,)),
        ("stuck_cells", (2**30, 3 * 2**29)),
        ("lcs_population", (TABLE,)),
    ):
        ours, theirs = (getattr(module, name)(*key, CELLS, *arguments) for module in (bulk_draws, array))
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs), name
