"""The circuit around the cells: wires, selectors, input DACs, the current front end and its converter. All off by
default.

Topology (docs/design.md, the array as a circuit). Word and bit line of a row are horizontal, a source line for each
column of cells vertical. In an EVAL the source lines of a segment's cells are driven at plus and minus their input
codes, all others are open, and the row's bit line leads to the front end. Only the active row's selectors conduct, so
that the circuit is a ladder: each cell, in series with its column's wire and its selector, feeds one node of the bit
line.

A ladder is linear. The current into the front end is sum T (v - offset) with a transconductance T of each cell that
depends on the conductances of its row alone. T is solved once for a programmed row, exactly, and rounded to nS: an EVAL
stays a dot product in integers. Deviations from Ohm's law are added to first order, as cubes of the input code.

The draws of a chip come from the Philox blocks (number, 0, 0, what) of stream `circuit`: OFFSET (number 0), GAIN of
each input DAC, BOW (number 0, its sign) and WIDTH of each ADC threshold.

Here are the constants, by numpy alone; the solution is compiled, in `oxmc.pymodels.oxram.ladder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.bulk_draws import ONE, normals_q16, words
from oxmc.pymodels.oxram.devices import Card, load_card
from oxmc.pymodels.streams import stream_key

OFFSET, GAIN, BOW, WIDTH = range(4)
GIGA = 1e-9
"""Resistances in GOhm go with conductances in nS."""
OHMIC_NS = 77_481
"""From the conductance quantum 2 e^2 / h on a filament is a metallic contact, whose I(V) is straight
(docs/design.md)."""

KEYS = (
    "line_ohm", "selector_ohm", "selector_limit_ua", "iv_curvature", "dac_mismatch", "front_end_ohm",
    "front_end_offset_v", "front_end_offset_sd_v", "adc_inl_lsb", "adc_dnl_lsb", "auto_zero_bits",
)  # fmt: skip
"""Each of these turns the circuit on where it is not 0."""


class Circuit(NamedTuple):
    """What kernels need of a chip's circuit; integers int64.

    `column` [rows] GOhm in series with each cell of a row: its column's wire and its selector. `reach` [cells] GOhm
    from a cell's node to the front end's input. `line` GOhm from one node to the next. `firsts` and `counts`
    [segments]: first cell of a segment and how many. `gains_q16` [2 lanes]: the DACs of a pair's cells. `offset_q16`:
    the front end's offset in input codes, `untrimmed_q16` less what `trims_q16` [trim codes] takes off. `read_q16`: the
    READ voltage in the same unit. `read_code2`: its square, in codes. `curve_q16` and `limit_ns`: curvature of a cell
    of 0 S, conductance at whose READ the selector saturates (0: none). `thresholds` [2, ADC codes - 1]: least dot
    product that reaches a code, of the first segment's kind and of the last's; `ramps` the same as float64 and
    `reach_steps` times infinity, none of them farther than `reach_steps` steps from the ideal one.
    """

    column: np.ndarray
    reach: np.ndarray
    line: float
    firsts: np.ndarray
    counts: np.ndarray
    gains_q16: np.ndarray
    offset_q16: int
    untrimmed_q16: int
    trims_q16: np.ndarray
    read_q16: int
    read_code2: int
    curve_q16: int
    limit_ns: int
    bent: bool
    shaped: bool
    thresholds: np.ndarray
    ramps: np.ndarray
    reach_steps: int


def has_circuit(config: Config) -> bool:
    """Whether any effect of the circuit is on."""
    return any(getattr(config, name) for name in KEYS)


def circuit_of(config: Config, seed: int, card: Card | None = None) -> Circuit | None:
    """The circuit of the chip that `seed` draws, None where all is ideal."""
    if not has_circuit(config):
        return None
    formats, card = Formats(config), card or load_card(config.card)
    key = stream_key(seed, "circuit")
    segments = [formats.segment_pairs(segment) for segment in range(formats.segments)]
    step_v, read_code = formats.input_step_v, card.read_sl_v / formats.input_step_v
    offset_q16 = round(ONE * offset_v(config, seed) / step_v)
    trims_q16 = np.rint(ONE * trim_voltages(config) / step_v).astype(np.int64)
    thresholds, reach = _thresholds(config, key, [formats.segment_step(n) for n in (0, formats.segments - 1)])
    return Circuit(
        column=GIGA * (config.selector_ohm + config.line_ohm * np.arange(1, config.rows + 1)),
        reach=GIGA * (config.front_end_ohm + config.line_ohm * np.arange(1, formats.cells + 1)),
        line=GIGA * config.line_ohm,
        firsts=np.array([2 * pairs.start for pairs in segments], np.int64),
        counts=np.array([2 * len(pairs) for pairs in segments], np.int64),
        gains_q16=np.maximum(0, ONE + _drawn_q16(key, GAIN, 2 * formats.lanes, config.dac_mismatch)),
        offset_q16=offset_q16 - int(trims_q16[trim_of(offset_q16, trims_q16)]),
        untrimmed_q16=offset_q16,
        trims_q16=trims_q16,
        read_q16=round(ONE * read_code),
        read_code2=max(1, round(read_code**2)),
        curve_q16=round(ONE * config.iv_curvature),
        limit_ns=round(1000 * config.selector_limit_ua / card.read_sl_v),
        bent=config.iv_curvature > 0 or config.selector_limit_ua > 0,
        shaped=config.adc_inl_lsb > 0 or config.adc_dnl_lsb > 0,
        thresholds=thresholds,
        ramps=np.concatenate([thresholds, np.full((2, reach), np.inf)], axis=1),
        reach_steps=reach,
    )


def trim_voltages(config: Config) -> np.ndarray:
    """What each code of the trim DAC takes off the front end's offset, float64 [2^auto_zero_bits] in V; the middle one
    nothing."""
    codes = np.arange(2**config.auto_zero_bits) - 2**config.auto_zero_bits // 2
    return codes * 2 * config.auto_zero_range_v / 2**config.auto_zero_bits


def trim_of(offset_q16: int, trims_q16: np.ndarray) -> int:
    """The code that the chip's binary search ends at: the highest that takes off less than the offset, else 0."""
    return max(0, int(np.searchsorted(trims_q16, offset_q16, side="left")) - 1)


