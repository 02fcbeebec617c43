"""The simulator in real numbers against exact posteriors and the exact stationary law of its kernel, then the twin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats

from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.real import kernel as kernel
from oxmc.pymodels.real.engine import (
    FloatChain,
    float_rng,
    programming_law,
    run_chain,
    run_float,
    training_data,
    vote,
)  # fmt: skip
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.tasks import load_task, quantise
from oxmc.pymodels.twin.chain import run_twin
from oxmc.tb.cosim.program import load_words, lut_codes

FLOAT_ENGINE_AGAINST_THEORY = pytest.mark.testpoint(
    "float engine against theory",
    "exact posterior and exact stationary law of its kernel; acceptance; votes by Equation 8",
)
FLOAT_ENGINE_AGAINST_TWIN = pytest.mark.testpoint(
    "float engine against twin",
    "the same accuracy and order; agreement with fine converters",
)
FLOAT_ENGINE_CHAIN_AND_OPTIONS = pytest.mark.testpoint(
    "float engine, chain and options", "one seed one chain, counts, options, refusals"
)

ANCHOR_US = 1000.0
"""Where the g- cells are stuck while g+ makes a symmetric walk far from either end of its law."""


def toy(seed: int, features: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of unit variance and labels that lean on the first of them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, features))
    return x, (x[:, 0] + rng.standard_normal(samples) > 0).astype(np.int64)


def log_posterior(config: Config, x: np.ndarray, t: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Log posterior without its constant of weights [..., features]."""
    y = config.scale_per_us * w @ (x * np.where(t == 1, 1.0, -1.0)[:, None]).T
    return -np.logaddexp(0, -y).sum(axis=-1) - (w**2).sum(axis=-1) / (2 * config.prior_sigma_us**2)


def normalised(log_p: np.ndarray) -> np.ndarray:
    p: np.ndarray = np.exp(log_p - log_p.max())
    return p / p.sum()


def symmetric_chain(config: Config, x: np.ndarray, t: np.ndarray, seed: int, rows: int, step_us: float) -> FloatChain:
    """A chain whose kernel is a random walk of normal steps: constant s.d., no clamp within reach, g- stuck."""
    flat = np.full(2, step_us)
    law = kernel.Law(ANCHOR_US - 100, ANCHOR_US + 400, flat, np.ones(2), 1.0, 0.1)
    cells = kernel.Cells(*(np.zeros((rows, 2 * config.features), kind) for kind in (float, bool, float)))
    cells.factor[:] = 1.0
    cells.stuck[:, 1::2] = True
    cells.conductance_us[:] = ANCHOR_US
    return run_chain(config, law, cells, training_data(config, x, t), float_rng(seed))


def tolerance(p: np.ndarray, draws: float) -> float:
    """Total variation that a histogram of `draws` independent draws of `p` exceeds once in 10,000 times.

    Its mean is at most half the sum of the bins' mean absolute errors; McDiarmid's inequality adds the rest.
    """
    mean = 0.5 * np.sqrt(2 * p * (1 - p) / (math.pi * draws)).sum()
    return float(mean + math.sqrt(math.log(1e4) / (2 * draws)))


def histogram(values: np.ndarray, weights: np.ndarray, edges: list[np.ndarray]) -> np.ndarray:
    counts, _ = np.histogramdd(values, bins=edges, weights=weights)
    return counts / weights.sum()


def effective_draws(values: np.ndarray, counters: np.ndarray) -> float:
    """Least effective sample size over the columns of the chain expanded by its counters."""
    return min(float(array_stats.ess(np.repeat(v, counters)[None], method="mean")) for v in values.T)


