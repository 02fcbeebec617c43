"""Fixed-point formats against exact formulas, scipy and the algebra of GF(2)."""

from __future__ import annotations

import math
import random
from typing import Any

import galois
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import LFSR_TAPS, Formats, bits_for, power_of_two

NO_SUM_WRAPS = pytest.mark.testpoint(
    "no sum wraps",
    "response sums of any table in 400 random configurations, by an independent bound; tables fit their entries",
)
TABLES_AND_CONSTANTS = pytest.mark.testpoint(
    "tables and constants",
    "taps primitive over GF(2); likelihood, response, -log2 u and prior against their exact formulas",
)
FORMATS = pytest.mark.testpoint("formats", "steps, input codes, sample words, widths that hold their extremes")

VARIANTS = [
    Config(),
    Config(eval_range=11.0, scale_per_us=0.05, log_fraction_bits=12, adc_bits=12, table_bits=12),
    Config(outputs=5, features=3, table_bits=4, response_bits=4, input_bits=5, read_bits=6),
    Config(temper=4, vote_sharpness=16.0, table_bits=5, adc_bits=5, eval_range=11.0),
]


@TABLES_AND_CONSTANTS
@pytest.mark.parametrize("width", range(3, 65))
def test_lfsr_taps_are_primitive(width: int) -> None:
    """x^n + ... + 1 generates GF(2^n), so the register runs through all 2^n - 1 states."""
    taps = LFSR_TAPS[width]
    assert max(taps) == width
    assert galois.Poly.Degrees([*taps, 0]).is_primitive()


@TABLES_AND_CONSTANTS
def test_the_primitivity_check_can_fail() -> None:
    assert not galois.Poly.Degrees([8, 4, 3, 1, 0]).is_primitive()  # AES's: irreducible, not primitive
    assert LFSR_TAPS.keys() == set(range(3, 65))


@TABLES_AND_CONSTANTS
@pytest.mark.parametrize("config", VARIANTS)
def test_likelihood_table_is_the_log_logistic(config: Config) -> None:
    """-log2 f to the nearest entry for t = 1; for t = 0 the bitwise NOT of the index gives -log2 (1 - f) (Eq 7)."""
    formats = Formats(config)
    one, bins = 2**config.log_fraction_bits, 2**config.table_bits
    x = (np.arange(bins) - bins / 2 + 0.5) * 2 * config.eval_range / bins
    table = np.array(formats.likelihood_table)
    assert np.max(np.abs(table + one * special.log_expit(x) / math.log(2))) <= 0.5 + 1e-6
    assert np.max(np.abs(table[~np.arange(bins)] + one * special.log_expit(-x) / math.log(2))) <= 0.5 + 1e-6
    assert table.min() >= 0 and table.max() < 2**formats.likelihood_bits


@TABLES_AND_CONSTANTS
@pytest.mark.parametrize("config", VARIANTS)
def test_response_table_is_the_centred_logistic(config: Config) -> None:
    formats = Formats(config)
    bins = 2**config.table_bits
    x = (np.arange(bins) - bins / 2 + 0.5) * 2 * config.eval_range / bins
    table = np.array(formats.response_table)
    error = 0.5 + formats.response_gain * table - special.expit(config.vote_sharpness * x)
    assert np.max(np.abs(error)) <= formats.response_gain * (0.5 + 1e-6)
    assert np.array_equal(table, -table[::-1])
    assert table.max() == 2 ** (config.response_bits - 1) - 1


@TABLES_AND_CONSTANTS
def test_neg_log2_u_of_every_state() -> None:
    """16 bits, 5 of them the mantissa: half a unit from rounding the table, against math.log2 of the stated u."""
    formats = Formats(Config(lfsr_bits=16))
    values = []
    for state in range(1, 2**16):
        octave, mantissa = state >> 5, state & 31
        zeros = f"{octave:011b}".index("1") if octave else 11
        u = 2.0 ** -(zeros + 1) * (1 + (mantissa + 0.5) / 32)
        code = formats.neg_log2_u(state)
        assert abs(code - 256 * -math.log2(u)) <= 0.5 + 1e-9
        assert 0 <= code < 2**formats.log_u_bits
        values.append(u)
    # as a distribution: the k-th smallest u is at the k-th quantile of (0, 1) up to half the widest bin, 2^-7,
    # and the one state (0) that never comes, 2^-16
    quantiles = (np.arange(1, 2**16) - 0.5) / (2**16 - 1)
    assert np.max(np.abs(np.sort(values) - quantiles)) <= 2**-7 + 2**-16


