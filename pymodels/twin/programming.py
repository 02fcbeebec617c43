"""How the twin programs a row: plain, each cell verified, or each pair verified. Device draws are the array model's."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.array import NOT_STUCK, draw_words, reset_draw, set_draw
from oxmc.pymodels.oxram.draws import RESET, SET, lcs_ns, set_ns
from oxmc.pymodels.oxram.effect_draws import read_ns
from oxmc.pymodels.oxram.effect_draws import set_ns as scattered_set_ns
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.oxram.ladder import read_through
from oxmc.pymodels.twin.evaluate import whole_steps
from oxmc.pymodels.twin.lfsr import first_gate
from oxmc.pymodels.twin.state import (
    ATTEMPTS,
    CLAMPS,
    EDGE,
    FIRST,
    READ_NS,
    READS,
    RESET_NS,
    RESET_PULSES,
    RESETS,
    RETRIES,
    ROW,
    SET_NA,
    SETS,
    STREAK,
    SWITCHES,
    VERIFY_CELL,
    Arithmetic,
    Chain,
    Devices,
)


@njit(cache=True, nogil=True, borrows=True)
def reset_cell(devices: Devices, row: int, cell: int, tally: np.ndarray) -> None:
    tally[RESETS] += 1
    tally[RESET_NS] += devices.conductance_ns[row, cell]
    if devices.stuck[row, cell] == NOT_STUCK:
        index, k = row * devices.conductance_ns.shape[1] + cell, devices.set_count[row, cell]
        devices.conductance_ns[row, cell] = reset_draw(devices.k0, devices.k1, index, k, devices.lcs_table)
    tally[RESET_NS] += devices.conductance_ns[row, cell]


@njit(cache=True, nogil=True, borrows=True)
def reset_row(devices: Devices, row: int, words: np.ndarray, tally: np.ndarray) -> None:
    """`reset_cell` for each of a row, all draws ahead, into int64 `words` [cells]."""
    cells_ns, stuck, lcs_table = devices.conductance_ns[row], devices.stuck[row], devices.lcs_table
    cells, both_ns = len(cells_ns), 0
    draw_words(devices.k0, devices.k1, row * cells, devices.set_count[row], RESET, words)
    for cell in range(cells):
        after_ns = lcs_ns(words[cell], lcs_table) if stuck[cell] == NOT_STUCK else cells_ns[cell]
        both_ns += cells_ns[cell] + after_ns
        cells_ns[cell] = after_ns
    tally[RESET_PULSES] += 1
    tally[RESETS] += cells
    tally[RESET_NS] += both_ns


@njit(cache=True, nogil=True, borrows=True)
def set_and_sense(devices: Devices, row: int, cell: int, gate: int, effects: Effects) -> int:
    """What the SET just counted leaves of a cell under effects, and what the first READ after it senses."""
    index, k, ns = row * devices.conductance_ns.shape[1] + cell, devices.set_count[row, cell], devices.conductance_ns
    if devices.stuck[row, cell] == NOT_STUCK:
        ns[row, cell] = scattered_set_ns(
            effects, devices.k0, devices.k1, index, k, gate, devices.median_ns[gate], devices.sd_ns[gate],
            devices.device_q16[row, cell], devices.scatter_q16[row], cell, devices.lcs_table,
        )  # fmt: skip
    found_ns = read_through(devices.circuit, ns[row, cell], row, cell)
    return read_ns(effects, devices.k0, devices.k1, index, k, 0, found_ns, devices.lcs_table)


@njit(cache=True, nogil=True, borrows=True)
def set_and_read(
    chip: Arithmetic,
    devices: Devices,
    chain: Chain,
    row: int,
    cell: int,
    code: int,
    first: bool,
    effects: Effects | None,
) -> None:
    """SET one cell at the gate code nearest to read code `code` (0 if `first`) and READ it into `chain.read`."""
    gate = 0 if first else chip.gate_map[code]
    devices.set_count[row, cell] += 1
    if effects is None:
        if devices.stuck[row, cell] == NOT_STUCK:
            devices.conductance_ns[row, cell] = set_draw(
                devices.k0, devices.k1, row * devices.conductance_ns.shape[1] + cell, devices.set_count[row, cell],
                devices.median_ns[gate], devices.sd_ns[gate], devices.device_q16[row, cell],
            )  # fmt: skip
        seen_ns = read_through(devices.circuit, devices.conductance_ns[row, cell], row, cell)
    else:
        seen_ns = set_and_sense(devices, row, cell, gate, effects)
    conductance_ns = devices.conductance_ns[row, cell]
    chain.read[cell] = min(seen_ns // chip.read_step_ns, chip.read_top)
    tally, attempt = chain.tally, chain.programmed[chain.place[ATTEMPTS]]
    attempt[0], attempt[1], attempt[2] = cell, gate, chain.read[cell]
    chain.place[ATTEMPTS] += 1
    tally[CLAMPS] += 0 if first else chip.gate_clamped[code]
    tally[SETS] += 1
    tally[SET_NA] += devices.current_na[gate]
    tally[READS] += 1
    tally[READ_NS] += conductance_ns


@njit(cache=True, nogil=True, borrows=True)
def clear_for_retry(devices: Devices, chain: Chain, row: int, cell: int) -> None:
    chain.tally[RETRIES] += 1
    chain.tally[RESET_PULSES] += 1
    reset_cell(devices, row, cell, chain.tally)


@njit(cache=True, nogil=True, borrows=True)
def aim_plain(chip: Arithmetic, devices: Devices, chain: Chain, first: bool) -> None:
    """The gate code of each cell into `chain.programmed`: at the current row's read, in row 0 as `init` says."""
    programmed, set_na, clamps = chain.programmed, 0, 0
    for cell in range(len(chain.read)):
        code = chain.current_read[cell]
        gate = first_gate(chip, chain) if first else chip.gate_map[code]
        programmed[cell, 0], programmed[cell, 1] = cell, gate
        clamps += 0 if first else chip.gate_clamped[code]
        set_na += devices.current_na[gate]
    chain.tally[SET_NA] += set_na
    chain.tally[CLAMPS] += clamps