@FLOAT_ENGINE_AGAINST_THEORY
@pytest.mark.parametrize(
    ("features", "rows", "bins"), [pytest.param(1, 60_000, 40, id="1-D"), pytest.param(2, 60_000, 12, id="2-D")]
)
def test_a_symmetric_kernel_meets_the_exact_posterior(seed: int, features: int, rows: int, bins: int) -> None:
    """Total variation within sampling error; the same rows without their counters, or of half sigma, are far off."""
    config = Config(features=features, train_samples=12, test_samples=1, scale_per_us=0.05, prior_sigma_us=25.0)
    config = config.replace(max_proposals=2**24 - 1)
    x, t = toy(seed, features, 12)
    chain = symmetric_chain(config, x, t, seed, rows, step_us=40.0)
    w, counters = chain.w_us[500:], chain.counters[500:]  # it starts at -100 uS, four s.d. out
    edges = [np.linspace(-120, 120, bins + 1)] * features
    fine = 8
    mids = [np.linspace(-120, 120, bins * fine, endpoint=False) + 120 / (bins * fine)] * features
    grid = normalised(log_posterior(config, x, t, np.stack(np.meshgrid(*mids, indexing="ij"), axis=-1)))
    exact = grid.reshape(*(n for _ in range(features) for n in (bins, fine))).sum(axis=tuple(range(1, 2 * features, 2)))
    draws = effective_draws(w, counters)
    limit = tolerance(exact, draws)
    distance = 0.5 * np.abs(histogram(w, counters, edges) - exact).sum()
    assert distance < limit, (distance, limit, draws)
    unweighted = 0.5 * np.abs(histogram(w, np.ones_like(counters), edges) - exact).sum()
    assert unweighted > limit, "rows that count once each must not pass"
    narrow = normalised(log_posterior(config.replace(prior_sigma_us=12.5), x, t, np.stack(np.meshgrid(
        *[edges[0][:-1] + 120 / bins] * features, indexing="ij"), axis=-1)))  # fmt: skip
    assert 0.5 * np.abs(histogram(w, counters, edges) - narrow).sum() > limit


@FLOAT_ENGINE_AGAINST_THEORY
def test_acceptance_of_a_symmetric_kernel(seed: int) -> None:
    """Prior alone, normal steps: the stationary acceptance rate is (2 / pi) atan(2 sigma / step), exactly.

    Roberts, Gelman and Gilks (1997), for a one-dimensional normal target. Rejections are independent enough that three
    binomial s.e., doubled for the chain's memory, make the tolerance.
    """
    config = Config(features=1, train_samples=1, test_samples=1, scale_per_us=1e-6, max_proposals=2**24 - 1)
    chain = symmetric_chain(config, np.zeros((1, 1)), np.ones(1, np.int64), seed, 40_000, step_us=30.0)
    expected = 2 / math.pi * math.atan(2 * config.prior_sigma_us / 30.0)
    observed = (len(chain.counters) - 1) / chain.proposals
    assert abs(observed - expected) < 6 * math.sqrt(expected * (1 - expected) / chain.proposals)


def stationary(config: Config, law: kernel.Law, g: np.ndarray, log_p: np.ndarray) -> np.ndarray:
    """Stationary law over (g+, g-) on the grid `g` x `g` of the uncorrected Metropolis kernel with clamped steps."""
    median = np.clip(g, law.low_us, law.high_us)
    points = np.linspace(law.low_us, law.high_us, law.sd_us.size)
    sd = np.interp(median, points, law.sd_us)
    step = np.exp(-0.5 * ((g[None, :] - median[:, None]) / sd[:, None]) ** 2)
    step /= step.sum(axis=1, keepdims=True)
    moves = np.kron(step, step) * np.minimum(1.0, np.exp(log_p[None, :] - log_p[:, None]))
    moves[np.diag_indices_from(moves)] += 1 - moves.sum(axis=1)
    equations = moves.T - np.eye(len(moves))
    equations[-1] = 1.0  # one of them is redundant; probabilities sum to 1
    p: np.ndarray = np.linalg.solve(equations, np.eye(len(moves))[-1])
    return p


