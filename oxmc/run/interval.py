"""How far a run's result may be from what more test points or episodes would tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from oxmc.pymodels.uncertainty import NORMAL_95, wilson_interval


def tested_on(run: Mapping[str, Any]) -> tuple[int, str]:
    """How many test points or episodes the result of a run.json is of, and what they are called."""
    config = run["config"]
    if run["result"]["metric"] == "reward":
        return config["test_episodes"], f"{config['test_episodes']} test episodes"
    return config["test_samples"], f"{config['test_samples']} test points"


def interval_of(run: Mapping[str, Any]) -> tuple[tuple[float, float], str]:
    """The 95 % interval of a run.json's result, and in words what it is."""
    result, (n, _) = run["result"], tested_on(run)
    if result["metric"] == "accuracy":
        what = f"95 % interval that {n} points leave for the share of right answers (Wilson's)"
        return wilson_interval(round(result["value"] * n), n), what
    rewards = np.asarray(result["rewards"], float)
    half = NORMAL_95 * float(rewards.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return (result["value"] - half, result["value"] + half), f"95 % interval of the mean of {n} episodes (normal)"
