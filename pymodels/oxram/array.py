"""OxRAM array: conductances, programming noise and the physical work that each pulse does on it.

State is integer (nS) and every draw depends only on (seed, cell, SETs of that cell), see `draws`. Cell 2p of a
row is g+ of pair p, cell 2p + 1 its g-. Which pairs an EVAL reads, its segment says (`Formats.segment_pairs`): those of
output k are k * features and up, unless there are hidden neurons, which come first.

Cells. A SET leaves a normal conductance about the device's median for that gate code (Eq 1, 9, 10), whatever it was
before; a RESET leaves a log-normal LCS. Each device scales its medians by one factor for life (d2d). FORM leaves a cell
conducting at a draw of the lowest gate code (k = 0, which no SET uses): our choice, the paper gives no value. Stuck
cells take pulses, and their energy, but keep their conductance: one LCS draw, or the card's hcs_stuck_us. Faults drawn
anew, read noise and relaxation are in `oxmc.pymodels.oxram.effects`, the circuit around the cells in
`oxmc.pymodels.oxram.circuit`.

Energy. `joules` is the integral of V I dt over the array's pins, in floating point, apart from the energy ledger:
- SET: set_sl_v times the current of the gate code over the whole pulse. The selector holds that current once the
  filament has formed; before, less flows, so this is an upper bound on a SET of this pulse width.
- FORM: form_sl_v times form_current_ua over the whole pulse, in the same manner.
- RESET: V^2 (g before + g after) / 2 over the pulse: g falls linearly in time. Real filaments open abruptly.
- READ: V^2 g over the pulse. EVAL: the same at each cell's own input voltage, code * input_step_v, sign aside.
What wires, selectors and front end take off these currents is not in it, so that with them it is an upper bound; nor is
the charging of lines. Word lines draw no direct current.

A pulse that a reset of the chip cuts short (`cut`) is booked and counted nowhere. A cut READ or EVAL changes no cell. A
cut SET or RESET leaves its cells unknown, from as they were to as the whole pulse would have left them: READ and EVAL
refuse them until a whole SET or RESET, which does what it would have done without the cut one. A forming that is cut
begins anew: from then on FORM takes formed cells, too, and leaves them as the first FORM did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, QUANTITY_OF
from oxmc.pymodels.job import Stored
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.cells import (
    FORMED,
    HCS,
    NANO,
    NOT_STUCK,
    STUCK_HCS,
    STUCK_LCS,
    UNFORMED,
    Cells,
)
from oxmc.pymodels.oxram.circuit import trimmed
from oxmc.pymodels.oxram.devices import Card
from oxmc.pymodels.oxram.effect_draws import read_ns, relaxed_ns, sensed_dot, set_ns
from oxmc.pymodels.oxram.ladder import bend, read_through, room_to_see, see, shaped_code, tilt
from oxmc.pymodels.oxram.philox import philox4x32


class ArrayError(RunError):
    """A pulse that breaks the array's contract; names row, cell, rule and value. The caller adds the clock cycle."""


@njit(cache=True, nogil=True, inline="always")
def set_draw(k0: int, k1: int, cell: int, k: int, median_ns: int, sd_ns: int, device_q16: int) -> int:
    """Conductance in nS after the `k`-th SET (from 1) of global cell index `cell`, key (k0, k1)."""
    return draws.set_ns(philox4x32(cell, k, 0, draws.SET, k0, k1)[0], median_ns, sd_ns, device_q16)


@njit(cache=True, nogil=True)
def reset_draw(k0: int, k1: int, cell: int, k: int, lcs_table: np.ndarray) -> int:
    """Conductance in nS after a RESET of global cell index `cell` that has seen `k` SETs, key (k0, k1)."""
    return draws.lcs_ns(philox4x32(cell, k, 0, draws.RESET, k0, k1)[0], lcs_table)


@njit(cache=True, nogil=True, borrows=True)
def draw_words(k0: int, k1: int, first: int, set_count: np.ndarray, domain: int, words: np.ndarray) -> None:
    """The word behind a draw of each cell from global index `first` on that has seen int64 `set_count` SETs, into int64
    `words` [cells]; apart from what it is worth, since a loop with tables in it is not compiled to one over vectors."""
    for cell in range(len(set_count)):
        words[cell] = philox4x32(first + cell, set_count[cell], 0, domain, k0, k1)[0]


