"""The twin of what comes ahead of a training: forming and conditioning, and the calibration of the gate LUT."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.array import STUCK_HCS, STUCK_LCS, OxramArray, reset_draw, set_draw
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.twin.programming import reset_row, set_and_sense
from oxmc.pymodels.twin.state import READ_NS, READS, SET_NA, SETS, TALLIES, Devices


@njit(cache=True, nogil=True, borrows=True)
def set_cell(devices: Devices, row: int, cell: int, gate: int, tally: np.ndarray, effects: Effects) -> int:
    """SET one cell at a gate code; the conductance in nS that a READ senses then."""
    devices.set_count[row, cell] += 1
    tally[SETS] += 1
    tally[SET_NA] += devices.current_na[gate]
    return set_and_sense(devices, row, cell, gate, effects)


@njit(cache=True, nogil=True)
def form_array(
    devices: Devices, hcs_stuck_ns: int, cycles: int, gate: int, tally: np.ndarray, effects: Effects
) -> None:
    """FORM, clear and condition row by row, as `oxmc.hdl.former`."""
    rows, cells = devices.conductance_ns.shape
    words = np.empty(cells, np.int64)
    for row in range(rows):
        for cell in range(cells):
            index, stuck = row * cells + cell, devices.stuck[row, cell]
            if stuck == STUCK_LCS:
                formed = reset_draw(devices.k0, devices.k1, index, 0, devices.lcs_table)
            elif stuck == STUCK_HCS:
                formed = hcs_stuck_ns
            else:
                formed = set_draw(
                    devices.k0, devices.k1, index, 0, devices.median_ns[0], devices.sd_ns[0],
                    devices.device_q16[row, cell],
                )  # fmt: skip
            devices.conductance_ns[row, cell] = formed
        reset_row(devices, row, words, tally)
        for _ in range(cycles):
            for cell in range(cells):
                set_cell(devices, row, cell, gate, tally, effects)
            reset_row(devices, row, words, tally)


@njit(cache=True, nogil=True)
def calibrated_lut(
    devices: Devices, rows: int, gates: int, read_step_ns: int, read_top: int, tally: np.ndarray, effects: Effects
) -> np.ndarray:
    """Lower median of the read codes that each gate code leaves, never falling, int64 [gates]: `hdl.calibrator`."""
    cells = devices.conductance_ns.shape[1]
    lut, codes, words = np.zeros(gates, np.int64), np.empty(rows * cells, np.int64), np.empty(cells, np.int64)
    for gate in range(gates):
        for row in range(rows):
            for cell in range(cells):
                seen_ns = set_cell(devices, row, cell, gate, tally, effects)
                tally[READS] += 1
                tally[READ_NS] += devices.conductance_ns[row, cell]
                codes[row * cells + cell] = min(seen_ns // read_step_ns, read_top)
            reset_row(devices, row, words, tally)
        median = np.sort(codes)[(len(codes) - 1) // 2]
        lut[gate] = max(median, lut[gate - 1]) if gate else median
    return lut


def prepare(
    formats: Formats, array: OxramArray, devices: Devices, lut: np.ndarray
) -> tuple[np.ndarray, dict[str, dict[str, int]]]:
    """Form and calibrate as the configuration asks; the LUT in read codes from then on, and what each counted.

    `array` must have arrived unformed where the configuration has the chip form it; its state is changed in place.
    """
    config = formats.config
    tallies = {phase: np.zeros(len(TALLIES), np.int64) for phase in ("form", "calibrate")}
    if config.form:
        form_array(
            devices, array.hcs_stuck_ns, config.condition_cycles, formats.condition_gate, tallies["form"], array.effects
        )  # fmt: skip
    if config.calibrate:
        lut = calibrated_lut(
            devices, formats.calibration_rows, config.gate_codes, formats.read_step_ns, 2**config.read_bits - 1,
            tallies["calibrate"], array.effects,
        )  # fmt: skip
    return lut, {phase: dict(zip(TALLIES, tally.tolist(), strict=True)) for phase, tally in tallies.items()}