@FLOAT_ENGINE_AGAINST_THEORY
def test_the_device_law_has_its_exact_bias(seed: int) -> None:
    """With d2d spread 0 the chain meets the stationary law of its asymmetric kernel, and so misses the posterior."""
    config = Config(
        features=1, train_samples=6, test_samples=1, scale_per_us=0.03, prior_sigma_us=15.0, d2d_spread=0.0,
        max_proposals=2**24 - 1,
    )  # fmt: skip
    x, t = toy(seed, 1, 6)
    law = programming_law(load_card("16k"), config)
    rows, step_us = 60_000, 2.0
    cells = kernel.Cells(np.ones((rows, 2)), np.zeros((rows, 2), bool), np.ones((rows, 2)))
    chain = run_chain(config, law, cells, training_data(config, x, t), float_rng(seed))
    g = np.arange(8.0, 118.0, step_us)
    w = (g[:, None] - g[None, :]).ravel()
    by_cells = stationary(config, law, g, log_posterior(config, x, t, w[:, None]))
    centres = np.arange(-60, 62, step_us)
    own = np.array([by_cells[np.isclose(w, centre)].sum() for centre in centres])
    exact = normalised(log_posterior(config, x, t, centres[:, None]))
    edges = [np.append(centres - step_us / 2, centres[-1] + step_us / 2)]
    values, counters = chain.w_us[100:], chain.counters[100:]
    limit = tolerance(own, effective_draws(values, counters))
    found = histogram(values, counters, edges)
    assert 0.5 * np.abs(found - own).sum() < limit
    assert 0.5 * np.abs(found - exact).sum() > limit, "the law's bias must show"


def outcome(config: Config, seed: int, *, quantised: bool = False) -> Outcome:
    """Cancer, on this engine or the twin."""
    data = load_task("cancer", config, seed)
    x, t = np.concatenate([data.train_x, data.test_x]), np.concatenate([data.train_t, data.test_t])
    formats, codes = Formats(config), quantise(config, x)
    words = len(load_words(formats, codes, t, lfsr_seed(seed, config.lfsr_bits)))
    if quantised:
        return run_twin(config, seed, codes, t, np.array(lut_codes(formats)), words)
    return run_float(config, seed, x, t, words)


def model_sizes(result: Outcome) -> list[float]:
    """Mean conductance and mean |w| of the filled rows in uS."""
    filled = result.conductance_ns[: result.last_row + 1] / 1000
    return [filled.mean(), np.abs(filled[:, 0::2] - filled[:, 1::2]).mean()]


FINE = {"adc_bits": 12, "table_bits": 12, "read_bits": 12, "gate_codes": 64, "input_bits": 12}
VERIFIED = {"verify": "pair",
    "extrapolate": True, "lut_low_us": 10.0, "lut_high_us": 200.0, "scale_per_us": 0.1, "eval_range": 8.0,
            "read_range_us": 256.0, "verify_window_us": 7.0}  # fmt: skip


@FLOAT_ENGINE_AGAINST_TWIN
@pytest.mark.parametrize("changes", [{"eval_range": 1.0, "input_range": 8.0}, VERIFIED], ids=["plain", "verified"])
def test_the_twin_with_fine_converters_agrees(changes: dict[str, Any]) -> None:
    """Conductances, model sizes, proposals and SETs over 16 seeds as two independent samples: within 4 s.e.

    Their noise differs though their devices are the same; 4 s.e. of 16 seeds is 1.2 in 1,000 for each of four means.
    """
    config = resolve("cancer", "paper", rows=64, settings=changes | FINE)

    def means(quantised: bool) -> np.ndarray:
        results = [outcome(config, s, quantised=quantised) for s in range(16)]
        return np.array([[*model_sizes(r), r.proposals, r.counts["train"]["set"]] for r in results])

    mine, twin = means(False), means(True)
    error = np.sqrt(mine.var(axis=0, ddof=1) / 16 + twin.var(axis=0, ddof=1) / 16)
    deviation = (mine.mean(axis=0) - twin.mean(axis=0)) / error
    assert (np.abs(deviation) < 4).all(), deviation