def lcs_population(k0: int, k1: int, cells: int, lcs_table: np.ndarray) -> np.ndarray:
    """Conductance in nS of `cells` cells RESET before any SET, int64 [cells]."""
    words = np.empty(cells, np.int64)
    draw_words(k0, k1, 0, np.zeros(cells, np.int64), draws.RESET, words)
    return lcs_table[words >> 24]


@njit(cache=True, nogil=True)
def device_factors_q16(k0: int, k1: int, cells: int, spread_q16: int) -> np.ndarray:
    """Factor on the median conductance of each of `cells` devices, int64 [cells] in Q16."""
    factors = np.empty(cells, np.int64)
    for cell in range(cells):
        factors[cell] = draws.device_factor_q16(philox4x32(cell, 0, 0, draws.DEVICE, k0, k1)[0], spread_q16)
    return factors


@njit(cache=True, nogil=True)
def stuck_cells(k0: int, k1: int, cells: int, lcs_below: int, hcs_below: int) -> np.ndarray:
    """NOT_STUCK, STUCK_LCS or STUCK_HCS, uint8 [cells], by thresholds in 2^-32; a larger share adds cells only."""
    stuck = np.empty(cells, np.uint8)
    for cell in range(cells):
        u0 = np.int64(philox4x32(cell, 0, 0, draws.STUCK, k0, k1)[0])
        stuck[cell] = STUCK_LCS if u0 < lcs_below else STUCK_HCS if u0 < hcs_below else NOT_STUCK
    return stuck


@njit(cache=True, nogil=True)
def evaluate_cells(cells_ns: np.ndarray, first: int, codes: np.ndarray) -> tuple[int, int, int, int]:
    """Dot product and drive of the pairs from cell `first` on under signed input `codes`, and the extremes met.

    Returns sum (g+ - g-) * code, sum (g+ + g-) * code^2, both in nS times codes and exact in 64 bits, the lowest
    conductance in nS (0: a cell is unformed) and the largest magnitude of a code.
    """
    dot, drive, lowest, largest = np.int64(0), np.int64(0), cells_ns[first], np.int64(0)
    for i in range(codes.shape[0]):
        plus, minus, code = cells_ns[first + 2 * i], cells_ns[first + 2 * i + 1], codes[i]
        dot += (plus - minus) * code
        drive += (plus + minus) * code * code
        lowest = min(lowest, plus, minus)
        largest = max(largest, abs(code))
    return int(dot), int(drive), int(lowest), int(largest)


@njit(cache=True, nogil=True)
def reset_cells(
    k0: int, k1: int, base: int, mask: np.ndarray, cells_ns: np.ndarray, state: np.ndarray, set_count: np.ndarray,
    stuck: np.ndarray, lcs_table: np.ndarray,
) -> tuple[int, int, int]:  # fmt: skip
    """RESET the cells of one row that little-endian bit mask uint8 `mask` names; `base` is its first cell's index.

    Returns cells reset, their summed conductance before plus after in nS, and the first unformed cell or -1; in that
    case nothing has changed.
    """
    count, both = np.int64(0), np.int64(0)
    for cell in range(cells_ns.shape[0]):
        if mask[cell >> 3] >> (cell & 7) & 1 and state[cell] == UNFORMED:
            return 0, 0, cell
    for cell in range(cells_ns.shape[0]):
        if mask[cell >> 3] >> (cell & 7) & 1:
            count += 1
            both += cells_ns[cell]
            if stuck[cell] == NOT_STUCK:
                cells_ns[cell] = reset_draw(k0, k1, base + cell, set_count[cell], lcs_table)
                state[cell] = FORMED
            both += cells_ns[cell]
    return int(count), int(both), -1


