"""A row's EVAL of many samples at once with read noise, compiled: as `evaluate`, with a draw for each sample.

The same bits as `sense`, one by one, which is left where cells fail at each read.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.effects import POWER_SHIFT, Effects
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.twin.evaluate import Room, convert, look_up
from oxmc.pymodels.twin.sense import TALLIED, add_drive, see_row
from oxmc.pymodels.twin.softmax import Fold, add_shares, fold_costs
from oxmc.pymodels.twin.state import Arithmetic, Chain, Data, Devices
from oxmc.pymodels.twin.through import convert_seen

POWER_SCALE = 1.0 / (1 << POWER_SHIFT)
MOST_POWER = 2.0**48
"""Of the stored conductances; behind the input DACs of a circuit, whose gains are below 2.3, less than 2^51."""


@njit(cache=True, nogil=True, borrows=True)
def is_plain(devices: Devices, row: int, top_code: int, effects: Effects) -> bool:
    """Whether noise is all that a row's evaluations meet, and no sum of squares leaves what a double has exactly."""
    power = 0.0
    for cell in range(devices.conductance_ns.shape[1]):
        power += (np.float64(devices.conductance_ns[row, cell]) * top_code * POWER_SCALE) ** 2
    return power < MOST_POWER and (effects.hcs_below == 0 or effects.at_set)


@njit(cache=True, nogil=True, borrows=True, fastmath={"contract"})
def noisy_sums(weights: np.ndarray, first: int, codes: np.ndarray, room: Room) -> None:
    """V.w of each sample under the pairs from cell `first` on, and the sum of squares of `effect_draws.sensed_dot`.

    `weights` int64 [cells] in nS, `codes` int32 [lanes, samples]. Whole numbers below 2^51 in float64, fused or not.
    """
    sums, powers = room.sums, room.powers
    sums[:] = 0.0
    powers[:] = 0.0
    for lane in range(len(codes)):
        plus, minus = np.float64(weights[first + 2 * lane]), np.float64(weights[first + 2 * lane + 1])
        w, up, down, lane_codes = plus - minus, plus * POWER_SCALE, minus * POWER_SCALE, codes[lane]
        for sample in range(len(sums)):
            code = np.float64(lane_codes[sample])
            sums[sample] += w * code
            one, other = np.floor(up * abs(code)), np.floor(down * abs(code))
            powers[sample] += one * one + other * other


@njit(cache=True, nogil=True, borrows=True)
def draw_evaluations(k0: int, k1: int, base: int, sets: int, first: int, step: int, words: np.ndarray) -> None:
    """The word of each evaluation from number `first` on, `step` apart."""
    for position in range(len(words)):
        words[position] = philox4x32(base, sets, first + position * step, draws.EVAL, k0, k1)[0]


@njit(cache=True, nogil=True, borrows=True)
def normals(words: np.ndarray) -> None:
    """Each word's normal in Q16, in its place; a loop of its own, as it looks into a table."""
    for position in range(len(words)):
        words[position] = draws.normal_q16(words[position])


@njit(cache=True, nogil=True, borrows=True)
def add_normals(noise_q16: int, room: Room) -> None:
    """`effect_draws.evaluation_noise` of the normals in `room.words` and of `room.powers`, added to `room.sums`.

    With powers below 2^51 every product is below 2^52 and no root is rounded up to an integer, so that a double holds
    all of it exactly.
    """
    noise, half, q = np.float64(noise_q16 << POWER_SHIFT), 0.5, 1.0 / draws.ONE
    for i in range(len(room.sums)):
        spread = np.floor(np.floor(np.sqrt(room.powers[i])) * noise * q + half)
        room.sums[i] += np.floor(spread * np.float64(room.words[i]) * q + half)


@njit(cache=True, nogil=True, borrows=True)
def first_cell(chip: Arithmetic, cells: int, segment: int, lanes: int) -> int:
    """The first cell of a segment of so many lanes, in a row of `cells`."""
    if chip.hidden and segment >= chip.hidden:
        return cells - 2 * (chip.hidden + chip.outputs - segment) * chip.hidden
    return 2 * segment * lanes


@njit(cache=True, nogil=True, borrows=True)
def evaluate_noisy(
    chip: Arithmetic, devices: Devices, row: int, segment: int, codes: np.ndarray, flips: np.ndarray, evaluation: int,
    effects: Effects, circuit: Circuit | None, room: Room,
) -> None:  # fmt: skip
    """`evaluate.evaluate` of one segment and samples one after the other; `evaluation` is the number of the first."""
    cells, segments = devices.conductance_ns.shape[1], chip.hidden + chip.outputs
    weights = devices.conductance_ns[row] if circuit is None else devices.seen.weights
    noisy_sums(weights, first_cell(chip, cells, segment, len(codes)), codes, room)
    sets = devices.set_count[row].sum()
    draw_evaluations(devices.k0, devices.k1, row * cells, sets, evaluation + segment, segments, room.words)
    normals(room.words)
    add_normals(effects.noise_q16, room)
    if circuit is not None:
        convert_seen(chip, circuit, devices.seen, segment, codes, flips, room)
    else:
        step = chip.hidden_eval_step if segment < chip.hidden else chip.eval_step
        convert(room.sums, flips, step, chip.adc_top, chip.table_shift, room.indices)


