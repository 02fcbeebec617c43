"""The operating point: every voltage, time, width and size that turns a cost figure into joules an event."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from oxmc.pymodels.blocks import COMMON_BLOCKS, SPECIAL_BLOCKS, instances, memories
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats

CARD_VOLTAGES = (
    "form_sl_v", "form_wl_v", "set_sl_v", "gate_high_v", "reset_bl_v", "reset_wl_v", "read_sl_v", "read_wl_v",
)  # fmt: skip
"""Voltages a device card gives, by the names of its fields, in V. A SET counts the top of the gate range."""

COMMON = tuple(dict.fromkeys(block.name for block in COMMON_BLOCKS))
"""Blocks of the logic that are there with and without options of the chain, as parts of another netlist each."""
WITH_OPTIONS = {name: f"{name} with options" for name in COMMON}
BLOCKS = (*COMMON, *WITH_OPTIONS.values(), *(block.name for block in SPECIAL_BLOCKS))
"""Names that a cost's `block` may have; `memories` stands for what follows the macros' outputs."""

NO_FIGURES = ("macro_bits", "word_bits", "blocks")
"""Fields of the operating point that are no numbers."""
MACROS = tuple(memories(Formats(Config())))
"""Memories, each a macro of its own."""
ROOT = "_root"
ACCESSES = {"_read_bits": 55, "_write_bits": 20}
"""What an access to a macro costs beside its word, in bits of a word: fitted to CACTI 7, as the tables' source says."""
WHOLE_BITS = 8 * 8192
LEAST_MACRO_BITS = 8 * 256
"""Below it a macro is mostly decoder and sense amplifiers, and an access no cheaper."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """What a cost may be multiplied by. Fields are in V, Hz, s, bits or plain numbers, as their names say.

    `macro_bits` are the bits of each of `MACROS` and `word_bits` those of its word, none for one that is not built;
    `blocks` are those of the logic that are built.

    Raises `InputError` for a figure that is not finite and positive (`flip_flops` and `memory_bits` may be zero).
    """

    clock_hz: float
    form_sl_v: float
    form_wl_v: float
    set_sl_v: float
    gate_high_v: float
    reset_bl_v: float
    reset_wl_v: float
    read_sl_v: float
    read_wl_v: float
    input_step_v: float
    input_rms_v: float
    input_mean_over_square: float
    set_s: float
    read_s: float
    eval_s: float
    rows: int
    cells: int
    inputs: float
    adc_bits: int
    read_bits: int
    input_bits: int
    gate_codes: int
    gate_bits: int
    gate_word_bits: int
    gate_dacs: int
    gate_line_cells: float
    set_pulses_a_cell: float
    sample_word_bits: int
    likelihood_bits: int
    response_bits: int
    activation_bits: int
    counter_bits: int
    pair_bits: int
    offset_bits: int
    law_bits: int
    sample_bits: int
    lfsr_bits: int
    calibration_bits: int
    memory_bits: int
    flip_flops: int
    macro_bits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    word_bits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    blocks: frozenset[str] = frozenset(BLOCKS)

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if name in NO_FIGURES:
                continue
            may_be_zero = name in ("flip_flops", "memory_bits")
            if not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero):
                rule = "finite and not negative" if may_be_zero else "finite and positive"
                raise InputError(f"{name} must be {rule}, not {value!r}")

    @property
    def period_s(self) -> float:
        return 1 / self.clock_hz

    @property
    def adc_steps(self) -> int:
        """Conversion steps of an evaluation's ADC, as Walden's figure of merit counts them."""
        return 1 << self.adc_bits

    @property
    def read_steps(self) -> int:
        return 1 << self.read_bits

    @property
    def deviation_bits(self) -> int:
        """A read code less a median, in half codes."""
        return self.read_bits + 2

    @property
    def input_steps(self) -> int:
        return 1 << self.input_bits

    def figure(self, name: str) -> float:
        """A figure that a cost's `per` may name, one of `MULTIPLIERS`.

        `MACRO_root` is the root of a macro's capacity over 8 KB, from 256 bytes up: what a bit of an access to it
        costs, against one to a macro of that size. `MACRO_read_bits` and `MACRO_write_bits` are that times the bits
        which an access is worth: the word's and `ACCESSES`.
        """
        for ending, more in ACCESSES.items():
            if name.endswith(ending) and (macro := name.removesuffix(ending)) in MACROS:
                return self._root(macro) * (self.word_bits.get(macro, 0) + more)
        return self._root(name.removesuffix(ROOT)) if name.endswith(ROOT) else float(getattr(self, name))

    def _root(self, macro: str) -> float:
        return math.sqrt(max(self.macro_bits.get(macro, 0), LEAST_MACRO_BITS) / WHOLE_BITS)

    def physics(self, operation: str) -> float:
        """Joules a unit of the quantity `QUANTITY_OF[operation]`, which is in nA or nS times cycles.

        A current that flows under the line voltage V for a time t costs V I t; a conductance V^2 g t. The RESET
        quantity adds the conductance before to that after, and half of it is the mean over the pulse.
        """
        volts = {
            "form": self.form_sl_v,
            "set": self.set_sl_v,
            "reset": self.reset_bl_v**2 * 0.5,
            "read": self.read_sl_v**2,
            "eval": self.input_step_v**2,
        }
        return volts[operation] * 1e-9 / self.clock_hz


MULTIPLIERS = (
    *(field.name for field in dataclasses.fields(OperatingPoint) if field.name not in NO_FIGURES),
    *("period_s", "adc_steps", "read_steps", "input_steps", "deviation_bits"),
    *(f"{macro}{ending}" for macro in MACROS for ending in (ROOT, *ACCESSES)),
)
"""Names that a cost's `per` may use."""


