"""What the chip's surroundings must know of it, in plain numbers: the host's address map, the fields of a decision.

Nothing here needs Amaranth, so that a run whose simulation is built does without it.
"""

from __future__ import annotations

import enum

from pymodels.fixed import HOST_WORD_BITS, PRIOR_MULTIPLIER_BITS, PRIOR_SHIFT_BITS, Formats

INDEX_BITS = 20
SPACE_BITS = 3
ADDRESS_BITS = INDEX_BITS + SPACE_BITS
PROPOSAL_BITS = 24
TRIES_BITS = 6
STREAK_BITS = 8


class Space(enum.IntEnum):
    """Upper address bits: what a host word goes to; the lower ones index it."""

    SETTINGS = 0
    STATUS = 1
    COUNTERS = 2
    LUT = 3
    LIKELIHOOD = 4
    RESPONSE = 5
    SAMPLES = 6
    ACTIVATION = 7


class Setting(enum.IntEnum):
    """Registers of `Space.SETTINGS`, write only."""

    COMMAND = 0
    LAST_ROW = 1
    LAST_SAMPLE = 2
    LAST_TEST = 3
    BURN_IN = 4
    MAX_PROPOSALS = 5
    PRIOR_MULTIPLIER = 6
    PRIOR_SHIFT = 7
    SEED_LOW = 8
    SEED_HIGH = 9
    VERIFY_WINDOW = 10
    VERIFY_TRIES = 11
    COMMON_MODE = 12
    REJECT_LIMIT = 13
    HARD_ABOVE = 14
    CONDITION_CYCLES = 15
    CALIBRATION_LAST_ROW = 16
    REWARD_EXPONENT = 17
    LOG2_KAPPA = 18
    FIRST_GATE = 19


class Command(enum.IntEnum):
    """Values written to `Setting.COMMAND`; STEP and DONE while the chip waits in an episode."""

    BUILD_MAP = 1
    TRAIN = 2
    INFER = 3
    FORM = 4
    CALIBRATE = 5
    STEP = 6
    DONE = 7


class Status(enum.IntEnum):
    """Registers of `Space.STATUS`, read only."""

    LAST_ROW = 0
    PROPOSALS = 1
    CLAMPS = 2
    LOST_COUNTS = 3
    TOTAL_COUNTS = 4
    CURRENT_COST = 5
    SKIPPED = 6


def address(space: Space, index: int) -> int:
    """Host address of word `index` of a space."""
    return int(space) << INDEX_BITS | int(index)


def sample_lanes(formats: Formats) -> int:
    """Host words of one sample memory word."""
    return -(-formats.sample_word_bits // HOST_WORD_BITS)


def sample_lane_bits(formats: Formats) -> int:
    """Address bits that select the lane; a sample takes a power of two of host words."""
    return (sample_lanes(formats) - 1).bit_length()


def setting_widths(formats: Formats) -> dict[Setting, int]:
    """Width of each register that holds a setting; those of chain options exist where the option is built in."""
    config = formats.config
    options = {
        Setting.VERIFY_WINDOW: config.read_bits if config.verify != "off" else 0,
        Setting.VERIFY_TRIES: TRIES_BITS if config.verify != "off" else 0,
        Setting.COMMON_MODE: config.read_bits if config.verify == "pair" else 0,
        Setting.REJECT_LIMIT: STREAK_BITS if config.reject_limit else 0,
        Setting.HARD_ABOVE: formats.likelihood_bits if config.sample_order == "hard_first" else 0,
        Setting.CONDITION_CYCLES: formats.condition_bits if config.form else 0,
        Setting.CALIBRATION_LAST_ROW: formats.row_bits if config.calibrate else 0,
        Setting.REWARD_EXPONENT: formats.exponent_bits if formats.rewards else 0,
        Setting.LOG2_KAPPA: formats.kappa_bits if formats.rewards else 0,
        Setting.FIRST_GATE: formats.gate_bits if config.init in ("highest", "prior_mean") else 0,
    }
    return {
        Setting.LAST_ROW: formats.row_bits,
        Setting.LAST_SAMPLE: formats.sample_bits,
        Setting.LAST_TEST: formats.sample_bits,
        Setting.BURN_IN: formats.row_bits,
        Setting.MAX_PROPOSALS: PROPOSAL_BITS,
        Setting.PRIOR_MULTIPLIER: PRIOR_MULTIPLIER_BITS,
        Setting.PRIOR_SHIFT: PRIOR_SHIFT_BITS,
        **{setting: width for setting, width in options.items() if width},
    }


def built_commands(formats: Formats) -> tuple[Command, ...]:
    """Commands of a chip: those of episodes exist where it learns from rewards."""
    of_episodes = (Command.STEP, Command.DONE)
    return tuple(command for command in Command if formats.rewards or command not in of_episodes)


LAW_INDEX = 256
"""The words of a gate code's law stand from here on in `Space.LUT`: two addresses a gate code, the lower lane first."""
SHIFT_INDEX = 512
"""Index in `Space.LUT` of the shift that is common to all precisions."""


def decision_widths(formats: Formats) -> dict[str, int]:
    """What an observer of the chain sees of one proposal, in the cycle of its decision: bits of each field, lowest
    first; costs are in fixed point."""
    return {
        "accepted": 1,
        "row": formats.row_bits,
        "current_row": formats.row_bits,
        "counter": formats.config.counter_bits,
        "prior": formats.prior_bits,
        "neg_log2_u": formats.log_u_bits,
        "current_cost": formats.cost_bits,
        "likelihood": formats.sum_bits,
        **({"hastings": formats.hastings_bits} if formats.config.hastings else {}),
    }
