"""The softmax in fixed point against scipy's, and what the twin makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from chip_jobs import make_job
from scipy.special import log_softmax, logsumexp, softmax

from oxmc.posterior.likelihood import point_log_likelihood
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.real.kernel import neg_log_response
from oxmc.pymodels.twin.chain import run_twin
from oxmc.pymodels.twin.inference import predict
from oxmc.pymodels.twin.softmax import add_shares, fold_all, fold_of, log_sum, share_sums
from oxmc.pymodels.uncertainty import class_probabilities
from oxmc.tb.cosim.program import lut_codes

pytestmark = pytest.mark.testpoint(
    "softmax",
    "-log2 of a softmax and its shares against scipy, to the bound said, over all pairs of codes and up to ten "
    "outputs; never negative; rules between keys; votes and early rejection of the twin",
)

SMALL = Config(
    rows=8, features=4, outputs=3, train_samples=24, test_samples=8, burn_in=1, scale_per_us=0.05, eval_range=8.0,
    likelihood="softmax",
)  # fmt: skip


def codes_of(outputs: int, bits: int, seed: int) -> np.ndarray:
    """ADC codes int64 [outputs, n]: all pairs of two outputs; else random ones, near ones, ends, and all alike."""
    half = 2 ** (bits - 1)
    if outputs == 2:
        return np.indices((2 * half, 2 * half)).reshape(2, -1) - half
    rng = np.random.default_rng(seed)
    near = rng.integers(-half, half - 8, 3000) + rng.integers(0, 8, (outputs, 3000))
    ends = rng.choice([-half, half - 1], (outputs, 500))
    alike = np.tile(np.arange(-half, half), (outputs, 1))
    return np.concatenate([rng.integers(-half, half, (outputs, 3000)), near, ends, alike], axis=1)


def powers_of(formats: Formats, codes: np.ndarray) -> np.ndarray:
    """What the likelihood table makes of codes, int32."""
    config = formats.config
    index = (codes + 2 ** (config.adc_bits - 1)) >> (config.adc_bits - config.table_bits)
    return np.array(formats.likelihood_table, np.int32)[index]


def term_bound(formats: Formats) -> float:
    """What `Formats.term_bits` says, in bits."""
    return formats.config.outputs / 32


@pytest.mark.parametrize(
    ("outputs", "bits", "eval_range"), [(2, 8, 8.0), (2, 6, 11.0), (3, 8, 0.5), (5, 5, 8.0), (10, 8, 8.0)]
)
def test_a_sample_costs_what_scipy_says(outputs: int, bits: int, eval_range: float, seed: int) -> None:
    formats = Formats(SMALL.replace(outputs=outputs, adc_bits=bits, table_bits=bits, eval_range=eval_range))
    codes = codes_of(outputs, bits, seed)
    y = (codes + 0.5) * eval_range / 2 ** (bits - 1)
    for label in range(outputs):
        costs = powers_of(formats, codes)
        fold_all(fold_of(formats), costs, np.full(codes.shape[1], label))
        assert not costs[:-1].any() and costs.min() >= 0 and costs.max() < 2**formats.term_bits
        exact = -log_softmax(y, axis=0)[label] / np.log(2)
        error = costs[-1] / 2**formats.config.log_fraction_bits - exact
        assert abs(error).max() <= term_bound(formats)
        assert np.sqrt((error**2).mean()) <= 0.025, "what many samples add up to"


@pytest.mark.parametrize("outputs", [2, 3, 10])
def test_shares_are_those_of_scipy(outputs: int, seed: int) -> None:
    """A share is off by the error of its log2, which is a term's and 1/64 for the bin, and half a unit."""
    formats = Formats(SMALL.replace(outputs=outputs))
    codes = codes_of(outputs, 8, seed)
    powers = powers_of(formats, codes)
    sums = np.zeros((codes.shape[1], outputs), np.int64)
    add_shares(fold_of(formats), powers, 1, sums)
    exact = softmax((codes + 0.5) / 16, axis=0).T
    factor = 2 ** (term_bound(formats) + 1 / 64)
    assert (abs(sums / 255 - exact) <= exact * (factor - 1) + 0.5 / 255 + 1e-9).all()
    assert abs(sums / 255 - exact).max() < 0.02 + 0.006 * outputs
    assert np.array_equal(share_sums(formats, powers[:, None, :].astype(np.int64), np.ones(1, np.int64)), sums)


