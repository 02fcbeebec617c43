"""Logistic regression, which results are held against: scikit-learn's with its defaults, without its import.

That takes a second, as long as all else of a small training. The loss and the end of the search are those of
`sklearn.linear_model.LogisticRegression` (L2 of strength 1, intercepts free); both search by SciPy's L-BFGS.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]
GRADIENT = 1e-4
"""The search ends where no part of the gradient is larger, or after `STEPS`."""
STEPS = 1000


def accuracy(train_x: np.ndarray, train_t: np.ndarray, test_x: np.ndarray, test_t: np.ndarray) -> float:
    """Share of the test points that the regression fitted to the training points, of two classes or more, gets right.

    Points are [n, features], classes [n].
    """
    classes, number = np.unique(train_t, return_inverse=True)
    x, columns = _with_one(train_x), 1 if len(classes) == 2 else len(classes)
    weights = _fitted(x, number, columns)
    scores = _with_one(test_x) @ weights
    chosen = scores[:, 0] > 0 if columns == 1 else scores.argmax(axis=1)
    return float(np.mean(classes[chosen.astype(np.int64)] == test_t))


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, np.ones(len(x))]).astype(float)


def _fitted(x: np.ndarray, number: np.ndarray, columns: int) -> np.ndarray:
    """Weights [features + 1, columns], the last row the intercepts."""
    from scipy.optimize import minimize  # a third of a second to import

    target = number[:, None] == np.arange(columns) if columns > 1 else number[:, None]
    ends = {"maxiter": STEPS, "maxls": 50, "gtol": GRADIENT, "ftol": 64 * np.finfo(float).eps}
    start = np.zeros(x.shape[1] * columns)
    found = minimize(_loss(x, target.astype(float)), start, jac=True, method="L-BFGS-B", options=ends)
    return found.x.reshape(-1, columns)


def _loss(x: np.ndarray, target: np.ndarray) -> Loss:
    """Mean of -ln p of the points' classes and the weights' squares over 2 n, with its gradient; `target` [n, columns]
    of ones and zeros, one column for two classes."""
    alone = target.shape[1] == 1

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(x.shape[1], -1)
        free = np.append(weights[:-1], np.zeros((1, weights.shape[1])), axis=0)  # intercepts are not drawn to 0
        scores = x @ weights
        all_scores = np.append(scores, np.zeros_like(scores), axis=1) if alone else scores  # the other class has 0
        total = np.logaddexp.reduce(all_scores, axis=1, keepdims=True)
        cost = float(np.sum(total) - np.sum(scores * target) + np.sum(free**2) / 2)
        slope = x.T @ (np.exp(scores - total) - target) + free
        return cost / len(x), slope.ravel() / len(x)

    return loss