class OxramArray(Cells):
    """`Cells` behind the array port's commands.

    Each method is one pulse. It checks the pulse's width in cycles and its addresses, raises `ArrayError` before
    anything changes, acts, and books under `phase` (one of events.PHASES, set by the caller).
    """

    device_factors_q16 = staticmethod(device_factors_q16)
    stuck_cells = staticmethod(stuck_cells)
    lcs_population = staticmethod(lcs_population)

    def __init__(self, config: Config, card: Card, seed: int, *, formed: bool = True) -> None:
        super().__init__(config, card, seed, formed=formed)
        # what draws of effects are counted by: READs since a cell's SET, SETs of a row and evaluations since
        self._reads, self._fresh = np.zeros_like(self.set_count), np.zeros(self.state.shape, bool)
        self._sets, self._evaluations = np.zeros(self.rows, np.int64), np.zeros(self.rows, np.int64)
        self._seen, self._seen_row = room_to_see(self.cells, len(self.segments)), -1  # the row last solved
        self._unknown: set[tuple[int, int]] = set()  # cells by row and number, since a SET or RESET of them was cut
        self._forms_anew = False
        self._lost_j = {phase: dict.fromkeys(ARRAY_EVENTS, 0.0) for phase in PHASES}

    def restore(self, stored: Stored | None) -> None:
        super().restore(stored)
        self._sets[:] = self.set_count.sum(axis=1)

    def _formed(self, row: int, cell: int) -> tuple[int, int]:
        """State and conductance in nS that FORM leaves a cell in."""
        index, stuck, gates = row * self.cells + cell, self.stuck[row, cell], self.gates
        if stuck == STUCK_LCS:
            return FORMED, reset_draw(*self.key, index, 0, self.lcs_table)
        if stuck == STUCK_HCS:
            return HCS, self.hcs_stuck_ns
        device = int(self.device_q16[row, cell])
        return HCS, set_draw(*self.key, index, 0, int(gates.median_ns[0]), int(gates.sd_ns[0]), device)

    def trim(self, code: int) -> None:
        """The chip sets the front end's trim DAC."""
        if self.circuit is not None:
            self.circuit = trimmed(self.circuit, code)

    # pulses

    def form(self, row: int, cell: int, gate: int, cycles: int) -> None:
        """FORM one unformed cell for a SET's width. The gate code is checked and unused: form_wl_v is of the card."""
        self._check_cell("FORM", row, cell, cycles)
        self._check_gate("FORM", row, cell, gate)
        if self.state[row, cell] != UNFORMED and not self._forms_anew:
            _refuse("FORM", row, f" cell {cell}", "meet an unformed cell", "a formed one")
        self._seen_row = -1
        self.state[row, cell], self.conductance_ns[row, cell] = self._formed(row, cell)
        current_na = self.form_current_na
        self._book("form", 1, current_na * cycles, self.card.form_sl_v * current_na * NANO, cycles)

    def reset(self, row: int, mask: int, cycles: int) -> None:
        """RESET the cells of a row whose bit in `mask` is set, in one pulse."""
        self._check_row("RESET", row, "", cycles)
        if mask <= 0 or mask >> self.cells:
            _refuse("RESET", row, "", f"have a mask from 1 to 2^{self.cells} - 1", hex(mask))
        self._seen_row = -1
        bits = np.frombuffer(mask.to_bytes((self.cells + 7) // 8, "little"), np.uint8)
        count, both_ns, unformed = reset_cells(
            *self.key, row * self.cells, bits, self.conductance_ns[row], self.state[row], self.set_count[row],
            self.stuck[row], self.lcs_table,
        )  # fmt: skip
        if unformed >= 0:
            _refuse("RESET", row, f" cell {unformed}", "meet a formed cell", "an unformed one")
        if self._unknown:
            self._unknown -= {(row, cell) for cell in range(self.cells) if mask >> cell & 1}
        self.counts[self.phase]["reset_pulse"] += 1
        self._book("reset", count, both_ns * cycles, self.card.reset_bl_v**2 * both_ns / 2 * NANO, cycles)

    def set(self, row: int, cell: int, gate: int, cycles: int) -> None:
        """SET one cell with the current of a gate code; a cell in the HCS draws anew."""
        self._check_cell("SET", row, cell, cycles)
        self._check_gate("SET", row, cell, gate)
        self._check_formed("SET", row, cell)
        self._seen_row = -1
        self._unknown.discard((row, cell))
        gates, k = self.gates, int(self.set_count[row, cell]) + 1
        self.set_count[row, cell] = k
        if self.stuck[row, cell] == NOT_STUCK:
            index = row * self.cells + cell
            self.conductance_ns[row, cell] = set_ns(
                self.effects, *self.key, index, k, gate, int(gates.median_ns[gate]), int(gates.sd_ns[gate]),
                int(self.device_q16[row, cell]), self.scatter_q16[row], cell, self.lcs_table,
            )  # fmt: skip
            self.state[row, cell] = HCS
        self._sets[row] += 1
        self._evaluations[row], self._reads[row, cell], self._fresh[row, cell] = 0, 0, True
        current_na = int(gates.current_na[gate])
        self._book("set", 1, current_na * cycles, self.card.set_sl_v * current_na * NANO, cycles)

    def set_group(self, row: int, cell: int, gates: Sequence[int], cycles: int) -> None:
        """SET the cells from `cell` on by one pulse, each at its own one of `gates`, one a gate DAC.

        A group begins at a multiple of the DACs' number and ends with the row; DACs past that end have code 0.
        """
        group = range(cell, min(cell + len(gates), self.cells))
        self._check_cell("SET", row, cell, cycles)
        if cell % len(gates):
            _refuse("SET", row, f" cell {cell}", f"begin at a multiple of {len(gates)} cells", cell)
        if any(gates[len(group) :]):
            _refuse("SET", row, f" cell {cell}", f"have code 0 at all DACs but {len(group)}", list(gates))
        for one, gate in zip(group, gates, strict=False):  # all of them before anything changes
            self._check_gate("SET", row, one, gate)
            self._check_formed("SET", row, one)
        for one, gate in zip(group, gates, strict=False):
            self.set(row, one, gate, cycles)

    def read(self, row: int, cell: int, cycles: int) -> int:
        """READ one cell: its conductance code, floor(g / read_step_ns), saturating at the top of `read_bits`."""
        self._check_cell("READ", row, cell, cycles)
        self._check_formed("READ", row, cell)
        self._check_known("READ", row, f" cell {cell}", [cell])
        conductance_ns = int(self.conductance_ns[row, cell])
        self._book("read", 1, conductance_ns * cycles, self.card.read_sl_v**2 * conductance_ns * NANO, cycles)
        conductance_ns = self._read_through(row, cell, conductance_ns)
        if self.effects.sensing:
            k, number = int(self.set_count[row, cell]), int(self._reads[row, cell])
            index = row * self.cells + cell
            conductance_ns = read_ns(self.effects, *self.key, index, k, number, conductance_ns, self.lcs_table)
            self._reads[row, cell] += 1
        return min(conductance_ns // self.read_step_ns, 2**self.config.read_bits - 1)

    def _read_through(self, row: int, cell: int, conductance_ns: int) -> int:
        """What a READ at the front end makes of a cell's conductance, in nS, ahead of noise."""
        return int(read_through(self.circuit, conductance_ns, row, cell))

    def evaluate(self, row: int, segment: int, codes: np.ndarray, cycles: int) -> int:
        """EVAL one segment of a row under signed input `codes`, int64 [lanes]: the signed ADC code of V.w.

        Lanes that the segment does not use carry zeros.
        """
        where = f" segment {segment}"
        self._check_row("EVAL", row, where, cycles)
        if not 0 <= segment < len(self.segments):
            _refuse("EVAL", row, where, f"have a segment from 0 to {len(self.segments) - 1}", segment)
        if codes.shape != (self.lanes,):
            _refuse("EVAL", row, where, f"have {self.lanes} input codes", codes.shape)
        pairs = self.segments[segment]
        if codes[len(pairs) :].any():
            _refuse("EVAL", row, where, f"leave all lanes but {len(pairs)} at zero", codes.tolist())
        used = codes[: len(pairs)]
        dot, drive, lowest_ns, largest = evaluate_cells(self.conductance_ns[row], 2 * pairs.start, used)
        if largest > self.input_max:
            _refuse("EVAL", row, where, f"have input codes from -{self.input_max} to {self.input_max}", codes.tolist())
        if lowest_ns == 0:
            _refuse("EVAL", row, where, "meet formed cells only", "an unformed one")
        self._check_known("EVAL", row, where, range(2 * pairs.start, 2 * pairs.stop))
        if self.effects.any or self.circuit is not None:
            dot, drive = self._sensed(row, segment, used)
        self._book("eval", 1, drive * cycles, drive * self.input_step_v**2 * NANO, cycles)
        step, top = self.steps[segment], 2 ** (self.config.adc_bits - 1)
        if self.circuit is not None and self.circuit.shaped:
            return int(shaped_code(self.circuit.thresholds[int(segment >= self.config.hidden)], step, dot))
        return max(-top, min(top - 1, dot // step))

    def cut(self, op: str, row: int, cells: Iterable[int]) -> None:
        """A reset of the chip ended a pulse of `op` on `cells` of a row early; the pulse's own method is not called."""
        if op in ("SET", "RESET"):
            self._unknown |= {(row, cell) for cell in cells}
        self._forms_anew |= self.phase == "form"

    def _sensed(self, row: int, segment: int, codes: np.ndarray) -> tuple[int, int]:
        """Dot product and drive of an EVAL with all effects and through the circuit."""
        cells_ns, base, first = self.conductance_ns[row], row * self.cells, 2 * self.segments[segment].start
        if self.effects.relax_q16 and self._fresh[row].any():
            self._relax(row)
        dot, drive, _, _ = evaluate_cells(cells_ns, first, codes)
        if self.circuit is not None:
            cells_ns = self._seen_ns(row)
            dot, _, _, _ = evaluate_cells(cells_ns, first, codes)
        if self.effects.sensing:
            number, sets = int(self._evaluations[row]), int(self._sets[row])
            dot = sensed_dot(
                self.effects, *self.key, cells_ns, base, first, codes, sets, number, self.lcs_table
            )  # fmt: skip
            self._evaluations[row] += self.phase != "calibrate"  # inputs of an auto-zero are 0, and draw nothing
        if self.circuit is not None:
            dot += tilt(self.circuit, self._seen, segment)
            dot += bend(self.circuit, self._seen, first, codes) if self.circuit.bent else 0
        return dot, drive

    def _relax(self, row: int) -> None:
        """What was SET since the row's last evaluation moves."""
        cells_ns, self._seen_row = self.conductance_ns[row], -1
        for cell in np.flatnonzero(
            self._fresh[row] & (self.state[row] == HCS) & (self.stuck[row] == NOT_STUCK)
        ).tolist():
            k = int(self.set_count[row, cell])
            index = row * self.cells + cell
            cells_ns[cell] = relaxed_ns(self.effects, *self.key, index, k, int(cells_ns[cell]))
        self._fresh[row] = False

    def _seen_ns(self, row: int) -> np.ndarray:
        """What the front end sees of a row's conductances, int64 [cells]."""
        assert self.circuit is not None
        if row != self._seen_row:
            see(self.circuit, self.conductance_ns[row], row, self._seen)
            self._seen_row = row
        return self._seen.weights

    # checks and books

    def _book(self, event: str, cells: int, quantity: int, watts: float, cycles: int) -> None:
        phase = self.phase
        self.counts[phase][event] += cells
        self.quantities[phase][QUANTITY_OF[event]] += quantity
        # a sum that keeps what each addition loses: equal pulses would lose the same way millions of times
        joules, lost = self.joules[phase], self._lost_j[phase]
        term = watts * cycles / self.config.clock_hz - lost[event]
        total = joules[event] + term
        lost[event] = (total - joules[event]) - term
        joules[event] = total

    def _check_row(self, op: str, row: int, where: str, cycles: int) -> None:
        if not 0 <= row < self.rows:
            _refuse(op, row, where, f"have a row from 0 to {self.rows - 1}", row)
        if cycles != self._widths[op]:
            width = self._widths[op]
            _refuse(op, row, where, f"last {width} cycle{'s' if width > 1 else ''}", cycles)

    def _check_cell(self, op: str, row: int, cell: int, cycles: int) -> None:
        self._check_row(op, row, f" cell {cell}", cycles)
        if not 0 <= cell < self.cells:
            _refuse(op, row, f" cell {cell}", f"have a cell from 0 to {self.cells - 1}", cell)

    def _check_gate(self, op: str, row: int, cell: int, gate: int) -> None:
        if not 0 <= gate < self.config.gate_codes:
            _refuse(op, row, f" cell {cell}", f"have a gate code from 0 to {self.config.gate_codes - 1}", gate)

    def _check_known(self, op: str, row: int, where: str, cells: Iterable[int]) -> None:
        if self._unknown and any((row, cell) in self._unknown for cell in cells):
            _refuse(op, row, where, "meet cells whose last pulse was whole", "one that a reset cut short")

    def _check_formed(self, op: str, row: int, cell: int) -> None:
        if self.state[row, cell] == UNFORMED:
            _refuse(op, row, f" cell {cell}", "meet a formed cell", "an unformed one")


def _refuse(op: str, row: int, where: str, rule: str, value: object) -> NoReturn:
    raise ArrayError(f"{op} of row {row}{where} must {rule}, not {value}")
