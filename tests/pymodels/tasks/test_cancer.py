"""The cancer data against scikit-learn used directly, and the quantiser against the scalar format."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyClassifier
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.preprocessing import StandardScaler, scale

from oxmc.pymodels.config import TASKS, Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.tasks import clipped_share, load_task, quantise, reference_accuracy
from oxmc.pymodels.tasks.cancer import best_features, moments, points

pytestmark = pytest.mark.testpoint(
    "cancer task",
    "splits and scaling are scikit-learn's; leak-free variant; refusals; known accuracy of logistic regression",
)

SOURCE = load_breast_cancer()


def rows_of(x: np.ndarray, table: np.ndarray) -> list[int]:
    """Index in `table` of each row of `x`; the data holds no duplicates."""
    return [int(np.flatnonzero(np.all(np.isclose(table, row, rtol=0, atol=1e-12), axis=1)).item()) for row in x]


def test_the_points_are_scikit_learns() -> None:
    x, t, names = points()
    assert np.array_equal(x, SOURCE.data) and names.tolist() == SOURCE.feature_names.tolist()
    assert np.array_equal(t, SOURCE.target == list(SOURCE.target_names).index("malignant"))


@pytest.mark.parametrize("count", [1, 7, 16, 30])
def test_selection_and_scaling_are_scikit_learns_to_the_bit(count: int, seed: int) -> None:
    x, t, _ = points()
    for seen in (np.arange(569), np.random.default_rng(seed).permutation(569)[:369]):
        selection = SelectKBest(chi2, k=count).fit(x[seen], t[seen])
        assert np.array_equal(best_features(x[seen], t[seen], count), selection.get_support())
        kept = selection.transform(x)
        mean, scale = moments(kept, seen)
        assert np.array_equal((kept - mean) / scale, StandardScaler().fit(kept[seen]).transform(kept))


def test_paper_preprocessing_is_scikit_learns() -> None:
    """Chi2 to 16 features, `scale`, on all 569 points; every point is used once, with its own label."""
    best = SelectKBest(chi2, k=16).fit(SOURCE.data, SOURCE.target)
    table = scale(best.transform(SOURCE.data))
    data = load_task("cancer", Config(), 3)
    train, test = rows_of(data.train_x, table), rows_of(data.test_x, table)
    assert (len(train), len(test)) == (369, 200)
    assert sorted(train + test) == list(range(569))
    malignant = (SOURCE.target == list(SOURCE.target_names).index("malignant")).astype(int)
    assert np.array_equal(data.train_t, malignant[train]) and np.array_equal(data.test_t, malignant[test])
    assert data.train_t.sum() + data.test_t.sum() == 212  # as published with the data
    assert data.feature_names == tuple(SOURCE.feature_names[best.get_support()])


def test_train_preprocessing_sees_training_points_only() -> None:
    data = load_task("cancer", Config(preprocessing="train"), 3)
    assert np.allclose(data.train_x.mean(axis=0), 0, atol=1e-12) and np.allclose(data.train_x.std(axis=0), 1)
    assert np.abs(data.test_x.mean(axis=0)).max() > 1e-3
    both = load_task("cancer", Config(), 3)
    assert np.array_equal(both.train_t, data.train_t)  # the same split
    assert "leak" in both.notes[0] and "training points only" in data.notes[0]


def test_splits() -> None:
    new = [load_task("cancer", Config(), seed).test_t for seed in range(3)]
    assert not np.array_equal(new[0], new[1])
    assert np.array_equal(new[2], load_task("cancer", Config(), 2).test_t)
    one, other = (load_task("cancer", Config(split="fixed"), seed).test_x for seed in range(2))
    assert np.array_equal(one, other)
    third = load_task("cancer", Config(split="fixed", split_seed=2), 0).test_t
    assert np.array_equal(third, new[2])  # the stream of that seed


def test_fewer_points_are_the_first_of_the_same_order() -> None:
    few, all_ = (load_task("cancer", Config(train_samples=n, test_samples=100), 5) for n in (50, 369))
    assert np.array_equal(few.train_x, all_.train_x[:50])
    assert np.array_equal(few.test_x, all_.train_x[50:150])


def test_logistic_regression_reaches_its_known_accuracy() -> None:
    """0.965-0.970 over many splits; 20 splits of 200 points: s.e. sqrt(.965*.035/200/20) = 0.003, four of them."""
    scores = [reference_accuracy(load_task("cancer", Config(), seed)) for seed in range(20)]
    assert abs(np.mean(scores) - 0.9675) < 0.0025 + 4 * 0.003


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(outputs=3), "outputs must be 1 for task cancer, not 3"),
        (dict(features=31), "features must be at most 30 for task cancer, not 31"),
        (dict(train_samples=400), "train_samples + test_samples must be at most 569 for task cancer, not 600"),
    ],
)
def test_what_the_data_cannot_serve_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_task("cancer", Config(**changes), 0)
    assert str(error.value) == message


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InputError) as error:
        load_task("iris", Config(), 0)
    assert str(error.value) == f"task must be one of {', '.join(TASKS)}, not 'iris'"


@pytest.mark.parametrize("bits", [2, 5, 8, 12])
def test_quantise_is_input_code(bits: int, seed: int) -> None:
    """Element by element, halves between codes and clipped values among them."""
    config = Config(input_bits=bits)
    formats, rng = Formats(config), np.random.default_rng(seed)
    halves = (np.arange(-formats.input_max, formats.input_max) + 0.5) * 4.0 / formats.input_max
    x = np.concatenate([rng.normal(size=500), [-9.0, -4.0, 0.0, 4.0, 9.0], halves])
    codes = quantise(config, x)
    assert codes.dtype == np.int64 and quantise(config, x[:6].reshape(2, 3)).shape == (2, 3)
    assert codes.tolist() == [formats.input_code(value) for value in x.tolist()]


def test_the_share_of_clipped_values_is_noted() -> None:
    config = Config(input_range=2.0)
    data = load_task("cancer", config, 0)
    x = np.concatenate([data.train_x, data.test_x])
    share = np.count_nonzero(np.abs(x) > 2) / x.size
    assert clipped_share(config, x) == share > 0.01
    assert data.notes[1] == f"{100 * share:.2f} % of feature values clip at the input DAC's full scale"


def test_the_reference_of_one_class_is_that_class() -> None:
    """scikit-learn's own rule for it: DummyClassifier answers the most frequent class."""
    for seed in range(3):
        data = load_task("cancer", Config(train_samples=1), seed)
        rule = DummyClassifier().fit(data.train_x, data.train_t)
        assert reference_accuracy(data) == rule.score(data.test_x, data.test_t)
