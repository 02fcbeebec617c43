"""The stored rows vote on one observation at a time, all rows at once, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.effect_draws import evaluation_noise
from oxmc.pymodels.oxram.effects import POWER_SHIFT
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.twin.evaluate import Room, convert, look_up, whole_steps
from oxmc.pymodels.twin.noise import POWER_SCALE, add_normals, normals
from oxmc.pymodels.twin.state import Arithmetic
from oxmc.pymodels.twin.through import convert_shaped


class Through(NamedTuple):
    """What a circuit adds to the voting rows: cubes float64 [pairs, rows] in nS, tilts float64 [outputs, rows] in nS
    times codes."""

    circuit: Circuit
    cubes: np.ndarray
    tilts: np.ndarray


class Noise(NamedTuple):
    """What read noise needs of the voting rows: the generator's key, conductances as the front end sees them float64
    [cells, rows] in nS, int64 [rows] the global index of each row's first cell, and its SETs.

    `plain`: no sum of squares leaves what a double has exactly (`noise.MOST_POWER`).
    """

    k0: int
    k1: int
    noise_q16: int
    plain: bool
    cells: np.ndarray
    bases: np.ndarray
    sets: np.ndarray


class Voting(NamedTuple):
    """The voting rows: g+ - g- float64 [pairs, rows] in nS, counters int64 [rows], the table of responses int32, room.

    All are integers below 2^50, so floating point is exact here, and quick over the rows. `through` and `noise` are
    None without a circuit, without read noise. `evaluations` int64 [rows] since a row's last SET go on. `entries` and
    `no_flips` int32 [rows], the latter all 0.
    """

    weights: np.ndarray
    counters: np.ndarray
    table: np.ndarray
    through: Through | None
    noise: Noise | None
    evaluations: np.ndarray
    room: Room
    entries: np.ndarray
    no_flips: np.ndarray


@njit(cache=True, nogil=True, borrows=True)
def row_sums(weights: np.ndarray, first: int, codes: np.ndarray, sums: np.ndarray) -> None:
    """V.w of each row under int64 `codes` of the pairs from `first` on, into float64 `sums`."""
    sums[:] = 0.0
    for feature in range(len(codes)):
        w, code = weights[first + feature], np.float64(codes[feature])
        for row in range(len(sums)):
            sums[row] += w[row] * code


@njit(cache=True, nogil=True, borrows=True)
def row_powers(cells: np.ndarray, first: int, codes: np.ndarray, powers: np.ndarray) -> None:
    """As `noise.sum_powers`, of each row under one observation."""
    powers[:] = 0.0
    for feature in range(len(codes)):
        plus, minus = cells[2 * (first + feature)], cells[2 * (first + feature) + 1]
        scale = np.float64(abs(codes[feature])) * POWER_SCALE
        for row in range(len(powers)):
            one, other = np.floor(plus[row] * scale), np.floor(minus[row] * scale)
            powers[row] += one * one + other * other


@njit(cache=True, nogil=True, borrows=True)
def draw_words(noise: Noise, evaluations: np.ndarray, output: int, words: np.ndarray) -> None:
    """The word of each row's next evaluation but `output`."""
    for row in range(len(words)):
        number = evaluations[row] + output
        words[row] = philox4x32(noise.bases[row], noise.sets[row], number, draws.EVAL, noise.k0, noise.k1)[0]


@njit(cache=True, nogil=True, borrows=True)
def add_great_noise(noise: Noise, first: int, codes: np.ndarray, room: Room) -> None:
    """`noise.add_normals` in integers of 64 bits, where a double has too few."""
    for row in range(len(room.words)):
        power = 0
        for cell in range(2 * len(codes)):
            one = (np.int64(noise.cells[2 * first + cell, row]) * abs(codes[cell >> 1])) >> POWER_SHIFT
            power += one * one
        room.sums[row] += np.float64(evaluation_noise(noise.noise_q16, power, room.words[row]))


@njit(cache=True, nogil=True, borrows=True)
def add_row_noise(noise: Noise, evaluations: np.ndarray, output: int, codes: np.ndarray, room: Room) -> None:
    """The noise of each row's evaluation of an output, added to `room.sums`."""
    first = output * len(codes)
    draw_words(noise, evaluations, output, room.words)
    normals(room.words)
    if noise.plain:
        row_powers(noise.cells, first, codes, room.powers)
        add_normals(noise.noise_q16, room)
    else:
        add_great_noise(noise, first, codes, room)


@njit(cache=True, nogil=True, borrows=True)
def add_through(through: Through, output: int, codes: np.ndarray, room: Room) -> None:
    """What the circuit adds to each row's evaluation of an output, added to `room.sums`."""
    thirds, tilts = room.cubes, through.tilts[output]
    thirds[:] = 0.0
    for feature in range(len(codes) if through.circuit.bent else 0):
        w, code = through.cubes[output * len(codes) + feature], np.float64(codes[feature])
        for row in range(len(thirds)):
            thirds[row] += w[row] * (code * code * code)
    for row in range(len(thirds)):
        room.sums[row] += tilts[row] + whole_steps(thirds[row], through.circuit.read_code2)


@njit(cache=True, nogil=True, borrows=True)
def vote(
    chip: Arithmetic, voting: Voting, output: int, codes: np.ndarray, through: Through | None, noise: Noise | None
) -> int:
    """Sum over the voting rows of C_n times the response of one output."""
    room, total = voting.room, 0
    row_sums(voting.weights, output * len(codes), codes, room.sums)
    if noise is not None:
        add_row_noise(noise, voting.evaluations, output, codes, room)
    if through is not None:
        add_through(through, output, codes, room)
    if through is not None and through.circuit.shaped:
        ramp, reach = through.circuit.ramps[1], through.circuit.reach_steps
        convert_shaped(ramp, reach, room.sums, voting.no_flips, chip.eval_step, chip.table_shift, room.indices)
    else:
        convert(room.sums, voting.no_flips, chip.eval_step, chip.adc_top, chip.table_shift, room.indices)
    look_up(room.indices, voting.table, voting.entries)
    for row in range(len(voting.counters)):
        total += voting.counters[row] * voting.entries[row]
    return total


@njit(cache=True, nogil=True, borrows=True)
def respond(chip: Arithmetic, voting: Voting, codes: np.ndarray, sums: np.ndarray) -> int:
    """The voting rows' sum of each output under int64 `codes`, into int64 `sums`; the largest one's output."""
    winner = 0
    for output in range(chip.outputs):
        sums[output] = vote(chip, voting, output, codes, voting.through, voting.noise)
        if sums[output] > sums[winner]:
            winner = output
    for row in range(len(voting.evaluations)):
        voting.evaluations[row] += chip.outputs
    return winner