@TABLES_AND_CONSTANTS
@pytest.mark.parametrize("sigma", [0.6, 1.0, 15.0, 20.0, 40.0, 80.0, 300.0, 1000.0])
@pytest.mark.parametrize("read_bits", [8, 10])
def test_prior_constants(sigma: float, read_bits: int) -> None:
    """An 8-bit multiplier of 128..255 is within 1/256 of the exact factor log2(e) step^2 / (2 sigma^2)."""
    config = Config(prior_sigma_us=sigma, read_bits=read_bits)
    multiplier, shift = Formats(config).prior_constants
    step_us = 128 / 2**read_bits
    exact = math.log2(math.e) * step_us**2 / (2 * sigma**2) * 256
    assert 128 <= multiplier < 256 and 0 <= shift < 32
    assert multiplier / 2**shift == pytest.approx(exact, rel=1 / 256)


@TABLES_AND_CONSTANTS
def test_prior_is_equation_4() -> None:
    """A row's -log2 prior is that of normal densities, up to the constant at w = 0."""
    config = Config(features=3)
    multiplier, shift = Formats(config).prior_constants
    codes = [40, -77, 5]
    w_us = np.array(codes) * 0.5
    exact = np.sum(w_us**2) / (2 * 20.0**2) * math.log2(math.e) * 256
    assert (sum(c * c for c in codes) * multiplier) >> shift == pytest.approx(exact, rel=1 / 256, abs=1)


@TABLES_AND_CONSTANTS
def test_a_prior_too_narrow_for_its_read_step_is_refused() -> None:
    with pytest.raises(InputError) as error:
        _ = Formats(Config(prior_sigma_us=0.5, read_range_us=1000.0)).prior_constants
    assert str(error.value) == "prior_sigma_us must be wider for a read step of 3.906 uS, not 0.5"


@FORMATS
def test_steps_by_hand() -> None:
    """128 uS / 256; 0.4 V / 127; 0.5 / 0.001 * 1000 nS/uS * 127 / 4 / 128 = 124023.4."""
    formats = Formats(Config())
    assert formats.read_step_ns == 500
    assert formats.input_step_v == 0.4 / 127
    assert formats.eval_step == 124_023


@FORMATS
@pytest.mark.parametrize("value", [-100.0, -4.0, -1.234, 0.0, 0.0157, 2.5, 4.0, 1e9])
def test_input_code_is_nearest_and_clips(value: float) -> None:
    code = Formats(Config()).input_code(value)
    assert -127 <= code <= 127
    assert abs(code - max(-127.0, min(127.0, value * 127 / 4))) <= 0.5


@FORMATS
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_samples_pack_and_unpack(data: st.DataObject) -> None:
    config = Config(
        features=data.draw(st.integers(1, 32)),
        outputs=data.draw(st.integers(1, 16)),
        input_bits=data.draw(st.integers(2, 12)),
    )
    formats, half = Formats(config), 2 ** (config.input_bits - 1)
    codes = data.draw(st.lists(st.integers(-half, half - 1), min_size=config.features, max_size=config.features))
    label = data.draw(st.integers(0, max(1, config.outputs - 1)))
    word = formats.pack_sample(codes, label)
    assert 0 <= word < 2**formats.sample_word_bits
    assert formats.unpack_inputs(word) == codes
    assert word >> formats.inputs_bits == label


@FORMATS
def test_a_packed_word_by_hand() -> None:
    formats = Formats(Config(features=3, input_bits=4))
    assert formats.pack_sample([1, -1, -8], 1) == 0b1_1000_1111_0001