def trimmed(circuit: Circuit, code: int) -> Circuit:
    """The circuit while the trim DAC has that code."""
    return circuit._replace(offset_q16=circuit.untrimmed_q16 - int(circuit.trims_q16[code]))


def from_row(circuit: Circuit | None, row: int) -> Circuit | None:
    """The circuit of the rows from `row` on."""
    return circuit if circuit is None else circuit._replace(column=circuit.column[row:])


def offset_v(config: Config, seed: int) -> float:
    """Offset of the front end of the chip that `seed` draws, in V."""
    normal = normals_q16(words(np.zeros(1, np.int64), 0, OFFSET, stream_key(seed, "circuit")))
    return config.front_end_offset_v + config.front_end_offset_sd_v * float(normal[0]) / ONE


def _drawn_q16(key: tuple[int, int], what: int, count: int, sd: float) -> np.ndarray:
    """Normals of s.d. `sd`, int64 [count] in Q16."""
    scaled: np.ndarray = (round(ONE * sd) * normals_q16(words(np.arange(count), 0, what, key)) + ONE // 2) >> 16
    return scaled


def _thresholds(config: Config, key: tuple[int, int], steps: Sequence[int]) -> tuple[np.ndarray, int]:
    """Least dot product that reaches each ADC code but the lowest, int64 [steps, 2^adc_bits - 1] rising, in nS times
    codes, for each of `steps` a code; and how many steps one of them is off at most.

    Threshold k (0 in the middle) is off by the bow, largest at both ends, and by its share of the widths' spread. That
    of code 0 is where it should be: what all share is an offset, which has its own key.
    """
    top = 2 ** (config.adc_bits - 1) - 1
    k = np.arange(-top, top + 1)
    sign = 1 if words(np.zeros(1, np.int64), 0, BOW, key)[0] >> 31 else -1
    off_lsb = sign * config.adc_inl_lsb * (k / (top + 1)) ** 2
    off_lsb += _drawn_q16(key, WIDTH, len(k), config.adc_dnl_lsb / 2**0.5) / ONE
    off_lsb[top] = 0.0
    found = np.array([np.maximum.accumulate(np.rint(step * (k + off_lsb)).astype(np.int64)) for step in steps])
    return found, int(max(np.ceil(abs(found[n] / steps[n] - k).max()) for n in range(len(steps))))
