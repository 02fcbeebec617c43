"""What the host writes, read back from the words by the documented address map alone."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import INDEX_BITS, Setting, Space, memory_words, setting_limits, strobe_limits
from oxmc.pymodels.oxram.devices import gate_table, load_card
from oxmc.tb.cosim.program import checked_setting, command, load_word_count, load_words, lut_codes

HOST_PROGRAM_REFUSES = pytest.mark.testpoint(
    "host program refuses",
    "settings that the chip would refuse, in one line; every word of a program fits the chip",
)
HOST_WORDS = pytest.mark.testpoint(
    "host words",
    "samples, settings, tables and LUT read back from the words by the address map alone; their number",
)

SETTINGS, LUT, LIKELIHOOD, RESPONSE, SAMPLES = 0, 3, 4, 5, 6
WIDE = Config(
    rows=9, features=7, outputs=3, input_bits=10, train_samples=4, test_samples=2, burn_in=2, lfsr_bits=40,
    max_proposals=77, prior_sigma_us=9.0, card="4k",
)  # fmt: skip
NARROW = Config(rows=300, features=2, input_bits=3, train_samples=3, test_samples=1, gate_codes=5, table_bits=3)


def program(config: Config, codes: np.ndarray, labels: np.ndarray, lfsr_seed: int = 0) -> dict[int, dict[int, int]]:
    """Words by address space (bits 20 to 22) and index; none written twice, none wider than the port."""
    spaces: dict[int, dict[int, int]] = defaultdict(dict)
    for address, word in load_words(Formats(config), codes, labels, lfsr_seed):
        space, index = divmod(address, 2**20)
        assert index not in spaces[space] and 0 <= word < 2**32
        spaces[space][index] = word
    return spaces


def random_samples(config: Config, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    top, count = 2 ** (config.input_bits - 1) - 1, config.train_samples + config.test_samples
    codes = rng.integers(-top, top + 1, (count, config.features))
    codes[0], codes[1] = top, -top
    return codes, rng.integers(0, max(2, config.outputs), count)


@HOST_WORDS
@pytest.mark.parametrize("config", [WIDE, NARROW])
def test_samples(config: Config, seed: int) -> None:
    """Lanes of 32 bits, lowest first, a power of two of addresses a sample: features, then the label, on top."""
    codes, labels = random_samples(config, seed)
    found = program(config, codes, labels)[SAMPLES]
    bits = config.features * config.input_bits + (2 if config.outputs == 3 else 1)
    lanes = -(-bits // 32)
    assert lanes == (3 if config is WIDE else 1)
    stride = 4 if config is WIDE else 1
    assert sorted(found) == [sample * stride + lane for sample in range(len(codes)) for lane in range(lanes)]
    for sample, (row, label) in enumerate(zip(codes.tolist(), labels.tolist(), strict=True)):
        text = "".join(f"{found[sample * stride + lane]:032b}" for lane in reversed(range(lanes)))
        word = int(text, 2)
        for code in row:
            assert word % 2**config.input_bits == code % 2**config.input_bits
            word >>= config.input_bits
        assert word == label


@HOST_WORDS
@pytest.mark.parametrize("config", [WIDE, NARROW, WIDE.replace(verify="pair"), NARROW.replace(reject_limit=3)])
def test_word_count(config: Config, seed: int) -> None:
    codes, labels = random_samples(config, seed)
    assert load_word_count(Formats(config), len(codes)) == len(load_words(Formats(config), codes, labels, 1))


@HOST_PROGRAM_REFUSES
@pytest.mark.parametrize(
    ("register", "value", "message"),
    [
        (Setting.MAX_PROPOSALS, 1 << 24, "MAX_PROPOSALS must be from 1 to 16777215, not 16777216"),
        (Setting.MAX_PROPOSALS, 0, "MAX_PROPOSALS must be from 1 to 16777215, not 0"),
        (Setting.LAST_ROW, 256, "LAST_ROW must be from 0 to 255, not 256"),
        (Setting.BURN_IN, -1, "BURN_IN must be from 0 to 255, not -1"),
        (Setting.FIRST_GATE, 21, "FIRST_GATE must be from 0 to 20, not 21"),
        (Setting.REJECT_LIMIT, 1, "REJECT_LIMIT must be a setting of this chip"),
    ],
)
def test_a_host_program_refuses_what_the_chip_would(register: Setting, value: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_setting(Formats(Config(init="highest")), register, value)


@HOST_PROGRAM_REFUSES
def test_a_common_mode_above_every_read_code_is_refused() -> None:
    """Not cut to the register's width, on any engine."""
    pairs = Config(verify="pair", common_mode_us=127.0)
    assert Formats(pairs).common_mode == 254
    with pytest.raises(InputError, match="common_mode_us must be at most 127.5 uS, the highest read code, not 200"):
        _ = Formats(pairs.replace(common_mode_us=200.0)).common_mode


