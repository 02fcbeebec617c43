"""The twin's proposal: draw of u, sweep over the samples, decision and what follows from it, compiled."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.twin.evaluate import evaluate, look_up
from oxmc.pymodels.twin.hastings import hastings_cost
from oxmc.pymodels.twin.lfsr import draw_state, neg_log2_u
from oxmc.pymodels.twin.noise import is_plain, noisy_costs
from oxmc.pymodels.twin.programming import clear_array, program_row, read_row, reset_row
from oxmc.pymodels.twin.sense import add_drive, relax_row, see_row, sensed_costs
from oxmc.pymodels.twin.softmax import Fold, fold_all
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    ACTIVATIONS,
    COST,
    CURRENT,
    CURRENT_COST,
    EVALS,
    FIRST,
    FORGOTTEN,
    GOES_ON,
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
from oxmc.pymodels.twin.through import seen_costs


@njit(cache=True, nogil=True, borrows=True)
def sample_costs(chip: Arithmetic, model_ns: np.ndarray, data: Data, chain: Chain) -> None:
    """-log2 likelihood of all samples and outputs under one row, int64 [cells] in nS, to `chain.costs`."""
    room, top, shift = chain.bench.room, chip.adc_top, chip.table_shift
    for output in range(chip.outputs):
        first, flips = output * len(data.codes), data.flips[output]
        evaluate(model_ns, first, data.codes, chip.input_top, flips, chip.eval_step, top, shift, room)
        look_up(room.indices, chip.likelihood_table, chain.costs[output])


@njit(cache=True, nogil=True, borrows=True)
def network_costs(chip: Arithmetic, model_ns: np.ndarray, data: Data, chain: Chain) -> None:
    """As `sample_costs` behind a hidden layer, whose codes go to `chain.activations`."""
    codes, neurons = data.codes, chain.activations
    room, top, shift, input_top = chain.bench.room, chip.adc_top, chip.table_shift, chip.input_top
    for neuron in range(chip.hidden):
        first, step = neuron * len(codes), chip.hidden_eval_step
        evaluate(model_ns, first, codes, input_top, chain.bench.no_flips, step, top, shift, room)
        look_up(room.indices, chip.activation_table, neurons[neuron])
    for output in range(chip.outputs):
        first, flips = chip.hidden * (len(codes) + output), data.flips[output]
        evaluate(model_ns, first, neurons, input_top, flips, chip.eval_step, top, shift, room)
        look_up(room.indices, chip.likelihood_table, chain.costs[output])


@njit(cache=True, nogil=True, borrows=True)
def row_costs(
    chip: Arithmetic, devices: Devices, chain: Chain, data: Data, row: int, threshold: int, effects: Effects | None,
    circuit: Circuit | None, fold: Fold,
) -> None:  # fmt: skip
    """-log2 likelihood of samples and outputs under one row into `chain.costs`: of all that `sweep` looks at."""
    see_row(devices, row, circuit)
    if effects is not None and effects.sensing:
        if is_plain(devices, row, chip.input_top, effects):
            limit = threshold if chip.early_rejection and not chain.place[FIRST] else 2**62
            noisy_costs(chip, devices, chain, data, row, limit, effects, circuit, fold)
            return
        else:
            sensed_costs(chip, devices, chain, data, row, effects)
    elif circuit is not None:
        seen_costs(chip, circuit, devices.seen, data, chain)
    elif chip.hidden:
        network_costs(chip, devices.conductance_ns[row], data, chain)
    else:
        sample_costs(chip, devices.conductance_ns[row], data, chain)
    fold_all(fold, chain.costs, data.labels)


@njit(cache=True, nogil=True, borrows=True)
def sum_code2(data: Data, order: np.ndarray, samples: int, code2: np.ndarray) -> None:
    """Squared codes summed over the first `samples` in `order`, into int64 `code2` [features]."""
    whole = samples == len(order)
    for feature in range(len(code2)):
        code2[feature] = data.code2_total[feature] if whole else 0
    for position in range(0 if whole else samples):
        for feature in range(len(code2)):
            code2[feature] += data.code2[order[position], feature]


@njit(cache=True, nogil=True, borrows=True)
def network_drive(chip: Arithmetic, model_ns: np.ndarray, data: Data, chain: Chain, end: int) -> None:
    """Book conductance times squared code of a network's first `end` evaluations, whose last sample may be cut."""
    features, segments, order, code2 = len(data.code2_total), chip.hidden + chip.outputs, chain.order, chain.bench.code2
    whole, cut = end // segments, end % segments
    sum_code2(data, order, whole, code2)
    for neuron in range(chip.hidden):
        for feature in range(features):
            cell = 2 * (neuron * features + feature)
            code2_here = code2[feature] + (data.code2[order[whole], feature] if neuron < cut else 0)
            add_drive(chain.tally, (model_ns[cell] + model_ns[cell + 1]) * code2_here)
    for output in range(chip.outputs):
        count = whole + (chip.hidden + output < cut)
        for neuron in range(chip.hidden):
            hidden2 = 0
            for position in range(count):
                hidden2 += chain.activations[neuron, order[position]] ** 2
            cell = 2 * (chip.hidden * (features + output) + neuron)
            add_drive(chain.tally, (model_ns[cell] + model_ns[cell + 1]) * hidden2)


