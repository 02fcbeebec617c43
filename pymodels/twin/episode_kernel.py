"""The twin's episodes: a proposed row acts until the pole falls, the stored rows act in test, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.cartpole import TEST, TRAINING, Cart, move, observe, start
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.ladder import Seen, shaped_code
from oxmc.pymodels.twin.kernel import reject
from oxmc.pymodels.twin.lfsr import draw_state, neg_log2_u
from oxmc.pymodels.twin.programming import clear_array, program_row
from oxmc.pymodels.twin.sense import add_drive, relax_row, see_row
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    COST,
    CURRENT,
    CURRENT_COST,
    EVALS,
    NEG_LOG2_U,
    PRIOR,
    PROPOSALS,
    ROW,
    SAMPLE_READS,
    STORED,
    STREAK,
    SWEEPS,
    Arithmetic,
    Chain,
    Devices,
)
from oxmc.pymodels.twin.through import seen_code


class Rewards(NamedTuple):
    """What judges episodes: `costs` int64 [2^STEP_BITS] of each number of steps, log2 kappa, both in fixed point."""

    costs: np.ndarray
    log2_kappa: int


@njit(cache=True, nogil=True)
def act(
    chip: Arithmetic, model_ns: np.ndarray, codes: np.ndarray, circuit: Circuit | None = None, seen: Seen | None = None
) -> int:
    """The output of one row, [cells] in nS, whose ADC code is greatest, the lowest on ties; behind a `circuit` the row
    is the one in `seen`."""
    winner, best, features = 0, -chip.adc_top - 2, len(codes)
    for output in range(chip.outputs):
        dot = 0
        for feature in range(features):
            cell = 2 * (output * features + feature)
            dot += (model_ns[cell] - model_ns[cell + 1]) * codes[feature]
        if circuit is None:
            code = min(max(dot // chip.eval_step, -chip.adc_top - 1), chip.adc_top)
        else:
            code = seen_code(chip, circuit, seen, output, codes, dot)
        if code > best:
            winner, best = output, code
    return winner


@njit(cache=True, nogil=True)
def book_drive(model_ns: np.ndarray, code2: np.ndarray, tally: np.ndarray) -> None:
    """Conductance of one row, [cells], times squared codes summed over its evaluations, [features]."""
    for cell in range(len(model_ns)):
        add_drive(tally, model_ns[cell] * code2[(cell >> 1) % len(code2)])


@njit(cache=True, nogil=True)
def book_episode(chip: Arithmetic, model_ns: np.ndarray, steps: int, code2: np.ndarray, tally: np.ndarray) -> None:
    """Book an episode of one row, [cells], of so many steps and squared codes summed over them, [features]."""
    tally[EVALS] += steps * chip.outputs
    tally[SAMPLE_READS] += steps
    tally[SWEEPS] += 1
    book_drive(model_ns, code2, tally)


@njit(cache=True, nogil=True)
def run_episode(
    chip: Arithmetic, cart: Cart, model_ns: np.ndarray, episode: int, tally: np.ndarray,
    circuit: Circuit | None = None, seen: Seen | None = None,
) -> int:  # fmt: skip
    """Steps that one row lasts in a training episode; books them."""
    weights_ns = model_ns
    if circuit is not None and seen is not None:
        weights_ns = seen.weights
    state, codes = np.empty(4), np.empty(4, np.int64)
    code2, steps, over = np.zeros(4, np.int64), 0, False
    start(cart, episode, TRAINING, state)
    while not over and steps < cart.steps:
        observe(cart, state, codes)
        code2 += codes * codes
        over = move(state, act(chip, weights_ns, codes, circuit, seen))
        steps += 1
    book_episode(chip, model_ns, steps, code2, tally)
    return steps


@njit(cache=True, nogil=True)
def draw_row(chip: Arithmetic, devices: Devices, chain: Chain) -> None:
    """Program a proposal; its prior and the draw of u, all that is known ahead of its episode."""
    place, last = chain.place, chain.seen_last
    row = place[ROW]
    program_row(chip, devices, chain)
    squares = 0
    for cell in range(0, len(chain.read), 2):
        squares += (chain.read[cell] - chain.read[cell + 1]) ** 2
    last[PRIOR] = (squares * chip.prior_multiplier) >> chip.prior_shift
    if row:
        chain.lfsr[0] = draw_state(chain.lfsr[0], chip.lfsr_leap)
        last[NEG_LOG2_U] = neg_log2_u(chain.lfsr[0], chip)
        place[PROPOSALS] += 1
    relax_row(devices, row, devices.effects)
    see_row(devices, row, devices.circuit)


@njit(cache=True, nogil=True)
def judge(chain: Chain, rewards: Rewards, steps: int) -> None:
    """The decision on a row that lasted `steps`, left in `chain.seen_last`."""
    place, last = chain.place, chain.seen_last
    last[COST] = rewards.costs[steps]
    threshold = place[CURRENT_COST] + last[NEG_LOG2_U] - last[PRIOR] - rewards.log2_kappa
    last[ACCEPTED] = place[ROW] == 0 or last[COST] <= threshold


@njit(cache=True, nogil=True)
def settle_episode(chip: Arithmetic, devices: Devices, chain: Chain, stored: np.ndarray, steps: int) -> bool:
    """What follows from the decision on a row that lasted `steps`; True when the chain has ended.

    `stored` int64 [rows] takes the reward with which a row was accepted.
    """
    place, last = chain.place, chain.seen_last
    rows, row = devices.conductance_ns.shape[0], place[ROW]
    at_limit = place[PROPOSALS] == chip.max_proposals
    if not last[ACCEPTED]:
        reject(chip, devices, chain)
        return at_limit or place[ROW] == rows
    place[CURRENT_COST], place[CURRENT], place[STREAK] = last[COST] + last[PRIOR], row, 0
    chain.counters[row], stored[row] = 1, steps
    chain.tally[STORED] += 1
    chain.current_read[:] = chain.read
    place[ROW] += 1
    return at_limit or place[ROW] == rows


@njit(cache=True, nogil=True)
def episode_step(
    chip: Arithmetic, devices: Devices, chain: Chain, cart: Cart, rewards: Rewards, stored: np.ndarray
) -> bool:
    """One proposal with its episode and all that follows from it; True when the chain has ended."""
    draw_row(chip, devices, chain)
    row, episode = chain.place[ROW], chain.place[PROPOSALS]
    model_ns = devices.conductance_ns[row]
    steps = run_episode(chip, cart, model_ns, episode, chain.tally, devices.circuit, devices.seen)
    judge(chain, rewards, steps)
    return settle_episode(chip, devices, chain, stored, steps)


@njit(cache=True, nogil=True)
def train_on_episodes(
    chip: Arithmetic, devices: Devices, chain: Chain, cart: Cart, rewards: Rewards, stored: np.ndarray
) -> None:
    """The whole training, in place."""
    clear_array(devices, chain)
    while not episode_step(chip, devices, chain, cart, rewards, stored):
        pass


class Rows(NamedTuple):
    """What a circuit adds to the voting rows: cubes int64 [pairs, rows] in nS, tilts int64 [rows, outputs]."""

    circuit: Circuit
    cubes: np.ndarray
    tilts: np.ndarray


@njit(cache=True, nogil=True)
def row_code(chip: Arithmetic, rows: Rows, row: int, output: int, codes: np.ndarray, dot: int) -> int:
    """ADC code of one voting row whose dot product is `dot`."""
    circuit, third, features = rows.circuit, 0, len(codes)
    for feature in range(features):
        third += rows.cubes[output * features + feature, row] * codes[feature] ** 3
    dot += rows.tilts[row, output] + third // circuit.read_code2
    if circuit.shaped:
        return shaped_code(circuit.thresholds[1], chip.eval_step, dot)
    return min(max(dot // chip.eval_step, -chip.adc_top - 1), chip.adc_top)


@njit(cache=True, nogil=True)
def respond(
    chip: Arithmetic, response_table: np.ndarray, weights_ns: np.ndarray, counters: np.ndarray, codes: np.ndarray,
    sums: np.ndarray, rows: Rows | None = None,
) -> int:  # fmt: skip
    """Sum over the voting rows of C_n times the response, into int64 `sums` [outputs]; the largest one's output.

    `weights_ns` float64 [pairs, rows] are g+ - g- of the voting rows, `counters` int64 [rows] theirs. All are integers
    below 2^52, so floating point is exact here, and quick over the rows. Behind a circuit `rows` say what it adds.
    """
    features, winner = len(codes), 0
    dots = np.empty(len(counters))
    for output in range(chip.outputs):
        dots[:] = 0.0
        for feature in range(features):
            w, code = weights_ns[output * features + feature], np.float64(codes[feature])
            for row in range(len(counters)):
                dots[row] += w[row] * code
        total = 0
        for row in range(len(counters)):
            if rows is None:
                steps = np.int64(np.floor(dots[row] / chip.eval_step))
                adc = min(max(int(steps), -chip.adc_top - 1), chip.adc_top)
            else:
                adc = row_code(chip, rows, row, output, codes, np.int64(dots[row]))
            total += counters[row] * response_table[(adc + chip.adc_top + 1) >> chip.table_shift]
        sums[output] = total
        if total > sums[winner]:
            winner = output
    return winner


@njit(cache=True, nogil=True)
def run_tests(
    chip: Arithmetic, cart: Cart, response_table: np.ndarray, weights_ns: np.ndarray, counters: np.ndarray,
    rewards: np.ndarray, actions: np.ndarray, sums: np.ndarray, code2: np.ndarray, rows: Rows | None = None,
) -> None:  # fmt: skip
    """Test episodes of the voting rows, all results in place.

    `rewards` int64 [episodes]; `actions` int64 [all steps] and `sums` int64 [all steps, outputs] of one step after the
    other, as many as the rewards sum to; `code2` int64 [features] squared codes summed over all steps.
    """
    state, codes, step = np.empty(4), np.empty(4, np.int64), 0
    for episode in range(len(rewards)):
        start(cart, episode, TEST, state)
        over = False
        while not over and rewards[episode] < cart.steps:
            observe(cart, state, codes)
            code2 += codes * codes
            actions[step] = respond(chip, response_table, weights_ns, counters, codes, sums[step], rows)
            over = move(state, actions[step])
            rewards[episode] += 1
            step += 1
