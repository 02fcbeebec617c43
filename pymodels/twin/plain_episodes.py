"""The twin's episodes where Python takes part: an environment or an acceptance rule of a user's own.

The kernels' own steps, one by one, and the same bits for the same environment (`tests/api/test_api_task.py`).
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.cartpole import TEST, TRAINING
from oxmc.pymodels.environment import Episodes
from oxmc.pymodels.rule import Rule
from oxmc.pymodels.twin.episode_kernel import (
    Rewards,
    act,
    book_episode,
    draw_row,
    judge,
    settle_episode,
)
from oxmc.pymodels.twin.programming import clear_array
from oxmc.pymodels.twin.ruled import decide
from oxmc.pymodels.twin.state import PROPOSALS, ROW, Arithmetic, Chain, Devices
from oxmc.pymodels.twin.voting import Voting, respond


def train_in(
    chip: Arithmetic, devices: Devices, chain: Chain, episodes: Episodes, rewards: Rewards, stored: np.ndarray,
    accept: Rule | None, rng: np.random.Generator,
) -> None:  # fmt: skip
    """`episode_kernel.train_on_episodes` in any environment, with the rule `accept` in the place of its comparison."""
    clear_array(devices, chain)
    ended = False
    while not ended:
        draw_row(chip, devices, chain)
        steps = _train_on(chip, devices, chain, episodes)
        judge(chain, rewards, steps)
        if accept is not None:
            decide(chip, devices, chain, accept, rng, int(rewards.log2_kappa))
        ended = settle_episode(chip, devices, chain, stored, steps)


def _train_on(chip: Arithmetic, devices: Devices, chain: Chain, episodes: Episodes) -> int:
    """Steps that the proposed row lasts in its episode; books them."""
    row, code2 = int(chain.place[ROW]), np.zeros(len(episodes.codes), np.int64)
    episodes.restart(int(chain.place[PROPOSALS]), TRAINING)
    over = False
    while not over:
        code2 += episodes.codes**2
        over = episodes.act(act(chip, devices, row, episodes.codes))
    book_episode(chip, devices.conductance_ns[row], episodes.steps, code2, chain.tally)
    return episodes.steps


def tests_in(
    chip: Arithmetic, episodes: Episodes, voting: Voting, rewards: np.ndarray, actions: np.ndarray, sums: np.ndarray,
    code2: np.ndarray,
) -> None:  # fmt: skip
    """`episode_kernel.run_tests` in any environment."""
    step = 0
    for episode in range(len(rewards)):
        episodes.restart(episode, TEST)
        over = False
        while not over:
            code2 += episodes.codes**2
            actions[step] = respond(chip, voting, episodes.codes, sums[step])
            over = episodes.act(int(actions[step]))
            step += 1
        rewards[episode] = episodes.steps
