"""A task of one's own: points that are split already, or an environment that rewards."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence

from numpy.typing import ArrayLike

from oxmc.api.arguments import listed, texts_of
from oxmc.api.data import table_of_arrays
from oxmc.pymodels.config import TASKS
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.surroundings import Environment, Surroundings, check_surroundings
from oxmc.pymodels.tasks import DataSource

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
Points = tuple[ArrayLike, ArrayLike]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What `oxmc.train` is to learn, on any engine: points, or an environment that rewards.

    Points: `train` and `test`, each a pair X [n, columns] and y [n] by scikit-learn's conventions. All are used, in
    this order, unless `train_samples` or `test_samples` are set. Features are scaled by the training points. Presets
    are those of task table.

    Environment: `environment` has `reset(seed=...)`, which returns an observation, and `step(action)`, which returns
    the next one and whether the episode is over, or all that gymnasium's return. `observations` names the numbers of
    an observation, `scales` has about the largest value of each, in its own unit, and `actions` is how many there are,
    numbered from 0. The reward is the number of steps up to `episode_steps`, which the chip counts; it accepts by Eq 12
    of the paper. An episode must follow from its seed and the actions alone, or engines would differ; a simulator gets
    a pickled copy. Presets are those of cartpole; engine float learns no rewards.

    `name` is what run.json and pictures call the task. Raises `OxmcError` for what cannot be trained on.
    """

    name: str
    train: Points | None = None
    test: Points | None = None
    environment: Environment | None = None
    observations: Sequence[str] = ()
    scales: Sequence[float] = ()
    actions: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name) or self.name in TASKS:
            rule = "name must be up to 40 letters, digits, - and _, a letter first, and not that of a task of oxmc"
            raise InputError(f"{rule}, not {shown(self.name)}")
        if (self.environment is None) == (self.train is None) or (self.train is None) != (self.test is None):
            raise InputError("a Task must have train and test, or an environment")
        self.source  # noqa: B018 - what is wrong with it is said here

    @property
    def base(self) -> str:
        """The task of the project whose presets it starts from."""
        return "table" if self.environment is None else "cartpole"

    @functools.cached_property
    def source(self) -> DataSource:
        """The points or the environment, as the tasks of the project read them."""
        if self.train is not None:
            return DataSource(
                name=self.name, table=table_of_arrays(*_pair("train", self.train), _pair("test", self.test))
            )
        assert self.environment is not None
        names, scales = texts_of("observations", self.observations), tuple(listed(self.scales))
        surroundings = Surroundings(self.environment, names, scales, self.actions)
        check_surroundings(surroundings)
        return DataSource(name=self.name, surroundings=surroundings)


def _pair(name: str, points: object) -> Points:
    """Points with their labels. Raises `InputError` for anything but a pair."""
    if not isinstance(points, (tuple, list)) or len(points) != 2:
        raise InputError(f"{name} must be a pair of X and y, not {shown(points)}")
    return points[0], points[1]
