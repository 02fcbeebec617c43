"""Keys that the host sets by the training points where a user writes `auto`: components, and the size of a step.

A random walk over d weights, accepted by n points, does best with steps of 2.38 / sqrt(tr H) in each, H being the
Hessian of the log-likelihood (G. Roberts, J. Rosenthal, "Optimal scaling for various Metropolis-Hastings algorithms",
Stat. Sci. 16 (2001), doi:10.1214/ss/1015346320, whose best acceptance of 0.234 becomes 2 Phi(-s sqrt(tr H) / 2)). With
features of variance 1, tr H = n d V, V the mean of p (1 - p) over the points, added over outputs that are accepted
together. V is not known ahead; of the V0 of a model that knows the classes' shares alone it is a third where outputs
are accepted together or there is one, and less where each learns one class against the rest.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks.components import principal

if TYPE_CHECKING:
    from oxmc.pymodels.tasks import Dataset

AUTO = "auto"
STEP_KEYS = ("scale_per_us", "prior_sigma_us", "verify_window_us")
AUTO_KEYS = ("components", *STEP_KEYS)
SHARE = 0.985
"""Of the variance of the training points, which as many components hold as `auto` takes."""
STEP, OPEN, OPEN_OWN = 3.0, 0.35, 0.15
"""A step times sqrt(tr H), and the share of V0 that is taken for V. A little more than 2.38 makes fewer proposals fill
the rows with models that are further apart."""
WINDOWS_US = (1.0, 2.0, 3.0, 5.0, 7.0)
MOVES_US = (1.0, 1.5, 2.1, 3.1, 4.2)
"""S.d. of what a verified pair moves w by, at each window, on the wide LUT of `wide`: taken from an earlier measurement
of the twin, which no study here repeats. So are the two shares above."""
PLAIN_MOVE_US = 6.5
"""The same of plain programming."""
PRIOR, PRIOR_COMPONENTS = 2.0, 1.0
"""S.d. of the prior in standardised weights: of features of variance 1, and of whitened components."""
REACH = 4.0
"""S.d. of the prior that the pairs' range holds at least: a clamp at its end would bend the posterior."""


def auto_components(data: Dataset) -> int:
    """How many leading components hold `SHARE` of the training points' variance."""
    variance, _ = principal(data.train_x)
    return int(np.searchsorted(np.cumsum(variance) / variance.sum(), SHARE)) + 1


def auto_steps(config: Config, data: Dataset, range_us: float, names: Collection[str]) -> dict[str, float]:
    """Values of the `STEP_KEYS` in `names`, to three digits; the others are as in `config`.

    `range_us` is the distance of the LUT's ends. Raises `InputError` for networks with a hidden layer.
    """
    if config.hidden:
        raise InputError(f"hidden must be 0 with {sorted(names)[0]} = auto, a rule for one layer, not {config.hidden}")
    prior, step = PRIOR_COMPONENTS if config.components else PRIOR, best_step(config, data)
    found: dict[str, Any] = {}
    scale = config.scale_per_us
    if "scale_per_us" in names:
        widest = MOVES_US[-1] if "verify_window_us" in names else _move_us(config)
        found["scale_per_us"] = scale = _rounded(max(step / widest, REACH * prior / range_us))
    if "prior_sigma_us" in names:
        found["prior_sigma_us"] = _rounded(prior / scale)
    if "verify_window_us" in names:
        found["verify_window_us"] = _rounded(float(np.interp(step / scale, MOVES_US, WINDOWS_US)))
    return found


def best_step(config: Config, data: Dataset) -> float:
    """The s.d. of a step in each standardised weight that the rule above asks for."""
    shares = np.bincount(data.train_t, minlength=max(2, config.outputs)) / len(data.train_t)
    spread = shares * (1 - shares)
    if config.outputs == 1:
        open_, share = float(spread[1]), OPEN
    elif config.counters == "own":
        open_, share = float(spread.mean()), OPEN_OWN
    else:
        open_, share = float(spread.sum()), OPEN
    return STEP / float(np.sqrt(len(data.train_t) * config.features * share * open_))


def _move_us(config: Config) -> float:
    if config.verify == "off":
        return PLAIN_MOVE_US
    return float(np.interp(config.verify_window_us, WINDOWS_US, MOVES_US))


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
