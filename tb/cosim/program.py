"""What the host tells the chip: memory contents and settings as (address, word) pairs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import HASTINGS_MULTIPLIER_BITS, HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import (
    LAW_INDEX,
    SHIFT_INDEX,
    Command,
    Setting,
    Space,
    address,
    sample_lane_bits,
    sample_lanes,
    setting_limits,
    settings,
    strobe_limits,
)
from oxmc.pymodels.job import Job, Stored
from oxmc.pymodels.oxram.devices import load_card, lut_table
from oxmc.pymodels.streams import lfsr_seed

Word = tuple[int, int]
WORD_MASK = 2**HOST_WORD_BITS - 1


def lut_codes(formats: Formats) -> list[int]:
    """The gate LUT: the read code of the card's median conductance at each gate code."""
    config = formats.config
    median_ns = lut_table(load_card(config.card), config).median_ns
    top = 2**config.read_bits - 1
    return [min(int(ns) // formats.read_step_ns, top) for ns in median_ns]


def setting(register: Setting, value: int) -> Word:
    return address(Space.SETTINGS, register), int(value)


def checked_setting(formats: Formats, register: Setting, value: int) -> Word:
    """The word that sets a register. Raises `InputError` for a value that the chip would refuse."""
    strobes = {strobe: (0, high) for strobe, high in strobe_limits(formats).items()}
    limits = (setting_limits(formats) | strobes).get(register)
    if limits is None:
        raise InputError(f"{register.name} must be a setting of this chip, which has it only where its option is built")
    low, high = limits
    if not low <= value <= high:
        raise InputError(f"{register.name} must be from {low} to {high}, not {value}")
    return setting(register, value)


def command(value: Command) -> Word:
    return setting(Setting.COMMAND, value)


def commands(config: Config, *, adapts: bool = False) -> list[Command]:
    """What the host starts after loading, in order; the commands of episodes come one by one (`tb.cosim.episodes`)."""
    ahead = [Command.FORM] * config.form + [Command.AUTO_ZERO] * (config.auto_zero_bits > 0)
    ahead += [Command.CALIBRATE] * config.calibrate
    train = Command.ADAPT if adapts else Command.TRAIN
    run = [] if config.acceptance == "reward" else [train, Command.INFER]
    return [*ahead, Command.BUILD_MAP, *run]


def load_words(
    formats: Formats, codes: np.ndarray, labels: np.ndarray, lfsr_state: int, stored: Stored | None = None
) -> list[Word]:
    """Everything a training and its inference need, ahead of the code map's build; of an adaptation counters, too.

    `codes` int64 [train + test, features] are input DAC codes, training points first; `labels` int64 [train + test].
    """
    counters = [] if stored is None else stored.counters.tolist()
    return [
        *_tables(formats),
        *_samples(formats, codes, labels),
        *_settings(formats, lfsr_state),
        *((address(Space.COUNTERS, row), count) for row, count in enumerate(counters)),
    ]


def job_words(job: Job) -> list[Word]:
    """`load_words` of a job."""
    number = 0 if job.stored is None else job.stored.number
    seed = lfsr_seed(job.seed, job.config.lfsr_bits, number)
    return load_words(Formats(job.config), job.codes, job.labels, seed, job.stored)


def job_commands(job: Job) -> list[Command]:
    """`commands` of a job."""
    return commands(job.config, adapts=job.stored is not None)


def fixed_words(formats: Formats) -> list[Word]:
    """Tables and settings: what every training of a configuration needs, whatever its points and its seed."""
    return [*_tables(formats), *_values(formats)]


def load_word_count(formats: Formats, samples: int, *, adapts: bool = False) -> int:
    """How many `load_words` are for that many samples, training and test: all that an engine without a host asks."""
    return _fixed_word_count(formats) + samples * sample_lanes(formats) + adapts * formats.config.rows


@lru_cache(maxsize=64)
def _fixed_word_count(formats: Formats) -> int:
    return sum(1 for words in (_tables(formats), _settings(formats, 1)) for _ in words)


def _tables(formats: Formats) -> Iterator[Word]:
    contents = {
        Space.LUT: lut_codes(formats),
        **({} if formats.rewards else {Space.LIKELIHOOD: formats.likelihood_table}),
        Space.RESPONSE: formats.response_table,
    }
    if formats.config.hidden:
        contents[Space.ACTIVATION] = formats.activation_table
    for space, values in contents.items():
        for index, value in enumerate(values):
            yield address(space, index), value & WORD_MASK
    if formats.config.hastings:
        yield from _law(formats)


def _law(formats: Formats) -> Iterator[Word]:
    """The gate codes' law, packed as `Formats.law_bits`, and its shift."""
    from oxmc.pymodels.twin.hastings import law_of

    law = law_of(formats.config)
    for gate, (median, precision, log_sd) in enumerate(zip(*(part.tolist() for part in law[:3]), strict=True)):
        word = median | (precision | log_sd << HASTINGS_MULTIPLIER_BITS) << formats.law_median_bits
        for lane in range(-(-formats.law_bits // HOST_WORD_BITS)):
            yield address(Space.LUT, LAW_INDEX + 2 * gate + lane), word >> (HOST_WORD_BITS * lane) & WORD_MASK
    yield address(Space.LUT, SHIFT_INDEX), law.shift


def observation_words(formats: Formats, sample: int, codes: list[int]) -> list[Word]:
    """One observation into the sample memory: sample 0 is training's, sample 1 the test's."""
    word, lane_bits = formats.pack_sample(codes, 0), sample_lane_bits(formats)
    return [
        (address(Space.SAMPLES, sample << lane_bits | lane), word >> (HOST_WORD_BITS * lane) & WORD_MASK)
        for lane in range(sample_lanes(formats))
    ]


def _samples(formats: Formats, codes: np.ndarray, labels: np.ndarray) -> Iterator[Word]:
    if formats.rewards:  # observations come one by one
        return
    lane_bits = sample_lane_bits(formats)
    for index, words in enumerate(_packed(formats, codes, labels).tolist()):
        for lane, word in enumerate(words):
            yield address(Space.SAMPLES, index << lane_bits | lane), word


def _packed(formats: Formats, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`Formats.pack_sample` of all samples at once, host words uint32 [n, lanes]."""
    bits = np.zeros((len(codes), sample_lanes(formats) * HOST_WORD_BITS), np.uint8)
    width, label_at = formats.config.input_bits, formats.inputs_bits + np.arange(formats.label_bits)
    fields = codes[:, :, None] >> np.arange(width) & 1
    bits[:, : fields[0].size] = fields.reshape(len(codes), -1)
    bits[:, label_at] = labels[:, None] >> np.arange(formats.label_bits) & 1
    return np.packbits(bits, axis=1, bitorder="little").view("<u4")


def _values(formats: Formats) -> Iterator[Word]:
    for register, limits in settings(formats).items():
        yield checked_setting(formats, register, limits.value())


def _settings(formats: Formats, lfsr_state: int) -> Iterator[Word]:
    yield from _values(formats)
    yield setting(Setting.SEED_LOW, lfsr_state & WORD_MASK)
    if formats.config.lfsr_bits > HOST_WORD_BITS:
        yield setting(Setting.SEED_HIGH, lfsr_state >> HOST_WORD_BITS)
