"""What else learns the studies' splits: scikit-learn's logistic regression and its perceptron of several layers."""

from __future__ import annotations

import warnings
from typing import Any

from threadpoolctl import threadpool_limits

from oxmc.pymodels.tasks import Dataset

NETWORK = {"activation": "logistic", "solver": "lbfgs", "alpha": 0.1, "max_iter": 1000}
"""Else scikit-learn's defaults, by L-BFGS, which its documentation advises for small sets. Of penalties alpha of 1e-4,
0.03, 0.1, 0.3 and 1 the most accurate on seeds 1001 to 1003 of eight records of ecg: 0.834; Adam has 0.808 there with
its defaults, 0.843 and 0.856 with a rate of 0.01 and 200 and 500 iterations, at several times the time."""


def fitted_logistic(data: Dataset) -> Any:
    """Logistic regression, as `oxmc.pymodels.tasks.reference_accuracy` has it."""
    from sklearn.linear_model import LogisticRegression

    with threadpool_limits(1):
        return LogisticRegression(max_iter=1000).fit(data.train_x, data.train_t)


def fitted_network(data: Dataset, hidden: int, seed: int) -> Any:
    """`MLPClassifier` with `hidden` sigmoid neurons, fitted to the unquantised features."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((hidden,), random_state=seed % 2**32, **NETWORK)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it has then learned is what is measured
        return model.fit(data.train_x, data.train_t)


def network_accuracy(data: Dataset, hidden: int, seed: int) -> float:
    """Test accuracy of `fitted_network`."""
    return float(fitted_network(data, hidden, seed).score(data.test_x, data.test_t))
