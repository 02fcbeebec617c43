"""What the chip's surroundings must know of it, in plain numbers: the host's address map, the fields of a decision.

Nothing here needs Amaranth, so that a run whose simulation is built does without it.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from oxmc.pymodels.formats import (
    HASTINGS_SHIFT_BITS,
    HOST_WORD_BITS,
    PRIOR_MULTIPLIER_BITS,
    PRIOR_SHIFT_BITS,
    Formats,
)
from oxmc.pymodels.oxram.devices import first_gate

INDEX_BITS = 20
SPACE_BITS = 3
ADDRESS_BITS = INDEX_BITS + SPACE_BITS
PROPOSAL_BITS = 24
TRIES_BITS = 6
STREAK_BITS = 8
TEMPER_BITS = 3


class ArrayOp(enum.Enum):
    """Command on the array port, on one cell (FORM, READ), a group (SET), masked cells (RESET), a segment (EVAL)."""

    IDLE = 0
    FORM = 1
    RESET = 2
    SET = 3
    READ = 4
    EVAL = 5


class Space(enum.IntEnum):
    """Upper address bits: what a host word goes to; the lower ones index it."""

    SETTINGS = 0  # settings and commands
    STATUS = 1  # what the chip does and has done
    COUNTERS = 2  # counter of each row
    LUT = 3  # read code that each gate code gives
    LIKELIHOOD = 4  # table of -log2 likelihoods
    RESPONSE = 5  # table of responses
    SAMPLES = 6  # points, several words each
    ACTIVATION = 7  # table of sigmoids


class Setting(enum.IntEnum):
    """Registers of `Space.SETTINGS`, write only; docs/reference/ports.md has their widths and values."""

    COMMAND = 0  # starts what `Command` names
    LAST_ROW = 1  # last row of a training: rows - 1
    LAST_SAMPLE = 2  # number of the last training point
    LAST_TEST = 3  # number of the last test point; these follow the training's
    BURN_IN = 4  # first row that votes
    MAX_PROPOSALS = 5  # proposals after which a training ends
    PRIOR_MULTIPLIER = 6  # 1 / (2 sigma^2 ln 2), of read codes, as an integer
    PRIOR_SHIFT = 7  # places by which the prior's product is shifted right
    SEED_LOW = 8  # low word of the LFSR's seed
    SEED_HIGH = 9  # its high word
    VERIFY_WINDOW = 10  # how far a verified cell or pair may be from its target, in read codes
    VERIFY_TRIES = 11  # repeats that a verified cell or pair may have
    COMMON_MODE = 12  # mean of a pair's two conductances, as a read code
    REJECT_LIMIT = 13  # rejections after which a row is skipped; 0: never
    HARD_ABOVE = 14  # -log2 likelihood above which a sample is hard, in 2^-log_fraction_bits
    CONDITION_CYCLES = 15  # conditioning cycles of each row after its forming
    CALIBRATION_LAST_ROW = 16  # last row that a calibration uses
    REWARD_EXPONENT = 17  # power that a reward is raised to, in 1/16
    LOG2_KAPPA = 18  # log2 kappa, in 2^-log_fraction_bits
    FIRST_GATE = 19  # gate code of row 0
    CLEAR_ERRORS = 20  # bits of ERRORS that are cleared
    TEMPER = 21  # bits by which the likelihood's cost is shifted right
    START_ROW = 22  # stored row that an adaptation goes on from
    STOP_ROW = 23  # last row that it fills; START_ROW: none


class Command(enum.IntEnum):
    """Values written to `Setting.COMMAND`; STEP and DONE while the chip waits in an episode, ABORT at any time.

    docs/reference/ports.md has what each does.
    """

    BUILD_MAP = 1  # builds the code map from the LUT
    TRAIN = 2  # runs a training
    INFER = 3  # classifies the test points
    FORM = 4  # forms and conditions the array
    CALIBRATE = 5  # measures the LUT on the array
    STEP = 6  # the next observation of an episode stands in sample 0
    DONE = 7  # the episode is over
    ABORT = 8  # stops what runs
    AUTO_ZERO = 9  # searches the trim of the array's front end
    ADAPT = 10  # goes on with a training, from a stored row


class Status(enum.IntEnum):
    """Registers of `Space.STATUS`, read only and at any time."""

    LAST_ROW = 0  # current row of the last training
    PROPOSALS = 1  # proposals decided in the last training
    CLAMPS = 2  # cells SET in the last training at a clamped gate code
    LOST_COUNTS = 3  # counts that saturated counters lost
    TOTAL_COUNTS = 4  # sum of the counters that voted in the last INFER
    CURRENT_COST = 5  # -log2 posterior of the current row, in 2^-log_fraction_bits, lower 32 bits
    SKIPPED = 6  # rows that were skipped
    STATE = 7  # what the chip does, as bits of `State`
    ERRORS = 8  # what went wrong, as bits of `Error`
    ROW = 9  # row that is worked on
    CURRENT_COST_HIGH = 10  # the other bits of CURRENT_COST


class State(enum.IntEnum):
    """Bits of `Status.STATE`; from PHASE on, the index into `events.PHASES` of what the chip does."""

    BUSY = 0  # the chip works, or waits in an episode
    WAITING = 1  # an episode waits for STEP or DONE
    ABORTED = 2  # with BUSY it is being stopped, else the last command was
    MAPPED = 3  # the code map is that of the LUT as it stands
    TRAINED = 4  # the rows up to LAST_ROW can vote
    PHASE = 8  # what the chip does


class Error(enum.IntEnum):
    """Bits of `Status.ERRORS`: what was refused, each transfer by one of them, and an upset that was mended."""

    COMMAND = 0  # a word in COMMAND that is no command of this chip
    ADDRESS = 1  # an address that does not exist, or not for this access
    VALUE = 2  # a value that does not fit
    BUSY = 3  # what a busy chip does not take
    PROTOCOL = 4  # a command out of turn, a read that was not held
    STATE = 5  # a state machine was in a state that does not exist, or a bit had flipped (key `parity`)


PORT_INDEX = 1 << (INDEX_BITS - 1)
"""The registers of `Port` stand from here on in `Space.SETTINGS`; a chip without a bus has none of them."""
IDENTITY = 0x4F584D43
"""What `Port.ID` reads as: the letters OXMC."""


class Port(enum.IntEnum):
    """Registers of a chip behind a bus, from `PORT_INDEX` on; all but IRQ_ENABLE are read only."""

    ID = 0  # 0x4f584d43, the letters OXMC
    VERSION = 1  # version of oxmc that made the chip: major, minor and patch, a byte each, patch lowest
    SHAPE = 2  # outputs, hidden neurons and features as built
    ROWS = 3  # rows of the array as built
    SAMPLES = 4  # points that the sample memory holds
    CODES = 5  # bits of input, read and table codes and of the LFSR as built
    GATES = 6  # gate codes as built
    COMMANDS = 7  # commands that the chip has, bit n for command n
    CLOCK_HZ = 8  # clock in Hz that the pulses' cycles were built for
    IRQ_ENABLE = 9  # bits of IRQ_STATUS that raise the interrupt
    IRQ_STATUS = 10  # what there is to be served
    RESULT_SUM = 11  # signed sum of the oldest result, lower 32 bits; 0 without one
    RESULT_SUM_HIGH = 12  # its other bits, the sign extended
    RESULT = 13  # the rest of the oldest result, which a read takes out of the queue; 0 without one
    RESULT_COUNT = 14  # results that wait


class Irq(enum.IntEnum):
    """Bits of `Port.IRQ_ENABLE` and `Port.IRQ_STATUS`: levels, each there as long as its cause."""

    ERROR = 0  # ERRORS is not 0
    IDLE = 1  # no command runs
    WAITING = 2  # an episode waits for STEP or DONE
    RESULT = 3  # a result waits


class ResultBit(enum.IntEnum):
    """Bits of `Port.RESULT` above the winner."""

    LAST = 30  # the result is its point's last: the winner is the class
    VALID = 31  # there was a result


def meanings(names: type[enum.IntEnum]) -> dict[str, str]:
    """The comment beside each member of an enumeration of the address map."""
    return dict(re.findall(r"^    (\w+) = \d+  # (.*)$", inspect.getsource(names), re.M))


def address(space: Space, index: int) -> int:
    """Host address of word `index` of a space."""
    return int(space) << INDEX_BITS | int(index)


def sample_lanes(formats: Formats) -> int:
    """Host words of one sample memory word."""
    return -(-formats.sample_word_bits // HOST_WORD_BITS)


def sample_lane_bits(formats: Formats) -> int:
    """Address bits that select the lane; a sample takes a power of two of host words."""
    return (sample_lanes(formats) - 1).bit_length()


@dataclasses.dataclass(frozen=True)
class Words:
    """Writable words of a space: `depth` entries of `width` bits from index `first` on, `stride` addresses each.

    An entry wider than a host word takes one address a lane of 32 bits, the lowest first; what is left of the stride
    does not exist. Signed entries are written sign-extended.
    """

    first: int
    depth: int
    width: int
    stride: int = 1
    signed: bool = False

    @property
    def lanes(self) -> int:
        return -(-self.width // HOST_WORD_BITS)

    @property
    def top_width(self) -> int:
        """Bits of the highest lane."""
        return self.width - HOST_WORD_BITS * (self.lanes - 1)


def memory_words(formats: Formats) -> dict[Space, tuple[Words, ...]]:
    """What each memory of a chip takes from the host."""
    config = formats.config
    bins = 2**config.table_bits
    law = (
        Words(LAW_INDEX, config.gate_codes, formats.law_bits, stride=2),
        Words(SHIFT_INDEX, 1, HASTINGS_SHIFT_BITS),
    )
    likelihood = {Space.LIKELIHOOD: (Words(0, bins, formats.likelihood_bits),)}
    return {
        Space.LUT: (Words(0, config.gate_codes, config.read_bits), *(law if config.hastings else ())),
        **({} if formats.rewards else likelihood),
        Space.RESPONSE: (Words(0, formats.response_bins, config.response_bits, signed=not formats.softmax),),
        Space.SAMPLES: (
            Words(0, formats.sample_capacity, formats.sample_word_bits, stride=1 << sample_lane_bits(formats)),
        ),
        **({Space.ACTIVATION: (Words(0, bins, formats.activation_bits),)} if config.hidden else {}),
        **({Space.COUNTERS: (Words(0, formats.row_capacity, config.counter_bits),)} if config.ring else {}),
    }


class Register(NamedTuple):
    """A setting of the host: its largest value, what a training sets it to, whether a chip has it, its smallest value.

    Its width is that of `high`.
    """

    high: int
    value: Callable[[], int]
    built: bool = True
    low: int = 0


def settings(formats: Formats) -> dict[Setting, Register]:
    """Each register that holds a setting, as far as it is built: those of options are where the option is."""
    config = formats.config
    rows, samples = formats.row_capacity - 1, formats.sample_capacity - 1

    def top(width: int) -> int:
        return 2**width - 1

    codes = top(config.read_bits)
    multiplier, shift = (lambda: formats.prior_constants[0]), (lambda: formats.prior_constants[1])
    verifies, pairs = config.verify != "off", config.verify == "pair"
    table = {
        Setting.LAST_ROW: Register(rows, lambda: config.rows - 1),
        Setting.LAST_SAMPLE: Register(samples, lambda: config.train_samples - 1),
        Setting.LAST_TEST: Register(samples, lambda: config.train_samples + config.test_samples - 1),
        Setting.BURN_IN: Register(rows, lambda: config.burn_in),
        Setting.MAX_PROPOSALS: Register(top(PROPOSAL_BITS), lambda: config.max_proposals, low=1),
        Setting.PRIOR_MULTIPLIER: Register(top(PRIOR_MULTIPLIER_BITS), multiplier),
        Setting.PRIOR_SHIFT: Register(top(PRIOR_SHIFT_BITS), shift),
        Setting.VERIFY_WINDOW: Register(codes, lambda: min(formats.verify_window, codes), verifies),
        Setting.VERIFY_TRIES: Register(top(TRIES_BITS), lambda: config.verify_tries, verifies),
        Setting.COMMON_MODE: Register(codes, lambda: formats.common_mode, pairs),
        Setting.REJECT_LIMIT: Register(top(STREAK_BITS), lambda: config.reject_limit, config.reject_limit > 0),
        Setting.HARD_ABOVE: Register(
            top(formats.hard_bits), lambda: formats.hard_above, config.sample_order == "hard_first"
        ),
        Setting.CONDITION_CYCLES: Register(top(formats.condition_bits), lambda: config.condition_cycles, config.form),
        Setting.CALIBRATION_LAST_ROW: Register(rows, lambda: formats.calibration_rows - 1, config.calibrate),
        Setting.REWARD_EXPONENT: Register(top(formats.exponent_bits), lambda: formats.reward_exponent, formats.rewards),
        Setting.LOG2_KAPPA: Register(top(formats.kappa_bits), lambda: formats.log2_kappa, formats.rewards),
        Setting.FIRST_GATE: Register(
            config.gate_codes - 1, lambda: first_gate(config), config.init in ("highest", "prior_mean")
        ),
        Setting.TEMPER: Register(top(TEMPER_BITS), lambda: config.temper, config.temper > 0),
        Setting.START_ROW: Register(rows, lambda: config.start_row, config.ring),
        Setting.STOP_ROW: Register(rows, lambda: config.stop_row, config.ring),
    }
    return {setting: register for setting, register in table.items() if register.built}


def setting_limits(formats: Formats) -> dict[Setting, tuple[int, int]]:
    """Smallest and largest value of each register that holds a setting."""
    return {setting: (register.low, register.high) for setting, register in settings(formats).items()}


def strobe_limits(formats: Formats) -> dict[Setting, int]:
    """Largest value of each register that acts when it is written: words of the LFSR's seed, and `CLEAR_ERRORS`."""
    bits = formats.config.lfsr_bits
    seeds = {
        Setting.SEED_LOW: 2 ** min(bits, HOST_WORD_BITS) - 1,
        Setting.SEED_HIGH: 2 ** max(bits - HOST_WORD_BITS, 0) - 1,
    }
    return {setting: high for setting, high in seeds.items() if high} | {Setting.CLEAR_ERRORS: 2 ** len(Error) - 1}


