"""Fixed-point formats and tables that the chip, its models and the array agree on.

All logarithms are to base 2, so that the integer part of -log2 u is a priority encoder and no constant is multiplied
in. Converters are mid-rise: code c stands for (c + 1/2) steps, so that negation is a bitwise NOT and the likelihood
table serves both labels.
"""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property, lru_cache

from oxmc.pymodels.config import POWER_FRACTION_BITS, Config
from oxmc.pymodels.errors import InputError

LIKELIHOOD_INTEGER_BITS = 4
"""Integer bits of a likelihood entry: -log2 f stays below 16 for any |S V.w| that `eval_range` allows (11.0)."""
POWER_INTEGER_BITS = 5
"""Integer bits of an output's log2 of exp(S V.w) above the lowest code's: a converter spans less than 2^32 (31.7)."""
LOG_SUM_BITS, SHARE_BITS = 8, 8
"""Index bits of the tables of a softmax, whose distances are 1/32 and 1/16 of an octave apart."""
PRIOR_MULTIPLIER_BITS = 8
PRIOR_SHIFT_BITS = 5
HASTINGS_MULTIPLIER_BITS = 12
"""A precision is 1 / s.d.^2: twelve bits leave seven to the widest gate code where it is five times the narrowest."""
HASTINGS_SHIFT_BITS = 5
LAW_OCTAVE_BITS = 5
"""Integer bits of log2 of a gate code's s.d. over the smallest: no LUT spans 2^32."""
MIN_ROW_CAPACITY = 256
MIN_SAMPLE_CAPACITY = 1024
"""Memory depths are elaborated; these floors let small runs share the build of the full-size chip."""

FIRST_DRAW_BITS = 16
"""Enough for shares of the gate codes that are equal to a thousandth: at most 64 of them in 2^16."""
CONDITION_BITS = 10
STEP_BITS = 10
"""Width of the counter of an episode's steps, which is its reward."""
REWARD_INDEX_BITS = 6
"""Index bits of the table behind -log2 of a reward."""
EXPONENT_INTEGER_BITS, EXPONENT_FRACTION_BITS = 4, 4
"""The power of the ratio of rewards is an unsigned fixed-point register."""
KAPPA_INTEGER_BITS = 4
"""Integer bits of log2 kappa, which stays below 13.3 (kappa <= 10,000)."""

HOST_WORD_BITS = 32
"""Width of the host port."""

LFSR_TAPS: dict[int, tuple[int, ...]] = {
    3: (3, 2), 4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 8: (8, 6, 5, 4), 9: (9, 5), 10: (10, 7), 11: (11, 9),
    12: (12, 6, 4, 1), 13: (13, 4, 3, 1), 14: (14, 5, 3, 1), 15: (15, 14), 16: (16, 15, 13, 4), 17: (17, 14),
    18: (18, 11), 19: (19, 6, 2, 1), 20: (20, 17), 21: (21, 19), 22: (22, 21), 23: (23, 18), 24: (24, 23, 22, 17),
    25: (25, 22), 26: (26, 6, 2, 1), 27: (27, 5, 2, 1), 28: (28, 25), 29: (29, 27), 30: (30, 6, 4, 1), 31: (31, 28),
    32: (32, 22, 2, 1), 33: (33, 20), 34: (34, 27, 2, 1), 35: (35, 33), 36: (36, 25), 37: (37, 5, 4, 3, 2, 1),
    38: (38, 6, 5, 1), 39: (39, 35), 40: (40, 38, 21, 19), 41: (41, 38), 42: (42, 41, 20, 19), 43: (43, 42, 38, 37),
    44: (44, 43, 18, 17), 45: (45, 44, 42, 41), 46: (46, 45, 26, 25), 47: (47, 42), 48: (48, 47, 21, 20), 49: (49, 40),
    50: (50, 49, 24, 23), 51: (51, 50, 36, 35), 52: (52, 49), 53: (53, 52, 38, 37), 54: (54, 53, 18, 17), 55: (55, 31),
    56: (56, 55, 35, 34), 57: (57, 50), 58: (58, 39), 59: (59, 58, 38, 37), 60: (60, 59), 61: (61, 60, 46, 45),
    62: (62, 61, 6, 5), 63: (63, 62), 64: (64, 63, 61, 60),
}  # fmt: skip
"""Taps of maximal-length LFSRs by width. Source: Xilinx XAPP 052, table 3 (P. Alfke, 1996)."""


