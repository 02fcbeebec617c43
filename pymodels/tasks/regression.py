"""Bayesian regressions of the chip's model, in real numbers on the host: what training points say ahead of a training.

The model is the chip's: one logistic output for two classes, else one a class against the rest, a normal prior of mean
0 on every weight, that of a bias too. A posterior is taken at its mode.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.tasks.components import principal

GRADIENT, STEPS = 1e-5, 200
"""The search for a mode ends where no part of the gradient a point is larger, or after so many steps."""
LOG_SHARE = 0.2
"""Of the log score in what a point scores: it decides between models that are right as often."""
WORST = -7.0
"""Log score below which a point counts no less: one surprise should not decide."""
FOLDS, FOLDS_MANY, MANY, MOST = 5, 3, 600, 2000
"""Parts of a cross-validation, the same above `MANY` points, and points that it looks at, the first of them."""

FEW, NETWORK_PRIOR = 600, 3.0
"""Points that a network is tried on, and s.d. of the prior on its weights, which need to be large to bend anything."""


def targets(t: np.ndarray, classes: int) -> np.ndarray:
    """What each output is to say, float64 [n, outputs], of classes int64 [n]."""
    chosen = t[:, None] == (np.arange(classes) if classes > 2 else [1])
    found: np.ndarray = chosen.astype(float)
    return found


def probabilities(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of each output at points x [n, features], float64 [n, outputs]."""
    found: np.ndarray = 0.5 + 0.5 * np.tanh(x @ weights / 2)
    return found


def mode(x: np.ndarray, target: np.ndarray, prior: float) -> np.ndarray:
    """Weights [features, outputs] where the posterior of a prior N(0, `prior`) is highest, by SciPy's L-BFGS."""
    from scipy.optimize import minimize  # a third of a second to import

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(x.shape[1], -1)
        scores = x @ weights
        cost = np.logaddexp(0, scores).sum() - (scores * target).sum() + (weights**2).sum() / (2 * prior**2)
        slope = x.T @ (0.5 + 0.5 * np.tanh(scores / 2) - target) + weights / prior**2
        return float(cost) / len(x), slope.ravel() / len(x)

    start = np.zeros(x.shape[1] * target.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "gtol": GRADIENT})
    return found.x.reshape(x.shape[1], -1)


def precision(x: np.ndarray, weights: np.ndarray, prior: float) -> np.ndarray:
    """Hessian of minus the log posterior of each output at `weights`, float64 [outputs, features, features]."""
    p = probabilities(x, weights)
    spread = (p * (1 - p)).T
    found: np.ndarray = np.einsum("ki,ia,ib->kab", spread, x, x, optimize=True) + np.eye(x.shape[1]) / prior**2
    return found


def folds(t: np.ndarray) -> np.ndarray:
    """The part of each point, int64 [n]: those of a class take turns, so that parts have like shares of it."""
    found = np.zeros(len(t), np.int64)
    for number in range(t.max() + 1):
        own = np.flatnonzero(t == number)
        found[own] = (number + np.arange(len(own))) % (FOLDS if len(t) <= MANY else FOLDS_MANY)
    return found


def inputs(x: np.ndarray, seen: np.ndarray, components: int, bias: bool, limit: float) -> np.ndarray:
    """What the chip would see of x [n, columns]: whitened components of the points in `seen`, clipped, and a bias."""
    if components:
        variance, directions = principal(x[seen])
        x = (x - x[seen].mean(axis=0)) @ (directions[:, :components] / np.sqrt(variance[:components]))
    x = np.clip(x, -limit, limit)
    return np.column_stack([x, np.ones(len(x))]) if bias else x


def scores(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """What each point scores, float64 [n]: 1 if its class is the likeliest, and a share of its log probability."""
    p = np.column_stack([1 - p, p]) if p.shape[1] == 1 else p / p.sum(axis=1, keepdims=True)
    own = np.log(np.maximum(p[np.arange(len(t)), t], np.exp(WORST)))
    found: np.ndarray = (p.argmax(axis=1) == t) + LOG_SHARE * own
    return found


def cross_validated(
    x: np.ndarray, t: np.ndarray, classes: int, prior: float, *, components: int, bias: bool, limit: float
) -> np.ndarray:
    """`scores` of each training point by a model that has not seen it, float64 [at most `MOST`].

    `x` [n, columns] are scaled columns in random order, `limit` what an input clips at.
    """
    x, t = x[:MOST], t[:MOST]
    part, target, found = folds(t), targets(t, classes), np.zeros(len(t))
    for out in (part == number for number in range(part.max() + 1)):
        made = inputs(x, ~out, components, bias, limit)
        weights = mode(made[~out], target[~out], prior)
        found[out] = scores(probabilities(made[out], weights), t[out])
    return found


def network(x: np.ndarray, target: np.ndarray, prior: float, hidden: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights [features, hidden] and [hidden, outputs] of the chip's network at a mode of its posterior.

    Neurons are logistic, without bias. The search starts at weights that are drawn once and for all.
    """
    from scipy.optimize import minimize

    shapes = (x.shape[1], hidden), (hidden, target.shape[1])
    split = x.shape[1] * hidden

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        first, last = flat[:split].reshape(shapes[0]), flat[split:].reshape(shapes[1])
        middle = probabilities(x, first)
        scores = middle @ last
        cost = np.logaddexp(0, scores).sum() - (scores * target).sum() + (flat**2).sum() / (2 * prior**2)
        off = 0.5 + 0.5 * np.tanh(scores / 2) - target
        inner = x.T @ (off @ last.T * middle * (1 - middle))
        slope = np.concatenate([inner.ravel(), (middle.T @ off).ravel()]) + flat / prior**2
        return float(cost) / len(x), slope / len(x)

    start = np.random.default_rng(0).normal(size=split + hidden * target.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "gtol": GRADIENT})
    return found.x[:split].reshape(shapes[0]), found.x[split:].reshape(shapes[1])


def network_gain(x: np.ndarray, t: np.ndarray, classes: int, hidden: int) -> tuple[float, float, float, float]:
    """Cross-validated accuracies of a linear model and of a network, their difference, and its standard error.

    `x` [n, features] are the columns as they are scaled, a bias among them; the first `FEW` points count.
    """
    x, t = x[:FEW], t[:FEW]
    part, target = folds(t) % FOLDS_MANY, targets(t, classes)
    right = np.zeros((2, len(t)))
    for out in (part == number for number in range(part.max() + 1)):
        first, last = network(x[~out], target[~out], NETWORK_PRIOR, hidden)
        linear = mode(x[~out], target[~out], 1.0)
        for model, p in enumerate((probabilities(x[out], linear), probabilities(probabilities(x[out], first), last))):
            chosen = p[:, 0] > 0.5 if p.shape[1] == 1 else p.argmax(axis=1)
            right[model, out] = chosen == t[out]
    apart = right[1] - right[0]
    return float(right[0].mean()), float(right[1].mean()), float(apart.mean()), float(apart.std() / np.sqrt(len(t)))
