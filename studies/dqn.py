"""Deep Q-learning on cartpole, to set the chip beside: stable-baselines3 on gymnasium's environment with our limits.

The agent has as many steps of training as its authors' tuned settings give it; then it acts greedily in 100 episodes,
like the chip. It needs `.venv/bin/python -m pip install -e '.[dqn]'`, some gigabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oxmc.pymodels.cartpole import ANGLE_LIMIT
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.machine import not_installed
from oxmc.studies.estimates import estimate
from oxmc.studies.tables import Row, parser, show

STEPS = 50_000
SETTINGS: dict[str, Any] = {
    "learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000, "gamma": 0.99,
    "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04, "policy_kwargs": {"net_arch": [256, 256]},
}  # fmt: skip
"""Those of RL Baselines3 Zoo (A. Raffin, 2020; hyperparams/dqn.yml) for CartPole-v1; nothing is tuned here."""
EPISODES, EPISODE_STEPS = 100, 500


def environment() -> Any:
    """gymnasium's CartPole-v1, 500 steps at most, over at 15 degrees as in the paper."""
    import gymnasium

    env = gymnasium.make("CartPole-v1", max_episode_steps=EPISODE_STEPS)
    env.unwrapped.theta_threshold_radians = ANGLE_LIMIT  # type: ignore[attr-defined]
    return env


def rewards(seed: int, steps: int = STEPS) -> np.ndarray:
    """Steps of each test episode [EPISODES] of an agent that has learned for so many steps."""
    try:
        import torch
        from stable_baselines3 import DQN
        from stable_baselines3.common.evaluation import evaluate_policy
        from stable_baselines3.common.monitor import Monitor
    except ImportError as error:
        raise InputError(f"dqn needs {not_installed('dqn')}") from error
    torch.set_num_threads(1)
    agent = DQN("MlpPolicy", environment(), seed=seed, device="cpu", **SETTINGS).learn(steps)
    test = Monitor(environment())
    test.reset(seed=seed + 1)
    found, _ = evaluate_policy(agent, test, EPISODES, deterministic=True, return_episode_rewards=True)
    return np.array(found, float)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__, seed=20000, repeats=10)
    options.add_argument("--steps", type=int, default=STEPS, help=f"training steps (default {STEPS})")
    given = options.parse_args(arguments)
    means = [float(rewards(given.seed + repeat, given.steps).mean()) for repeat in range(given.repeats)]
    row: Row = {
        "agent": "DQN", "trainings": given.repeats, "steps of training": given.steps,
        "median": round(float(np.median(means)), 1), "mean": estimate(means), "lowest": round(min(means), 1),
    }  # fmt: skip
    show([row], given.json)


if __name__ == "__main__":
    main()