@njit(cache=True, nogil=True, borrows=True)
def program_plain(chip: Arithmetic, devices: Devices, chain: Chain, row: int, effects: Effects | None) -> None:
    """`set_and_read` once a cell at the current row's read; row 0 as `init` says. All draws at once, as in a RESET."""
    cells_ns, stuck, set_count = devices.conductance_ns[row], devices.stuck[row], devices.set_count[row]
    programmed, words, cells, tally, booked_ns = chain.programmed, chain.bench.words, len(chain.read), chain.tally, 0
    aim_plain(chip, devices, chain, bool(chain.place[FIRST]))
    for cell in range(cells):
        set_count[cell] += 1
    draw_words(devices.k0, devices.k1, row * cells, set_count, SET, words)
    for cell in range(cells):
        gate = programmed[cell, 1]
        seen_ns = set_ns(words[cell], devices.median_ns[gate], devices.sd_ns[gate], devices.device_q16[row, cell])
        if effects is not None:
            seen_ns = set_and_sense(devices, row, cell, gate, effects)
        elif stuck[cell] == NOT_STUCK:
            cells_ns[cell] = seen_ns
        else:
            seen_ns = cells_ns[cell]
        if effects is None:
            seen_ns = read_through(devices.circuit, seen_ns, row, cell)
        chain.read[cell] = np.int64(min(whole_steps(np.float64(seen_ns), chip.read_step_ns), np.float64(chip.read_top)))
        programmed[cell, 2] = chain.read[cell]
        booked_ns += cells_ns[cell]
    chain.place[ATTEMPTS] = cells
    tally[READ_NS] += booked_ns
    tally[SETS] += cells
    tally[READS] += cells


@njit(cache=True, nogil=True, borrows=True)
def program_cells(chip: Arithmetic, devices: Devices, chain: Chain, row: int, effects: Effects | None) -> None:
    """As `program_plain`, each cell again until its read is within the window of the current row's, or out of tries."""
    for cell in range(len(chain.read)):
        target, tries = chain.current_read[cell], 0
        set_and_read(chip, devices, chain, row, cell, target, False, effects)
        while abs(chain.read[cell] - target) > chip.window and tries < chip.tries:
            tries += 1
            clear_for_retry(devices, chain, row, cell)
            set_and_read(chip, devices, chain, row, cell, target, False, effects)


