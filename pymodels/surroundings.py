"""An environment of a user's own that rewards a chip's actions.

It has `reset(seed=...)`, which returns the first observation, and `step(action)`, which returns the next one and
whether the episode is over; gymnasium's environments have both, and what they return besides is left aside. An episode
must follow from its seed and the actions alone, or engines would differ. The reward is the number of steps, which the
chip counts itself, up to `episode_steps`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol

from oxmc.pymodels.errors import InputError, shown


class Environment(Protocol):
    """What a user's own environment has."""

    def reset(self, *, seed: int) -> Any: ...

    def step(self, action: int) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """An environment of a user's own: a name and a scale for each number of its observations, and its actions.

    A feature of the chip is an observation over its scale; beyond `input_range` it clips.
    """

    environment: Environment
    observations: tuple[str, ...]
    scales: tuple[float, ...]
    actions: int


def check_surroundings(surroundings: Surroundings) -> None:
    """Raises `InputError` for an environment that lacks something."""
    if isinstance(surroundings.environment, type):
        raise InputError(f"environment must be an object, not the class {surroundings.environment.__name__}")
    for name in ("reset", "step"):
        if not callable(getattr(surroundings.environment, name, None)):
            raise InputError(f"environment must have a method {name}")
    if not surroundings.observations or len(surroundings.observations) != len(surroundings.scales):
        raise InputError(
            f"scales must be one for each of {len(surroundings.observations)} observations, "
            f"not {len(surroundings.scales)}"
        )
    if not all(isinstance(scale, (int, float)) and 0 < scale < math.inf for scale in surroundings.scales):
        raise InputError(f"scales must be positive numbers, not {list(surroundings.scales)}")
    if not isinstance(surroundings.actions, int) or surroundings.actions < 2:
        raise InputError(f"actions must be an integer >= 2, not {shown(surroundings.actions)}")
