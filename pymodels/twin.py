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
    counter_top: int
    max_proposals: int


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


class Tally(NamedTuple):
    """What the kernel counted; quantities still without the pulse widths."""

    last_row: int
    proposals: int
    clamps: int
    lost: int
    set_current_na: int
    reset_conductance_ns: int
    read_conductance_ns: int
    eval_conductance_code2_ns: int


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
def reset_row(devices: Devices, row: int) -> int:
    """RESET a row; its summed conductance before plus after, in nS."""
    both = 0
    cells = devices.conductance_ns.shape[1]
    for cell in range(cells):
        both += devices.conductance_ns[row, cell]
        if devices.stuck[row, cell] == NOT_STUCK:
            k = devices.set_count[row, cell]
            devices.conductance_ns[row, cell] = reset_draw(
                devices.k0, devices.k1, row * cells + cell, k, devices.lcs_table
            )
        both += devices.conductance_ns[row, cell]
    return both


@njit(cache=True)
def set_row(devices: Devices, row: int, gates: np.ndarray) -> int:
    """SET each cell of a row at its gate code; the summed programming current in nA."""
    current = 0
    cells = devices.conductance_ns.shape[1]
    for cell in range(cells):
        gate = gates[cell]
        devices.set_count[row, cell] += 1
        if devices.stuck[row, cell] == NOT_STUCK:
            devices.conductance_ns[row, cell] = set_draw(
                devices.k0, devices.k1, row * cells + cell, devices.set_count[row, cell],
                devices.median_ns[gate], devices.sd_ns[gate], devices.device_q16[row, cell],
            )  # fmt: skip
        current += devices.current_na[gate]
    return current


@njit(cache=True)
def likelihood(chip: Arithmetic, conductance_ns: np.ndarray, codes: np.ndarray, flips: np.ndarray) -> int:
    """-log2 likelihood of one row, [cells] in nS, over the samples.

    `codes` float64 [features, samples] and the sums below are integers below 2^52, so floating point is exact here in
    any order, and four times as fast as 64-bit integers. `flips` int64 [outputs, samples] is 0 for t = 1, else -1.
    """
    features, samples = codes.shape
    total = 0
    for output in range(chip.outputs):
        sums = np.zeros(samples)
        for feature in range(features):
            cell = 2 * (output * features + feature)
            w = np.float64(conductance_ns[cell] - conductance_ns[cell + 1])
            for sample in range(samples):
                sums[sample] += w * codes[feature, sample]
        for sample in range(samples):
            code = np.int64(np.floor(sums[sample] / chip.eval_step))
            code = min(max(code, -chip.adc_top - 1), chip.adc_top) ^ flips[output, sample]
            total += chip.likelihood_table[(code + chip.adc_top + 1) >> chip.table_shift]
    return total


@njit(cache=True)
def drive(conductance_ns: np.ndarray, code2: np.ndarray, outputs: int) -> int:
    """Sum over outputs and cells of conductance times `code2`, the squared codes of all samples by feature."""
    total = 0
    for pair in range(outputs * code2.shape[0]):
        total += (conductance_ns[2 * pair] + conductance_ns[2 * pair + 1]) * code2[pair % code2.shape[0]]
    return total


