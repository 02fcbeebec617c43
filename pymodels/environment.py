"""Episodes that a chip acts in: the cart of task cartpole, or an environment of a user's own."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from oxmc.pymodels.cartpole import REFERENCE, cart_of, move, observe, start
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError, shown
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.streams import stream_key
from oxmc.pymodels.surroundings import Surroundings

SEED_BITS = 53
"""Of the seed of an episode: what any reader of numbers keeps exact."""


class Episodes(Protocol):
    """One episode after the other: `codes` int64 [features] is the observation as input codes, `steps` counts."""

    codes: np.ndarray
    steps: int

    def restart(self, episode: int, kind: int) -> None:
        """Begin an episode of a kind (`cartpole.TRAINING`, `TEST`, `REFERENCE`)."""

    def act(self, action: int) -> bool:
        """One step; True if the episode is over."""


class CartEpisodes:
    """Those of task cartpole."""

    def __init__(self, config: Config, seed: int):
        self._cart, self._state = cart_of(config, seed), np.empty(4)
        self.codes, self.steps = np.empty(4, np.int64), 0

    def restart(self, episode: int, kind: int) -> None:
        start(self._cart, episode, kind, self._state)
        self.steps = 0
        observe(self._cart, self._state, self.codes)

    def act(self, action: int) -> bool:
        over = bool(move(self._state, action))
        self.steps += 1
        observe(self._cart, self._state, self.codes)
        return over or self.steps == self._cart.steps


class OwnEpisodes:
    """Those of a user's own environment."""

    def __init__(self, config: Config, seed: int, surroundings: Surroundings):
        self._environment, self._key = surroundings.environment, stream_key(seed, "episodes")
        self._longest, self._top = config.episode_steps, Formats(config).input_max
        self._gain = self._top / config.input_range / np.array(surroundings.scales)
        self.codes, self.steps = np.empty(config.features, np.int64), 0

    def restart(self, episode: int, kind: int) -> None:
        low, high, *_ = (int(word) for word in philox4x32(episode, kind, 0, 0, *self._key))
        found = self._environment.reset(seed=(high << 32 | low) >> 64 - SEED_BITS)
        self._observe(found[0] if isinstance(found, tuple) else found)
        self.steps = 0

    def act(self, action: int) -> bool:
        found = self._environment.step(int(action))
        if not isinstance(found, (tuple, list)) or len(found) not in (2, 5):
            raise RunError(f"step must return an observation and whether the episode is over, not {shown(found)}")
        observation, *more = found
        over = more[1] or more[2] if len(more) > 1 else more[0]  # gymnasium: reward, terminated, truncated, info
        self.steps += 1
        self._observe(observation)
        return bool(over) or self.steps == self._longest

    def _observe(self, observation: Any) -> None:
        try:
            values = np.asarray(observation, np.float64)
        except (TypeError, ValueError):
            values = np.array(shown(observation))
        if values.shape != self.codes.shape or not np.isfinite(values).all():
            rule = f"an observation must be {len(self.codes)} finite numbers"
            raise RunError(f"{rule}, not {np.array2string(values, threshold=8)} (step {self.steps})")
        self.codes[:] = np.clip(np.rint(values * self._gain), -self._top, self._top)


def episodes_of(config: Config, seed: int, surroundings: Surroundings | None) -> CartEpisodes | OwnEpisodes:
    """The episodes of a run under `seed`."""
    return CartEpisodes(config, seed) if surroundings is None else OwnEpisodes(config, seed, surroundings)


def random_rewards(config: Config, seed: int, surroundings: Surroundings) -> float:
    """Mean steps of acting at random over as many episodes as test the chip."""
    episodes, key = OwnEpisodes(config, seed, surroundings), stream_key(seed, "episodes")
    rewards = []
    for episode in range(config.test_episodes):
        episodes.restart(episode, REFERENCE)
        over = False
        while not over:
            word = int(philox4x32(episode, REFERENCE, 1, episodes.steps, *key)[0])
            over = episodes.act(word % surroundings.actions)
        rewards.append(episodes.steps)
    return float(np.mean(rewards))
