"""Hastings correction in integers: what each gate code programs, as the chip's law table holds it, and the ratio.

The proposal of a cell is normal with the median and s.d. of the gate code that belongs to the conductance read before
it; the way back is the same from the other end. Its -log2 ratio over a row joins the threshold (Eq 2 has no such term).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import HASTINGS_MULTIPLIER_BITS, HASTINGS_SHIFT_BITS, formats_of
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.devices import load_card, lut_table


class Law(NamedTuple):
    """What each gate code programs, int64 [gate_codes] each: median in half read codes, precision and log2 of the s.d.

    A deviation of d half codes costs (d^2 precision >> shift) + log_sd, in units of `log_fraction_bits`, the s.d. over
    the smallest.
    """

    median: np.ndarray
    precision: np.ndarray
    log_sd: np.ndarray
    shift: int


def law_of(config: Config) -> Law:
    """The law of a configuration's card and LUT. Raises `InputError` where a read step is too coarse for its s.d."""
    formats, gates = formats_of(config), lut_table(load_card(config.card), config)
    half_ns, sd_ns = formats.read_step_ns / 2, gates.sd_ns.astype(float)
    exact = half_ns**2 / (2 * math.log(2) * sd_ns**2) * 2**config.log_fraction_bits
    shift = min(HASTINGS_MULTIPLIER_BITS - 1 - math.floor(math.log2(exact.max())), 2**HASTINGS_SHIFT_BITS - 1)
    if shift < 0:
        raise InputError(f"hastings must have a read step below {2 * half_ns / 1000:g} uS to resolve its s.d.")
    top = 2**HASTINGS_MULTIPLIER_BITS - 1
    return Law(
        np.minimum(np.rint(gates.median_ns / half_ns), 2**formats.law_median_bits - 1).astype(np.int64),
        np.minimum(np.rint(exact * 2**shift), top).astype(np.int64),
        np.rint(np.log2(sd_ns / sd_ns.min()) * 2**config.log_fraction_bits).astype(np.int64),
        shift,
    )


def no_law(config: Config) -> Law:
    """A law that costs nothing, for a chain without the correction."""
    nothing = np.zeros(config.gate_codes, np.int64)
    return Law(nothing, nothing, nothing, 0)


@njit(cache=True, nogil=True)
def hastings_cost(law: Law, gate_map: np.ndarray, code: np.ndarray, next_code: np.ndarray) -> int:
    """-log2 of q(g|g') / q(g'|g) from read codes int64 [cells] of a row to those of the next, in fixed point.

    `gate_map` int64 [read codes] names the gate code of a read code.
    """
    exponents, log_sds = 0, 0
    for cell in range(len(code)):
        there, back = gate_map[code[cell]], gate_map[next_code[cell]]
        to, fro = 2 * next_code[cell] + 1 - law.median[there], 2 * code[cell] + 1 - law.median[back]
        exponents += fro * fro * law.precision[back] - to * to * law.precision[there]
        log_sds += law.log_sd[back] - law.log_sd[there]
    return (exponents >> law.shift) + log_sds