@njit(cache=True)
def train_chain(
    chip: Arithmetic, devices: Devices, codes: np.ndarray, code2: np.ndarray, flips: np.ndarray, lfsr: np.uint64
) -> tuple[np.ndarray, Tally]:
    """The whole chain; the counters of the filled rows and the tally. Changes `devices` in place."""
    rows, cells = devices.conductance_ns.shape
    counters = np.zeros(rows, np.int64)
    gates, clamped = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    read = np.zeros(cells, np.int64)
    clamps = lost = set_na = reset_ns = read_ns = eval_ns = proposals = current_cost = 0
    for row in range(rows):
        reset_ns += reset_row(devices, row)
    row = 0
    while True:
        set_na += set_row(devices, row, gates)
        clamps += clamped.sum()
        squares = 0
        for cell in range(cells):
            read_ns += devices.conductance_ns[row, cell]
            read[cell] = min(devices.conductance_ns[row, cell] // chip.read_step_ns, chip.read_top)
        for cell in range(0, cells, 2):
            squares += (read[cell] - read[cell + 1]) ** 2
        prior = (squares * chip.prior_multiplier) >> chip.prior_shift
        if row:
            lfsr = draw_state(lfsr, chip.lfsr_bits, chip.lfsr_taps)
            proposals += 1
        cost = likelihood(chip, devices.conductance_ns[row], codes, flips)
        eval_ns += drive(devices.conductance_ns[row], code2, chip.outputs)
        if row == 0 or cost <= current_cost + neg_log2_u(lfsr, chip) - prior:
            current_cost = cost + prior
            counters[row] = 1
            if row == rows - 1 or proposals == chip.max_proposals:
                break
            for cell in range(cells):
                gates[cell], clamped[cell] = chip.gate_map[read[cell]], chip.gate_clamped[read[cell]]
            row += 1
            continue
        if counters[row - 1] == chip.counter_top:
            lost += 1
        else:
            counters[row - 1] += 1
        reset_ns += reset_row(devices, row)
        if proposals == chip.max_proposals:
            row -= 1
            break
    return counters[: row + 1], Tally(row, proposals, clamps, lost, set_na, reset_ns, read_ns, eval_ns)


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
        counter_top=2**config.counter_bits - 1,
        max_proposals=config.max_proposals,
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
    counters, tally = train_chain(
        arithmetic(formats, lut),
        devices_of(array),
        np.ascontiguousarray(train.T, np.float64),
        (train**2).sum(axis=0),
        flips,
        state,
    )
    filled = array.conductance_ns[: tally.last_row + 1]
    first_vote = min(config.burn_in, tally.last_row)
    classes, sums = predict(config, filled, counters, test)
    counts = event_counts(
        formats,
        words=words,
        proposals=tally.proposals,
        rejected=tally.proposals - tally.last_row,
        last_row=tally.last_row,
        voting_rows=tally.last_row + 1 - first_vote,
    )
    quantities = _quantities(config, tally, _test_drive(config, filled[first_vote:], test))
    return Outcome(
        conductance_ns=array.conductance_ns,
        counters=counters,
        classes=classes,
        sums=sums,
        last_row=tally.last_row,
        proposals=tally.proposals,
        clamps=tally.clamps,
        lost_counts=tally.lost,
        cycles=sum(counts[phase]["cycle"] for phase in PHASES),
        counts=counts,
        quantities=quantities,
        joules=_joules(array, quantities),
    )


def _test_drive(config: Config, voting: np.ndarray, test: np.ndarray) -> int:
    """Conductance times squared code, over all test evaluations of the voting rows [rows, cells]."""
    by_pair = voting.reshape(len(voting), -1, 2).sum(axis=(0, 2))
    return int((by_pair.reshape(config.outputs, -1) * (test**2).sum(axis=0)).sum())


def _quantities(config: Config, tally: Tally, test_drive: int) -> dict[str, dict[str, int]]:
    quantities = {phase: dict.fromkeys(QUANTITIES, 0) for phase in PHASES}
    evaluation = config.cycles(config.eval_pulse_s)
    quantities["train"] |= {
        "set_current_na_cycles": tally.set_current_na * config.cycles(config.set_pulse_s),
        "reset_conductance_ns_cycles": tally.reset_conductance_ns * config.cycles(config.reset_pulse_s),
        "read_conductance_ns_cycles": tally.read_conductance_ns * config.cycles(config.read_pulse_s),
        "eval_conductance_code2_ns_cycles": tally.eval_conductance_code2_ns * evaluation,
    }
    quantities["infer"]["eval_conductance_code2_ns_cycles"] = test_drive * evaluation
    return quantities


def _joules(array: OxramArray, quantities: dict[str, dict[str, int]]) -> dict[str, dict[str, float]]:
    return {
        phase: {event: array.joules_of(event, quantities[phase][name]) for event, name in QUANTITY_OF.items()}
        for phase in PHASES
    }