CHIPS = {
    "wide": WIDE,
    "narrow": NARROW,
    "all": Config(
        rows=9, train_samples=4, test_samples=2, verify="pair", sample_order="hard_first", reject_limit=255,
        form=True, calibrate=True, hidden=2, burn_in=0,
    ),
    "law": NARROW.replace(hastings=True, read_bits=4, log_fraction_bits=4, init="highest"),
    "rewards": preset("cartpole", "wide"),
}  # fmt: skip


@HOST_PROGRAM_REFUSES
@pytest.mark.parametrize("chip", CHIPS)
def test_every_word_of_a_program_fits_the_chip(chip: str, seed: int) -> None:
    """By the limits that the chip is built from; one bit more of an entry is one too many."""
    config = CHIPS[chip]
    formats = Formats(config)
    codes, labels = random_samples(config, seed)
    limits = setting_limits(formats) | {register: (0, top) for register, top in strobe_limits(formats).items()}
    memories, samples = memory_words(formats), 0
    for where, word in load_words(formats, codes, labels, 2**config.lfsr_bits - 1):
        space, index = Space(where >> INDEX_BITS), where & 2**INDEX_BITS - 1
        if space == Space.SETTINGS:
            low, high = limits[Setting(index)]
            assert low <= word <= high, Setting(index).name
            continue
        (part,) = [p for p in memories[space] if p.first <= index < p.first + p.depth * p.stride]
        lane = (index - part.first) % part.stride
        assert lane < part.lanes
        bits = part.top_width if lane == part.lanes - 1 else 32
        value = word - (word >> 31 << 32) if part.signed else word
        assert -(2 ** (bits - 1)) * part.signed <= value < 2 ** (bits - part.signed), (space.name, index)
        samples += space == Space.SAMPLES
    assert samples or formats.rewards


@HOST_WORDS
def test_settings() -> None:
    """By register number; the seed in two words where the LFSR is wider than the port."""
    codes, labels = random_samples(WIDE, 0)
    multiplier, shift = Formats(WIDE).prior_constants
    found = program(WIDE, codes, labels, 0xAB_1234_5678)[SETTINGS]
    assert found == {1: 8, 2: 3, 3: 5, 4: 2, 5: 77, 6: multiplier, 7: shift, 8: 0x1234_5678, 9: 0xAB}
    codes, labels = random_samples(NARROW, 0)
    found = program(NARROW, codes, labels, 0x1234_5678)[SETTINGS]
    assert (found[1], found[8], 9 in found) == (299, 0x1234_5678, False)
    assert command(2) == (0, 2)  # type: ignore[arg-type]


@HOST_WORDS
@pytest.mark.parametrize("config", [WIDE, NARROW])
def test_tables(config: Config) -> None:
    """Whole tables in order; negative responses in 32-bit two's complement."""
    codes, labels = random_samples(config, 0)
    found = program(config, codes, labels)
    formats = Formats(config)
    for space, table in ((LIKELIHOOD, formats.likelihood_table), (RESPONSE, formats.response_table)):
        assert list(found[space]) == list(range(2**config.table_bits))
        signed = [word - 2**32 if word >= 2**31 else word for word in found[space].values()]
        assert tuple(signed) == table
    assert min(formats.response_table) < 0 <= min(formats.likelihood_table)
    assert list(found[LUT].values()) == lut_codes(formats) and list(found[LUT]) == list(range(config.gate_codes))


@HOST_WORDS
@pytest.mark.parametrize("card", ["16k", "4k"])
def test_lut(card: str) -> None:
    """The read code of each median, in rising order, and clipped where the read range is too small."""
    config = Config(card=card)
    medians = gate_table(load_card(card), config.gate_codes).median_ns
    assert lut_codes(Formats(config)) == [int(ns / 500) for ns in medians]  # 128 uS in 256 codes are 0.5 uS a code
    assert lut_codes(Formats(config)) == sorted(lut_codes(Formats(config)))
    small = lut_codes(Formats(config.replace(read_range_us=40.0)))
    assert max(small) == 255