@njit(cache=True, nogil=True, borrows=True)
def gather(values: np.ndarray, order: np.ndarray, start: int, block: np.ndarray) -> None:
    """int32 `values` [n, samples] of the samples in `order` from `start` on, into `block` [n, fewer samples]."""
    for line in range(len(block)):
        source, target = values[line], block[line]
        for position in range(len(target)):
            target[position] = source[order[start + position]]


@njit(cache=True, nogil=True, borrows=True)
def noisy_block(
    chip: Arithmetic, devices: Devices, chain: Chain, data: Data, row: int, start: int, effects: Effects,
    circuit: Circuit | None,
) -> None:  # fmt: skip
    """Costs of the samples at `chain.order` from `start` on, as many as the bench's block takes."""
    block, order, segments = chain.bench.block, chain.order, chip.hidden + chip.outputs
    room, first = block.room, start * segments
    gather(data.codes, order, start, block.codes)
    for n in range(chip.hidden):
        evaluate_noisy(chip, devices, row, n, block.codes, block.no_flips, first, effects, circuit, room)
        look_up(room.indices, chip.activation_table, block.neurons[n])
        for position in range(len(room.indices)):
            chain.activations[n, order[start + position]] = block.neurons[n, position]
    gather(data.flips, order, start, block.flips)
    inputs = block.neurons if chip.hidden else block.codes
    for output in range(chip.outputs):
        segment = chip.hidden + output
        evaluate_noisy(chip, devices, row, segment, inputs, block.flips[output], first, effects, circuit, room)
        for position in range(len(room.indices)):
            cost = chip.likelihood_table[np.uint32(room.indices[position])]
            chain.costs[output, order[start + position]] = cost


@njit(cache=True, nogil=True, borrows=True)
def noisy_costs(
    chip: Arithmetic, devices: Devices, chain: Chain, data: Data, row: int, threshold: int, effects: Effects,
    circuit: Circuit | None, fold: Fold,
) -> None:  # fmt: skip
    """-log2 likelihood of samples and outputs into `chain.costs`, block by block in `chain.order`: all samples that
    `kernel.sweep` looks at if it stops at a sum above `threshold`."""
    samples, segments, total, done = len(chain.order), chip.hidden + chip.outputs, 0, 0
    block, needed = len(chain.bench.block.room.sums), samples
    while done < needed:
        start = min(done, samples - block)  # the last block begins among what is done, and does it again
        noisy_block(chip, devices, chain, data, row, start, effects, circuit)
        if fold.built:
            for position in range(start, start + block):
                sample = chain.order[position]
                fold_costs(fold, chain.costs, data.labels[sample], sample)
        for position in range(done, start + block):
            for output in range(chip.outputs):
                total += chain.costs[output, chain.order[position]]
            if total > threshold:
                needed = min(needed, position + 2 + chip.late_evaluations // segments)
        done = start + block


@njit(cache=True, nogil=True, borrows=True)
def book_votes(
    chip: Arithmetic, cells_ns: np.ndarray, code2: np.ndarray, neurons: np.ndarray, tally: np.ndarray
) -> None:
    """Drive of one row's evaluations: `code2` int64 [features] over all points, `neurons` int32 [hidden, points]."""
    features = len(code2)
    direct = 2 * features * (chip.hidden if chip.hidden else chip.outputs)
    for cell in range(direct):
        add_drive(tally, cells_ns[cell] * code2[(cell >> 1) % features])
    for neuron in range(chip.hidden):
        neuron2 = np.int64(0)
        for point in range(neurons.shape[1]):
            neuron2 += np.int64(neurons[neuron, point]) ** 2
        for output in range(chip.outputs):
            cell = direct + 2 * (output * chip.hidden + neuron)
            add_drive(tally, (cells_ns[cell] + cells_ns[cell + 1]) * neuron2)


@njit(cache=True, nogil=True)
def noisy_votes(
    chip: Arithmetic, devices: Devices, table: np.ndarray, counters: np.ndarray, first_row: int,
    codes: np.ndarray, code2: np.ndarray, room: Room, effects: Effects, circuit: Circuit | None, fold: Fold,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """`sense.sensed_votes` where rows are plain; `codes` int32 [features, points], their squares' sums `code2` int64
    [features], `table` int32 of responses, or of powers where there is a softmax."""
    points = codes.shape[1]
    sums, tally = np.zeros((points, chip.outputs), np.int64), np.zeros(TALLIED, np.int64)
    flips, entries = np.zeros(points, np.int32), np.zeros((chip.outputs, points), np.int32)
    neurons = np.zeros((chip.hidden, points), np.int32)
    for row in range(first_row, len(counters)):
        see_row(devices, row, circuit)
        first = devices.evaluations[row]
        for n in range(chip.hidden):
            evaluate_noisy(chip, devices, row, n, codes, flips, first, effects, circuit, room)
            look_up(room.indices, chip.activation_table, neurons[n])
        inputs = neurons if chip.hidden else codes
        for output in range(chip.outputs):
            segment = chip.hidden + output
            evaluate_noisy(chip, devices, row, segment, inputs, flips, first, effects, circuit, room)
            look_up(room.indices, table, entries[output])
        if fold.built:
            add_shares(fold, entries, counters[row], sums)
        else:
            sums += counters[row] * entries.T
        devices.evaluations[row] = first + points * (chip.hidden + chip.outputs)
        book_votes(chip, devices.conductance_ns[row], code2, neurons, tally)
    return sums, tally
