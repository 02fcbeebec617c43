"""The twin by itself: options that must not change the chain do not, and the limits of a chain hold.

That it is the chip's equal is shown against the RTL: `test_chip.py`, `test_train.py`, `test_lockstep.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pymodels.config import Config, preset
from pymodels.fixed import Formats
from pymodels.outcome import Outcome
from pymodels.tasks import load_task, quantise
from pymodels.twin import nearest_gates, new_chain, run_twin
from pymodels.twin_state import EVAL_NS, Chain
from tb.program import lut_codes


def outcome(config: Config, seed: int) -> Outcome:
    data = load_task("cancer", config, seed)
    codes = np.concatenate([quantise(config, data.train_x), quantise(config, data.test_x)])
    labels = np.concatenate([data.train_t, data.test_t])
    return run_twin(config, seed, codes, labels, np.array(lut_codes(Formats(config))), 0)


def same_chain(a: Outcome, b: Outcome) -> bool:
    return np.array_equal(a.conductance_ns, b.conductance_ns) and np.array_equal(a.counters, b.counters)


@pytest.mark.parametrize("name", ["plain", "best"])
@pytest.mark.parametrize("order", ["given", "hard_first"])
def test_early_rejection_decides_alike(name: str, order: str, seed: int) -> None:
    """The same decisions, so the same bits, with a part of the evaluations."""
    base = preset("cancer", name).replace(early_rejection=False, sample_order="given")
    whole = outcome(base, seed)
    early = outcome(base.replace(early_rejection=True, sample_order=order), seed)
    assert same_chain(whole, early) and whole.proposals == early.proposals
    assert early.counts["train"]["eval"] < whole.counts["train"]["eval"]


def test_hard_samples_first_save_most(seed: int) -> None:
    base = preset("cancer", "best")
    given, first = (outcome(base.replace(sample_order=order), seed) for order in ("given", "hard_first"))
    assert same_chain(given, first)
    assert first.counts["train"]["eval"] < 0.8 * given.counts["train"]["eval"]


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
    config, ahead = preset("cancer", "best"), 2**63 - 2**40

    def with_drive(*arguments: Any) -> Chain:
        chain = new_chain(*arguments)
        chain.tally[EVAL_NS] = ahead
        return chain

    drive = "eval_conductance_code2_ns_cycles"
    plain = outcome(config, seed).quantities["train"][drive]
    monkeypatch.setattr("pymodels.twin.new_chain", with_drive)
    long = outcome(config, seed).quantities["train"][drive]
    assert plain > 2**40 and long == plain + ahead > 2**63


def test_nearest_gate_by_exact_distance() -> None:
    lut = np.array([4, 4, 7, 12])
    gates, clamped = nearest_gates(lut, 16)
    for code in range(16):
        distances = [abs(code - entry) for entry in lut.tolist()]
        assert gates[code] == distances.index(min(distances))
        assert clamped[code] == (code < 4 or code > 12)