@njit(cache=True, nogil=True, borrows=True)
def sweep(chip: Arithmetic, model_ns: np.ndarray, data: Data, chain: Chain, threshold: int, first: bool) -> int:
    """Sum `chain.costs` sample by sample in `chain.order`; with early rejection they end soon after the sum exceeds
    `threshold`.

    Returns the sum. `late_evaluations` are those already under way when the sum is seen; with hidden neurons no output
    of the next sample is. Books evaluations and their drive: conductance of the row `model_ns` [cells] times squared
    code.
    """
    costs, order, tally = chain.costs, chain.order, chain.tally
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
        network_drive(chip, model_ns, data, chain, end)
        return total
    for output in range(outputs):
        sum_code2(data, order, (end - output + outputs - 1) // outputs, chain.bench.code2)
        for feature in range(features):
            cell = 2 * (output * features + feature)
            add_drive(tally, (model_ns[cell] + model_ns[cell + 1]) * chain.bench.code2[feature])
    return total


@njit(cache=True, nogil=True, borrows=True)
def hard_first(chip: Arithmetic, chain: Chain) -> None:
    """Sort `chain.order` for the next sweep: samples above `hard_above` in any output from the front, the others from
    the back."""
    costs, order, fresh = chain.costs, chain.order, chain.bench.order
    outputs, samples = costs.shape
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
    for position in range(samples):
        order[position] = fresh[position]


@njit(cache=True, nogil=True, borrows=True)
def advance(chip: Arithmetic, devices: Devices, chain: Chain) -> bool:
    """Go on to the next row, round the ring, which an adaptation empties first; True where the last one is filled."""
    place = chain.place
    if place[ROW] == chip.stop_row or place[PROPOSALS] == chip.max_proposals:
        return True
    place[ROW] = (place[ROW] + 1) % len(chain.counters)
    if place[GOES_ON]:
        chain.counters[place[ROW]] = 0
        chain.tally[FORGOTTEN] += 1
        chain.tally[STORED] += 1
        reset_row(devices, place[ROW], chain.bench.words, chain.tally)
    return False


@njit(cache=True, nogil=True, borrows=True)
def reject(chip: Arithmetic, devices: Devices, chain: Chain) -> bool:
    """Count the current row once more and clear the proposed one; True where it is left after enough of that."""
    place, tally = chain.place, chain.tally
    tally[REJECTED] += 1
    tally[STORED] += chip.ring
    place[STREAK] += 1
    if chain.counters[place[CURRENT]] == chip.counter_top:
        tally[LOST] += 1
    else:
        chain.counters[place[CURRENT]] += 1
    reset_row(devices, place[ROW], chain.bench.words, tally)
    if place[STREAK] != chip.reject_limit:
        return False
    tally[SKIPPED] += 1
    tally[STORED] += 1
    place[STREAK] = 0
    return True


@njit(cache=True, nogil=True, borrows=True)
def propose(chip: Arithmetic, devices: Devices, chain: Chain, data: Data) -> None:
    """One proposal, from programming a row to the decision, which is left in `chain.seen_last`."""
    place, last = chain.place, chain.seen_last
    row, first = place[ROW], place[FIRST]
    stored = first and place[GOES_ON]
    if stored:
        read_row(chip, devices, chain, devices.effects)
    else:
        program_row(chip, devices, chain)
    squares = 0
    for cell in range(0, len(chain.read), 2):
        squares += (chain.read[cell] - chain.read[cell + 1]) ** 2
    last[PRIOR] = (squares * chip.prior_multiplier) >> chip.prior_shift
    threshold = 0
    if not first:
        chain.lfsr[0] = draw_state(chain.lfsr[0], chip.lfsr_leap)
        last[NEG_LOG2_U] = neg_log2_u(chain.lfsr[0], chip)
        place[PROPOSALS] += 1
        last[HASTINGS] = 0
        if chip.hastings:
            last[HASTINGS] = hastings_cost(chip.law, chip.gate_map, chain.current_read, chain.read)
        threshold = place[CURRENT_COST] + last[NEG_LOG2_U] - last[PRIOR] - last[HASTINGS]
    threshold = ((threshold + 1) << chip.temper) - 1  # the largest sum that is not above it once it is shifted
    model, evaluated = devices.conductance_ns[row], chain.tally[EVALS]
    if first or not chip.early_rejection or threshold >= 0:  # else there is no evaluation
        if not stored:
            relax_row(devices, row, chain.bench.words, devices.effects)
        row_costs(chip, devices, chain, data, row, threshold, devices.effects, devices.circuit, chip.fold)
    last[COST] = sweep(chip, model, data, chain, threshold, first)
    devices.evaluations[row] = chain.tally[EVALS] - evaluated
    last[ACCEPTED] = first or last[COST] <= threshold


@njit(cache=True, nogil=True, borrows=True)
def settle(chip: Arithmetic, devices: Devices, chain: Chain) -> bool:
    """What follows from the decision in `chain.seen_last`; True when the chain has ended."""
    place, last = chain.place, chain.seen_last
    row = place[ROW]
    if not last[ACCEPTED]:
        left = reject(chip, devices, chain)
        return advance(chip, devices, chain) if left else place[PROPOSALS] == chip.max_proposals
    place[CURRENT_COST] = (last[COST] >> chip.temper) + last[PRIOR]
    place[CURRENT], place[STREAK] = row, 0
    if not (place[FIRST] and place[GOES_ON]):  # else its count goes on
        chain.counters[row] = 1
    place[FIRST] = 0
    chain.tally[STORED] += 1
    for cell in range(len(chain.read)):
        chain.current_read[cell] = chain.read[cell]
    if chip.hard_first:
        hard_first(chip, chain)
    return advance(chip, devices, chain)


@njit(cache=True, nogil=True, borrows=True)
def step(chip: Arithmetic, devices: Devices, chain: Chain, data: Data) -> bool:
    """One proposal with all that follows from it; True when the chain has ended."""
    propose(chip, devices, chain, data)
    return settle(chip, devices, chain)


@njit(cache=True, nogil=True, borrows=True)
def train_chain(chip: Arithmetic, devices: Devices, chain: Chain, data: Data) -> None:
    """The whole training, in place."""
    if not chain.place[GOES_ON]:
        clear_array(devices, chain)
    while not step(chip, devices, chain, data):
        pass
