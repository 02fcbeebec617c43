"""`oxmc.Task`: points with a test set of their own, and an environment of one's own, alike on each engine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

import oxmc
from oxmc.pymodels.cartpole import TEST, TRAINING
from oxmc.pymodels.config import preset
from oxmc.pymodels.environment import CartEpisodes, OwnEpisodes
from oxmc.pymodels.surroundings import Surroundings
from oxmc.pymodels.twin import episodes as twin_episodes
from oxmc.pymodels.twin import plain_episodes

pytestmark = pytest.mark.testpoint(
    "tasks of one's own",
    "points with their own test set, an environment, alike on twin and RTL; Python takes the kernel's steps; refusals",
)

WINE = load_wine()
ALIKE = ("result", "chain", "events", "quantities", "config", "data", "notes")


class Walker:
    """A walk on a line that ends beyond its borders: each step a push to either side, and a gust of the seed's."""

    def reset(self, *, seed: int) -> list[float]:
        self.gusts = np.random.default_rng(seed)
        self.place, self.speed = float(self.gusts.uniform(-0.5, 0.5)), 0.0
        return [self.place, self.speed]

    def step(self, action: int) -> tuple[list[float], bool]:
        self.speed += (0.2 if action else -0.2) + float(self.gusts.normal(scale=0.1))
        self.place += self.speed
        return [self.place, self.speed], abs(self.place) > 2


class Gymnastic(Walker):
    """The same with all that gymnasium's environments return."""

    def reset(self, *, seed: int) -> Any:
        return super().reset(seed=seed), {}

    def step(self, action: int) -> Any:
        observation, over = super().step(action)
        return observation, 1.0, over, False, {}


def walk(environment: Any) -> oxmc.Task:
    return oxmc.Task(
        name="walk", environment=environment, observations=("place", "speed"), scales=(2.0, 1.0), actions=2
    )


REWARDS = {"rows": 5, "seed": 2, "settings": {"test_episodes": 2, "episode_steps": 15}}


def test_points_with_a_test_set_of_their_own() -> None:
    """All points in their order, scaled by the training points as scikit-learn does it; the test is on the others."""
    x, y = WINE.data, np.array(["a", "b", "c"])[WINE.target]
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:100], order[100:]
    task = oxmc.Task(name="own-wine", train=(x[train], y[train]), test=(x[test], y[test]))
    run = oxmc.train(task, seed=1, rows=8)
    assert run.record["task"] == "own-wine"
    assert (run.config.train_samples, run.config.test_samples) == (100, 78)
    assert np.allclose(run.record["data"]["scaling"]["mean"], StandardScaler().fit(x[train]).mean_, rtol=1e-12)
    assert run.record["result"]["value"] == (run.predict(x[test]) == y[test]).mean()
    other = oxmc.train(task, seed=1, rows=8, settings={"train_samples": 50, "test_samples": 7})
    assert "57 of 178 rows used, the first of each part (train_samples, test_samples)" in other.record["notes"]
    with pytest.raises(oxmc.OxmcError, match="^train_samples must be at most 100 for this task, not 101$"):
        oxmc.train(task, settings={"train_samples": 101, "test_samples": 7})


@pytest.mark.cosim
def test_own_points_on_the_rtl() -> None:
    x, y = WINE.data[50:70], WINE.target[50:70]
    task = oxmc.Task(name="own", train=(x[::2], y[::2]), test=(x[1::4], y[1::4]))
    chip, twin = (oxmc.train(task, engine=engine, seed=1, rows=3).record for engine in ("icarus", "twin"))
    assert all(chip[name] == twin[name] for name in ALIKE)


@pytest.mark.cosim
def test_an_environment_of_ones_own_on_the_rtl() -> None:
    """The simulator's process gets a copy; its host and the twin's Python path take the same steps."""
    runs = [oxmc.train(walk(Walker()), engine=engine, **REWARDS) for engine in ("icarus", "twin")]
    chip, twin = (run.record for run in runs)
    assert all(chip[name] == twin[name] for name in ALIKE)
    assert chip["task"] == "walk" and chip["data"]["features"] == ["place", "speed"]
    assert chip["result"]["rewards"] and max(chip["result"]["rewards"]) <= 15


def test_gymnasiums_returns_are_taken() -> None:
    one, other = (oxmc.train(walk(kind()), **REWARDS).record["result"] for kind in (Walker, Gymnastic))
    assert one == other


