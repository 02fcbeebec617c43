"""A row's EVAL of many samples at once through the array's circuit, compiled: as `evaluate`, with what a front end
sees."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.ladder import Seen, bend, shaped_code, tilt
from oxmc.pymodels.twin.evaluate import Room, convert, dot_products, look_up, pair_ns, whole_steps
from oxmc.pymodels.twin.state import Arithmetic, Chain, Data


@njit(cache=True, nogil=True, borrows=True)
def add_cubes(circuit: Circuit, cubes_ns: np.ndarray, first: int, codes: np.ndarray, room: Room) -> None:
    """`ladder.bend` of each sample, added to `room.sums`. No sum comes near 2^50, as codes have at most 8 bits here."""
    sums, thirds = room.sums, room.cubes
    features, samples = codes.shape
    thirds[:] = 0.0
    for feature in range(features):
        w = np.float64(pair_ns(cubes_ns, first + feature))
        for sample in range(samples):
            code = np.float64(codes[feature, sample])
            thirds[sample] += w * (code * code * code)
    for sample in range(samples):
        sums[sample] += whole_steps(thirds[sample], circuit.read_code2)


@njit(cache=True, nogil=True, borrows=True)
def convert_shaped(
    thresholds: np.ndarray, reach: int, sums: np.ndarray, flips: np.ndarray, step: int, shift: int, indices: np.ndarray
) -> None:
    """`evaluate.convert` by the ADC's own thresholds, float64, none farther than `reach` steps from where it should be.

    How many are met is counted from the ideal converter's number less `reach` on; ahead of that all are, and as many
    after it none.
    """
    half, places = np.int32((len(thresholds) - reach >> 1) + 1), np.int32(shift)
    low, high = np.float64(-half), np.float64(half - 1)
    for sample in range(len(sums)):
        ideal = np.int64(min(max(whole_steps(sums[sample], step), low), high)) + half
        begin, met = ideal - reach if ideal > reach else 0, 0
        for nth in range(2 * reach):
            met += sums[sample] >= thresholds[np.uint64(begin + nth)]
        code = np.int32(begin + met - half) ^ flips[sample]
        indices[sample] = np.int32(code + half) >> places


@njit(cache=True, nogil=True, borrows=True)
def convert_seen(
    chip: Arithmetic, circuit: Circuit, seen: Seen, segment: int, codes: np.ndarray, flips: np.ndarray, room: Room
) -> None:
    """Table indices of all samples of a segment of the row in `seen`, whose dot products are in `room.sums`."""
    first = circuit.firsts[segment] >> 1
    offset = np.float64(tilt(circuit, seen, segment))
    for sample in range(len(room.sums)):
        room.sums[sample] += offset
    if circuit.bent:
        add_cubes(circuit, seen.cubes, first, codes, room)
    step = chip.hidden_eval_step if segment < chip.hidden else chip.eval_step
    if circuit.shaped:
        ramp = circuit.ramps[int(segment >= chip.hidden)]
        convert_shaped(ramp, circuit.reach_steps, room.sums, flips, step, chip.table_shift, room.indices)
    else:
        convert(room.sums, flips, step, chip.adc_top, chip.table_shift, room.indices)


@njit(cache=True, nogil=True, borrows=True)
def evaluate_seen(
    chip: Arithmetic, circuit: Circuit, seen: Seen, segment: int, codes: np.ndarray, flips: np.ndarray, room: Room
) -> None:
    """`evaluate.evaluate` of a segment of the row in `seen`."""
    dot_products(seen.weights, circuit.firsts[segment] >> 1, codes, room.sums)
    convert_seen(chip, circuit, seen, segment, codes, flips, room)


@njit(cache=True, nogil=True, borrows=True)
def seen_costs(chip: Arithmetic, circuit: Circuit, seen: Seen, data: Data, chain: Chain) -> None:
    """-log2 likelihood of all samples and outputs under the row in `seen` into `chain.costs`, by way of hidden neurons
    where there are any, whose codes go to `chain.activations`."""
    room, neurons = chain.bench.room, chain.activations
    for neuron in range(chip.hidden):
        evaluate_seen(chip, circuit, seen, neuron, data.codes, chain.bench.no_flips, room)
        look_up(room.indices, chip.activation_table, neurons[neuron])
    inputs = neurons if chip.hidden else data.codes
    for output in range(chip.outputs):
        evaluate_seen(chip, circuit, seen, chip.hidden + output, inputs, data.flips[output], room)
        look_up(room.indices, chip.likelihood_table, chain.costs[output])


@njit(cache=True, nogil=True, borrows=True)
def seen_code(chip: Arithmetic, circuit: Circuit, seen: Seen, segment: int, codes: np.ndarray, dot: int) -> int:
    """ADC code of one EVAL, int64 `codes`, whose dot product with the row's weights is `dot`."""
    dot += tilt(circuit, seen, segment)
    if circuit.bent:
        dot += bend(circuit, seen, circuit.firsts[segment], codes)
    step = chip.hidden_eval_step if segment < chip.hidden else chip.eval_step
    if circuit.shaped:
        return shaped_code(circuit.thresholds[int(segment >= chip.hidden)], step, dot)
    return min(max(dot // step, -chip.adc_top - 1), chip.adc_top)