def test_a_sum_is_never_below_a_power(seed: int) -> None:
    """Whatever powers the host loads: so no term is negative, which early rejection relies on."""
    formats = Formats(SMALL.replace(outputs=16))
    powers = np.random.default_rng(seed).integers(0, 2**formats.likelihood_bits, (16, 500)).astype(np.int32)
    powers[:, :100] = powers[0, :100] + np.arange(16)[:, None] % 3
    powers[:, 100] = 2**formats.likelihood_bits - 1
    totals = np.array([log_sum(fold_of(formats), powers, n) for n in range(500)])
    assert (totals >= powers.max(axis=0)).all() and totals.max() < 2**formats.log_sum_bits
    exact = logsumexp(powers * np.log(2) / 32, axis=0) / np.log(2)
    assert abs(totals / 32 - exact).max() <= term_bound(formats)


def run(config: Config, seed: int) -> Outcome:
    job = make_job(config, seed)
    return run_twin(config, seed, job.codes, job.labels, np.array(lut_codes(Formats(config))), 0)


@pytest.mark.parametrize("order", ["given", "hard_first"])
def test_early_rejection_decides_the_same(order: str, seed: int) -> None:
    whole = run(SMALL, seed)
    early = run(SMALL.replace(early_rejection=True, sample_order=order), seed)
    assert np.array_equal(whole.conductance_ns, early.conductance_ns) and np.array_equal(whole.sums, early.sums)
    assert early.counts["train"]["eval"] < whole.counts["train"]["eval"]


@pytest.mark.parametrize("hidden", [0, 2])
def test_votes_are_an_average_of_softmaxes(hidden: int, seed: int) -> None:
    """Of the stored rows, in real numbers."""
    config = SMALL.replace(hidden=hidden)
    found, job = run(config, seed), make_job(config, seed)
    classes, sums = predict(config, found.conductance_ns[: found.last_row + 1], found.counters, job.codes[24:])
    assert np.array_equal(sums, found.sums) and np.array_equal(classes, found.classes)
    x = job.codes[24:] * (config.input_range / Formats(config).input_max)
    w = (found.conductance_ns[:, 0::2] - found.conductance_ns[:, 1::2])[config.burn_in : found.last_row + 1] / 1000
    counts = found.counters[config.burn_in :]
    each = [np.exp(point_log_likelihood(config, w, x, np.full(len(x), label))) for label in range(3)]
    exact = np.stack([counts @ p / counts.sum() for p in each], axis=1)
    assert exact.sum(axis=1) == pytest.approx(1.0)
    assert abs(class_probabilities(config, sums, counts.sum()) - exact).max() < 0.03


def test_the_float_engine_adds_a_softmax(seed: int) -> None:
    from oxmc.pymodels.oxram.devices import load_card
    from oxmc.pymodels.real.engine import plan_of, programming_law

    plan, rng = plan_of(SMALL, programming_law(load_card("16k"), SMALL)), np.random.default_rng(seed)
    for label in range(4):
        y, powers, signs = rng.normal(0, 300, 4), np.zeros(4), np.where(np.arange(4) == label, 1.0, -1.0)[:, None]
        terms = [neg_log_response.py_func(plan, powers, signs, k, 0, y[k]) for k in range(4)]
        assert terms[:3] == [0.0, 0.0, 0.0] and terms[3] == pytest.approx(-log_softmax(y)[label])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"outputs": 1}, "outputs must be 2 or more with likelihood = softmax, not 1"),
        (
            {"counters": "own"},
            "counters must be shared with likelihood = softmax, which needs all outputs of one model, not own",
        ),
        ({"log_fraction_bits": 4}, "log_fraction_bits must be at least 5 with likelihood = softmax, not 4"),
        (
            {"acceptance": "reward", "train_samples": 1, "test_samples": 1},
            "likelihood must be one_versus_rest with acceptance reward, not softmax",
        ),
    ],
)
def test_a_softmax_is_of_several_outputs_of_one_model(keys: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as error:
        SMALL.replace(**keys)
    assert str(error.value) == said