def bits_for(value: int) -> int:
    """Bits of an unsigned field that holds 0..value, at least one."""
    return max(1, int(value).bit_length())


def lfsr_state(seed: int, width: int) -> int:
    """The state of an LFSR of `width` bits after `seed` is loaded: never zero, since a low word of zero loads as 1."""
    low_mask = 2 ** min(HOST_WORD_BITS, width) - 1
    return (seed & (2**width - 1)) | (seed & low_mask == 0)


LFSR_SHIFT = 7
"""Places by which a state is shifted, before it is added to itself."""


def lfsr_sum(state: int, width: int) -> int:
    """The bits of a draw with `lfsr_output = sum`: the state times 1 + 2^LFSR_SHIFT, modulo 2^width.

    The factor is odd, so each state has a word of its own, and over a period all words but zero come once. Carries make
    all bits from LFSR_SHIFT + 1 on not linear in the state; those below are.
    """
    return (state + (state << LFSR_SHIFT)) & (2**width - 1)


def power_of_two(value: int) -> int:
    """The smallest power of two that is at least `value`."""
    return 1 << max(0, value - 1).bit_length()


@dataclasses.dataclass(frozen=True)
class Formats:
    """Widths, steps and tables derived from a `Config`.

    Widths follow the geometry and the bit counts alone, so they make the chip; steps, multipliers and table contents
    are loaded by the host.
    """

    config: Config

    # geometry

    @property
    def pairs(self) -> int:
        """Differential pairs of one row."""
        return self.config.pairs

    @property
    def segments(self) -> int:
        """What an EVAL can name of a row: the hidden neurons, then the outputs."""
        return self.config.hidden + self.config.outputs

    def segment_pairs(self, segment: int) -> range:
        """Pairs of one segment: a hidden neuron has one a feature, an output one a hidden neuron if there are any."""
        c = self.config
        if segment < c.hidden or not c.hidden:
            return range(segment * c.features, (segment + 1) * c.features)
        first = c.hidden * c.features + (segment - c.hidden) * c.hidden
        return range(first, first + c.hidden)

    @property
    def cells(self) -> int:
        """Cells of one row; cell 2p holds g+ of pair p, cell 2p + 1 its g-."""
        return 2 * self.pairs

    @property
    def set_groups(self) -> int:
        """SET pulses that program a row: cells from a multiple of `gate_dacs` on share one, the last what is left."""
        return -(-self.cells // self.config.gate_dacs)

    @property
    def last_group(self) -> int:
        """First cell of the last group."""
        return (self.set_groups - 1) * self.config.gate_dacs

    @property
    def row_capacity(self) -> int:
        return max(MIN_ROW_CAPACITY, power_of_two(self.config.rows))

    @property
    def rewards(self) -> bool:
        """Whether episodes and their rewards take the place of training points and their likelihood."""
        return self.config.acceptance == "reward"

    @property
    def softmax(self) -> bool:
        """Whether a sample has one likelihood of all its outputs, in the place of one of each."""
        return self.config.likelihood == "softmax"

    @property
    def sample_capacity(self) -> int:
        if self.rewards:
            return 2  # an observation in training, one in test
        return max(MIN_SAMPLE_CAPACITY, power_of_two(self.config.train_samples + self.config.test_samples))

    @property
    def row_bits(self) -> int:
        return bits_for(self.row_capacity - 1)

    @property
    def sample_bits(self) -> int:
        return bits_for(self.sample_capacity - 1)

    @property
    def cell_bits(self) -> int:
        return bits_for(self.cells - 1)

    @property
    def output_bits(self) -> int:
        return bits_for(self.config.outputs - 1)

    @property
    def segment_bits(self) -> int:
        return bits_for(self.segments - 1)

    @property
    def gate_bits(self) -> int:
        return bits_for(self.config.gate_codes - 1)

    @property
    def lane_bits(self) -> int:
        """Bits of a cell's number that say which gate DAC is its own; none where there is one DAC."""
        return self.config.gate_dacs.bit_length() - 1

    @property
    def gates_bits(self) -> int:
        """Gate codes of all DACs, that of a group's first cell in the lowest bits."""
        return self.config.gate_dacs * self.gate_bits

    @property
    def label_bits(self) -> int:
        """A label is the class number; with one output it is t, 0 or 1."""
        return bits_for(max(1, self.config.outputs - 1))

    @property
    def inputs_bits(self) -> int:
        """All features of a sample."""
        return self.config.features * self.config.input_bits

    @property
    def lanes(self) -> int:
        """Input DACs of the array: for the features or the hidden neurons, whichever are more."""
        return max(self.config.features, self.config.hidden)

    @property
    def lanes_bits(self) -> int:
        """Width of the array port's input bus."""
        return self.lanes * self.config.input_bits

    @property
    def activation_bits(self) -> int:
        """A hidden neuron's code runs from 0 to `input_max`: an input code without its sign."""
        return self.config.input_bits - 1

    @property
    def sample_word_bits(self) -> int:
        return self.inputs_bits + (0 if self.rewards else self.label_bits)

    @property
    def data_bits(self) -> int:
        """Width of the converters' answer bus."""
        return max(self.config.adc_bits, self.config.read_bits)

    # widths of the arithmetic

    @property
    def likelihood_bits(self) -> int:
        """An entry of the likelihood table: -log2 f, or an output's power of a softmax."""
        return POWER_INTEGER_BITS + POWER_FRACTION_BITS if self.softmax else self.hard_bits

    @property
    def hard_bits(self) -> int:
        """A -log2 likelihood that samples are told hard by."""
        return LIKELIHOOD_INTEGER_BITS + self.config.log_fraction_bits

    @property
    def log_sum_bits(self) -> int:
        """The log2 of a softmax's sum: of at most 16 outputs it is at most 4 octaves, and roundings, above the largest
        power."""
        return self.likelihood_bits + 1

    @property
    def power_shift(self) -> int:
        """Fraction bits of a cost that a softmax's powers do not have."""
        return self.config.log_fraction_bits - POWER_FRACTION_BITS

    @property
    def term_bits(self) -> int:
        """What an evaluation adds to the sum: the table's entry, or -log2 of a softmax.

        With K outputs that is off by at most K / 32: 1/64 for each of the two powers in it, and for each further output
        1/64 for the entry and as much for a distance that is a unit too small where the sum was below the power.
        """
        return self.log_sum_bits + self.power_shift if self.softmax else self.likelihood_bits

    @property
    def sum_bits(self) -> int:
        """The likelihood accumulator never wraps: room for every sample's terms at the largest.

        With rewards: their cost, an exponent times -log2 of a reward.
        """
        if self.rewards:
            top = (STEP_BITS + 1) << self.config.log_fraction_bits
            return bits_for(top * (2**self.exponent_bits - 1) >> EXPONENT_FRACTION_BITS)
        terms = 1 if self.softmax else self.config.outputs
        return bits_for(self.sample_capacity * terms * (2**self.term_bits - 1))

    @property
    def square_bits(self) -> int:
        """The sum of squared pair codes of one row at full scale."""
        return bits_for(self.pairs * (2**self.config.read_bits - 1) ** 2)

    @property
    def prior_bits(self) -> int:
        return self.square_bits + PRIOR_MULTIPLIER_BITS

    @property
    def cost_bits(self) -> int:
        """A row's -log2 likelihood plus -log2 prior."""
        return max(self.prior_bits, self.sum_bits) + 1

    @property
    def law_median_bits(self) -> int:
        """A gate code's median in half read codes."""
        return self.config.read_bits + 1

    @property
    def law_sd_bits(self) -> int:
        """log2 of a gate code's s.d. over the smallest."""
        return LAW_OCTAVE_BITS + self.config.log_fraction_bits

    @property
    def law_bits(self) -> int:
        """What the Hastings correction keeps of a gate code: median, precision, log2 of the s.d., lowest bits first."""
        return self.law_median_bits + HASTINGS_MULTIPLIER_BITS + self.law_sd_bits

    @property
    def law_exponent_bits(self) -> int:
        """A squared deviation in half read codes times a precision."""
        return 2 * self.law_median_bits + HASTINGS_MULTIPLIER_BITS

    @property
    def law_sum_bits(self) -> int:
        """Signed sum over a row of the exponents' differences."""
        return bits_for(self.cells << self.law_exponent_bits) + 1

    @property
    def law_sd_sum_bits(self) -> int:
        """Signed sum over a row of the differences of log2 s.d."""
        return bits_for(self.cells << self.law_sd_bits) + 1

    @property
    def hastings_bits(self) -> int:
        """The Hastings correction of a row, signed."""
        return max(self.law_sum_bits, self.law_sd_sum_bits) + 1

    @property
    def log_u_bits(self) -> int:
        return bits_for((self.config.lfsr_bits - self.config.log_u_index_bits + 1) << self.config.log_fraction_bits)

    @property
    def first_draw_bits(self) -> int:
        """Bits of an LFSR draw that choose a gate code of row 0, by their product with the number of codes."""
        return min(FIRST_DRAW_BITS, self.config.lfsr_bits)

    @property
    def total_bits(self) -> int:
        """Sum of all row counters."""
        return bits_for(self.row_capacity * (2**self.config.counter_bits - 1))

    @property
    def response_sum_bits(self) -> int:
        """Signed sum of counter times response over all rows, at the lowest if each entry is -2^(response_bits - 1), of
        a softmax's unsigned ones below 2^response_bits."""
        most = self.row_capacity * (2**self.config.counter_bits - 1) << (self.config.response_bits - 1 + self.softmax)
        return bits_for(most - 1) + 1

    @property
    def condition_bits(self) -> int:
        """Counter of conditioning cycles."""
        return CONDITION_BITS

    @property
    def condition_gate(self) -> int:
        """Gate code of a conditioning SET: the middle one, 1.6 V on the 16k card (Methods, standard SET)."""
        return (self.config.gate_codes - 1) // 2

    @property
    def calibration_bits(self) -> int:
        """A count of the calibration's histogram: room for every cell of the array, twice over."""
        return bits_for(2 * self.row_capacity * self.cells)

    @property
    def calibration_rows(self) -> int:
        return self.config.calibration_rows or self.config.rows

    # steps of the converters

    @property
    def read_step_ns(self) -> int:
        """nS a code of a cell READ."""
        return max(1, round(1000 * self.config.read_range_us / 2**self.config.read_bits))

    @property
    def input_max(self) -> int:
        """Largest input DAC code; the smallest is its negative."""
        return 2 ** (self.config.input_bits - 1) - 1

    @property
    def input_step_v(self) -> float:
        """Volts an input code."""
        return self.config.input_full_scale_v / self.input_max

    @property
    def eval_step(self) -> int:
        """nS times input codes an ADC code: eval_range / S over half the ADC's codes, to the nearest integer.

        Behind a hidden layer an output's inputs are sigmoids, which reach 1 at full scale, not `input_range`.
        """
        return self._eval_step(self.config.eval_range, 1.0 if self.config.hidden else self.config.input_range)

    @property
    def hidden_eval_step(self) -> int:
        """The same while a hidden neuron is evaluated, with its own range."""
        return self._eval_step(self.config.hidden_eval_range, self.config.input_range)

    def _eval_step(self, eval_range: float, input_range: float) -> int:
        c = self.config
        full_scale = eval_range / c.scale_per_us * 1000 * self.input_max / input_range
        return max(1, round(full_scale / 2 ** (c.adc_bits - 1)))

    def segment_step(self, segment: int) -> int:
        """nS times input codes an ADC code of an EVAL of `segment`."""
        return self.hidden_eval_step if segment < self.config.hidden else self.eval_step

    def input_code(self, value: float) -> int:
        """The input DAC code of a feature value, rounded half to even and clipped."""
        code = round(value * self.input_max / self.config.input_range)
        return max(-self.input_max, min(self.input_max, code))

    # tables and constants

    def table_mid(self, index: int) -> float:
        """S V.w at the middle of likelihood and response table bin `index` (offset binary)."""
        half = 2 ** (self.config.table_bits - 1)
        return (index - half + 0.5) * self.config.eval_range / half

    @cached_property
    def likelihood_table(self) -> tuple[int, ...]:
        """-log2 of the logistic response a bin: magnitudes of log-likelihoods, which are all <= 0 (Eq 7).

        Of a softmax the power: log2 of exp(S V.w) over that of the lowest bin.
        """
        one = 2 ** (POWER_FRACTION_BITS if self.softmax else self.config.log_fraction_bits)
        bins = range(2**self.config.table_bits)
        if self.softmax:
            octaves = math.log2(math.e) * self.config.eval_range / 2 ** (self.config.table_bits - 1)
            return tuple(round(one * octaves * i) for i in bins)
        return tuple(round(one * math.log2(1 + math.exp(-self.table_mid(i)))) for i in bins)

    @cached_property
    def log_sum_table(self) -> tuple[int, ...]:
        """log2(1 + 2^-d) by a distance d: how far the log2 of the sum of two powers of 2 is above the larger's.

        All in 2^-POWER_FRACTION_BITS. Distances beyond the end take the last entry, which is 0.
        """
        one = 2**POWER_FRACTION_BITS
        return tuple(round(one * math.log2(1 + 2 ** (-i / one))) for i in range(2**LOG_SUM_BITS))

    @property
    def response_bins(self) -> int:
        """Entries of the response table."""
        return 2 ** (SHARE_BITS if self.softmax else self.config.table_bits)

    @property
    def response_gain(self) -> float:
        """Probability a unit of response: f = 1/2 + gain * entry, of a softmax gain * entry."""
        if self.softmax:
            return 1 / (2**self.config.response_bits - 1)
        return self._response(2**self.config.table_bits - 1) / (2 ** (self.config.response_bits - 1) - 1)

    def _response(self, index: int) -> float:
        """f - 1/2 of a table's bin, f a logistic function `vote_sharpness` times as steep as the likelihood's."""
        return 1 / (1 + math.exp(-self.config.vote_sharpness * self.table_mid(index))) - 0.5

    @cached_property
    def response_table(self) -> tuple[int, ...]:
        """(f - 1/2) / gain a bin, signed and antisymmetric, so that class 1 is simply a sum >= 0 (Eq 8).

        With rewards the response is linear (Eq 11, 13): the ADC code itself, at the width of an entry. Of a softmax it
        is the share 2^-d, unsigned, of an output whose power is d below the log2 of the sum; two distances share an
        entry, and all beyond the end the last one, which is 0.
        """
        if self.softmax:
            middles = ((2 * i + 0.5) / 2**POWER_FRACTION_BITS for i in range(self.response_bins))
            return tuple(round(2**-middle / self.response_gain) for middle in middles)
        bins = range(2**self.config.table_bits)
        if self.rewards:
            half, top = 2 ** (self.config.table_bits - 1), 2 ** (self.config.response_bits - 1)
            return tuple((i - half) * top // half for i in bins)
        gain = self.response_gain
        return tuple(round(self._response(i) / gain) for i in bins)

    @cached_property
    def activation_table(self) -> tuple[int, ...]:
        """Sigmoid of a hidden neuron a bin, as the input code that stands for it: 0 to `input_max`, which is 1."""
        half = 2 ** (self.config.table_bits - 1)
        step = self.config.hidden_eval_range / half
        bins = range(2**self.config.table_bits)
        return tuple(round(self.input_max / (1 + math.exp(-(i - half + 0.5) * step))) for i in bins)

    @cached_property
    def log_u_table(self) -> tuple[int, ...]:
        """log2(1 + x) at the middle of each bin of the mantissa."""
        one, bins = 2**self.config.log_fraction_bits, 2**self.config.log_u_index_bits
        return tuple(round(one * math.log2(1 + (i + 0.5) / bins)) for i in range(bins))

    def neg_log2_u(self, value: int) -> int:
        """-log2 of the uniform u that an LFSR state stands for, as the chip computes it.

        The lowest `log_u_index_bits` are the mantissa's bin i, the rest gives the octave by its leading zeros z:
        u = 2^-(z + 1) (1 + (i + 1/2) / 2^log_u_index_bits). Different bits make octave and mantissa, so no shifter is
        needed and u has the right distribution up to the width of a bin.
        """
        index_bits = self.config.log_u_index_bits
        octave_bits = self.config.lfsr_bits - index_bits
        zeros = octave_bits - (value >> index_bits).bit_length()
        return ((zeros + 1) << self.config.log_fraction_bits) - self.log_u_table[value & (2**index_bits - 1)]

    @cached_property
    def prior_constants(self) -> tuple[int, int]:
        """(multiplier, shift): -log2 prior of a row is (sum of squared pair codes * multiplier) >> shift (Eq 4)."""
        c = self.config
        exact = math.log2(math.e) * (self.read_step_ns / 1000) ** 2 / (2 * c.prior_sigma_us**2) * 2**c.log_fraction_bits
        shift = PRIOR_MULTIPLIER_BITS - 1 - math.floor(math.log2(exact))
        if shift < 0:
            raise InputError(
                f"prior_sigma_us must be wider for a read step of {self.read_step_ns / 1000:g} uS, "
                f"not {c.prior_sigma_us:g}"
            )
        shift = min(shift, 2**PRIOR_SHIFT_BITS - 1)
        return min(round(exact * 2**shift), 2**PRIOR_MULTIPLIER_BITS - 1), shift

    # rewards

    @property
    def exponent_bits(self) -> int:
        return EXPONENT_INTEGER_BITS + EXPONENT_FRACTION_BITS

    @property
    def reward_exponent(self) -> int:
        """The power of the ratio of rewards as its register holds it."""
        return round(self.config.reward_exponent * 2**EXPONENT_FRACTION_BITS)

    @property
    def kappa_bits(self) -> int:
        return KAPPA_INTEGER_BITS + self.config.log_fraction_bits

    @property
    def log2_kappa(self) -> int:
        return round(math.log2(self.config.reward_kappa) * 2**self.config.log_fraction_bits)

    @cached_property
    def reward_table(self) -> tuple[int, ...]:
        """log2(1 + x) at the middle of each bin of a reward's mantissa."""
        one, bins = 2**self.config.log_fraction_bits, 2**REWARD_INDEX_BITS
        return tuple(round(one * math.log2(1 + (i + 0.5) / bins)) for i in range(bins))

    def reward_cost(self, steps: int) -> int:
        """-log2 of (steps / 2^STEP_BITS)^exponent as the chip computes it: never negative, less for a longer episode.

        The leading zeros z of the count give the octave, the bits after its leading one the mantissa's bin i:
        -log2 (steps / 2^STEP_BITS) = z + 1 - log2(1 + (i + 1/2) / 2^REWARD_INDEX_BITS).
        """
        zeros = STEP_BITS - steps.bit_length()
        mantissa = steps << zeros & (2 ** (STEP_BITS - 1) - 1)
        entry = self.reward_table[mantissa >> (STEP_BITS - 1 - REWARD_INDEX_BITS)]
        log = ((zeros + 1) << self.config.log_fraction_bits) - entry
        return self.reward_exponent * log >> EXPONENT_FRACTION_BITS

    # options of the chain

    @property
    def verify_window(self) -> int:
        """Largest read-code error that a verified programming accepts."""
        return math.floor(1000 * self.config.verify_window_us / self.read_step_ns)

    @property
    def common_mode(self) -> int:
        """The middle that a verified pair aims at, in read codes. Raises `InputError` where no read code is so high."""
        code, top = round(1000 * self.config.common_mode_us / self.read_step_ns), 2**self.config.read_bits - 1
        if self.config.verify == "pair" and code > top:
            raise InputError(
                f"common_mode_us must be at most {top * self.read_step_ns / 1000:g} uS, the highest read code, "
                f"not {self.config.common_mode_us:g}"
            )
        return code

    @property
    def hard_above(self) -> int:
        """A sample is hard if its likelihood entry exceeds this."""
        return round(self.config.hard_sample_bits * 2**self.config.log_fraction_bits)

    @property
    def late_evaluations(self) -> int:
        """Evaluations already started when a sum that rejects is seen: conversion and addition overlap pulses.

        With a hidden layer none of an output of the next sample is among them, since those wait for its neurons.
        """
        c = self.config
        return c.cycles(c.conversion_s) // c.cycles(c.eval_pulse_s) + 1

    # sample memory words

    def pack_sample(self, codes: list[int], label: int) -> int:
        """Sample memory word: feature 0 in the lowest bits, two's complement, the label on top."""
        mask, width = 2**self.config.input_bits - 1, self.config.input_bits
        word = sum((int(code) & mask) << (width * i) for i, code in enumerate(codes))
        return word | int(label) << self.inputs_bits

    def unpack_gates(self, word: int) -> list[int]:
        """The gate codes on the array port, one a gate DAC."""
        width = self.gate_bits
        return [word >> width * lane & (2**width - 1) for lane in range(self.config.gate_dacs)]

    def unpack_inputs(self, word: int) -> list[int]:
        """The signed input codes on the array port's input bus, one a lane."""
        width = self.config.input_bits
        fields = ((word >> (width * i)) & (2**width - 1) for i in range(self.lanes))
        return [field - (field >> (width - 1) << width) for field in fields]


@lru_cache(maxsize=64)
def formats_of(config: Config) -> Formats:
    """The formats of a configuration, one object for equal ones, so that many trainings share its tables."""
    return Formats(config)
