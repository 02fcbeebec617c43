"""The cart and its pole: dynamics, starts and observations, compiled, for every engine alike.

A pole stands on a cart that a force of fixed size pushes to the left or to the right (A. Barto, R. Sutton, C. Anderson,
IEEE Trans. SMC 13, 834-846, 1983). The order of operations is that of gymnasium's CartPole-v1 with its Euler
integrator, so that both give the same doubles step by step (`tests/pymodels/tasks/test_cartpole.py`); here an episode
ends at 15 degrees as in the paper, there at 12.

The starts of episodes are counter-based like all noise: one Philox block each, keyed by the seed's stream `episodes`,
its counter (episode, kind, 0, 0). In training, an episode's number is that of its proposal, 0 for row 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.streams import stream_key

FEATURES = ("position", "velocity", "angle", "angular velocity")
TRAINING, TEST, REFERENCE = range(3)
"""Kinds of episodes."""

GRAVITY, CART_KG, POLE_KG, HALF_POLE_M, FORCE_N, STEP_S = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
TOTAL_KG = POLE_KG + CART_KG
POLE_KGM = POLE_KG * HALF_POLE_M
POSITION_LIMIT_M = 2.4
ANGLE_LIMIT = 15 * 2 * math.pi / 360
"""rad; beyond it, or the position limit, the episode is over."""
START = 0.05
"""Each number of the state starts uniform in +-START."""

SCALES = (2.4, 3.0, 0.2618, 3.5)
"""A feature is a number of the state over this: m, m/s, rad, rad/s. Full scale of the input is `input_range`."""


class Cart(NamedTuple):
    """What an episode needs to know: the key of its start, the input DAC, and its longest run in steps."""

    k0: int
    k1: int
    input_top: int
    input_range: float
    steps: int


def cart_of(config: Config, seed: int) -> Cart:
    k0, k1 = stream_key(seed, "episodes")
    return Cart(k0, k1, Formats(config).input_max, config.input_range, config.episode_steps)


@njit(cache=True, nogil=True, borrows=True)
def start(cart: Cart, episode: int, kind: int, state: np.ndarray) -> None:
    """The state float64 [4] in which an episode of a kind starts."""
    words = philox4x32(episode, kind, 0, 0, cart.k0, cart.k1)
    for i in range(4):
        state[i] = START * (2.0 * (words[i] + 0.5) / 4294967296.0 - 1.0)


@njit(cache=True, nogil=True, borrows=True)
def move(state: np.ndarray, action: int) -> bool:
    """One step of 20 ms in place, pushed right (1) or left (0); True if the episode is over by it."""
    x, x_dot, theta, theta_dot = state[0], state[1], state[2], state[3]
    force = FORCE_N if action == 1 else -FORCE_N
    cosine, sine = math.cos(theta), math.sin(theta)
    push = (force + POLE_KGM * (theta_dot * theta_dot) * sine) / TOTAL_KG
    turn = (GRAVITY * sine - cosine * push) / (HALF_POLE_M * (4.0 / 3.0 - POLE_KG * (cosine * cosine) / TOTAL_KG))
    state[0] = x + STEP_S * x_dot
    state[1] = x_dot + STEP_S * (push - POLE_KGM * turn * cosine / TOTAL_KG)
    state[2] = theta + STEP_S * theta_dot
    state[3] = theta_dot + STEP_S * turn
    return (
        state[0] < -POSITION_LIMIT_M or state[0] > POSITION_LIMIT_M or state[2] < -ANGLE_LIMIT or state[2] > ANGLE_LIMIT
    )


@njit(cache=True, nogil=True, borrows=True)
def observe(cart: Cart, state: np.ndarray, codes: np.ndarray) -> None:
    """The input codes int64 [4] of a state: features rounded half to even, clipped at full scale."""
    for i in range(4):
        code = np.rint(state[i] / SCALES[i] * cart.input_top / cart.input_range)
        codes[i] = np.int64(min(max(code, -cart.input_top), cart.input_top))


@njit(cache=True, nogil=True)
def random_reward(cart: Cart, episode: int) -> int:
    """Steps that an agent lasts which acts at random."""
    state, steps, over = np.empty(4), 0, False
    start(cart, episode, REFERENCE, state)
    while not over and steps < cart.steps:
        over = move(state, philox4x32(episode, REFERENCE, 1, steps, cart.k0, cart.k1)[0] & 1)
        steps += 1
    return steps


def reference_reward(config: Config, seed: int) -> float:
    """Mean reward of acting at random over as many episodes as test the chip."""
    cart = cart_of(config, seed)
    return float(np.mean([random_reward(cart, episode) for episode in range(config.test_episodes)]))
