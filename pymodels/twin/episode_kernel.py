"""The twin's episodes: a proposed row acts until the pole falls, the stored rows act in test, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.cartpole import TEST, TRAINING, Cart, move, observe, start
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.twin.evaluate import pair_ns
from oxmc.pymodels.twin.kernel import advance, reject
from oxmc.pymodels.twin.lfsr import draw_state, neg_log2_u
from oxmc.pymodels.twin.programming import clear_array, program_row
from oxmc.pymodels.twin.sense import add_drive, relax_row, see_row, sense_segment
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    COST,
    CURRENT,
    CURRENT_COST,
    EVALS,
    FIRST,
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
from oxmc.pymodels.twin.voting import Voting, respond


class Rewards(NamedTuple):
    """What judges episodes: `costs` int64 [2^STEP_BITS] of each number of steps, log2 kappa, both in fixed point."""

    costs: np.ndarray
    log2_kappa: int


@njit(cache=True, nogil=True, borrows=True)
def row_code(
    chip: Arithmetic, devices: Devices, row: int, output: int, codes: np.ndarray, sets: int, evaluation: int,
    effects: Effects | None, circuit: Circuit | None,
) -> int:  # fmt: skip
    """ADC code of one output of a row; `evaluation` is its number since SET number `sets` of the row."""
    if effects is not None and effects.sensing:
        return sense_segment(chip, devices, row, output, codes, sets, evaluation, effects, circuit)
    cells_ns = devices.conductance_ns[row] if circuit is None else devices.seen.weights
    dot, first = 0, output * len(codes)
    for feature in range(len(codes)):
        dot += pair_ns(cells_ns, first + feature) * codes[feature]
    if circuit is not None:
        return seen_code(chip, circuit, devices.seen, output, codes, dot)
    return min(max(dot // chip.eval_step, -chip.adc_top - 1), chip.adc_top)


@njit(cache=True, nogil=True, borrows=True)
def act(chip: Arithmetic, devices: Devices, row: int, codes: np.ndarray) -> int:
    """The output of one row whose ADC code is greatest, the lowest on ties, as the row's next evaluations sense it."""
    winner, best = 0, -chip.adc_top - 2
    sets, evaluation = devices.set_count[row].sum(), devices.evaluations[row]
    for output in range(chip.outputs):
        code = row_code(chip, devices, row, output, codes, sets, evaluation + output, devices.effects, devices.circuit)
        if code > best:
            winner, best = output, code
    devices.evaluations[row] = evaluation + chip.outputs
    return winner


@njit(cache=True, nogil=True, borrows=True)
def book_drive(model_ns: np.ndarray, code2: np.ndarray, tally: np.ndarray) -> None:
    """Conductance of one row, [cells], times squared codes summed over its evaluations, [features]."""
    for cell in range(len(model_ns)):
        add_drive(tally, model_ns[cell] * code2[(cell >> 1) % len(code2)])


@njit(cache=True, nogil=True, borrows=True)
def book_episode(chip: Arithmetic, model_ns: np.ndarray, steps: int, code2: np.ndarray, tally: np.ndarray) -> None:
    """Book an episode of one row, [cells], of so many steps and squared codes summed over them, [features]."""
    tally[EVALS] += steps * chip.outputs
    tally[SAMPLE_READS] += steps
    tally[SWEEPS] += 1
    book_drive(model_ns, code2, tally)


@njit(cache=True, nogil=True, borrows=True)
def add_squares(codes: np.ndarray, code2: np.ndarray) -> None:
    for feature in range(len(codes)):
        code2[feature] += codes[feature] * codes[feature]


@njit(cache=True, nogil=True)
def run_episode(chip: Arithmetic, devices: Devices, cart: Cart, row: int, episode: int, tally: np.ndarray) -> int:
    """Steps that one row lasts in a training episode; books them."""
    state, codes = np.empty(4), np.empty(4, np.int64)
    code2, steps, over = np.zeros(4, np.int64), 0, False
    start(cart, episode, TRAINING, state)
    while not over and steps < cart.steps:
        observe(cart, state, codes)
        add_squares(codes, code2)
        over = move(state, act(chip, devices, row, codes))
        steps += 1
    book_episode(chip, devices.conductance_ns[row], steps, code2, tally)
    return steps


@njit(cache=True, nogil=True, borrows=True)
def draw_row(chip: Arithmetic, devices: Devices, chain: Chain) -> None:
    """Program a proposal; its prior and the draw of u, all that is known ahead of its episode."""
    place, last = chain.place, chain.seen_last
    row = place[ROW]
    program_row(chip, devices, chain)
    squares = 0
    for cell in range(0, len(chain.read), 2):
        squares += (chain.read[cell] - chain.read[cell + 1]) ** 2
    last[PRIOR] = (squares * chip.prior_multiplier) >> chip.prior_shift
    if not place[FIRST]:
        chain.lfsr[0] = draw_state(chain.lfsr[0], chip.lfsr_leap)
        last[NEG_LOG2_U] = neg_log2_u(chain.lfsr[0], chip)
        place[PROPOSALS] += 1
    relax_row(devices, row, chain.bench.words, devices.effects)
    see_row(devices, row, devices.circuit)
    devices.evaluations[row] = 0


@njit(cache=True, nogil=True, borrows=True)
def judge(chain: Chain, rewards: Rewards, steps: int) -> None:
    """The decision on a row that lasted `steps`, left in `chain.seen_last`."""
    place, last = chain.place, chain.seen_last
    last[COST] = rewards.costs[steps]
    threshold = place[CURRENT_COST] + last[NEG_LOG2_U] - last[PRIOR] - rewards.log2_kappa
    last[ACCEPTED] = place[FIRST] or last[COST] <= threshold


@njit(cache=True, nogil=True, borrows=True)
def settle_episode(chip: Arithmetic, devices: Devices, chain: Chain, stored: np.ndarray, steps: int) -> bool:
    """What follows from the decision on a row that lasted `steps`; True when the chain has ended.

    `stored` int64 [rows] takes the reward with which a row was accepted.
    """
    place, last = chain.place, chain.seen_last
    row, place[FIRST] = place[ROW], 0
    if not last[ACCEPTED]:
        left = reject(chip, devices, chain)
        return advance(chip, devices, chain) if left else place[PROPOSALS] == chip.max_proposals
    place[CURRENT_COST], place[CURRENT], place[STREAK] = last[COST] + last[PRIOR], row, 0
    chain.counters[row], stored[row] = 1, steps
    chain.tally[STORED] += 1
    for cell in range(len(chain.read)):
        chain.current_read[cell] = chain.read[cell]
    return advance(chip, devices, chain)


@njit(cache=True, nogil=True)
def episode_step(
    chip: Arithmetic, devices: Devices, chain: Chain, cart: Cart, rewards: Rewards, stored: np.ndarray
) -> bool:
    """One proposal with its episode and all that follows from it; True when the chain has ended."""
    draw_row(chip, devices, chain)
    steps = run_episode(chip, devices, cart, chain.place[ROW], chain.place[PROPOSALS], chain.tally)
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


@njit(cache=True, nogil=True)
def run_tests(
    chip: Arithmetic, cart: Cart, voting: Voting, rewards: np.ndarray, actions: np.ndarray, sums: np.ndarray,
    code2: np.ndarray,
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
            add_squares(codes, code2)
            actions[step] = respond(chip, voting, codes, sums[step])
            over = move(state, actions[step])
            rewards[episode] += 1
            step += 1