def operating_point(config: Config, card_voltages: Mapping[str, float], flip_flops: int) -> OperatingPoint:
    """The point at which a chip of this configuration ran, with the card's voltages (`CARD_VOLTAGES`, in V).

    `flip_flops` counts those whose clock runs on every cycle. `input_rms_v` takes the features as of unit variance and
    hidden neurons as evenly spread over their span (an estimate); `inputs` is the mean over a row's segments. With
    several gate DACs `gate_word_bits` is a fetch of their codes, `gate_line_cells` the mean cells on a SET cell's part
    of the word line, `set_pulses_a_cell` what a SET cell has of a pulse.
    Raises `InputError` for a voltage that is missing or not positive.
    """
    missing = [name for name in CARD_VOLTAGES if name not in card_voltages]
    if missing:
        given = ", ".join(card_voltages) or "nothing"
        raise InputError(f"card_voltages must give {missing[0]}, not only {given}")
    formats = Formats(config)
    macros = macro_bits(formats)
    return OperatingPoint(
        **{name: float(card_voltages[name]) for name in CARD_VOLTAGES},
        clock_hz=config.clock_hz,
        input_step_v=formats.input_step_v,
        input_rms_v=input_rms_v(config),
        input_mean_over_square=input_mean_over_square(config),
        set_s=config.cycles(config.set_pulse_s) / config.clock_hz,
        read_s=config.cycles(config.read_pulse_s) / config.clock_hz,
        eval_s=config.cycles(config.eval_pulse_s) / config.clock_hz,
        rows=config.rows,
        cells=formats.cells,
        inputs=formats.pairs / formats.segments,
        adc_bits=config.adc_bits,
        read_bits=config.read_bits,
        input_bits=config.input_bits,
        gate_codes=config.gate_codes,
        gate_bits=formats.gate_bits,
        gate_word_bits=formats.gates_bits,
        gate_dacs=config.gate_dacs,
        gate_line_cells=gate_line_cells(formats),
        set_pulses_a_cell=formats.set_groups / formats.cells,
        sample_word_bits=formats.sample_word_bits,
        likelihood_bits=formats.likelihood_bits,
        response_bits=config.response_bits,
        activation_bits=formats.activation_bits,
        counter_bits=config.counter_bits,
        pair_bits=config.read_bits + 1,
        offset_bits=config.read_bits + 4,
        law_bits=formats.law_bits,
        sample_bits=formats.sample_bits,
        lfsr_bits=config.lfsr_bits,
        calibration_bits=formats.calibration_bits,
        memory_bits=sum(macros.values()),
        flip_flops=flip_flops,
        macro_bits=macros,
        word_bits={name: memory.stored_width for name, memory in memories(formats).items() if memory.built},
        blocks=blocks_of(config),
    )


def block_names(config: Config) -> dict[str, str]:
    """The name of `BLOCKS` of each block that a configuration builds, by its instance in the chip."""
    options = config.verify != "off" or config.early_rejection or config.sample_order != "given"
    return {place: WITH_OPTIONS.get(name, name) if options else name for place, name in instances(config).items()}


def blocks_of(config: Config) -> frozenset[str]:
    """Blocks of the logic that a configuration builds, of `BLOCKS`."""
    return frozenset(block_names(config).values())


def gate_line_cells(formats: Formats) -> float:
    """Cells on the part of a word line that hangs on one gate DAC, mean over a row's cells: k is on part k mod DACs."""
    whole, more = divmod(formats.cells, formats.config.gate_dacs)
    return (more * (whole + 1) ** 2 + (formats.config.gate_dacs - more) * whole**2) / formats.cells


def input_rms_v(config: Config) -> float:
    """Root mean square voltage of an input line over the evaluations of a row's segments, in V."""
    features = config.input_full_scale_v / config.input_range
    from_features = (config.hidden or config.outputs) * config.features / config.pairs
    return math.sqrt(from_features * features**2 + (1 - from_features) * config.input_full_scale_v**2 / 3)


def input_mean_over_square(config: Config) -> float:
    """Mean size over mean square of an input code, for Gaussian inputs: sqrt(2 / pi) over the root mean square."""
    return math.sqrt(2 / math.pi) * Formats(config).input_step_v / input_rms_v(config)


def macro_bits(formats: Formats) -> dict[str, int]:
    """Bits of each macro that is built, of `MACROS`."""
    return {name: memory.bits for name, memory in memories(formats).items() if memory.built}
