"""What the figures measure, against sources of others and against the array itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from oxmc.paper.figures.rows import arrivals
from oxmc.paper.measure import devices, networks, toy
from oxmc.paper.measure.trainings import chain, many
from oxmc.pymodels.config import resolve
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.streams import repeat_seed
from oxmc.studies.trainings import split_of, training

pytestmark = pytest.mark.testpoint(
    "measures of the paper's figures",
    "devices are the array's, SET by SET; power laws those of the card; descent ends at scikit-learn's optimum; "
    "networks have 4,096 weights; pulses by level, peaks and arrivals as counted by hand; trainings and chain are "
    "the twin's",
)


def test_devices_are_those_of_the_array() -> None:
    config, card = resolve("cancer", "paper", rows=2), load_card("16k")
    array = OxramArray(config, card, 5)
    width, current_ua = config.cycles(config.set_pulse_s), array.gates.current_na[3] / 1000
    found = devices.sets_us(card, float(current_ua), array.cells, 3, 5)
    for cell in (0, 7, 31):
        for count in range(3):
            array.set(0, cell, 3, width)
            assert found[cell, count] == pytest.approx(array.conductance_ns[0, cell] / 1000, abs=0.002)


def test_a_population_keeps_the_cards_law() -> None:
    found = devices.population("4k", [20.0, 60.0, 200.0, 500.0], 128, 60, 1)
    assert np.mean(found["median_exponent"]) == pytest.approx(0.78, abs=0.01)
    assert np.mean(found["sd_exponent"]) == pytest.approx(0.48, abs=0.03)
    assert found["median_us"][0][0] < found["median_us"][0][1] < found["median_us"][0][2]


def test_descent_ends_where_scikit_learn_does() -> None:
    config = resolve("toy", "paper", settings={"scale_per_us": 0.05, "prior_sigma_us": 20.0})
    data = split_of(config, 3, "toy")[0]
    weights = toy.descent(config, data, 200)[-1]
    model = LogisticRegression(C=config.prior_sigma_us**2, fit_intercept=False, tol=1e-10, max_iter=1000)
    assert weights == pytest.approx(model.fit(config.scale_per_us * data.train_x, data.train_t).coef_[0], rel=1e-3)


def test_peaks_are_counted() -> None:
    x, y = np.meshgrid(np.arange(40), np.arange(40))
    one, other = (np.exp(-((x - a) ** 2 + (y - b) ** 2) / 18) for a, b in ((10, 10), (28, 25)))
    assert [toy.peaks(one), toy.peaks(one + 0.5 * other), toy.peaks(one + 0.05 * other)] == [1, 2, 1]


@pytest.mark.parametrize(("features", "depth"), [(16, 1), (10, 1), (16, 2), (16, 4)])
def test_networks_have_4096_weights(features: int, depth: int) -> None:
    width = networks.width(features, depth)
    weights = features * width + (depth - 1) * width**2 + width
    assert weights == pytest.approx(4096, rel=0.02)


def test_a_perceptron_has_a_weight_a_feature() -> None:
    found = networks.accuracies("cancer", {"train_samples": 60, "test_samples": 40}, 1, 0, 1, 0)
    assert found["weights"] == 16 and found["result"][0] > 0.8


def test_pulses_by_level_are_counted() -> None:
    path = np.array([[0.0, 0.0], [0.4, 0.0], [1.1, -0.9], [1.0, -2.0]])  # levels of 1: range 4, four of them
    assert networks.level_pulses(path, 4) == 1 + 2  # 1.1 makes one, -2 two; 1.1 to 1.0 none


def test_arrivals_are_counted_a_chain_at_a_time() -> None:
    found = {"row": [0, 1, 2, 3, 0, 1, 2, 3], "log_likelihood": [-9, -8, -1, -1, -1, -2, -1, -1]}
    assert arrivals(found) == [2, 0]


def test_trainings_are_the_twins() -> None:
    settings = {"train_samples": 40, "test_samples": 20, "conditions": "real"}
    found = many("cancer", "paper", settings, 7, 1, 2, rows=8)
    runs = [
        training(resolve("cancer", "paper", settings=settings, rows=8), repeat_seed(7, repeat)) for repeat in (1, 2)
    ]
    assert found["result"] == [run.accuracy for run in runs] and found["sets"] == [run.sets for run in runs]
    one = chain("cancer", "paper", settings, repeat_seed(7, 1), rows=8)
    state = runs[0].outcome
    assert one["counter"] == state.counters.tolist() and one["result"] == runs[0].accuracy == one["together"][-1]
    assert np.array(one["conductance_us"]) == pytest.approx(state.conductance_ns[: len(one["row"])] / 1000, abs=0.006)
    assert min(one["current_ua"]) >= 40 and max(one["current_ua"]) <= 100
