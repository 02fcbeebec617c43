"""What the front end sees of a row: the ladder of `oxmc.pymodels.oxram.circuit` solved, compiled.

The same sequence of operations on IEEE doubles in numba and in `oxram_circuit.vh`: no product meets a sum, so that no
compiler can fuse the two, and both round alike. Everything behind the transconductances is in integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.bulk_draws import HALF, ONE, Q
from oxmc.pymodels.oxram.circuit import OHMIC_NS, Circuit

MOST_COMPRESSION_Q16 = ONE // 4


class Seen(NamedTuple):
    """A row as the front end sees it, int64: `weights` and `cubes` [cells] in nS are what the input code and its cube
    are multiplied with, `loads` [segments] what the offset is; `ladder` float64 [cells] is room for the solution."""

    weights: np.ndarray
    cubes: np.ndarray
    loads: np.ndarray
    ladder: np.ndarray


def room_to_see(cells: int, segments: int) -> Seen:
    return Seen(np.zeros(cells, np.int64), np.zeros(cells, np.int64), np.zeros(segments, np.int64), np.zeros(cells))


@njit(cache=True, nogil=True, inline="always")
def with_series(ns: float, giga_ohm: float) -> float:
    """A conductance in nS behind a resistance."""
    return 1.0 / (1.0 / ns + giga_ohm)


@njit(cache=True, nogil=True, borrows=True)
def solve(circuit: Circuit, cells_ns: np.ndarray, row: int, segment: int, seen: Seen) -> None:
    """Transconductances of the cells of a segment into `seen.weights`: source lines at 0 V, 1 V at the front end, and
    what each cell then takes, which is the same the other way round (reciprocity)."""
    first, count = circuit.firsts[segment], circuit.counts[segment]
    last, column, ladder = first + count - 1, circuit.column[row], seen.ladder
    beyond = 0.0
    for cell in range(last, first - 1, -1):
        ladder[cell] = with_series(np.float64(cells_ns[cell]), column) + beyond
        beyond = with_series(ladder[cell], circuit.line)
    node = 1.0
    for cell in range(first, last + 1):
        resistance = 1.0 / ladder[cell]
        node *= resistance / (resistance + (circuit.reach[cell] if cell == first else circuit.line))
        seen.weights[cell] = np.int64(node / (1.0 / np.float64(cells_ns[cell]) + column) + 0.5)


@njit(cache=True, nogil=True, inline="always")
def share(ns: int, q16: int) -> int:
    return (ns * q16 + HALF) >> Q


@njit(cache=True, nogil=True, inline="always")
def curve_q16(circuit: Circuit, ns: int) -> int:
    """Share by which a cell conducts less at 0 V than at the READ voltage."""
    return circuit.curve_q16 * max(0, OHMIC_NS - ns) // OHMIC_NS


@njit(cache=True, nogil=True, inline="always")
def compression_q16(circuit: Circuit, ns: int) -> int:
    """Share that a cell's selector takes off at the READ voltage: half of (I / limit)^2, at most a quarter."""
    if circuit.limit_ns == 0:
        return 0
    ratio_q16 = min((ns << Q) // circuit.limit_ns, ONE)
    return min((ratio_q16 * ratio_q16) >> (Q + 1), MOST_COMPRESSION_Q16)


@njit(cache=True, nogil=True, borrows=True)
def see(circuit: Circuit, cells_ns: np.ndarray, row: int, seen: Seen) -> None:
    """A row of conductances int64 [cells] as the front end sees it, into `seen`."""
    for segment in range(len(circuit.firsts)):
        solve(circuit, cells_ns, row, segment, seen)
        first, load = circuit.firsts[segment], 0
        for cell in range(first, first + circuit.counts[segment]):
            through, gain_q16 = seen.weights[cell], circuit.gains_q16[cell - first]
            if circuit.bent:
                curved = share(through, curve_q16(circuit, cells_ns[cell]))
                cube = curved - share(through, compression_q16(circuit, cells_ns[cell]))
                through -= curved
                seen.cubes[cell] = share(cube, gain_q16)
            load += through
            seen.weights[cell] = share(through, gain_q16)
        seen.loads[segment] = load


@njit(cache=True, nogil=True, inline="always")
def tilt(circuit: Circuit, seen: Seen, segment: int) -> int:
    """What the front end's offset adds to V.w, in nS times codes; below 0 exactly where the offset is above it."""
    return (-seen.loads[segment] * circuit.offset_q16) >> Q


@njit(cache=True, nogil=True, borrows=True)
def bend(circuit: Circuit, seen: Seen, first: int, codes: np.ndarray) -> int:
    """What deviations from Ohm's law add to V.w of the pairs from cell `first` on under int64 `codes`."""
    third = 0
    for i in range(len(codes)):
        third += (seen.cubes[first + 2 * i] - seen.cubes[first + 2 * i + 1]) * (codes[i] * codes[i] * codes[i])
    return third // circuit.read_code2


@njit(cache=True, nogil=True, borrows=True)
def shaped_code(thresholds: np.ndarray, step: int, dot: int) -> int:
    """ADC code of a dot product by its rising thresholds, int64 [2 top + 1]."""
    top = len(thresholds) >> 1
    code = min(max(dot // step, -top - 1), top)
    while code > -top - 1 and dot < thresholds[code + top]:
        code -= 1
    while code < top and dot >= thresholds[code + top + 1]:
        code += 1
    return code


@njit(cache=True, nogil=True)
def read_through(circuit: Circuit | None, ns: int, row: int, cell: int) -> int:
    """What a READ at the front end makes of a conductance in nS."""
    if circuit is None:
        return ns
    series = with_series(with_series(np.float64(ns), circuit.column[row]), circuit.reach[cell])
    through = np.int64(series + 0.5)
    through -= share(through, compression_q16(circuit, ns))
    return max(0, through - through * circuit.offset_q16 // circuit.read_q16)


@njit(cache=True, nogil=True)
def see_rows(
    circuit: Circuit, rows_ns: np.ndarray, first_row: int, seen: Seen, weights: np.ndarray, cubes: np.ndarray,
    loads: np.ndarray,
) -> None:  # fmt: skip
    """`see` of rows int64 [rows, cells], the first of them `first_row` of the array, into arrays of as many."""
    for row in range(len(rows_ns)):
        see(circuit, rows_ns[row], first_row + row, seen)
        weights[row], cubes[row], loads[row] = seen.weights, seen.cubes, seen.loads
