"""Deep Q-learning on cartpole, where its extra is installed."""

from __future__ import annotations

from typing import Any

from oxmc.studies.dqn import rewards


def dqn(seed: int) -> dict[str, Any]:
    """Mean reward of 100 episodes of one training."""
    return {"result": [float(rewards(seed).mean())]}
