"""Bit-true twin of the chip: its integer arithmetic without its clock, compiled.

The same decisions, counters, events and quantities as the RTL with the array model, for the same seed; cycles follow
from the counts by formula (`docs/design.md`, cycle budget). Device draws are the array model's own kernels; everything
the chip computes is written here a second time, from its documentation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from pymodels.array import NOT_STUCK, QUANTITY_OF, OxramArray, reset_draw, set_draw
from pymodels.budget import event_counts
from pymodels.config import Config
from pymodels.devices import load_card
from pymodels.events import PHASES, QUANTITIES
from pymodels.fixed import LFSR_TAPS, Formats, lfsr_state
from pymodels.inference import predict
from pymodels.outcome import Outcome
from pymodels.streams import lfsr_seed


class Arithmetic(NamedTuple):
    """The chip's constants and tables as the compiled kernel takes them."""

    outputs: int
    read_step_ns: int
    read_top: int
    eval_step: int
    adc_top: int
    table_shift: int
    likelihood_table: np.ndarray
    log_u_table: np.ndarray
    log_u_index_bits: int
    log_fraction_bits: int
    lfsr_bits: int
    lfsr_taps: np.uint64
    prior_multiplier: int
    prior_shift: int
    gate_map: np.ndarray
    gate_clamped: np.ndarray
    gate_top: int
    counter_top: int
    max_proposals: int
    verify: int
    window: int
    tries: int
    memory: bool
    common_mode: int
    reject_limit: int
    early_rejection: bool
    late_evaluations: int
    hard_first: bool
    hard_above: int


VERIFY = {"off": 0, "cell": 1, "pair": 2}
VERIFY_CELL, VERIFY_PAIR = 1, 2


class Devices(NamedTuple):
    """The array's population and laws, and its state, which the kernel changes in place."""

    k0: int
    k1: int
    median_ns: np.ndarray
    sd_ns: np.ndarray
    current_na: np.ndarray
    lcs_table: np.ndarray
    device_q16: np.ndarray
    stuck: np.ndarray
    set_count: np.ndarray
    conductance_ns: np.ndarray


TALLIES = (
    "set", "reset", "read", "reset_pulse", "retry", "switch", "sweep", "sample_read", "eval", "order_read",
    "order_write", "stored", "rejected", "clamps", "lost", "skipped", "set_na", "reset_ns", "read_ns", "eval_ns",
)  # fmt: skip
"""What the kernel counts, in the order of its tally; quantities (_na, _ns) still without the pulse widths."""
(
    SETS, RESETS, READS, RESET_PULSES, RETRIES, SWITCHES, SWEEPS, SAMPLE_READS, EVALS, ORDER_READS,
    ORDER_WRITES, STORED, REJECTED, CLAMPS, LOST, SKIPPED, SET_NA, RESET_NS, READ_NS, EVAL_NS,
) = range(len(TALLIES))  # fmt: skip


@njit(cache=True)
def draw_state(state: np.uint64, bits: int, taps: np.uint64) -> np.uint64:
    """The LFSR `bits` shifts on; the new bit is the parity of the tapped ones and enters at bit 0."""
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1) if bits < 64 else ~np.uint64(0)
    for _ in range(bits):
        parity = state & taps
        for shift in (32, 16, 8, 4, 2, 1):
            parity ^= parity >> np.uint64(shift)
        state = ((state << np.uint64(1)) | (parity & np.uint64(1))) & mask
    return state


@njit(cache=True)
def neg_log2_u(state: np.uint64, chip: Arithmetic) -> int:
    """-log2 u of an LFSR state, see `Formats.neg_log2_u`."""
    octave, zeros = np.int64(state >> np.uint64(chip.log_u_index_bits)), chip.lfsr_bits - chip.log_u_index_bits
    while octave:
        octave >>= 1
        zeros -= 1
    index = np.int64(state & np.uint64((1 << chip.log_u_index_bits) - 1))
    return ((zeros + 1) << chip.log_fraction_bits) - chip.log_u_table[index]


@njit(cache=True)
def reset_cell(devices: Devices, row: int, cell: int, tally: np.ndarray) -> None:
    tally[RESETS] += 1
    tally[RESET_NS] += devices.conductance_ns[row, cell]
    if devices.stuck[row, cell] == NOT_STUCK:
        index, k = row * devices.conductance_ns.shape[1] + cell, devices.set_count[row, cell]
        devices.conductance_ns[row, cell] = reset_draw(devices.k0, devices.k1, index, k, devices.lcs_table)
    tally[RESET_NS] += devices.conductance_ns[row, cell]


