"""A row's EVAL of many samples at once with read noise, compiled: as `evaluate`, with a draw for each sample.

The same bits as `sense`, one by one, which is left where cells fail at each read.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.effect_draws import root
from oxmc.pymodels.oxram.effects import POWER_SHIFT, Effects
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.twin.evaluate import Room, convert, dot_products, look_up
from oxmc.pymodels.twin.sense import TALLIED, add_drive, see_row
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


@njit(cache=True, nogil=True, borrows=True)
def sum_powers(weights: np.ndarray, first: int, codes: np.ndarray, powers: np.ndarray) -> None:
    """The sum of squares of `effect_draws.sensed_dot` of each sample, whole numbers in float64 [samples]."""
    features, samples = codes.shape
    powers[:] = 0.0
    for feature in range(features):
        plus, minus = np.float64(weights[first + 2 * feature]), np.float64(weights[first + 2 * feature + 1])
        for sample in range(samples):
            code = np.float64(abs(codes[feature, sample]))
            one, other = np.floor(plus * code * POWER_SCALE), np.floor(minus * code * POWER_SCALE)
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

    With powers below `MOST_POWER` every product is below 2^52 and the root is rounded to no integer above it, so that
    a double holds all of it exactly.
    """
    noise, half, q = np.float64(noise_q16 << POWER_SHIFT), 0.5, 1.0 / draws.ONE
    for i in range(len(room.sums)):
        spread = np.floor(np.floor(np.sqrt(room.powers[i])) * noise * q + half)
        room.sums[i] += np.floor(spread * np.float64(room.words[i]) * q + half)


@njit(cache=True, nogil=True, borrows=True)
def add_noise(noise_q16: int, order: np.ndarray, room: Room) -> None:
    """The noise of each sample, evaluated in `order`, added to `room.sums`."""
    for position in range(len(order)):
        sample = order[position]
        if room.powers[sample] > 0.0:
            spread = draws.scaled_q16(root(np.int64(room.powers[sample])) << POWER_SHIFT, noise_q16)
            room.sums[sample] += np.float64(draws.scaled_q16(spread, draws.normal_q16(room.words[position])))


@njit(cache=True, nogil=True, borrows=True)
def evaluate_noisy(
    chip: Arithmetic, devices: Devices, row: int, segment: int, codes: np.ndarray, flips: np.ndarray,
    order: np.ndarray, evaluation: int, effects: Effects, circuit: Circuit | None, room: Room,
) -> None:  # fmt: skip
    """`evaluate.evaluate` of one segment; `evaluation` is the number of the first in `order`."""
    cells = devices.conductance_ns.shape[1]
    segments = chip.hidden + chip.outputs
    first = 2 * segment * len(codes)
    if chip.hidden and segment >= chip.hidden:
        first = cells - 2 * (segments - segment) * chip.hidden
    weights = devices.conductance_ns[row] if circuit is None else devices.seen.weights
    dot_products(weights, first >> 1, codes, room.sums)
    sum_powers(weights, first, codes, room.powers)
    sets = devices.set_count[row].sum()
    draw_evaluations(devices.k0, devices.k1, row * cells, sets, evaluation + segment, segments, room.words)
    add_noise(effects.noise_q16, order, room)
    if circuit is not None:
        convert_seen(chip, circuit, devices.seen, segment, codes, flips, room)
    else:
        step = chip.hidden_eval_step if segment < chip.hidden else chip.eval_step
        convert(room.sums, flips, step, chip.adc_top, chip.table_shift, room.indices)


@njit(cache=True, nogil=True, borrows=True)
def noisy_costs(
    chip: Arithmetic, devices: Devices, chain: Chain, data: Data, row: int, effects: Effects, circuit: Circuit | None
) -> None:
    """-log2 likelihood of all samples and outputs into `chain.costs`, evaluated in `chain.order`."""
    room, neurons, order, no_flips = chain.bench.room, chain.activations, chain.order, chain.bench.no_flips
    for n in range(chip.hidden):
        evaluate_noisy(chip, devices, row, n, data.codes, no_flips, order, 0, effects, circuit, room)
        look_up(room.indices, chip.activation_table, neurons[n])
    inputs = neurons if chip.hidden else data.codes
    for output in range(chip.outputs):
        segment, flips = chip.hidden + output, data.flips[output]
        evaluate_noisy(chip, devices, row, segment, inputs, flips, order, 0, effects, circuit, room)
        look_up(room.indices, chip.likelihood_table, chain.costs[output])


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
    chip: Arithmetic, devices: Devices, response_table: np.ndarray, counters: np.ndarray, first_row: int,
    codes: np.ndarray, code2: np.ndarray, room: Room, effects: Effects, circuit: Circuit | None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """`sense.sensed_votes` where rows are plain; `codes` int32 [features, points], their squares' sums `code2` int64
    [features], `response_table` int32."""
    points = codes.shape[1]
    sums, tally = np.zeros((points, chip.outputs), np.int64), np.zeros(TALLIED, np.int64)
    order, flips, entries = np.arange(points), np.zeros(points, np.int32), np.zeros(points, np.int32)
    neurons = np.zeros((chip.hidden, points), np.int32)
    for row in range(first_row, len(counters)):
        see_row(devices, row, circuit)
        first = devices.evaluations[row]
        for n in range(chip.hidden):
            evaluate_noisy(chip, devices, row, n, codes, flips, order, first, effects, circuit, room)
            look_up(room.indices, chip.activation_table, neurons[n])
        inputs = neurons if chip.hidden else codes
        for output in range(chip.outputs):
            evaluate_noisy(
                chip, devices, row, chip.hidden + output, inputs, flips, order, first, effects, circuit, room
            )
            look_up(room.indices, response_table, entries)
            for point in range(points):
                sums[point, output] += counters[row] * entries[point]
        devices.evaluations[row] = first + points * (chip.hidden + chip.outputs)
        book_votes(chip, devices.conductance_ns[row], code2, neurons, tally)
    return sums, tally
