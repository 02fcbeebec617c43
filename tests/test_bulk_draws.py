"""The draws in numpy: Philox's published vector, and bit by bit the compiled kernels."""

from __future__ import annotations

import numpy as np
import pytest

from oxmc.pymodels.oxram import array, bulk_draws, draws
from oxmc.pymodels.oxram.devices import lcs_table_ns, load_card
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.tb.cosim import compiled
from oxmc.tb.cosim.compiled import block_size, draw_words

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


@pytest.mark.parametrize("cells", [2, 32, 600])
def test_words_handed_to_the_compiled_array(cells: int, seed: int) -> None:
    """Rows that were never SET, whose draws are made ahead, and one in the middle of its life."""
    key, block, rng = key_of(seed), block_size(cells), np.random.default_rng(seed)
    fresh = np.zeros(cells, np.int64)
    for row, counts in ((0, fresh), (15, fresh), (16, fresh), (40, fresh), (15, rng.integers(1, 90, size=cells))):
        words = draw_words(*key, row * cells, counts, block).reshape(cells, block)
        for cell, i in ((0, 0), (cells - 1, block - 1), (cells // 2, block // 2)):
            at, k = row * cells + cell, int(counts[cell]) + 1 + i
            normal = draws.normal_q16(philox4x32(at, k, 0, draws.SET, *key)[0])
            found = philox4x32(at, k, 0, draws.RESET, *key)[0] >> 24
            assert int(words[cell, i]) == found << 24 | normal & 0xFFFFFF


@pytest.mark.parametrize("cells", [2, 32, 600])
def test_a_long_training_goes_over_to_the_kernels(cells: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words before and after, for rows that are fresh and for rows that are not."""
    monkeypatch.setattr(compiled, "KERNELS_AFTER", 2)
    key, rng = key_of(seed), np.random.default_rng(seed)
    served = compiled.BlockDraws(*key, cells)
    for number, row in enumerate((0, 17, 0, 17, 2**22)):
        counts = rng.integers(0, 2**32, size=cells) * (number % 2)
        expected = draw_words(*key, row * cells, counts, block_size(cells))
        found = served.words(row, counts)
        assert found.dtype == expected.dtype and np.array_equal(found, expected)
    assert served.by_numpy == 2