@FLOAT_ENGINE_AGAINST_TWIN
def test_accuracy_of_preset_paper_is_the_twins() -> None:
    """Test accuracy on the same splits, as pairs: mean difference within 3 s.e., which is below 1 point."""
    config = resolve("cancer", "paper")
    correct = []
    for s in range(12):
        truth = load_task("cancer", config, s).test_t
        correct.append([(outcome(config, s, quantised=q).classes == truth).mean() for q in (False, True)])
    accuracy = np.array(correct)
    difference = accuracy[:, 0] - accuracy[:, 1]
    error = difference.std(ddof=1) / math.sqrt(len(difference))
    assert error < 0.004
    assert abs(difference.mean()) < 3 * error
    assert accuracy.mean() > 0.93


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
def test_one_seed_one_chain() -> None:
    config = resolve("cancer", "paper", rows=16)
    first, again, other = (outcome(config, s) for s in (3, 3, 4))
    assert np.array_equal(first.conductance_ns, again.conductance_ns) and first.counts == again.counts
    assert not np.array_equal(first.conductance_ns, other.conductance_ns)
    assert first.joules["train"]["set"] > 0 and first.cycles == again.cycles


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
def test_counts_of_a_plain_chain() -> None:
    """Each proposal SETs and reads every cell and evaluates every sample; each rejection is one RESET."""
    config = resolve("cancer", "paper", rows=16)
    result = outcome(config, 3)
    train, proposals = result.counts["train"], result.proposals
    rejected = proposals - 15
    assert (train["set"], train["read"]) == (32 * (proposals + 1),) * 2
    assert train["eval"] == 369 * (proposals + 1)
    assert (train["reset_pulse"], train["reset"]) == (16 + rejected, 32 * (16 + rejected))
    assert result.counters.sum() == proposals + 1 and (result.counters > 0).all()


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
@pytest.mark.parametrize("order", ["given", "hard_first"])
def test_early_rejection_decides_the_same(order: str) -> None:
    plain = resolve("cancer", "paper", rows=32, settings={"scale_per_us": 0.05, "eval_range": 8.0})
    early = plain.replace(early_rejection=True, sample_order=order)
    whole, short = outcome(plain, 5), outcome(early, 5)
    assert np.array_equal(whole.conductance_ns, short.conductance_ns)
    assert np.array_equal(whole.counters, short.counters)
    share = short.counts["train"]["eval"] / whole.counts["train"]["eval"]
    assert share < (0.9 if order == "given" else 0.5)
    assert short.cycles < whole.cycles and short.joules["train"]["eval"] < whole.joules["train"]["eval"]


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
def test_temper_undoes_copies_of_the_training_points() -> None:
    """Four copies of each raise the likelihood to the fourth power, 2^-2 takes it back: the same decisions."""
    config = resolve("cancer", "paper", rows=32, settings={"scale_per_us": 0.02, "early_rejection": True})
    data = load_task("cancer", config, 5)

    def counters(copies: int, temper: int) -> list[int]:
        x, t = np.tile(data.train_x, (copies, 1)), np.tile(data.train_t, copies)
        many = config.replace(train_samples=len(t), temper=temper)
        labels = np.concatenate([t, data.test_t])
        return run_float(many, 5, np.concatenate([x, data.test_x]), labels, 0).counters.tolist()

    assert counters(4, 2) == counters(1, 0) != counters(4, 1)


