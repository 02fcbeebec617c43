"""Keys that the host sets by the training points alone, where a user writes `auto` or a preset says so.

**What the chip sees.** Columns scaled by mean and s.d. or robustly, as whitened components, and how many: what a
cross-validated regression of the chip's model scores best with. The prior likewise.

**Step.** A random walk over d weights does best with steps of 2.38 / sqrt(tr H) in each, H being the Hessian of minus
the log posterior (G. Roberts, J. Rosenthal, "Optimal scaling for various Metropolis-Hastings algorithms", Stat. Sci. 16
(2001), doi:10.1214/ss/1015346320, whose best acceptance of 0.234 becomes 2 Phi(-s sqrt(tr H) / 2)); H is taken at the
mode. Outputs that are chains of their own share a step, by the mean of their traces.

**S.** The least with which the pairs' range holds the mode and what the posterior scatters about it: the smaller S, the
wider the window that makes the step, and the fewer the SETs.

**Rows.** A walk by steps s forgets where it was after some (s.d. / s)^2 of them, along the widest direction, and needs
distance / s to come from 0 to the mode ahead of that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks.components import principal
from oxmc.pymodels.tasks.regression import cross_validated, mode, precision, targets

if TYPE_CHECKING:
    from oxmc.pymodels.tasks import Dataset

AUTO = "auto"
FEATURE_KEYS = ("preprocessing", "components")
CHAIN_KEYS = ("scale_per_us", "prior_sigma_us", "verify_window_us", "rows", "burn_in")
AUTO_KEYS = (*FEATURE_KEYS, *CHAIN_KEYS)
SCALINGS = ("train", "robust")
COUNTS = 6
"""Numbers of components that are tried, from 2 to all, in even ratios."""
PRIORS = (0.6, 1.0, 1.7, 3.0)
"""S.d. of the prior in standardised weights that are tried."""
STEP = 3.0
"""A step times sqrt(tr H). A little more than 2.38 makes fewer proposals fill the rows with models further apart."""
REACH = 2.5
"""S.d. of the posterior about its mode that the pairs' range holds."""
WINDOWS_US = (1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 12.0)
MOVES_US = (1.05, 1.3, 1.9, 2.4, 3.0, 4.5, 6.0)
"""S.d. of what a verified pair moves w by, at each window, on card 16k with tries enough: about window / sqrt(3), as of
an even spread, down to what a READ tells apart."""
PLAIN_MOVE_US = 6.5
"""The same of plain programming."""
WINDOW_STEP_US = 0.5
"""A read code of the presets."""
DRAWS = 20
"""Draws of their own that the rows behind the burn-in are to hold, by `ROWS_A_DRAW`."""
ROWS_A_DRAW = 6.0
"""Accepted steps for a draw of its own, over (s.d. of the widest direction / step)^2."""
PROGRESS = 0.5
"""Of a step, what an accepted one of the burn-in comes nearer to the mode."""
FEWEST_ROWS, MOST_ROWS, ROWS_STEP = 128, 1024, 32


@threadpool_limits.wrap(limits=1)  # matrices this small only wait for threads
def features_by_points(config: Config, data_of: Callable[[str], Dataset], names: Collection[str]) -> dict[str, Any]:
    """Values of the `FEATURE_KEYS` in `names`; `data_of` makes the raw, scaled data of a `preprocessing`."""
    kinds = SCALINGS if "preprocessing" in names else (config.preprocessing,)
    best: dict[str, tuple[np.ndarray, int]] = {}
    for kind in kinds:
        data = data_of(kind)
        counts = _counts(data.train_x) if "components" in names else [config.components]
        tried = [(_score(config, data, 1.0, count), count) for count in counts]
        best[kind] = max(tried, key=lambda each: float(each[0].mean()))
    kind = kinds[0]
    if len(kinds) > 1 and _is_better(best[kinds[1]][0], best[kind][0]):
        kind = kinds[1]
    found = {"preprocessing": kind, "components": best[kind][1]}
    return {name: found[name] for name in names}


def _counts(x: np.ndarray) -> list[int]:
    """Numbers of components to try, the largest the rank of the training points, less than which there are."""
    most = min(len(principal(x)[0]), 127, len(x) - 1)
    return sorted({max(1, round(count)) for count in np.geomspace(min(2, most), most, COUNTS)})


def _is_better(scores: np.ndarray, others: np.ndarray) -> bool:
    """Whether the mean is larger by more than the standard error of the difference, point by point."""
    apart = scores - others
    return bool(apart.mean() > apart.std() / np.sqrt(len(apart)))


