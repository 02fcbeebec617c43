"""The twin's proposal: draw of u, sweep over the samples, decision and what follows from it, compiled."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.twin.evaluate import dot_products, look_up
from oxmc.pymodels.twin.hastings import hastings_cost
from oxmc.pymodels.twin.lfsr import draw_state, neg_log2_u
from oxmc.pymodels.twin.programming import clear_array, program_row, reset_row
from oxmc.pymodels.twin.sense import add_drive, relax_row, sensed_costs
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    ACTIVATIONS,
    COST,
    CURRENT,
    CURRENT_COST,
    EVALS,
    HASTINGS,
    LAYERS,
    LOST,
    NEG_LOG2_U,
    ORDER_READS,
    ORDER_WRITES,
    PRIOR,
    PROPOSALS,
    REJECTED,
    ROW,
    SAMPLE_READS,
    SKIPPED,
    STORED,
    STREAK,
    SWEEPS,
    Arithmetic,
    Chain,
    Data,
    Devices,
)


@njit(cache=True, nogil=True)
def sample_costs(
    chip: Arithmetic, model_ns: np.ndarray, codes: np.ndarray, flips: np.ndarray, costs: np.ndarray
) -> None:
    """-log2 likelihood of all samples and outputs under one row, int64 [cells] in nS, to `costs` [outputs, samples]."""
    features, samples = codes.shape
    sums, table = np.empty(samples), chip.likelihood_table
    for output in range(chip.outputs):
        dot_products(model_ns, output * features, codes, sums)
        look_up(sums, flips[output], table, chip.eval_step, chip.adc_top, chip.table_shift, costs[output])


@njit(cache=True, nogil=True)
def segment_codes(
    chip: Arithmetic, model_ns: np.ndarray, first: int, codes: np.ndarray, eval_step: int, adc: np.ndarray
) -> None:
    """ADC codes int64 [samples] of the segment with cells from `first` on, under `codes` float64 [inputs, samples]."""
    inputs, samples = codes.shape
    sums = np.zeros(samples)
    for i in range(inputs):
        w = np.float64(model_ns[first + 2 * i] - model_ns[first + 2 * i + 1])
        for sample in range(samples):
            sums[sample] += w * codes[i, sample]
    for sample in range(samples):
        adc[sample] = min(max(np.int64(np.floor(sums[sample] / eval_step)), -chip.adc_top - 1), chip.adc_top)


@njit(cache=True, nogil=True)
def network_costs(
    chip: Arithmetic, model_ns: np.ndarray, codes: np.ndarray, flips: np.ndarray, activations: np.ndarray,
    costs: np.ndarray,
) -> None:  # fmt: skip
    """As `sample_costs` behind a hidden layer, whose codes go to `activations` float64 [hidden, samples]."""
    features, samples = codes.shape
    half, adc = chip.adc_top + 1, np.empty(samples, np.int64)
    for neuron in range(chip.hidden):
        segment_codes(chip, model_ns, 2 * neuron * features, codes, chip.hidden_eval_step, adc)
        for sample in range(samples):
            activations[neuron, sample] = chip.activation_table[(adc[sample] + half) >> chip.table_shift]
    for output in range(chip.outputs):
        first = 2 * chip.hidden * (features + output)
        segment_codes(chip, model_ns, first, activations, chip.eval_step, adc)
        for sample in range(samples):
            costs[output, sample] = chip.likelihood_table[
                ((adc[sample] ^ flips[output, sample]) + half) >> chip.table_shift
            ]


@njit(cache=True, nogil=True)
def row_costs(
    chip: Arithmetic, devices: Devices, chain: Chain, data: Data, row: int, effects: Effects | None
) -> None:  # fmt: skip
    """-log2 likelihood of all samples and outputs under one row into `chain.costs`."""
    if effects is not None and effects.sensing:
        sensed_costs(chip, devices, chain, data, row, effects)
    elif chip.hidden:
        model = devices.conductance_ns[row]
        network_costs(chip, model, data.codes, data.flips, chain.activations, chain.costs)
    else:
        sample_costs(chip, devices.conductance_ns[row], data.codes, data.flips, chain.costs)


@njit(cache=True, nogil=True)
def evaluated_code2(data: Data, order: np.ndarray, samples: int) -> np.ndarray:
    """Squared codes summed over the first `samples` in `order`, int64 [features]."""
    if samples == len(order):
        return data.code2_total
    total = np.zeros_like(data.code2_total)
    for position in range(samples):
        total += data.code2[order[position]]
    return total


@njit(cache=True, nogil=True)
def network_drive(
    chip: Arithmetic, model_ns: np.ndarray, data: Data, activations: np.ndarray, order: np.ndarray, end: int,
    tally: np.ndarray,
) -> None:  # fmt: skip
    """Book conductance times squared code of a network's first `end` evaluations, whose last sample may be cut."""
    features, segments = len(data.code2_total), chip.hidden + chip.outputs
    whole, cut = end // segments, end % segments
    code2 = evaluated_code2(data, order, whole)
    for neuron in range(chip.hidden):
        for feature in range(features):
            cell = 2 * (neuron * features + feature)
            code2_here = code2[feature] + (data.code2[order[whole], feature] if neuron < cut else 0)
            add_drive(tally, (model_ns[cell] + model_ns[cell + 1]) * code2_here)
    for output in range(chip.outputs):
        count = whole + (chip.hidden + output < cut)
        for neuron in range(chip.hidden):
            hidden2 = 0.0
            for position in range(count):
                hidden2 += activations[neuron, order[position]] ** 2
            cell = 2 * (chip.hidden * (features + output) + neuron)
            add_drive(tally, (model_ns[cell] + model_ns[cell + 1]) * np.int64(hidden2))