@njit(cache=True, nogil=True, borrows=True)
def learn(chip: Arithmetic, cell: int, error: int, offsets: np.ndarray, seen: np.ndarray) -> None:
    """Move a device's code offset by its read error with gain 1, 1/2, 1/4, 1/4, then 1/8, rounded half up."""
    seen[cell] = min(seen[cell] + 1, 5)
    shift = 0 if seen[cell] == 1 else 1 if seen[cell] == 2 else 2 if seen[cell] < 5 else 3
    offsets[cell] = min(max(offsets[cell] + ((error + (1 << shift >> 1)) >> shift), -chip.read_top), chip.read_top)


@njit(cache=True, nogil=True, borrows=True)
def aim(chip: Arithmetic, target: int, offset: int) -> int:
    return min(max(target + offset, 0), chip.read_top)


@njit(cache=True, nogil=True, borrows=True)
def program_pairs(chip: Arithmetic, devices: Devices, chain: Chain, row: int, effects: Effects | None) -> None:
    """Close the loop on each pair: the lower side once, then the other until the difference is the current row's."""
    read, offsets, seen = chain.read, chain.offsets, chain.seen
    for plus in range(0, len(read), 2):
        difference = chain.current_read[plus] - chain.current_read[plus + 1]
        wanted = abs(difference)
        high = plus if difference >= 0 else plus + 1
        low = 2 * plus + 1 - high
        for cell in (low, high):
            target = max(chip.common_mode - (wanted >> 1), 0) if cell == low else read[low] + wanted
            set_and_read(chip, devices, chain, row, cell, aim(chip, target, offsets[cell]), False, effects)
            learn(chip, cell, target - read[cell], offsets, seen)
        work, tries = high, 0
        while abs(read[high] - read[low] - wanted) > chip.window and tries < chip.tries:
            tries += 1
            target = read[low] + wanted if work == high else read[high] - wanted
            gate = chip.gate_map[aim(chip, target, offsets[work])]
            if gate < EDGE or gate > chip.gate_top - EDGE:
                work = high + low - work
                chain.tally[SWITCHES] += 1
                target = read[low] + wanted if work == high else read[high] - wanted
            clear_for_retry(devices, chain, row, work)
            set_and_read(chip, devices, chain, row, work, aim(chip, target, offsets[work]), False, effects)
            learn(chip, work, target - read[work], offsets, seen)


@njit(cache=True, nogil=True, borrows=True)
def clear_array(devices: Devices, chain: Chain) -> None:
    for row in range(devices.conductance_ns.shape[0]):
        reset_row(devices, row, chain.bench.words, chain.tally)


@njit(cache=True, nogil=True, borrows=True)
def read_row(chip: Arithmetic, devices: Devices, chain: Chain, effects: Effects | None) -> None:
    """READ the stored row `place[ROW]`, as it is, into `chain.read`; gate codes of -1 stand for no SET."""
    row = chain.place[ROW]
    for cell in range(len(chain.read)):
        conductance_ns = devices.conductance_ns[row, cell]
        seen_ns = read_through(devices.circuit, conductance_ns, row, cell)
        if effects is not None:
            index, k = row * len(chain.read) + cell, devices.set_count[row, cell]
            seen_ns = read_ns(effects, devices.k0, devices.k1, index, k, 0, seen_ns, devices.lcs_table)
        chain.read[cell] = min(seen_ns // chip.read_step_ns, chip.read_top)
        attempt = chain.programmed[cell]
        attempt[0], attempt[1], attempt[2] = cell, -1, chain.read[cell]
        chain.tally[READ_NS] += conductance_ns
    chain.place[ATTEMPTS] = len(chain.read)
    chain.tally[READS] += len(chain.read)


@njit(cache=True, nogil=True, borrows=True)
def program_row(chip: Arithmetic, devices: Devices, chain: Chain) -> None:
    """Program `place[ROW]` around the current row; its read codes end in `chain.read`."""
    row = chain.place[ROW]
    chain.place[ATTEMPTS] = 0
    if chain.place[STREAK] == 0 or not chip.memory:
        chain.offsets[:] = 0
        chain.seen[:] = 0
    if chain.place[FIRST] or chip.verify == 0:
        program_plain(chip, devices, chain, row, devices.effects)
    elif chip.verify == VERIFY_CELL:
        program_cells(chip, devices, chain, row, devices.effects)
    else:
        program_pairs(chip, devices, chain, row, devices.effects)
