"""How far a run's result may be from what its few test points or episodes tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from oxmc.pymodels.uncertainty import NORMAL_95, wilson_interval


def tested_on(run: Mapping[str, Any]) -> int:
    """Test points of a run.json, or test episodes."""
    rewards = run["result"]["metric"] == "reward"
    return int(run["config"]["test_episodes" if rewards else "test_samples"])


def interval_of(run: Mapping[str, Any]) -> tuple[tuple[float, float], str]:
    """The 95 % interval of a run.json's result, and in words what it is."""
    result, n = run["result"], tested_on(run)
    if result["metric"] == "accuracy":
        what = f"95 % interval that {n} points leave for the share of right answers (Wilson's)"
        return wilson_interval(round(result["value"] * n), n), what
    rewards = np.asarray(result["rewards"], float)
    half = NORMAL_95 * float(rewards.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return (result["value"] - half, result["value"] + half), f"95 % interval of the mean of {n} episodes (normal)"
