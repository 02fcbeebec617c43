"""The host port: address map, setting registers, commands and read-back."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from pymodels.fixed import HOST_WORD_BITS, PRIOR_MULTIPLIER_BITS, PRIOR_SHIFT_BITS, Formats

INDEX_BITS = 20
SPACE_BITS = 3
ADDRESS_BITS = INDEX_BITS + SPACE_BITS
PROPOSAL_BITS = 24
TRIES_BITS = 6
STREAK_BITS = 8


class Space(enum.IntEnum, shape=SPACE_BITS):
    """Upper address bits: what a host word goes to; the lower ones index it."""

    SETTINGS = 0
    STATUS = 1
    COUNTERS = 2
    LUT = 3
    LIKELIHOOD = 4
    RESPONSE = 5
    SAMPLES = 6
    ACTIVATION = 7


class Setting(enum.IntEnum, shape=5):
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


class Command(enum.IntEnum, shape=3):
    """Values written to `Setting.COMMAND`; STEP and DONE while the chip waits in an episode."""

    BUILD_MAP = 1
    TRAIN = 2
    INFER = 3
    FORM = 4
    CALIBRATE = 5
    STEP = 6
    DONE = 7


class Status(enum.IntEnum, shape=3):
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


class HostBus(wiring.Signature):
    """One word a transfer, seen from the chip. A write is taken in the cycle where `ready` is high; a read answers on
    `read_data` there, the second cycle of the transfer. While the chip is busy `ready` stays low, but for the time it
    waits for the host in an episode."""

    def __init__(self):
        super().__init__(
            {
                "valid": In(1),
                "write": In(1),
                "address": In(ADDRESS_BITS),
                "write_data": In(HOST_WORD_BITS),
                "ready": Out(1),
                "read_data": Out(HOST_WORD_BITS),
            }
        )


class Host(wiring.Component):
    """Decodes host transfers: holds the settings, raises command and memory strobes for one cycle, reads back.

    Latency: writes act at the end of their cycle; reads take 2 cycles.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        settings = {setting.name.lower(): Out(width) for setting, width in setting_widths(formats).items()}
        commands = {command.name.lower(): Out(1) for command in built_commands(formats)}
        status = {f"status_{register.name.lower()}": In(HOST_WORD_BITS) for register in Status}
        super().__init__(
            {
                "bus": Out(HostBus()),
                "busy": In(1),
                **settings,
                **commands,
                **status,
                "seed_low": Out(1),
                "seed_high": Out(1),
                "writing": Out(1),
                "space": Out(Space),
                "index": Out(INDEX_BITS),
                "fetch_counter": Out(1),
                "counter": In(formats.config.counter_bits),
                "fetch_lut": Out(1),
                "lut_entry": In(formats.config.read_bits),
            }
        )

    def _elaborate_settings(self, m: Module) -> None:
        data = self.bus.write_data
        with m.If(self.writing & (self.space == Space.SETTINGS)):
            with m.Switch(self.index[: Setting.as_shape().width]):
                for setting in setting_widths(self.formats):
                    with m.Case(setting):
                        register = getattr(self, setting.name.lower())
                        m.d.sync += register.eq(data)
                for setting in (Setting.SEED_LOW, Setting.SEED_HIGH):
                    with m.Case(setting):
                        m.d.comb += getattr(self, setting.name.lower()).eq(1)
                with m.Case(Setting.COMMAND):
                    for command in built_commands(self.formats):
                        m.d.comb += getattr(self, command.name.lower()).eq(data == command)

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        answering = Signal()
        reading = Signal()
        m.d.comb += [
            self.writing.eq(bus.valid & bus.write & ~self.busy),
            reading.eq(bus.valid & ~bus.write & ~self.busy),
            bus.ready.eq(self.writing | answering),
            self.index.eq(bus.address[:INDEX_BITS]),
            self.space.eq(bus.address[INDEX_BITS:]),
            self.fetch_counter.eq(reading & ~answering & (self.space == Space.COUNTERS)),
            self.fetch_lut.eq(reading & ~answering & (self.space == Space.LUT)),
        ]
        m.d.sync += answering.eq(reading & ~answering)
        self._elaborate_settings(m)
        with m.If(answering):
            with m.If(self.space == Space.COUNTERS):
                m.d.comb += bus.read_data.eq(self.counter)
            with m.Elif(self.space == Space.LUT):
                m.d.comb += bus.read_data.eq(self.lut_entry)
            with m.Else():
                with m.Switch(self.index[: Status.as_shape().width]):
                    for register in Status:
                        with m.Case(register):
                            m.d.comb += bus.read_data.eq(getattr(self, f"status_{register.name.lower()}"))
        return m
