"""The twin by itself: options that must not change the chain do not, and the limits of a chain hold.

That it is the chip's equal is shown against the RTL: `test_chip.py`, `test_train.py`, `test_lockstep.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import max_len_seq

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import LFSR_TAPS, Formats, formats_of
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import load_task, quantise
from oxmc.pymodels.twin.chain import (
    _test_drive,
    arithmetic,
    drive_of,
    exact_product,
    nearest_gates,
    new_chain,
    run_twin,
    training_data,
)
from oxmc.pymodels.twin.inference import hidden_codes
from oxmc.pymodels.twin.kernel import network_drive, sweep
from oxmc.pymodels.twin.lfsr import draw_state, leap_table
from oxmc.pymodels.twin.state import EVAL_NS, TALLIES, Chain
from oxmc.pymodels.twin.view import view_of
from oxmc.tb.cosim.program import lut_codes

pytestmark = pytest.mark.testpoint(
    "twin",
    "options that must not change the chain do not; skipped rows stay empty; the limits of a chain hold",
)


def outcome(config: Config, seed: int) -> Outcome:
    data = load_task("cancer", config, seed)
    codes = np.concatenate([quantise(config, data.train_x), quantise(config, data.test_x)])
    labels = np.concatenate([data.train_t, data.test_t])
    return run_twin(config, seed, codes, labels, np.array(lut_codes(Formats(config))), 0)


def same_chain(a: Outcome, b: Outcome) -> bool:
    return np.array_equal(a.conductance_ns, b.conductance_ns) and np.array_equal(a.counters, b.counters)


@pytest.mark.parametrize("name", ["plain", "wide"])
@pytest.mark.parametrize("order", ["given", "hard_first"])
def test_early_rejection_decides_alike(name: str, order: str, seed: int) -> None:
    """The same decisions, so the same bits, with a part of the evaluations."""
    base = preset("cancer", name).replace(early_rejection=False, sample_order="given")
    whole = outcome(base, seed)
    early = outcome(base.replace(early_rejection=True, sample_order=order), seed)
    assert same_chain(whole, early) and whole.proposals == early.proposals
    assert early.counts["train"]["eval"] < whole.counts["train"]["eval"]


def test_hard_samples_first_save_most(seed: int) -> None:
    base = preset("cancer", "wide")
    given, first = (outcome(base.replace(sample_order=order), seed) for order in ("given", "hard_first"))
    assert same_chain(given, first)
    assert first.counts["train"]["eval"] < 0.8 * given.counts["train"]["eval"]


def repeated(copies: int, temper: int, seed: int) -> Outcome:
    """A training on `copies` of each training point."""
    config = preset("cancer", "wide").replace(rows=64, burn_in=8, train_samples=100)
    data = load_task("cancer", config, seed)
    x, t = np.tile(data.train_x, (copies, 1)), np.tile(data.train_t, copies)
    codes = np.concatenate([quantise(config, x), quantise(config, data.test_x)])
    many = config.replace(train_samples=len(t), temper=temper)
    return run_twin(many, seed, codes, np.concatenate([t, data.test_t]), np.array(lut_codes(Formats(many))), 0)


def test_temper_undoes_copies_of_the_training_points(seed: int) -> None:
    """Four copies of each raise the likelihood to the fourth power, 2^-2 takes it back: the same bits."""
    once = repeated(1, 0, seed)
    assert same_chain(once, repeated(4, 2, seed))
    assert not same_chain(once, repeated(4, 1, seed)) and not same_chain(once, repeated(1, 1, seed))


def test_skipped_rows_count_nothing_and_stay_empty(seed: int) -> None:
    config = preset("cancer", "plain").replace(reject_limit=3, rows=64, burn_in=8)
    run = outcome(config, seed)
    assert run.skipped and run.filled_rows + run.skipped == config.rows
    empty = np.flatnonzero(run.counters == 0)
    median_ns = 5_000  # of the LCS; a SET leaves 40 uS and more
    assert np.median(run.conductance_ns[empty]) < 2 * median_ns


def test_the_proposal_limit_ends_a_chain(seed: int) -> None:
    run = outcome(preset("cancer", "plain").replace(max_proposals=17), seed)
    assert run.proposals == 17 and run.filled_rows < 17


def test_a_long_trainings_drive_outgrows_64_bits(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """A chain that starts with 2^63 less a little of it ends with so much more, to the unit."""
    config, ahead = preset("cancer", "wide"), 2**63 - 2**40

    def with_drive(*arguments: Any) -> Chain:
        chain = new_chain(*arguments)
        chain.tally[EVAL_NS] = ahead
        return chain

    drive = "eval_conductance_code2_ns_cycles"
    plain = outcome(config, seed).quantities["train"][drive]
    monkeypatch.setattr("oxmc.pymodels.twin.chain.new_chain", with_drive)
    long = outcome(config, seed).quantities["train"][drive]
    assert plain > 2**40 and long == plain + ahead > 2**63


EXTREME = {"features": 128, "hidden": 16, "outputs": 16, "train_samples": 512, "test_samples": 64, "rows": 8}
"""Keys at their ends, and as many samples as a test has time for; conductances make up for the others."""


def exact_drive(rows_ns: np.ndarray, codes: np.ndarray, outputs: int) -> int:
    """Conductances [rows, cells] times squared codes [n, features] over all evaluations, in Python's integers."""
    features = codes.shape[1]
    code2 = [sum(code * code for code in column) for column in codes.T.tolist()]
    assert rows_ns.shape[1] == 2 * outputs * features
    return sum(ns * code2[cell // 2 % features] for row in rows_ns.tolist() for cell, ns in enumerate(row))


@pytest.mark.parametrize("first", [True, False])
def test_a_user_sweeps_more_than_64_bits_hold(first: bool, seed: int) -> None:
    """One sweep of large conductances and codes, of all outputs; the sum in 64 bits alone would be another."""
    config = Config(features=128, outputs=16, train_samples=512, test_samples=1, rows=2, burn_in=0, input_bits=12)
    rng = np.random.default_rng(seed)
    codes = rng.choice([-2047, 2047], (512, 128))
    model = rng.integers(2**28, 2**29, 2 * 16 * 128)
    chain = new_chain(config, config.rows, seed)
    chip = arithmetic(formats_of(config), np.arange(config.gate_codes))
    data = training_data(config, codes, rng.integers(0, 16, 512))
    sweep(chip, model, data, chain, 2**40, first)
    due = exact_drive(model[None], codes, 16)
    assert due > 2**63
    assert drive_of(dict(zip(TALLIES, chain.tally.tolist(), strict=True))) == due


def test_a_user_sweeps_a_network_beyond_64_bits(seed: int) -> None:
    """The same behind a hidden layer, cut in the middle of a sample."""
    config = Config(**EXTREME, burn_in=0, input_bits=12)
    rng = np.random.default_rng(seed)
    codes = rng.choice([-2047, 2047], (512, 128))
    model = rng.integers(2**28, 2**29, 2 * config.pairs)
    chain, end = new_chain(config, config.rows, seed), 32 * 400 + 20
    activations, order = chain.activations, chain.order
    activations[:], order[:] = rng.integers(2000, 2048, (16, 512)), rng.permutation(512)
    data = training_data(config, codes, rng.integers(0, 16, 512))
    chip = arithmetic(formats_of(config), np.arange(config.gate_codes))
    network_drive(chip, model, data, chain, end)
    pairs, due = (model[0::2] + model[1::2]).tolist(), 0
    for position, sample in enumerate(order.tolist()):
        for segment in range(32 if position < 400 else 20 if position == 400 else 0):
            if segment < 16:
                first, inputs = segment * 128, codes[sample].tolist()
            else:
                first, inputs = 16 * (128 + segment - 16), activations[:, sample].tolist()
            due += sum(pairs[first + i] * code**2 for i, code in enumerate(inputs))
    assert due > 2**63 and drive_of(dict(zip(TALLIES, chain.tally.tolist(), strict=True))) == due


@pytest.mark.parametrize("hidden", [0, 16])
def test_a_user_tests_more_than_64_bits_hold(hidden: int, seed: int) -> None:
    """Many rows and test points, as no training has them in seconds: the largest conductances make up for them."""
    config = Config(**(EXTREME | {"hidden": hidden}), burn_in=0, input_bits=12)
    rng = np.random.default_rng(seed)
    rows = rng.integers(2**28, 2**29, (40, 2 * config.pairs))
    test = rng.choice([-2047, 2047], (64, 128))
    due = exact_drive(rows[:, : 2 * (hidden or 16) * 128], test, hidden or 16)
    view = view_of(None, formats_of(config), rows, 0)
    if hidden:
        codes = hidden_codes(formats_of(config), view, test)
        both = rows[:, 2 * 16 * 128 :].reshape(40, 16, 16, 2)
        due += sum(
            int(both[row, output, neuron].sum()) * int((codes[neuron, row] ** 2).sum())
            for row, output, neuron in np.ndindex(40, 16, 16)
        )
    assert due > 2**63 and _test_drive(config, rows, test, view) == due


def test_products_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (rng.integers(-(2**62), 2**62, (3, 40)) for _ in range(2))
    assert exact_product(one, other) == int((one.astype(object) * other.astype(object)).sum())
    assert exact_product(one, other) != int((one * other).sum())  # which wraps


def test_nearest_gate_by_exact_distance() -> None:
    lut = np.array([4, 4, 7, 12])
    gates, clamped = nearest_gates(lut, 16)
    for code in range(16):
        distances = [abs(code - entry) for entry in lut.tolist()]
        assert gates[code] == distances.index(min(distances))
        assert clamped[code] == (code < 4 or code > 12)


@pytest.mark.parametrize("width", LFSR_TAPS)
def test_a_draw_is_as_many_shifts_as_bits(width: int, seed: int) -> None:
    """Against scipy's generator of such sequences, which gives a bit at a time, the oldest first."""
    start = int(np.random.default_rng(seed).integers(1, 2**width, dtype=np.uint64, endpoint=False))
    oldest_first = [start >> bit & 1 for bit in reversed(range(width))]
    bits, _ = max_len_seq(width, oldest_first, 4 * width, [width - tap for tap in LFSR_TAPS[width] if tap != width])
    state, leap = np.uint64(start), leap_table(width)
    for draw in range(1, 4):
        state = draw_state(np.uint64(state), leap)
        assert int(state) == int("".join(map(str, bits[draw * width : (draw + 1) * width])), 2)
