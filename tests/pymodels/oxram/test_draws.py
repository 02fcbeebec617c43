"""Integer draws against exact quantiles and laws of scipy."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from scipy import special, stats

from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.devices import lcs_table_ns, load_card
from oxmc.pymodels.oxram.philox import philox4x32

INTEGER_NORMAL_VARIATES = pytest.mark.testpoint(
    "integer normal variates",
    "quantile, moments and distribution against the exact normal; compiled equals Python",
)
INTEGER_DEVICE_DRAWS = pytest.mark.testpoint(
    "integer device draws", "scaling, SET, LCS and device factors by formula; domains"
)

TOP = 2**32 - 1


def normals(words: np.ndarray) -> np.ndarray:
    return np.fromiter(map(draws.normal_q16, words.tolist()), np.int64, len(words))


@pytest.fixture(scope="module")
def sample(seed: int) -> np.ndarray:
    """2^20 draws by Philox, in units of one s.d."""
    words = np.fromiter((philox4x32(i, 1, 0, draws.SET, seed, 0)[0] for i in range(2**20)), np.int64, 2**20)
    return normals(words) / draws.ONE


@INTEGER_NORMAL_VARIATES
def test_normal_meets_the_exact_quantile(seed: int) -> None:
    """Everywhere within 1.9/65536: half a unit from rounding knots, half from interpolating, 0.84 from the chord.

    Chord: h^2/8 * max |d2z/dp2| over a segment h wide is largest near p = 1/4, with h = 1/256: 0.84/65536.
    """
    rng = np.random.default_rng(seed)
    octaves = [2**e + d for e in range(31) for d in (-1, 0, 1)]
    words = np.concatenate([np.arange(2**16), octaves, rng.integers(0, 2**31, 2**18), np.arange(0, 2**31, 2**13 - 1)])
    words = words[words >= 0]
    exact = special.ndtri((words + 0.5) / 2**32)
    assert np.max(np.abs(normals(words) - draws.ONE * exact)) <= 1.9


@INTEGER_NORMAL_VARIATES
def test_normal_is_odd_and_ends_at_its_stated_tail(seed: int) -> None:
    rng = random.Random(seed)
    for word in [0, 1, 2**31 - 1, *(rng.getrandbits(31) for _ in range(2000))]:
        assert draws.normal_q16(word) == -draws.normal_q16(TOP - word)
    assert draws.normal_q16(TOP) == round(draws.ONE * stats.norm.isf(2.0**-33))
    assert round(draws.normal_q16(TOP) / draws.ONE, 2) == 6.34
    assert draws.normal_q16(2**31) == draws.normal_q16(2**31 - 1) == 0


@INTEGER_NORMAL_VARIATES
def test_normal_never_falls_as_its_word_grows(seed: int) -> None:
    words = np.sort(np.random.default_rng(seed).integers(0, 2**32, 2**17))
    assert np.all(np.diff(normals(words)) >= 0)
    assert np.all(np.diff(draws.NORMAL_KNOTS) <= 0)  # knots run from the far tail to the middle


@INTEGER_NORMAL_VARIATES
def test_normal_moments(sample: np.ndarray) -> None:
    """Within 4 standard errors of n = 2^20 exact normals: sqrt(1, 2, 6, 24 / n)."""
    root = math.sqrt(len(sample))
    assert abs(sample.mean()) < 4 / root
    assert abs(sample.var() - 1) < 4 * math.sqrt(2) / root
    assert abs(stats.skew(sample)) < 4 * math.sqrt(6) / root
    assert abs(stats.kurtosis(sample)) < 4 * math.sqrt(24) / root


@INTEGER_NORMAL_VARIATES
def test_normal_distribution(sample: np.ndarray) -> None:
    """Kolmogorov-Smirnov: D sqrt(n) exceeds 2.69 once in a million; the grid of 2^-16 adds 3e-6 to D = 0.0026."""
    assert stats.kstest(sample, "norm").statistic < 2.69 / math.sqrt(len(sample))


@INTEGER_NORMAL_VARIATES
def test_the_distribution_check_can_fail(sample: np.ndarray) -> None:
    assert stats.kstest(1.02 * sample, "norm").statistic > 2.69 / math.sqrt(len(sample))


@INTEGER_NORMAL_VARIATES
def test_normal_compiled_equals_its_python(seed: int) -> None:
    rng = random.Random(seed)
    for word in [0, 1, 2**31 - 1, 2**31, TOP, *(rng.getrandbits(32) for _ in range(500))]:
        assert draws.normal_q16(word) == draws.normal_q16.py_func(word)


@INTEGER_DEVICE_DRAWS
@pytest.mark.parametrize("value", [-(10**6), -5464, -1, 0, 1, 40_000, 80_000])
@pytest.mark.parametrize("factor", [-415_364, -32_768, -1, 0, 32_768, 65_536, 200_001])
def test_scaled_rounds_to_the_nearest_integer(value: int, factor: int) -> None:
    assert draws.scaled_q16(value, factor) == math.floor(Fraction(value * factor, 2**16) + Fraction(1, 2))


@INTEGER_DEVICE_DRAWS
def test_set_follows_its_formula(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(500):
        u0, median, sd = rng.getrandbits(32), rng.randrange(10**5), rng.randrange(10**4)
        device = rng.randrange(1, 2**18)
        spread = (sd * draws.normal_q16(u0) + 2**15) >> 16
        assert draws.set_ns(u0, median, sd, device) == max(draws.MIN_NS, ((median * device + 2**15) >> 16) + spread)
    assert draws.set_ns(0, 10_000, 5_000, draws.ONE) == draws.MIN_NS  # 10 uS - 6.3 * 5 uS


@INTEGER_DEVICE_DRAWS
def test_lcs_takes_each_entry_for_one_256th_of_the_words() -> None:
    table = lcs_table_ns(load_card("16k"))
    for i in range(256):
        assert draws.lcs_ns(i << 24, table) == draws.lcs_ns((i << 24) + 2**24 - 1, table) == table[i]


@INTEGER_DEVICE_DRAWS
def test_device_factor() -> None:
    """One s.d. up is the quantile at 0.841345; a spread of 1 at 6.3 s.d. down meets the floor."""
    word = round(stats.norm.cdf(1.0) * 2**32)
    assert draws.device_factor_q16(word, round(0.05 * 2**16)) == round(1.05 * 2**16)
    assert draws.device_factor_q16(0, 2**16) == draws.MIN_DEVICE_Q16 == 3277
    assert draws.device_factor_q16(12345, 0) == draws.ONE


@INTEGER_DEVICE_DRAWS
def test_domains_are_the_contracts() -> None:
    assert (draws.SET, draws.RESET, draws.READ, draws.EVAL, draws.DEVICE, draws.STUCK) == (0, 1, 2, 3, 4, 5)