@FLOAT_ENGINE_AGAINST_TWIN
def test_the_order_is_the_twins() -> None:
    terms = np.array([[0.1, 0.9, 0.2, 0.8, 0.3], [0.1, 0.1, 0.9, 0.1, 0.1]])
    order = kernel.hard_first(np.array([4, 3, 2, 1, 0]), terms, 0.5)
    assert order.tolist() == [3, 2, 1, 0, 4]


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
@pytest.mark.parametrize(("verify", "tries", "kept"), [("cell", 63, True), ("pair", 63, True), ("pair", 0, False)])
def test_verified_steps_stay_in_their_window(verify: str, tries: int, kept: bool) -> None:
    """From row to row each cell (or each pair's w) moves at most by the window, unless there are no tries."""
    config = resolve("cancer", "paper", rows=32, settings=VERIFIED | {"verify": verify, "verify_tries": tries})
    result = outcome(config, 2)
    g = result.conductance_ns / 1000
    values = g if verify == "cell" else g[:, 0::2] - g[:, 1::2]
    inside = np.abs(np.diff(values, axis=0)) <= config.verify_window_us + 0.001  # two roundings to nS
    if verify == "cell":  # row 0 is not verified, and a cell beyond the law's span cannot be met again
        inside |= (g[:-1] < 10) | (g[:-1] > 200)
    assert inside.all() == kept


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
def test_offsets_learn_a_device() -> None:
    """Without noise the second SET of a device of factor 0.5 is aimed so that it lands on the target."""
    law = kernel.Law(1.0, 400.0, np.zeros(2), np.ones(2), 1.0, 0.1)
    cells = kernel.Cells(np.full((1, 2), 0.5), np.zeros((1, 2), bool), np.ones((1, 2)))
    book = kernel.Ledger(np.zeros(len(kernel.COUNTS), np.int64), np.zeros(4))
    memory = kernel.Memory(np.zeros(2), np.zeros(2, np.int64))
    reads = [kernel.program_learning(float_rng(0), law, cells, book, memory, 0, 0, 100.0) for _ in range(3)]
    # 100 -> 50, offset 50 -> 75, offset 50 + 25/2 -> 81.25: gains 1, 1/2
    assert reads == [50.0, 75.0, 81.25]


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
def test_a_stuck_row_is_skipped() -> None:
    """Stuck cells freeze a plain chain; with a limit its rows are left in the LCS with counter 0, and it ends."""
    frozen = resolve("cancer", "paper", rows=32, settings={"scale_per_us": 0.05, "eval_range": 8.0, "stuck_lcs": 0.05,
                                                           "stuck_hcs": 0.05, "max_proposals": 4000})  # fmt: skip
    stopped, skipping = outcome(frozen, 1), outcome(frozen.replace(reject_limit=20), 1)
    assert stopped.last_row < 31 and stopped.proposals == 4000
    assert skipping.skipped > 0 and skipping.proposals < 4000
    empty = np.flatnonzero(skipping.counters == 0)
    assert 0 < empty.size <= skipping.skipped  # rows skipped at the end lie behind the last model
    assert np.median(skipping.conductance_ns[empty]) < 10_000


@FLOAT_ENGINE_AGAINST_THEORY
@pytest.mark.parametrize("sharpness", [1.0, 4.0])
def test_votes_are_equation_8(sharpness: float) -> None:
    config = Config(
        features=2, outputs=3, rows=4, burn_in=1, train_samples=2, test_samples=2, scale_per_us=0.05,
        vote_sharpness=sharpness,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    g, counters, x = rng.uniform(40, 80, (4, 12)), np.array([5, 1, 0, 2]), rng.standard_normal((2, 2))
    chain = FloatChain(g, counters, 8, kernel.Ledger(np.zeros(15, np.int64), np.zeros(4)))
    got = vote(config, chain, x)
    for n in range(2):
        for k in range(3):
            ys = [
                0.05 * sum((g[r, 4 * k + 2 * f] - g[r, 4 * k + 2 * f + 1]) * x[n, f] for f in range(2))
                for r in range(4)
            ]
            expected = sum(counters[r] * (1 / (1 + math.exp(-sharpness * ys[r])) - 0.5) for r in range(1, 4))
            assert got[n, k] == pytest.approx(expected, abs=1e-12)  # rounding of some ten operations


@FLOAT_ENGINE_CHAIN_AND_OPTIONS
def test_an_empty_span_is_refused() -> None:
    with pytest.raises(InputError, match="lut_high_us must be above lut_low_us"):
        programming_law(load_card("16k"), Config(lut_low_us=50.0, lut_high_us=50.0))