@njit(cache=True, nogil=True)
def sweep(
    chip: Arithmetic, model_ns: np.ndarray, data: Data, activations: np.ndarray, costs: np.ndarray, order: np.ndarray,
    threshold: int, first: bool, tally: np.ndarray,
) -> int:  # fmt: skip
    """Sum `costs` sample by sample in `order`; with early rejection they end soon after the sum exceeds `threshold`.

    Returns the sum. `late_evaluations` are those already under way when the sum is seen; with hidden neurons no output
    of the next sample is. Books evaluations and their drive: conductance of the row `model_ns` [cells] times squared
    code.
    """
    outputs, samples = costs.shape
    segments, features = chip.hidden + outputs, len(data.code2_total)
    end, total = samples * segments, 0
    if chip.early_rejection and not first:
        end = 0 if threshold < 0 else end
        evaluation = 0
        while evaluation < end:
            output = evaluation % segments - chip.hidden
            if output >= 0:
                total += costs[output, order[evaluation // segments]]
            evaluation += 1
            if total > threshold:
                late = outputs - 1 - output + chip.hidden if chip.hidden else chip.late_evaluations
                end = min(end, evaluation + min(late, chip.late_evaluations))
                threshold = 2**62  # seen once
    else:
        for output in range(outputs):
            for sample in range(samples):
                total += costs[output, sample]
    fetched = (end + segments - 1) // segments
    tally[EVALS] += end
    tally[SAMPLE_READS] += fetched
    tally[SWEEPS] += end > 0
    if chip.hard_first and end:
        tally[ORDER_READS] += min(samples, fetched + 1) if not first else 0
        tally[ORDER_WRITES] += end // segments
    if chip.hidden:
        tally[LAYERS] += (end + outputs - 1) // segments
        tally[ACTIVATIONS] += end // segments * chip.hidden + min(end % segments, chip.hidden)
        network_drive(chip, model_ns, data, activations, order, end, tally)
        return total
    for output in range(outputs):
        code2 = evaluated_code2(data, order, (end - output + outputs - 1) // outputs)
        for feature in range(features):
            cell = 2 * (output * features + feature)
            add_drive(tally, (model_ns[cell] + model_ns[cell + 1]) * code2[feature])
    return total


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
        last[HASTINGS] = 0
        if chip.hastings:
            last[HASTINGS] = hastings_cost(chip.law, chip.gate_map, chain.current_read, chain.read)
        threshold = place[CURRENT_COST] + last[NEG_LOG2_U] - last[PRIOR] - last[HASTINGS]
    threshold = ((threshold + 1) << chip.temper) - 1  # the largest sum that is not above it once it is shifted
    model, evaluated = devices.conductance_ns[row], chain.tally[EVALS]
    if row == 0 or not chip.early_rejection or threshold >= 0:  # else there is no evaluation
        relax_row(devices, row, devices.effects)
        row_costs(chip, devices, chain, data, row, devices.effects)
    last[COST] = sweep(chip, model, data, chain.activations, chain.costs, chain.order, threshold, row == 0, chain.tally)
    devices.evaluations[row] = chain.tally[EVALS] - evaluated
    last[ACCEPTED] = row == 0 or last[COST] <= threshold
    at_limit = place[PROPOSALS] == chip.max_proposals
    if not last[ACCEPTED]:
        reject(chip, devices, chain)
        return at_limit or place[ROW] == rows
    place[CURRENT_COST] = (last[COST] >> chip.temper) + last[PRIOR]
    place[CURRENT], place[STREAK] = row, 0
    chain.counters[row] = 1
    chain.tally[STORED] += 1
    chain.current_read[:] = chain.read
    if chip.hard_first:
        chain.order[:] = hard_first(chip, chain.costs, chain.order)
    place[ROW] += 1
    return at_limit or place[ROW] == rows


@njit(cache=True, nogil=True)
def train_chain(chip: Arithmetic, devices: Devices, chain: Chain, data: Data) -> None:
    """The whole training, in place."""
    clear_array(devices, chain)
    while not step(chip, devices, chain, data):
        pass