def _score(config: Config, data: Dataset, prior: float, components: int) -> np.ndarray:
    bias = config.bias and (components > 0 or data.feature_names[-1] == "bias")
    x = data.train_x[:, :-1] if data.feature_names[-1] == "bias" else data.train_x
    return cross_validated(
        x, data.train_t, _classes(config), prior, components=components, bias=bias, limit=config.input_range
    )


def _classes(config: Config) -> int:
    return max(2, config.outputs)


@threadpool_limits.wrap(limits=1)
def chain_by_points(config: Config, data: Dataset, range_us: float, names: Collection[str]) -> dict[str, Any]:
    """Values of the `CHAIN_KEYS` in `names`, rounded; the others are as in `config`, `data` as the chip sees it.

    `range_us` is the distance of the LUT's ends. Raises `InputError` for networks with a hidden layer.
    """
    if config.hidden:
        raise InputError(f"hidden must be 0 with {sorted(names)[0]} = auto, a rule for one layer, not {config.hidden}")
    found: dict[str, Any] = {}
    scale, window, prior = config.scale_per_us, config.verify_window_us, config.scale_per_us * config.prior_sigma_us
    if "prior_sigma_us" in names:
        prior = best_prior(config, data)
    shape = posterior_shape(config, data, prior)
    if "scale_per_us" in names:
        widest = MOVES_US[-1] if "verify_window_us" in names else _move_us(config, window)
        found["scale_per_us"] = scale = _rounded(max(shape.step / widest, shape.reach / range_us))
    if "prior_sigma_us" in names:
        found["prior_sigma_us"] = float(np.clip(_rounded(prior / scale), 0.5, 1000.0))
    if "verify_window_us" in names:
        wanted = float(np.interp(shape.step / scale, MOVES_US, WINDOWS_US))
        found["verify_window_us"] = window = WINDOW_STEP_US * round(wanted / WINDOW_STEP_US)
    return found | _rows(config, shape, scale * _move_us(config, window), names)


def _rows(config: Config, shape: Shape, step: float, names: Collection[str]) -> dict[str, int]:
    """Rows and burn-in of a walk by `step`."""
    burn_in = int(8 + shape.distance / (PROGRESS * step))
    wanted = burn_in + DRAWS * ROWS_A_DRAW * (shape.widest / step) ** 2
    rows = int(np.clip(-(-wanted // ROWS_STEP) * ROWS_STEP, FEWEST_ROWS, MOST_ROWS)) if "rows" in names else config.rows
    found = {"rows": rows, "burn_in": min(burn_in, rows // 4)}
    return {name: found[name] for name in found if name in names}


def best_prior(config: Config, data: Dataset) -> float:
    """Of `PRIORS` the one that the training points, as the chip sees them, score best with when left out."""
    scores = {
        prior: cross_validated(
            data.train_x, data.train_t, _classes(config), prior, components=0, bias=False, limit=config.input_range
        ).mean()
        for prior in PRIORS
    }
    return max(scores, key=lambda prior: float(scores[prior]))


class Shape(NamedTuple):
    """What the walk has to do, in standardised weights, by the widest of several outputs."""

    step: float
    """S.d. of the best step in each weight."""
    reach: float
    """How far from 0 the largest weight goes."""
    widest: float
    """S.d. of the posterior along its widest direction."""
    distance: float
    """From 0, where a chain begins, to the mode."""


def posterior_shape(config: Config, data: Dataset, prior: float) -> Shape:
    """That of the posterior, by its mode and its curvature there."""
    x = np.clip(data.train_x, -config.input_range, config.input_range)
    weights = mode(x, targets(data.train_t, _classes(config)), prior)
    hessian = precision(x, weights, prior)
    traces = np.trace(hessian, axis1=1, axis2=2)
    trace = float(traces.sum() if config.counters == "shared" else traces.mean())
    spread = np.sqrt(np.diagonal(np.linalg.inv(hessian), axis1=1, axis2=2)).T
    return Shape(
        step=STEP / np.sqrt(trace * 2.0**-config.temper),
        reach=float((np.abs(weights) + REACH * spread).max()),
        widest=float(1 / np.sqrt(np.linalg.eigvalsh(hessian).min())),
        distance=float(np.linalg.norm(weights, axis=0).max()),
    )


def _move_us(config: Config, window: float) -> float:
    return PLAIN_MOVE_US if config.verify == "off" else float(np.interp(window, WINDOWS_US, MOVES_US))


def _rounded(value: float) -> float:
    """To two digits: what rounding in a linear algebra library changes should not show."""
    return float(f"{value:.2g}")
