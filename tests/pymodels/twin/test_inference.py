"""Inference in integers against Eq 8 in real numbers, then against the array's own converters."""

from __future__ import annotations

import numpy as np
import pytest
from pytest import MonkeyPatch
from scipy import special

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.twin import inference
from oxmc.pymodels.twin.inference import predict, probability

pytestmark = pytest.mark.testpoint(
    "Bayesian average",
    "classes and sums against Equation 8 and the array's own evaluations; burn-in, ties",
)


def material(config: Config, seed: int, n: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random conductances in nS, counters and input codes."""
    rng, formats = np.random.default_rng(seed), Formats(config)
    conductance_ns = rng.integers(20_000, 90_000, (config.rows, formats.cells))
    return conductance_ns, rng.integers(0, 9, config.rows), rng.integers(-127, 128, (n, config.features))


def test_probability_is_equation_8(seed: int) -> None:
    """P = sum C_n f(V.w_n) / sum C_n in floats.

    A response errs by at most half a bin (eval_range / 2^8 in S V.w) at the steepest slope 1/4, plus the rounding of
    eval_step (0.5 of about 15875) over the full scale at that slope, plus half a response step: 6e-4 + 4e-6 + 5e-4.
    """
    config = Config(rows=64, burn_in=8, features=4)
    formats = Formats(config)
    g, counters, codes = material(config, seed)
    w_us = (g[:, 0::2] - g[:, 1::2]) / 1000
    v = codes * config.input_range / formats.input_max
    response = special.expit(config.scale_per_us * v @ w_us.T)
    exact = response[:, 8:] @ counters[8:] / counters[8:].sum()
    classes, sums = predict(config, g, counters, codes)
    bound = config.eval_range / 2**8 / 4 + 0.5 / formats.eval_step * config.eval_range / 4 + formats.response_gain / 2
    found = probability(config, sums[:, 0], int(counters[8:].sum()))
    assert np.abs(found - exact).max() <= bound
    sure = np.abs(exact - 0.5) > bound
    assert sure.sum() > 10
    assert np.array_equal(classes[sure], (exact[sure] >= 0.5).astype(int))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("table_bits", [4, 8])
def test_predict_is_what_the_array_evaluates(outputs: int, table_bits: int, seed: int) -> None:
    config = Config(rows=16, burn_in=3, features=5, outputs=outputs, table_bits=table_bits, eval_range=0.2)
    oxram, table = OxramArray(config, load_card("16k"), seed), Formats(config).response_table
    rng = np.random.default_rng(seed)
    for row in range(16):
        for cell in range(oxram.cells):
            oxram.set(row, cell, int(rng.integers(21)), 1)
    _, counters, codes = material(config, seed, n=20)
    classes, sums = predict(config, oxram.conductance_ns, counters, codes)
    for sample, inputs in enumerate(codes):
        expected = [0] * outputs
        for row in range(3, 16):
            for k in range(outputs):
                code = oxram.evaluate(row, k, inputs, 1)
                expected[k] += int(counters[row]) * table[(code + 128) >> (8 - table_bits)]
        assert sums[sample].tolist() == expected
        best = int(expected[0] >= 0) if outputs == 1 else expected.index(max(expected))
        assert classes[sample] == best


def test_burn_in_rows_have_no_say(seed: int) -> None:
    config = Config(rows=32, burn_in=10, features=4)
    g, counters, codes = material(config, seed)
    other, silent = g.copy(), counters.copy()
    other[:10] = 1000
    silent[:10] = 255
    for a, b in zip(predict(config, g, counters, codes), predict(config, other, silent, codes), strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(predict(config, g, counters, codes)[1], predict(config, other[::-1], counters, codes)[1])


@pytest.mark.parametrize(("outputs", "table_bits"), [(1, 8), (3, 4)])
def test_numpy_votes_as_the_kernel_does(outputs: int, table_bits: int, seed: int, monkeypatch: MonkeyPatch) -> None:
    """More rows than are multiplied at once, saturating converters among them."""
    monkeypatch.setattr(inference, "ROWS_AT_ONCE", 24)
    config = Config(rows=64, burn_in=5, features=5, outputs=outputs, table_bits=table_bits, eval_range=0.02)
    g, counters, codes = material(config, seed)
    for a, b in zip(
        predict(config, g, counters, codes), predict(config, g, counters, codes, compiled=False), strict=True
    ):
        assert a.dtype == b.dtype and np.array_equal(a, b)


def test_ties() -> None:
    """A sum of 0 is class 1 of a binary classifier; among equal outputs the lowest class wins."""
    binary = Config(rows=4, burn_in=0, features=2)
    g, codes = np.full((4, 4), 50_000), np.zeros((1, 2), int)
    assert predict(binary, g, np.zeros(4, int), codes)[0].tolist() == [1]
    several = Config(rows=4, burn_in=0, features=2, outputs=3)
    g = np.full((4, 12), 50_000)
    assert predict(several, g, np.ones(4, int), codes)[0].tolist() == [0]
    g[:, 4] = g[:, 8] = 90_000  # outputs 1 and 2 alike, above output 0
    assert predict(several, g, np.ones(4, int), np.array([[127, 0]]))[0].tolist() == [1]


def test_probability_needs_a_visited_row() -> None:
    with pytest.raises(RunError) as error:
        probability(Config(), np.zeros(3, int), 0)
    assert str(error.value) == "total of the row counters after burn-in must be above 0, not 0"