@pytest.mark.parametrize("conditions", ["ideal", "real"])
def test_python_takes_the_kernels_steps(conditions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cartpole's own episodes through the Python path give the kernel's chain and tests, bit by bit."""
    options: dict[str, Any] = {"rows": 8, "seed": 3, "settings": {"test_episodes": 3, "conditions": conditions}}
    kernel = oxmc.train("cartpole", **options)

    def tests_in_python(chip: Any, cart: Any, *arrays: Any) -> None:
        plain_episodes.tests_in(chip, CartEpisodes(kernel.config, 3), *arrays)

    monkeypatch.setattr(twin_episodes, "run_tests", tests_in_python)
    python = oxmc.train("cartpole", accept=lambda proposal: proposal.accepts, **options)
    for name in ("result", "chain", "events", "quantities"):
        assert python.record[name] == kernel.record[name], name


def test_episodes_follow_from_their_seed() -> None:
    config = preset("cartpole", "wide").replace(features=2, episode_steps=9)
    surroundings = Surroundings(Walker(), ("place", "speed"), (2.0, 1.0), 2)

    def codes(seed: int, episode: int, kind: int) -> list[list[int]]:
        episodes, found = OwnEpisodes(config, seed, surroundings), []
        episodes.restart(episode, kind)
        over = False
        while not over:
            found.append(episodes.codes.tolist())
            over = episodes.act(len(found) % 2)
        return found

    assert codes(1, 0, TRAINING) == codes(1, 0, TRAINING) and len(codes(1, 0, TRAINING)) <= 9
    others = [codes(2, 0, TRAINING), codes(1, 1, TRAINING), codes(1, 0, TEST)]
    assert all(other != codes(1, 0, TRAINING) for other in others)


class Broken(Walker):
    def step(self, action: int) -> tuple[list[float], bool]:
        return [float("nan"), 0.0], False


class Silent(Walker):
    def step(self, action: int) -> Any:
        return None


class Whim(Walker):
    """Follows from no seed."""

    count = 0

    def step(self, action: int) -> tuple[list[float], bool]:
        Whim.count += 1
        return [math.sin(Whim.count), 0.0], False


def test_what_is_no_task() -> None:
    points = (WINE.data, WINE.target)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": "table"}, "name must be up to 40 letters, .* and not that of a task of oxmc, not 'table'"),
        ({"name": "a b"}, "name must be up to 40 letters, .*, not 'a b'"),
        ({"name": "own", "train": points}, "a Task must have train and test, or an environment"),
        ({"name": "own", "environment": object()}, "environment must have a method reset"),
        ({"name": "own", "environment": Walker(), "observations": ("a",)}, "scales must be one for each of 1 .*"),
        (
            {"name": "own", "environment": Walker(), "observations": ("a",), "scales": (0.0,)},
            r"scales must be positive numbers, not \[0.0\]",
        ),
        (
            {"name": "own", "train": points, "test": (WINE.data[:, 1:], WINE.target)},
            "the test's X must have 13 columns, not 12",
        ),
    ]
    walking: dict[str, Any] = {"name": "own", "environment": Walker(), "observations": ("a",), "scales": (1.0,)}
    cases += [
        ({"name": "own", "train": WINE.data, "test": points}, r"train must be a pair of X and y, not array[\s\S]*"),
        (
            {"name": "own", "train": points, "test": (WINE.data, WINE.target_names[WINE.target])},
            "train and test must have labels of one kind, not texts and 0",
        ),
        (walking | {"environment": Walker}, "environment must be an object, not the class Walker"),
        (walking | {"observations": "place"}, "observations must be a list of texts, not 'place'"),
        (walking | {"scales": ("a",)}, r"scales must be positive numbers, not \['a'\]"),
        (walking | {"actions": 1}, "actions must be an integer >= 2, not 1"),
    ]
    for options, message in cases:
        with pytest.raises(oxmc.OxmcError, match=f"^{message}$"):
            oxmc.Task(**options)
    with pytest.raises(oxmc.OxmcError, match="^an observation must be 2 finite numbers, not .nan  0.. .step 1.$"):
        oxmc.train(walk(Broken()), **REWARDS)
    with pytest.raises(oxmc.OxmcError, match="^step must return an observation and whether .*, not None$"):
        oxmc.train(walk(Silent()), **REWARDS)
    with pytest.raises(oxmc.OxmcError, match="; an environment of your own must give the same episode for the same"):
        oxmc.train(walk(Whim()), **REWARDS)
    with pytest.raises(oxmc.OxmcError, match="^--engine must be .* for a task with rewards, not 'float'$"):
        oxmc.train(walk(Walker()), engine="float", **REWARDS)
    with pytest.raises(oxmc.OxmcError, match="^--lockstep must be left out with an environment of one's own$"):
        oxmc.train(walk(Walker()), engine="icarus", lockstep=True, **REWARDS)


def test_an_environment_in_many_trainings(tmp_path: Path) -> None:
    runs = oxmc.train_many(walk(Walker()), repeats=2, out=tmp_path / "walks", **REWARDS)
    assert runs.record["task"] == "walk" and len(runs.values) == 2 and runs.baseline >= 1