@FORMATS
@pytest.mark.parametrize("config", VARIANTS)
def test_widths_hold_their_extremes(config: Config) -> None:
    """Each accumulator at its largest content fits, and would not with one bit less where it is tight."""
    formats, c = Formats(config), config
    entry = 2**formats.likelihood_bits - 1
    assert formats.sample_capacity * c.outputs * entry < 2**formats.sum_bits
    assert formats.pairs * (2**c.read_bits - 1) ** 2 < 2**formats.square_bits
    assert formats.pairs * (2**c.read_bits - 1) ** 2 >= 2 ** (formats.square_bits - 1)
    counters = formats.row_capacity * (2**c.counter_bits - 1)
    assert 2 ** (formats.total_bits - 1) <= counters < 2**formats.total_bits
    largest = ((2**formats.square_bits - 1) * 255) + 2**formats.sum_bits - 1
    assert largest < 2**formats.cost_bits


def response_extremes(config: Config) -> tuple[int, int]:
    """Lowest and highest response sum: every row at the largest counter with the extreme entry of any table."""
    rows = 256
    while rows < config.rows:
        rows *= 2
    counts = sum(2**bit for bit in range(config.counter_bits)) * rows
    entries = range(-(2 ** (config.response_bits - 1)), 2 ** (config.response_bits - 1))
    return counts * entries[0], counts * entries[-1]


def random_formats(seed: int, number: int) -> list[Formats]:
    """Formats over all legal widths of counters and responses, the smallest and largest together, rewards or not."""
    rng, found = random.Random(seed), []
    for _ in range(number):
        rewards = rng.random() < 0.5
        keys: dict[str, Any] = dict(rows=rng.choice((2, 256, 257, rng.randint(2, 16384), 16384)), burn_in=0)
        keys |= dict(counter_bits=rng.choice((1, 2, rng.randint(1, 16), 16)))
        keys |= dict(
            response_bits=rng.choice((2, 3, rng.randint(2, 12), 12)), adc_bits=12, table_bits=rng.randint(2, 12)
        )
        of_rewards = dict(acceptance="reward", outputs=2, train_samples=1, test_samples=1)
        found.append(Formats(Config(**keys, **(of_rewards if rewards else {}))))
    return found


@NO_SUM_WRAPS
def test_no_response_sum_wraps(seed: int) -> None:
    """Whatever table a host loads; and one bit less would not do."""
    for formats in random_formats(seed, 400):
        lowest, highest = response_extremes(formats.config)
        half = 2 ** (formats.response_sum_bits - 1)
        note = formats.config.response_bits, formats.config.counter_bits, formats.config.rows
        assert -half <= lowest and highest < half, note
        assert lowest < -half // 2, note


@NO_SUM_WRAPS
def test_every_response_table_fits_its_entries(seed: int) -> None:
    for formats in random_formats(seed, 60):
        half = 2 ** (formats.config.response_bits - 1)
        assert -half <= min(formats.response_table) and max(formats.response_table) < half
        if formats.rewards:
            assert min(formats.response_table) == -half, "a linear response reaches the lowest entry"


@FORMATS
def test_memories_share_their_depth_among_small_runs() -> None:
    depths = [(Formats(Config(rows=rows)).row_capacity) for rows in (64, 256, 257, 2048)]
    assert depths == [256, 256, 512, 2048]
    assert Formats(Config(rows=64)).row_bits == 8
    assert Formats(Config(train_samples=900, test_samples=200)).sample_capacity == 2048


@FORMATS
def test_bits_for_and_power_of_two(seed: int) -> None:
    assert [bits_for(value) for value in (0, 1, 2, 3, 4, 255, 256)] == [1, 1, 2, 2, 3, 8, 9]
    assert [power_of_two(value) for value in (1, 2, 3, 4, 5, 1000)] == [1, 2, 4, 4, 8, 1024]
    rng = random.Random(seed)
    for _ in range(200):
        value = rng.getrandbits(rng.randint(1, 40)) + 1
        assert power_of_two(value) // 2 < value <= power_of_two(value)
