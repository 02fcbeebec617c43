"""The baseline's logistic regression against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import load_task, logistic, reference_accuracy

pytestmark = pytest.mark.testpoint(
    "logistic regression",
    "weights and accuracies are scikit-learn's, for two classes and more, and classes of any numbers",
)


def theirs(x: np.ndarray, t: np.ndarray) -> LogisticRegression:
    return LogisticRegression(max_iter=1000).fit(x, t)


@pytest.mark.parametrize("task", ["cancer", "wine", "toy"])
@pytest.mark.parametrize("few", [{}, {"train_samples": 12, "test_samples": 40}], ids=["all", "few"])
def test_accuracy_is_scikit_learns(task: str, few: dict[str, int]) -> None:
    for seed in range(10):
        data = load_task(task, preset(task, "wide").replace(**few), seed)
        model = theirs(data.train_x, data.train_t)
        assert reference_accuracy(data) == model.score(data.test_x, data.test_t), seed


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_weights_are_scikit_learns(classes: int, seed: int) -> None:
    """Of points that no plane divides; classes are numbers of any size."""
    rng = np.random.default_rng(seed)
    x, number = rng.normal(size=(80, 4)), np.arange(80) % classes
    x[:, 0] += number
    model = theirs(x, 7 - 3 * number)
    due = np.append(model.coef_, model.intercept_[:, None], axis=1).T
    _, index = np.unique(7 - 3 * number, return_inverse=True)
    found = logistic._fitted(logistic._with_one(x), index, due.shape[1])
    np.testing.assert_allclose(found, due, rtol=1e-4, atol=1e-5)
    score = model.score(x, 7 - 3 * number)
    assert logistic.accuracy(x, 7 - 3 * number, x, 7 - 3 * number) == score and 1 / classes < score < 1
