"""The figures of goodness: those of other libraries and of known distributions; exact draws are within their noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from oxmc.quality.measures import BINS, Draws, goodness, probabilities, total_variation, wasserstein
from oxmc.quality.target import Target, exact

pytestmark = pytest.mark.testpoint(
    "figures of a sampler's goodness",
    "distances are those of scipy and of known distributions; exact draws are within the noise, others are not",
)


def target(outputs: int = 1) -> Target:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(80, 3))
    t = rng.integers(0, max(2, outputs), 80)
    return Target(x[:50], t[:50], x[50:], t[50:], outputs, 1.5)


def test_wasserstein_is_scipys() -> None:
    rng = np.random.default_rng(1)
    values, weight, exact_ = rng.normal(1, 2, 70), rng.integers(1, 9, 70).astype(float), rng.normal(size=90)
    (found,) = wasserstein(values[:, None], weight, exact_[:, None])
    assert found == pytest.approx(stats.wasserstein_distance(values, exact_, weight))


def test_total_variation_of_shifted_normals() -> None:
    """Between N(0, 1) and N(1, 1) it is 2 Phi(1/2) - 1 = 0.383; bins keep less of it."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(1, 1, 200_000), rng.normal(0, 1, 200_000)
    assert total_variation(a, np.ones(len(a)), b) == pytest.approx(2 * stats.norm.cdf(0.5) - 1, abs=0.01)
    assert total_variation(b, np.ones(len(b)), b) == 0
    assert total_variation(np.full(5, 100.0), np.ones(5), b) == pytest.approx(1 - 1 / BINS, abs=0.001)


def test_a_weight_is_as_many_draws() -> None:
    case, rng = target(), np.random.default_rng(3)
    w, counts = rng.normal(size=(20, 3)), rng.integers(1, 5, 20)
    long = [Draws(np.repeat(w, counts, axis=0), np.ones(counts.sum()))]
    short = [Draws(w, counts.astype(float))]
    first, second = (goodness(case, each, exact(case), 30) for each in (long, short))
    for name, figure in first.items():
        assert figure["value"] == pytest.approx(second[name]["value"])


@pytest.mark.parametrize("outputs", [1, 2])
def test_exact_draws_are_within_the_noise_and_others_are_not(outputs: int) -> None:
    case = target(outputs)
    reference = exact(case)
    assert reference.shape[0] == outputs
    half = [Draws(w[::4], np.ones(len(w[::4]))) for w in reference]
    good = goodness(case, half, reference, 1000)
    assert good["sd_low"]["value"] >= good["sd_low"]["noise"]
    for name in ("sd_high", "mean_shift", "wasserstein", "total_variation", "p_mean", "p_most"):
        assert good[name]["value"] <= good[name]["noise"], (name, good[name])
    narrow = goodness(case, [Draws(w / 2, np.ones(len(w))) for w in reference], reference, 1000)
    assert narrow["sd_high"]["value"] == pytest.approx(0.5) and narrow["sd_low"]["value"] < narrow["sd_low"]["noise"]
    moved = goodness(case, [Draws(w + w.std(axis=0), np.ones(len(w))) for w in reference], reference, 1000)
    assert moved["mean_shift"]["value"] == pytest.approx(1)
    assert moved["wasserstein"]["value"] > 5 * moved["wasserstein"]["noise"]


def test_probabilities_of_one_output_and_of_several() -> None:
    one = probabilities(target(), [Draws(np.zeros((4, 3)), np.ones(4))])
    assert one.shape == (30, 2) and np.allclose(one, 0.5)
    sharp = probabilities(target(), [Draws(np.ones((1, 3)), np.ones(1), sharpness=4.0)])
    assert np.allclose(sharp[:, 1], 1 / (1 + np.exp(-4 * target().test_x.sum(axis=1))))
    three = probabilities(target(3), [Draws(np.zeros((4, 3)), np.ones(4))] * 3)
    assert three.shape == (30, 3) and np.allclose(three, 1 / 3)