@njit(cache=True)
def reset_row(devices: Devices, row: int, tally: np.ndarray) -> None:
    tally[RESET_PULSES] += 1
    for cell in range(devices.conductance_ns.shape[1]):
        reset_cell(devices, row, cell, tally)


@njit(cache=True)
def set_and_read(chip: Arithmetic, devices: Devices, row: int, cell: int, gate: int, tally: np.ndarray) -> int:
    """SET one cell at a gate code and READ it; the read code."""
    devices.set_count[row, cell] += 1
    if devices.stuck[row, cell] == NOT_STUCK:
        devices.conductance_ns[row, cell] = set_draw(
            devices.k0, devices.k1, row * devices.conductance_ns.shape[1] + cell, devices.set_count[row, cell],
            devices.median_ns[gate], devices.sd_ns[gate], devices.device_q16[row, cell],
        )  # fmt: skip
    conductance_ns = devices.conductance_ns[row, cell]
    tally[SETS] += 1
    tally[SET_NA] += devices.current_na[gate]
    tally[READS] += 1
    tally[READ_NS] += conductance_ns
    return min(conductance_ns // chip.read_step_ns, chip.read_top)


@njit(cache=True)
def program_plain(
    chip: Arithmetic, devices: Devices, row: int, current: np.ndarray, read: np.ndarray, tally: np.ndarray
) -> None:
    """One SET a cell at the gate code of the current row's read; row 0 at gate code 0. New read codes into `read`."""
    for cell in range(len(read)):
        gate = chip.gate_map[current[cell]] if row else 0
        tally[CLAMPS] += chip.gate_clamped[current[cell]] if row else 0
        read[cell] = set_and_read(chip, devices, row, cell, gate, tally)


@njit(cache=True)
def program_cells(
    chip: Arithmetic, devices: Devices, row: int, current: np.ndarray, read: np.ndarray, tally: np.ndarray
) -> None:
    """As `program_plain`, each cell again until its read is within the window of the current row's, or out of tries."""
    for cell in range(len(read)):
        gate = chip.gate_map[current[cell]]
        tries = 0
        while True:
            tally[CLAMPS] += chip.gate_clamped[current[cell]]
            read[cell] = set_and_read(chip, devices, row, cell, gate, tally)
            if abs(read[cell] - current[cell]) <= chip.window or tries == chip.tries:
                break
            tries += 1
            tally[RETRIES] += 1
            tally[RESET_PULSES] += 1
            reset_cell(devices, row, cell, tally)


@njit(cache=True)
def learn(chip: Arithmetic, cell: int, error: int, offsets: np.ndarray, seen: np.ndarray) -> None:
    """Move a device's code offset by its read error with gain 1, 1/2, 1/4, 1/4, then 1/8: about max(1/t, 0.1)."""
    seen[cell] = min(seen[cell] + 1, 5)
    shift = 0 if seen[cell] == 1 else 1 if seen[cell] == 2 else 2 if seen[cell] < 5 else 3
    offsets[cell] = min(max(offsets[cell] + (error >> shift), -chip.read_top), chip.read_top)


@njit(cache=True)
def aim(chip: Arithmetic, target: int, offset: int) -> int:
    return min(max(target + offset, 0), chip.read_top)


@njit(cache=True)
def program_pairs(
    chip: Arithmetic, devices: Devices, row: int, current: np.ndarray, read: np.ndarray, offsets: np.ndarray,
    seen: np.ndarray, tally: np.ndarray,
) -> None:  # fmt: skip
    """Close the loop on each pair: the lower side once, then the other until the difference is the current row's.

    `current` and `read` [cells] are read codes of the current and the new row; `offsets`, `seen` [cells] the learned
    code offsets and SETs of this row's devices.
    """
    for plus in range(0, len(read), 2):
        difference = current[plus] - current[plus + 1]
        wanted = abs(difference)
        high = plus if difference >= 0 else plus + 1
        low = 2 * plus + 1 - high
        tries = 0
        for cell in (low, high):
            target = max(chip.common_mode - (wanted >> 1), 0) if cell == low else read[low] + wanted
            code = aim(chip, target, offsets[cell])
            tally[CLAMPS] += chip.gate_clamped[code]
            read[cell] = set_and_read(chip, devices, row, cell, chip.gate_map[code], tally)
            learn(chip, cell, target - read[cell], offsets, seen)
        work = high
        while abs(read[high] - read[low] - wanted) > chip.window and tries < chip.tries:
            tries += 1
            target = read[low] + wanted if work == high else read[high] - wanted
            code = aim(chip, target, offsets[work])
            if chip.gate_map[code] < 2 or chip.gate_map[code] > chip.gate_top - 2:
                work = high + low - work
                tally[SWITCHES] += 1
                target = read[low] + wanted if work == high else read[high] - wanted
                code = aim(chip, target, offsets[work])
            tally[RETRIES] += 1
            tally[RESET_PULSES] += 1
            reset_cell(devices, row, work, tally)
            tally[CLAMPS] += chip.gate_clamped[code]
            read[work] = set_and_read(chip, devices, row, work, chip.gate_map[code], tally)
            learn(chip, work, target - read[work], offsets, seen)


@njit(cache=True)
def sample_costs(
    chip: Arithmetic, conductance_ns: np.ndarray, codes: np.ndarray, flips: np.ndarray, costs: np.ndarray
) -> None:
    """-log2 likelihood of each sample and output under one row, [cells] in nS, into `costs` int64 [outputs, samples].

    `codes` float64 [features, samples] and the sums below are integers below 2^52, so floating point is exact here in
    any order, and four times as fast as 64-bit integers. `flips` int64 [outputs, samples] is 0 for t = 1, else -1.
    """
    features, samples = codes.shape
    sums = np.empty(samples)
    for output in range(chip.outputs):
        sums[:] = 0.0
        for feature in range(features):
            cell = 2 * (output * features + feature)
            w = np.float64(conductance_ns[cell] - conductance_ns[cell + 1])
            for sample in range(samples):
                sums[sample] += w * codes[feature, sample]
        for sample in range(samples):
            code = np.int64(np.floor(sums[sample] / chip.eval_step))
            code = min(max(code, -chip.adc_top - 1), chip.adc_top) ^ flips[output, sample]
            costs[output, sample] = chip.likelihood_table[(code + chip.adc_top + 1) >> chip.table_shift]


@njit(cache=True)
def sweep(
    chip: Arithmetic, conductance_ns: np.ndarray, code2: np.ndarray, costs: np.ndarray, order: np.ndarray,
    threshold: int, first: bool, tally: np.ndarray,
) -> int:  # fmt: skip
    """Sum `costs` sample by sample in `order`; with early rejection they end soon after the sum exceeds `threshold`.

    Returns the sum. `late_evaluations` are those already under way when the sum is seen. Books evaluations and their
    drive: conductance times squared code, `code2` int64 [samples, features].
    """
    outputs, samples = costs.shape
    total, end = 0, samples * outputs
    if chip.early_rejection and not first:
        end = 0 if threshold < 0 else end
        evaluation = 0
        while evaluation < end:
            total += costs[evaluation % outputs, order[evaluation // outputs]]
            evaluation += 1
            if total > threshold:
                end = min(end, evaluation + chip.late_evaluations)
                threshold = np.int64(2**62)  # seen once
    else:
        total = costs.sum()
    fetched = (end + outputs - 1) // outputs
    tally[EVALS] += end
    tally[SAMPLE_READS] += fetched
    tally[SWEEPS] += end > 0
    if chip.hard_first and end:
        tally[ORDER_READS] += min(samples, fetched + 1) if not first else 0
        tally[ORDER_WRITES] += end // outputs
    features = code2.shape[1]
    for output in range(outputs):
        both = np.zeros(features, np.int64)
        for feature in range(features):
            cell = 2 * (output * features + feature)
            both[feature] = conductance_ns[cell] + conductance_ns[cell + 1]
        for position in range((end - output + outputs - 1) // outputs):
            sample = order[position]
            for feature in range(features):
                tally[EVAL_NS] += both[feature] * code2[sample, feature]
    return total


@njit(cache=True)
def hard_first(chip: Arithmetic, costs: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The next order: samples above `hard_above` in any output from the front, the others from the back."""
    outputs, samples = costs.shape
    fresh = np.empty_like(order)
    front, back = 0, samples - 1
    for position in range(samples):
        sample = order[position]
        hard = False
        for output in range(outputs):
            hard |= costs[output, sample] > chip.hard_above
        if hard:
            fresh[front] = sample
            front += 1
        else:
            fresh[back] = sample
            back -= 1
    return fresh


@njit(cache=True)
def train_chain(
    chip: Arithmetic, devices: Devices, codes: np.ndarray, code2: np.ndarray, flips: np.ndarray, lfsr: np.uint64
) -> tuple[np.ndarray, int, int, np.ndarray]:
    """The whole chain: counters up to the last filled row, that row, proposals, tally. Changes `devices` in place."""
    rows, cells = devices.conductance_ns.shape
    tally = np.zeros(len(TALLIES), np.int64)
    counters = np.zeros(rows, np.int64)
    current_read, read = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    offsets, seen = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    costs, order = np.zeros(flips.shape, np.int64), np.arange(flips.shape[1])
    proposals = current_cost = current = row = streak = 0
    for cleared in range(rows):
        reset_row(devices, cleared, tally)
    while True:
        if streak == 0 or not chip.memory:
            offsets[:] = 0
            seen[:] = 0
        if row == 0 or chip.verify == 0:
            program_plain(chip, devices, row, current_read, read, tally)
        elif chip.verify == VERIFY_CELL:
            program_cells(chip, devices, row, current_read, read, tally)
        else:
            program_pairs(chip, devices, row, current_read, read, offsets, seen, tally)
        squares = 0
        for cell in range(0, cells, 2):
            squares += (read[cell] - read[cell + 1]) ** 2
        prior = (squares * chip.prior_multiplier) >> chip.prior_shift
        threshold = 0
        if row:
            lfsr = draw_state(lfsr, chip.lfsr_bits, chip.lfsr_taps)
            proposals += 1
            threshold = current_cost + neg_log2_u(lfsr, chip) - prior
        sample_costs(chip, devices.conductance_ns[row], codes, flips, costs)
        cost = sweep(chip, devices.conductance_ns[row], code2, costs, order, threshold, row == 0, tally)
        if row == 0 or cost <= threshold:
            current_cost, current, streak = cost + prior, row, 0
            counters[row] = 1
            tally[STORED] += 1
            current_read[:] = read
            if chip.hard_first:
                order = hard_first(chip, costs, order)
            if row == rows - 1 or proposals == chip.max_proposals:
                break
            row += 1
            continue
        tally[REJECTED] += 1
        streak += 1
        if counters[current] == chip.counter_top:
            tally[LOST] += 1
        else:
            counters[current] += 1
        reset_row(devices, row, tally)
        if streak == chip.reject_limit:
            tally[SKIPPED] += 1
            tally[STORED] += 1
            streak = 0
            row += 1
        if row == rows or proposals == chip.max_proposals:
            break
    return counters[: current + 1], current, proposals, tally


def nearest_gates(lut: np.ndarray, codes: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of `codes` read codes: the nearest LUT entry (first of equals), and whether it lies outside the LUT."""
    read = np.arange(codes)
    return np.abs(read[:, None] - lut[None, :]).argmin(axis=1), ((read < lut[0]) | (read > lut[-1])).astype(np.int64)


def arithmetic(formats: Formats, lut: np.ndarray) -> Arithmetic:
    """The kernel's constants; `lut` int64 [gate_codes] in read codes."""
    config = formats.config
    gate_map, gate_clamped = nearest_gates(lut, 2**config.read_bits)
    multiplier, shift = formats.prior_constants
    return Arithmetic(
        outputs=config.outputs,
        read_step_ns=formats.read_step_ns,
        read_top=2**config.read_bits - 1,
        eval_step=formats.eval_step,
        adc_top=2 ** (config.adc_bits - 1) - 1,
        table_shift=config.adc_bits - config.table_bits,
        likelihood_table=np.array(formats.likelihood_table, np.int64),
        log_u_table=np.array(formats.log_u_table, np.int64),
        log_u_index_bits=config.log_u_index_bits,
        log_fraction_bits=config.log_fraction_bits,
        lfsr_bits=config.lfsr_bits,
        lfsr_taps=np.uint64(sum(1 << (tap - 1) for tap in LFSR_TAPS[config.lfsr_bits])),
        prior_multiplier=multiplier,
        prior_shift=shift,
        gate_map=gate_map,
        gate_clamped=gate_clamped,
        gate_top=config.gate_codes - 1,
        counter_top=2**config.counter_bits - 1,
        max_proposals=config.max_proposals,
        verify=VERIFY[config.verify],
        window=formats.verify_window,
        tries=config.verify_tries,
        memory=config.verify_memory == "row",
        common_mode=formats.common_mode,
        reject_limit=config.reject_limit,
        early_rejection=config.early_rejection,
        late_evaluations=formats.late_evaluations,
        hard_first=config.sample_order == "hard_first",
        hard_above=formats.hard_above,
    )


def devices_of(array: OxramArray) -> Devices:
    """The kernel's view of an array model; conductances and SET counts are shared, not copied."""
    return Devices(
        *array.key,
        array.gates.median_ns,
        array.gates.sd_ns,
        array.gates.current_na,
        array.lcs_table,
        array.device_q16,
        array.stuck,
        array.set_count,
        array.conductance_ns,
    )


def run_twin(config: Config, seed: int, codes: np.ndarray, labels: np.ndarray, lut: np.ndarray, words: int) -> Outcome:
    """Train and infer as the chip does.

    `codes` int64 [train + test, features] and `labels` int64 [train + test] hold the training points first, `lut`
    int64 [gate_codes] the LUT in read codes, `words` is how many the host loads ahead of its commands.
    """
    formats = Formats(config)
    array = OxramArray(config, load_card(config.card), seed)
    train, test = np.split(codes, [config.train_samples])
    classes_of = np.arange(config.outputs)[:, None] if config.outputs > 1 else np.ones((1, 1), np.int64)
    flips = np.where(labels[None, : config.train_samples] == classes_of, 0, -1)
    state = np.uint64(lfsr_state(lfsr_seed(seed, config.lfsr_bits), config.lfsr_bits))
    counters, last_row, proposals, counted = train_chain(
        arithmetic(formats, lut),
        devices_of(array),
        np.ascontiguousarray(train.T, np.float64),
        np.ascontiguousarray(train**2, np.int64),
        flips,
        state,
    )
    tally = dict(zip(TALLIES, counted.tolist(), strict=True))
    filled = array.conductance_ns[: last_row + 1]
    first_vote = min(config.burn_in, last_row)
    classes, sums = predict(config, filled, counters, test)
    counts = event_counts(formats, words, proposals, last_row, last_row + 1 - first_vote, tally)
    quantities = _quantities(config, tally, _test_drive(config, filled[first_vote:], test))
    return Outcome(
        conductance_ns=array.conductance_ns,
        counters=counters,
        classes=classes,
        sums=sums,
        last_row=last_row,
        proposals=proposals,
        skipped=tally["skipped"],
        clamps=tally["clamps"],
        lost_counts=tally["lost"],
        cycles=sum(counts[phase]["cycle"] for phase in PHASES),
        counts=counts,
        quantities=quantities,
        joules=_joules(array, quantities),
    )


def _test_drive(config: Config, voting: np.ndarray, test: np.ndarray) -> int:
    """Conductance times squared code, over all test evaluations of the voting rows [rows, cells]."""
    by_pair = voting.reshape(len(voting), -1, 2).sum(axis=(0, 2))
    return int((by_pair.reshape(config.outputs, -1) * (test**2).sum(axis=0)).sum())


def _quantities(config: Config, tally: dict[str, int], test_drive: int) -> dict[str, dict[str, int]]:
    quantities = {phase: dict.fromkeys(QUANTITIES, 0) for phase in PHASES}
    evaluation = config.cycles(config.eval_pulse_s)
    quantities["train"] |= {
        "set_current_na_cycles": tally["set_na"] * config.cycles(config.set_pulse_s),
        "reset_conductance_ns_cycles": tally["reset_ns"] * config.cycles(config.reset_pulse_s),
        "read_conductance_ns_cycles": tally["read_ns"] * config.cycles(config.read_pulse_s),
        "eval_conductance_code2_ns_cycles": tally["eval_ns"] * evaluation,
    }
    quantities["infer"]["eval_conductance_code2_ns_cycles"] = test_drive * evaluation
    return quantities


def _joules(array: OxramArray, quantities: dict[str, dict[str, int]]) -> dict[str, dict[str, float]]:
    return {
        phase: {event: array.joules_of(event, quantities[phase][name]) for event, name in QUANTITY_OF.items()}
        for phase in PHASES
    }