def port_constants(formats: Formats, version: int) -> dict[Port, int]:
    """What the registers that tell the chip as it was built read as; `version` is VERSION."""
    config = formats.config
    commands = sum(1 << command for command in built_commands(formats))
    codes = config.input_bits, config.read_bits, config.table_bits, config.lfsr_bits
    return {
        Port.ID: IDENTITY,
        Port.VERSION: version,
        Port.SHAPE: _bytes(config.outputs, config.hidden, config.features),
        Port.ROWS: formats.row_capacity,
        Port.SAMPLES: formats.sample_capacity,
        Port.CODES: _bytes(*codes),
        Port.GATES: config.gate_codes,
        Port.COMMANDS: commands,
        Port.CLOCK_HZ: round(config.clock_hz),
    }


def _bytes(*values: int) -> int:
    """Values of a byte each, the first one lowest."""
    return int.from_bytes(bytes(values), "little")


def built_commands(formats: Formats) -> tuple[Command, ...]:
    """Commands of a chip: those of episodes exist where it learns from rewards, others where their block is built."""
    config = formats.config
    built = {
        Command.STEP: formats.rewards,
        Command.DONE: formats.rewards,
        Command.FORM: config.form,
        Command.CALIBRATE: config.calibrate,
        Command.AUTO_ZERO: config.auto_zero_bits > 0,
        Command.ADAPT: config.ring,
    }
    return tuple(command for command in Command if built.get(command, True))


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


def unpacked(word: int, widths: Mapping[str, int]) -> dict[str, int]:
    """The fields of a word, of which `widths` has the bits of each, lowest first."""
    fields = {}
    for name, bits in widths.items():
        fields[name], word = word & (2**bits - 1), word >> bits
    return fields
