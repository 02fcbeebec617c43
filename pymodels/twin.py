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
EDGE = 2
"""A wanted gate code closer to the LUT's ends than this passes the work to the other side of the pair."""


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
def set_and_read(chip: Arithmetic, devices: Devices, chain: Chain, row: int, cell: int, code: int, first: bool) -> None:
    """SET one cell at the gate code nearest to read code `code` (0 if `first`) and READ it into `chain.read`."""
    gate = 0 if first else chip.gate_map[code]
    devices.set_count[row, cell] += 1
    if devices.stuck[row, cell] == NOT_STUCK:
        devices.conductance_ns[row, cell] = set_draw(
            devices.k0, devices.k1, row * devices.conductance_ns.shape[1] + cell, devices.set_count[row, cell],
            devices.median_ns[gate], devices.sd_ns[gate], devices.device_q16[row, cell],
        )  # fmt: skip
    conductance_ns = devices.conductance_ns[row, cell]
    chain.read[cell] = min(conductance_ns // chip.read_step_ns, chip.read_top)
    tally, attempt = chain.tally, chain.programmed[chain.place[ATTEMPTS]]
    attempt[0], attempt[1], attempt[2] = cell, gate, chain.read[cell]
    chain.place[ATTEMPTS] += 1
    tally[CLAMPS] += 0 if first else chip.gate_clamped[code]
    tally[SETS] += 1
    tally[SET_NA] += devices.current_na[gate]
    tally[READS] += 1
    tally[READ_NS] += conductance_ns


@njit(cache=True)
def clear_for_retry(devices: Devices, chain: Chain, row: int, cell: int) -> None:
    chain.tally[RETRIES] += 1
    chain.tally[RESET_PULSES] += 1
    reset_cell(devices, row, cell, chain.tally)


@njit(cache=True)
def program_plain(chip: Arithmetic, devices: Devices, chain: Chain, row: int) -> None:
    """One SET a cell at the gate code of the current row's read; row 0 at gate code 0."""
    for cell in range(len(chain.read)):
        set_and_read(chip, devices, chain, row, cell, chain.current_read[cell], row == 0)


@njit(cache=True)
def program_cells(chip: Arithmetic, devices: Devices, chain: Chain, row: int) -> None:
    """As `program_plain`, each cell again until its read is within the window of the current row's, or out of tries."""
    for cell in range(len(chain.read)):
        target, tries = chain.current_read[cell], 0
        set_and_read(chip, devices, chain, row, cell, target, False)
        while abs(chain.read[cell] - target) > chip.window and tries < chip.tries:
            tries += 1
            clear_for_retry(devices, chain, row, cell)
            set_and_read(chip, devices, chain, row, cell, target, False)


@njit(cache=True)
def learn(chip: Arithmetic, cell: int, error: int, offsets: np.ndarray, seen: np.ndarray) -> None:
    """Move a device's code offset by its read error with gain 1, 1/2, 1/4, 1/4, then 1/8, rounded half up."""
    seen[cell] = min(seen[cell] + 1, 5)
    shift = 0 if seen[cell] == 1 else 1 if seen[cell] == 2 else 2 if seen[cell] < 5 else 3
    offsets[cell] = min(max(offsets[cell] + ((error + (1 << shift >> 1)) >> shift), -chip.read_top), chip.read_top)


@njit(cache=True)
def aim(chip: Arithmetic, target: int, offset: int) -> int:
    return min(max(target + offset, 0), chip.read_top)


@njit(cache=True)
def program_pairs(chip: Arithmetic, devices: Devices, chain: Chain, row: int) -> None:
    """Close the loop on each pair: the lower side once, then the other until the difference is the current row's."""
    read, offsets, seen = chain.read, chain.offsets, chain.seen
    for plus in range(0, len(read), 2):
        difference = chain.current_read[plus] - chain.current_read[plus + 1]
        wanted = abs(difference)
        high = plus if difference >= 0 else plus + 1
        low = 2 * plus + 1 - high
        for cell in (low, high):
            target = max(chip.common_mode - (wanted >> 1), 0) if cell == low else read[low] + wanted
            set_and_read(chip, devices, chain, row, cell, aim(chip, target, offsets[cell]), False)
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
            set_and_read(chip, devices, chain, row, work, aim(chip, target, offsets[work]), False)
            learn(chip, work, target - read[work], offsets, seen)


@njit(cache=True)
def sample_costs(
    chip: Arithmetic, model_ns: np.ndarray, codes: np.ndarray, flips: np.ndarray, costs: np.ndarray
) -> None:
    """-log2 likelihood of each sample and output under one row, [cells] in nS, into `costs` int64 [outputs, samples].

    Codes and sums are integers below 2^52, so floating point is exact here in any order, and four times as fast as
    64-bit integers.
    """
    features, samples = codes.shape
    sums = np.empty(samples)
    for output in range(chip.outputs):
        sums[:] = 0.0
        for feature in range(features):
            cell = 2 * (output * features + feature)
            w = np.float64(model_ns[cell] - model_ns[cell + 1])
            for sample in range(samples):
                sums[sample] += w * codes[feature, sample]
        for sample in range(samples):
            code = np.int64(np.floor(sums[sample] / chip.eval_step))
            code = min(max(code, -chip.adc_top - 1), chip.adc_top) ^ flips[output, sample]
            costs[output, sample] = chip.likelihood_table[(code + chip.adc_top + 1) >> chip.table_shift]


class Data(NamedTuple):
    """The training points: `codes` float64 [features, samples], `code2` int64 [samples, features] their squares,
    `code2_total` int64 [features] the sum of these, `flips` int64 [outputs, samples] 0 for t = 1, else -1."""

    codes: np.ndarray
    code2: np.ndarray
    code2_total: np.ndarray
    flips: np.ndarray


@njit(cache=True)
def evaluated_code2(data: Data, order: np.ndarray, samples: int) -> np.ndarray:
    """Squared codes summed over the first `samples` in `order`, int64 [features]."""
    if samples == len(order):
        return data.code2_total
    total = np.zeros_like(data.code2_total)
    for position in range(samples):
        total += data.code2[order[position]]
    return total


@njit(cache=True)
def sweep(
    chip: Arithmetic, model_ns: np.ndarray, data: Data, costs: np.ndarray, order: np.ndarray, threshold: int,
    first: bool, tally: np.ndarray,
) -> int:  # fmt: skip
    """Sum `costs` sample by sample in `order`; with early rejection they end soon after the sum exceeds `threshold`.

    Returns the sum. `late_evaluations` are those already under way when the sum is seen. Books evaluations and their
    drive: conductance of the row `model_ns` [cells] times squared code.
    """
    outputs, samples = costs.shape
    features = len(data.code2_total)
    end, total = samples * outputs, 0
    if chip.early_rejection and not first:
        end = 0 if threshold < 0 else end
        evaluation = 0
        while evaluation < end:
            total += costs[evaluation % outputs, order[evaluation // outputs]]
            evaluation += 1
            if total > threshold:
                end = min(end, evaluation + chip.late_evaluations)
                threshold = 2**62  # seen once
    else:
        for cost in costs.ravel():
            total += cost
    fetched = (end + outputs - 1) // outputs
    tally[EVALS] += end
    tally[SAMPLE_READS] += fetched
    tally[SWEEPS] += end > 0
    if chip.hard_first and end:
        tally[ORDER_READS] += min(samples, fetched + 1) if not first else 0
        tally[ORDER_WRITES] += end // outputs
    for output in range(outputs):
        code2 = evaluated_code2(data, order, (end - output + outputs - 1) // outputs)
        for feature in range(features):
            cell = 2 * (output * features + feature)
            tally[EVAL_NS] += (model_ns[cell] + model_ns[cell + 1]) * code2[feature]
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


class Chain(NamedTuple):
    """Everything that a running chain keeps; arrays, so that the kernel can change them in place.

    `place` holds the values named by ROW .. DONE, `seen_last` those by PRIOR .. ACCEPTED of the last proposal, and
    `programmed` [attempts, 3] its cell, gate code and read code of each SET, `place[ATTEMPTS]` of them.
    """

    place: np.ndarray
    seen_last: np.ndarray
    programmed: np.ndarray
    lfsr: np.ndarray
    counters: np.ndarray
    current_read: np.ndarray
    read: np.ndarray
    offsets: np.ndarray
    seen: np.ndarray
    costs: np.ndarray
    order: np.ndarray
    tally: np.ndarray


ROW, CURRENT, STREAK, PROPOSALS, CURRENT_COST, ATTEMPTS, DONE = range(7)
PRIOR, NEG_LOG2_U, COST, ACCEPTED = range(4)


def new_chain(config: Config, rows: int, seed: int) -> Chain:
    """A chain ahead of its first row, with the LFSR as the host seeds it."""
    cells, zeros = Formats(config).cells, np.zeros
    return Chain(
        place=zeros(7, np.int64),
        seen_last=zeros(4, np.int64),
        programmed=zeros((cells * (1 + config.verify_tries), 3), np.int64),
        lfsr=np.array([lfsr_state(lfsr_seed(seed, config.lfsr_bits), config.lfsr_bits)], np.uint64),
        counters=zeros(rows, np.int64),
        current_read=zeros(cells, np.int64),
        read=zeros(cells, np.int64),
        offsets=zeros(cells, np.int64),
        seen=zeros(cells, np.int64),
        costs=zeros((config.outputs, config.train_samples), np.int64),
        order=np.arange(config.train_samples),
        tally=zeros(len(TALLIES), np.int64),
    )


@njit(cache=True)
def clear_array(devices: Devices, chain: Chain) -> None:
    for row in range(devices.conductance_ns.shape[0]):
        reset_row(devices, row, chain.tally)


@njit(cache=True)
def program_row(chip: Arithmetic, devices: Devices, chain: Chain) -> None:
    """Program `place[ROW]` around the current row; its read codes end in `chain.read`."""
    row = chain.place[ROW]
    chain.place[ATTEMPTS] = 0
    if chain.place[STREAK] == 0 or not chip.memory:
        chain.offsets[:] = 0
        chain.seen[:] = 0
    if row == 0 or chip.verify == 0:
        program_plain(chip, devices, chain, row)
    elif chip.verify == VERIFY_CELL:
        program_cells(chip, devices, chain, row)
    else:
        program_pairs(chip, devices, chain, row)


@njit(cache=True)
def reject(chip: Arithmetic, devices: Devices, chain: Chain) -> None:
    """Count the current row once more, clear the proposed one, leave it after enough of that."""
    place, tally = chain.place, chain.tally
    tally[REJECTED] += 1
    place[STREAK] += 1
    if chain.counters[place[CURRENT]] == chip.counter_top:
        tally[LOST] += 1
    else:
        chain.counters[place[CURRENT]] += 1
    reset_row(devices, place[ROW], tally)
    if place[STREAK] == chip.reject_limit:
        tally[SKIPPED] += 1
        tally[STORED] += 1
        place[STREAK] = 0
        place[ROW] += 1


@njit(cache=True)
def step(chip: Arithmetic, devices: Devices, chain: Chain, data: Data) -> bool:
    """One proposal, from programming a row to the decision and what follows from it; True when the chain has ended."""
    place, last = chain.place, chain.seen_last
    rows, row = devices.conductance_ns.shape[0], place[ROW]
    program_row(chip, devices, chain)
    squares = 0
    for cell in range(0, len(chain.read), 2):
        squares += (chain.read[cell] - chain.read[cell + 1]) ** 2
    last[PRIOR] = (squares * chip.prior_multiplier) >> chip.prior_shift
    threshold = 0
    if row:
        chain.lfsr[0] = draw_state(chain.lfsr[0], chip.lfsr_bits, chip.lfsr_taps)
        last[NEG_LOG2_U] = neg_log2_u(chain.lfsr[0], chip)
        place[PROPOSALS] += 1
        threshold = place[CURRENT_COST] + last[NEG_LOG2_U] - last[PRIOR]
    model = devices.conductance_ns[row]
    sample_costs(chip, model, data.codes, data.flips, chain.costs)
    last[COST] = sweep(chip, model, data, chain.costs, chain.order, threshold, row == 0, chain.tally)
    last[ACCEPTED] = row == 0 or last[COST] <= threshold
    at_limit = place[PROPOSALS] == chip.max_proposals
    if not last[ACCEPTED]:
        reject(chip, devices, chain)
        return at_limit or place[ROW] == rows
    place[CURRENT_COST], place[CURRENT], place[STREAK] = last[COST] + last[PRIOR], row, 0
    chain.counters[row] = 1
    chain.tally[STORED] += 1
    chain.current_read[:] = chain.read
    if chip.hard_first:
        chain.order[:] = hard_first(chip, chain.costs, chain.order)
    place[ROW] += 1
    return at_limit or place[ROW] == rows


@njit(cache=True)
def train_chain(chip: Arithmetic, devices: Devices, chain: Chain, data: Data) -> None:
    """The whole training, in place."""
    clear_array(devices, chain)
    while not step(chip, devices, chain, data):
        pass


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


def training_data(config: Config, codes: np.ndarray, labels: np.ndarray) -> Data:
    """The kernel's view of the training points, int64 [train, features] and [train + any]."""
    classes = np.arange(config.outputs)[:, None] if config.outputs > 1 else np.ones((1, 1), np.int64)
    flips = np.where(labels[None, : config.train_samples] == classes, 0, -1)
    return Data(
        np.ascontiguousarray(codes.T, np.float64), np.ascontiguousarray(codes**2), (codes**2).sum(axis=0), flips
    )


def run_twin(config: Config, seed: int, codes: np.ndarray, labels: np.ndarray, lut: np.ndarray, words: int) -> Outcome:
    """Train and infer as the chip does.

    `codes` int64 [train + test, features] and `labels` int64 [train + test] hold the training points first, `lut`
    int64 [gate_codes] the LUT in read codes, `words` is how many the host loads ahead of its commands.
    """
    formats = Formats(config)
    array = OxramArray(config, load_card(config.card), seed)
    train, test = np.split(codes, [config.train_samples])
    chain = new_chain(config, config.rows, seed)
    train_chain(arithmetic(formats, lut), devices_of(array), chain, training_data(config, train, labels))
    last_row, proposals = int(chain.place[CURRENT]), int(chain.place[PROPOSALS])
    counters, counted = chain.counters[: last_row + 1], chain.tally
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
