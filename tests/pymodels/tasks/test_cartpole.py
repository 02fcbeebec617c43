"""The cart and its pole against gymnasium, starts and observations; what the task refuses; the twin's episodes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from oxmc.pymodels.cartpole import ANGLE_LIMIT, SCALES, TEST, TRAINING, cart_of, move, observe, reference_reward, start
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.twin.chain import arithmetic, devices_of
from oxmc.pymodels.twin.episode_kernel import run_episode
from oxmc.pymodels.twin.episodes import run_twin_episodes
from oxmc.pymodels.twin.state import TALLIES
from oxmc.tb.cosim.program import lut_codes

CARTPOLE_TASK = pytest.mark.testpoint(
    "cartpole task",
    "dynamics equal gymnasium's to the last bit, steps and whole episodes; starts are uniform and apart; "
    "observations; acting at random; what task and configuration refuse",
)
CHAIN_OF_REWARDS = pytest.mark.testpoint(
    "chain of rewards",
    "acceptance by Eq 12 with steep and flat powers, and kappa; rewards within their limits; more test episodes "
    "change no chain",
)


def gymnasium_env() -> Any:
    """CartPole-v1 without its time limit, ending where ours does."""
    gymnasium = pytest.importorskip("gymnasium")
    env: Any = gymnasium.make("CartPole-v1").unwrapped
    env.theta_threshold_radians = 15 * 2 * math.pi / 360
    env.reset(seed=0)
    return env


@CARTPOLE_TASK
def test_every_step_is_gymnasiums(seed: int) -> None:
    """The same doubles to the last bit, and the same end, under random actions from random states.

    Both take sine and cosine from the C library; a numpy that has its own could differ in the last bit.
    """
    env, rng, ends = gymnasium_env(), np.random.default_rng(seed), 0
    for _ in range(300):
        state = rng.uniform(-1, 1, 4) * (2.4, 3.0, 0.26, 3.0)
        env.state, env.steps_beyond_terminated = state.copy(), None
        for _ in range(30):
            action = int(rng.integers(2))
            _, reward, over, *_ = env.step(action)
            assert move(state, action) == over and reward == 1.0
            assert state.tolist() == list(env.state)
            ends += over
            if over:
                break
    assert ends > 50


@CARTPOLE_TASK
def test_whole_episodes_of_a_row_are_gymnasiums(seed: int) -> None:
    """A linear row acts in both; the reward is gymnasium's return under its limit of 500 steps."""
    config = preset("cartpole", "wide")
    formats, cart, env, half = Formats(config), cart_of(config, seed), gymnasium_env(), 1 << (config.adc_bits - 1)
    chip, rng, seen = arithmetic(formats, np.array(lut_codes(formats))), np.random.default_rng(seed), set()
    devices = devices_of(OxramArray(config, load_card(config.card), seed))
    for episode in range(12):
        cells = devices.conductance_ns[3]
        cells[:] = rng.integers(50_000, 200_000, formats.cells)
        cells[12], cells[13] = 200_000, 60_000  # output 1, to the right, has a say for the angle
        steps = run_episode(chip, devices, cart, 3, episode, np.zeros(len(TALLIES), np.int64))
        state, codes, total, over = np.empty(4), np.empty(4, np.int64), 0.0, False
        start(cart, episode, TRAINING, state)
        env.state, env.steps_beyond_terminated = state, None
        while not over and total < 500:
            observe(cart, np.array(env.state), codes)
            w = (cells[0::2] - cells[1::2]).reshape(2, 4)
            adc = np.clip(w @ codes // formats.eval_step, -half, half - 1)
            _, reward, over, *_ = env.step(int(np.argmax(adc)))
            total += reward
        assert steps == total
        seen.add(steps)
    assert len(seen) > 3


@CARTPOLE_TASK
def test_starts(seed: int) -> None:
    """Uniform within 0.05 (a chi-squared test in effect: 20 bins of 4,000 draws, 6 s.d.), apart by episode and kind."""
    cart = cart_of(preset("cartpole", "wide"), seed)
    states = np.empty((1000, 4))
    for episode, state in enumerate(states):
        start(cart, episode, TRAINING, state)
    counts, _ = np.histogram(states, bins=20, range=(-0.05, 0.05))
    assert np.abs(states).max() < 0.05 and np.abs(counts - 200).max() < 6 * math.sqrt(200)
    other = np.empty(4)
    start(cart, 0, TEST, other)
    assert len(np.unique(states)) == states.size and not np.isin(other, states).any()


@CARTPOLE_TASK
def test_observations_round_and_clip() -> None:
    config = preset("cartpole", "wide")
    cart, codes = cart_of(config, 0), np.empty(4, np.int64)
    observe(cart, np.array(SCALES), codes)
    assert codes.tolist() == [127] * 4
    observe(cart, np.array([-9.0, 0.0, ANGLE_LIMIT / 2, 1e-3]), codes)
    assert codes.tolist() == [-127, 0, round(127 * ANGLE_LIMIT / 2 / SCALES[2]), 0]


@CARTPOLE_TASK
def test_the_task_refuses() -> None:
    wide = preset("cartpole", "wide")
    for config, message in (
        (Config(), "acceptance must be reward for task cartpole, not 'likelihood'"),
        (wide.replace(outputs=3), "outputs must be 2 for task cartpole, not 3"),
        (wide.replace(features=5), "features must be 4 for task cartpole, not 5"),
    ):
        with pytest.raises(InputError) as error:
            load_task("cartpole", config, 0)
        assert str(error.value) == message


@CARTPOLE_TASK
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(outputs=1), "outputs must be at least 2 with acceptance reward, not 1"),
        (dict(train_samples=9), "train_samples must be 1 with acceptance reward, not 9"),
        (dict(test_samples=9), "test_samples must be 1 with acceptance reward, not 9"),
        (dict(temper=1), "temper must be 0 with acceptance reward, not 1; see reward_exponent"),
        (dict(vote_sharpness=2), "vote_sharpness must be 1 with acceptance reward, a linear response, not 2"),
        (dict(early_rejection=True), "early_rejection must be false with acceptance reward, not true"),
        (dict(sample_order="hard_first"), "sample_order must be given with acceptance reward, not 'hard_first'"),
        (dict(episode_steps=1024), "episode_steps must be an integer from 1 to 1023, not 1024"),
        (dict(reward_kappa=0.5), "reward_kappa must be a number from 1 to 10000, not 0.5"),
    ],
)
def test_rules(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        preset("cartpole", "wide").replace(**changes)
    assert str(error.value) == message


def outcome(config: Config, seed: int) -> Any:
    return run_twin_episodes(config, seed, np.array(lut_codes(Formats(config))), 0)


@CHAIN_OF_REWARDS
def test_the_chain_accepts_by_equation_12(seed: int) -> None:
    """Rewards of accepted rows follow the ratio of Eq 12 with priors and u of the chain: none below what u lets pass.

    With the largest exponent a row half as good passes once in 2^16 draws: rewards hardly fall from row to row.
    """
    config = preset("cartpole", "wide").replace(rows=64, burn_in=8, test_episodes=1, prior_sigma_us=1000.0)
    steep = outcome(config.replace(reward_exponent=15.9375), seed)
    flat = outcome(config.replace(reward_exponent=0.0625), seed)
    ratios = [run.row_rewards[1:] / run.row_rewards[:-1] for run in (steep, flat) if not run.skipped]
    assert all(ratio.min() > 0.5 for ratio in ratios[:1]) and ratios[-1].min() < 0.5
    assert flat.proposals < 80 < steep.proposals


@CHAIN_OF_REWARDS
def test_kappa_costs_proposals(seed: int) -> None:
    """With kappa 10 and equal rewards one proposal in ten is accepted."""
    config = preset("cartpole", "paper").replace(rows=40, burn_in=4, test_episodes=1, episode_steps=1)
    easy, hard = outcome(config.replace(reward_kappa=1.0), seed), outcome(config, seed)
    assert set(hard.row_rewards.tolist()) == {1}
    assert easy.proposals < 60 and 200 < hard.proposals  # 39 acceptances at about 1 / 10 and below: 390


@CHAIN_OF_REWARDS
def test_rewards_and_limits(seed: int) -> None:
    config = preset("cartpole", "wide").replace(rows=24, burn_in=2, test_episodes=3, episode_steps=30)
    run = outcome(config, seed)
    again = outcome(config.replace(test_episodes=2), seed)
    assert run.rewards.size == 3 and run.rewards[:2].tolist() == again.rewards.tolist()
    assert run.rewards.max() <= 30 and run.row_rewards.max() <= 30 and run.row_rewards.min() >= 0
    assert len(run.classes) == len(run.sums) == run.rewards.sum()
    assert np.array_equal(run.conductance_ns, again.conductance_ns)


@CARTPOLE_TASK
def test_acting_at_random_lasts_as_gymnasium_knows(seed: int) -> None:
    """22 steps at 12 degrees are well known; 15 degrees allow some more."""
    config = preset("cartpole", "wide").replace(test_episodes=2000)
    assert 20 < reference_reward(config, seed) < 30
