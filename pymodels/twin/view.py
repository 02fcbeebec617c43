"""Stored rows as the converter sees them, in numpy: plain differences of conductances, or through the array's
circuit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.circuit import Circuit


class View(NamedTuple):
    """Of each row, int64 in nS: its cells [rows, cells] as the front end sees them, what the codes of its pairs [rows,
    pairs] are multiplied with, what their cubes are, and what is added to each segment [rows, segments], in nS times
    codes; the last two behind a `circuit` alone."""

    cells: np.ndarray
    pairs: np.ndarray
    cubes: np.ndarray
    tilts: np.ndarray
    circuit: Circuit | None


def view_of(circuit: Circuit | None, formats: Formats, rows_ns: np.ndarray, first_row: int) -> View:
    """The view of conductances int64 [rows, cells] in nS, of which the first row is `first_row` of the array."""
    if circuit is None:
        nothing = np.zeros((len(rows_ns), 0), np.int64)
        return View(rows_ns, rows_ns[:, 0::2] - rows_ns[:, 1::2], nothing, nothing, None)
    from oxmc.pymodels.oxram.ladder import room_to_see, see_rows

    weights, cubes = np.zeros((2, *rows_ns.shape), np.int64)
    loads = np.zeros((len(rows_ns), formats.segments), np.int64)
    rows_ns = np.ascontiguousarray(rows_ns, np.int64)
    see_rows(circuit, rows_ns, first_row, room_to_see(formats.cells, formats.segments), weights, cubes, loads)
    pairs, bends = (cells[:, 0::2] - cells[:, 1::2] for cells in (weights, cubes))
    return View(weights, pairs, bends, (-loads * circuit.offset_q16) >> 16, circuit)


def dot_products(formats: Formats, view: View, segment: int, inputs: np.ndarray) -> np.ndarray:
    """V.w of a segment as the ADC gets it, int64 [rows, n], under inputs int64 [lanes, n] or [lanes, rows, n]."""
    part = slice(formats.segment_pairs(segment).start, formats.segment_pairs(segment).stop)
    subscripts = "rl,ln->rn" if inputs.ndim == 2 else "rl,lrn->rn"
    dots: np.ndarray = np.einsum(subscripts, view.pairs[:, part], inputs)
    if view.circuit is not None:
        thirds = np.einsum(subscripts, view.cubes[:, part], inputs**3)
        dots = dots + thirds // view.circuit.read_code2 + view.tilts[:, segment, None]
    return dots


def adc_indices(formats: Formats, view: View, segment: int, inputs: np.ndarray) -> np.ndarray:
    """Where a table holds what each EVAL is worth, int64 [rows, n]; inputs as `dot_products`."""
    config, dots = formats.config, dot_products(formats, view, segment, inputs)
    half = 2 ** (config.adc_bits - 1)
    if view.circuit is not None and view.circuit.shaped:
        thresholds = view.circuit.thresholds[int(segment >= config.hidden)]
        code = np.searchsorted(thresholds, dots, side="right") - half
    else:
        code = np.clip(dots // formats.segment_step(segment), -half, half - 1)
    indices: np.ndarray = (code + half) >> (config.adc_bits - config.table_bits)
    return indices
