"""The twin's evaluations one by one, as devices with read noise or faults at each read need them, compiled."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.array import NOT_STUCK, draw_words
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.draws import RELAX
from oxmc.pymodels.oxram.effect_draws import relaxed_by, sensed_dot
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.oxram.ladder import see
from oxmc.pymodels.twin.softmax import Fold, add_shares
from oxmc.pymodels.twin.state import EVAL_NS, EVAL_NS_BITS, EVAL_NS_HIGH, TALLIES, Arithmetic, Chain, Data, Devices
from oxmc.pymodels.twin.through import seen_code

TALLIED = len(TALLIES)


@njit(cache=True, nogil=True, borrows=True)
def add_drive(tally: np.ndarray, drive: int) -> None:
    """Book a drive below 2^62: that of a pair over all samples at once is (conductances below 2^24 nS, codes 2^11)."""
    total = tally[EVAL_NS] + drive
    tally[EVAL_NS_HIGH] += total >> EVAL_NS_BITS
    tally[EVAL_NS] = total & ((1 << EVAL_NS_BITS) - 1)


@njit(cache=True, nogil=True, borrows=True)
def relax_row(devices: Devices, row: int, words: np.ndarray, effects: Effects | None) -> None:
    """What a row's first evaluation finds of the conductances that were SET; draws into int64 `words` [cells]."""
    if effects is not None and effects.relax_q16:
        cells_ns, stuck = devices.conductance_ns[row], devices.stuck[row]
        draw_words(devices.k0, devices.k1, row * len(cells_ns), devices.set_count[row], RELAX, words)
        for cell in range(len(cells_ns)):
            if stuck[cell] == NOT_STUCK:
                cells_ns[cell] = relaxed_by(effects, words[cell], cells_ns[cell])


@njit(cache=True, nogil=True, borrows=True)
def see_row(devices: Devices, row: int, circuit: Circuit | None) -> None:
    """Bring a row into `devices.seen`, where there is a circuit."""
    if circuit is not None:
        see(circuit, devices.conductance_ns[row], row, devices.seen)


@njit(cache=True, nogil=True, borrows=True)
def sense_segment(
    chip: Arithmetic, devices: Devices, row: int, segment: int, codes: np.ndarray, sets: int, evaluation: int,
    effects: Effects, circuit: Circuit | None,
) -> int:  # fmt: skip
    """ADC code of one segment of a row under int64 `codes` of its pairs, as that evaluation senses it."""
    if segment < chip.hidden or not chip.hidden:
        first, step = 2 * segment * len(codes), chip.hidden_eval_step if chip.hidden else chip.eval_step
    else:
        first = devices.conductance_ns.shape[1] - 2 * (chip.hidden + chip.outputs - segment) * chip.hidden
        step = chip.eval_step
    base = row * devices.conductance_ns.shape[1]
    cells_ns = devices.conductance_ns[row] if circuit is None else devices.seen.weights
    dot = sensed_dot(
        effects, devices.k0, devices.k1, cells_ns, base, first, codes, sets, evaluation, devices.lcs_table
    )  # fmt: skip
    if circuit is not None:
        return seen_code(chip, circuit, devices.seen, segment, codes, dot)
    return min(max(dot // step, -chip.adc_top - 1), chip.adc_top)


@njit(cache=True, nogil=True, borrows=True)
def sense_sample(
    chip: Arithmetic, devices: Devices, row: int, codes: np.ndarray, sets: int, evaluation: int, neurons: np.ndarray,
    answers: np.ndarray, effects: Effects,
) -> None:  # fmt: skip
    """ADC codes of all outputs for one sample, int64 [features], into `answers` [outputs], through a hidden layer if
    there is one, whose codes go to `neurons` [hidden]. `evaluation` is the number of the first."""
    for neuron in range(chip.hidden):
        code = sense_segment(chip, devices, row, neuron, codes, sets, evaluation + neuron, effects, devices.circuit)
        neurons[neuron] = np.int64(chip.activation_table[(code + chip.adc_top + 1) >> chip.table_shift])
    inputs = neurons if chip.hidden else codes
    for output in range(chip.outputs):
        segment = chip.hidden + output
        answers[output] = sense_segment(
            chip, devices, row, segment, inputs, sets, evaluation + segment, effects, devices.circuit
        )


@njit(cache=True, nogil=True, borrows=True)
def sensed_costs(chip: Arithmetic, devices: Devices, chain: Chain, data: Data, row: int, effects: Effects) -> None:
    """-log2 likelihood of all samples and outputs into `chain.costs`, evaluated in `chain.order`."""
    features, samples = data.codes.shape
    segments, sets = chip.hidden + chip.outputs, devices.set_count[row].sum()
    codes, neurons, answers = chain.bench.codes, chain.bench.neurons, chain.bench.answers
    for position in range(samples):
        sample = chain.order[position]
        for feature in range(features):
            codes[feature] = np.int64(data.codes[feature, sample])
        sense_sample(chip, devices, row, codes, sets, position * segments, neurons, answers, effects)
        for neuron in range(chip.hidden):
            chain.activations[neuron, sample] = neurons[neuron]
        for output in range(chip.outputs):
            index = ((answers[output] ^ data.flips[output, sample]) + chip.adc_top + 1) >> chip.table_shift
            chain.costs[output, sample] = chip.likelihood_table[index]


@njit(cache=True, nogil=True)
def sensed_votes(
    chip: Arithmetic, devices: Devices, table: np.ndarray, counters: np.ndarray, first_row: int, test: np.ndarray,
    effects: Effects, fold: Fold,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Response sums int64 [n, outputs] of test points `test` int64 [n, features], and a tally with the drive of all.

    Rows from `first_row` on vote with `counters` int64 [filled rows]; each goes on counting its evaluations. `table`
    int32 has responses, or powers where there is a softmax.
    """
    segments, cells_ns = chip.hidden + chip.outputs, devices.conductance_ns
    sums, tally = np.zeros((len(test), chip.outputs), np.int64), np.zeros(TALLIED, np.int64)
    neurons, answers = np.empty(chip.hidden, np.int64), np.empty(chip.outputs, np.int64)
    entries = np.empty((chip.outputs, 1), np.int32)
    for row in range(first_row, len(counters)):
        sets = devices.set_count[row].sum()
        see_row(devices, row, devices.circuit)
        for point in range(len(test)):
            sense_sample(chip, devices, row, test[point], sets, devices.evaluations[row], neurons, answers, effects)
            devices.evaluations[row] += segments
            for output in range(chip.outputs):
                entries[output, 0] = table[(answers[output] + chip.adc_top + 1) >> chip.table_shift]
            if fold.built:
                add_shares(fold, entries, counters[row], sums[point : point + 1])
            else:
                sums[point] += counters[row] * entries[:, 0]
            features = test.shape[1]
            direct, drive = 2 * features * (chip.hidden if chip.hidden else chip.outputs), np.int64(0)
            for cell in range(cells_ns.shape[1]):
                if cell < direct:
                    code = test[point, (cell >> 1) % features]
                else:
                    code = neurons[((cell - direct) >> 1) % chip.hidden]
                drive += cells_ns[row, cell] * code * code
            add_drive(tally, drive)
    return sums, tally
