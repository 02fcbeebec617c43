"""Cycles and events by formula, counted by hand for a tiny chip; that the RTL keeps to them, test_train.py shows."""

from __future__ import annotations

import pytest

from oxmc.pymodels.budget import formulas as budget
from oxmc.pymodels.config import Config
from oxmc.pymodels.events import EVENTS, PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.twin.state import TALLIES

pytestmark = pytest.mark.testpoint("cycle budget", "cycles and events by formula against counts by hand")

TINY = Config(rows=3, features=1, train_samples=3, test_samples=2, burn_in=1, read_bits=3, gate_codes=2)
"""Two cells a row; each pulse lasts one cycle."""
RUN = dict.fromkeys(TALLIES, 0) | {
    "rejected": 2, "sweep": 5, "eval": 15, "stored": 3, "reset": 10, "set": 10, "read": 10, "reset_pulse": 5,
    "sample_read": 15,
}  # fmt: skip
"""Row 0 and four proposals, of which two were rejected: 5 RESETs of a row, 5 sweeps over 3 samples."""


def test_cycles_by_hand() -> None:
    formats = Formats(TINY)
    assert budget.build_cycles(formats) == 1 + 8 + 2 * 2
    # a sweep, row 0's too: SET READ SET READ EVAL EVAL EVAL, one cycle of conversion, sum, decision; at the end a store
    assert budget.train_cycles(formats, 4, RUN) == 5 + 5 * 10 + 1
    # a point: fetch; EVAL of 2 rows, conversion, sum, result
    assert budget.infer_cycles(formats, voting_rows=2) == 2 * (1 + 2 + 1 + 2)


def test_pulse_widths_count() -> None:
    """20 MHz: 50 ns a cycle. Two outputs: four cells, two evaluations a sample. Row 0 and one proposal, accepted."""
    wide = TINY.replace(
        clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, read_pulse_s=100e-9, eval_pulse_s=200e-9,
        conversion_s=100e-9, outputs=2,
    )  # fmt: skip
    formats = Formats(wide)
    sweep = 4 * (3 + 2) + 3 * 2 * 4 + 2 + 2
    assert budget.train_cycles(formats, 1, RUN | {"rejected": 0, "sweep": 2, "eval": 12}) == 3 * 5 + 2 * sweep + 1
    assert budget.infer_cycles(formats, voting_rows=1) == 2 * (1 + 2 * (4 + 2 + 2))


def test_events_by_hand() -> None:
    counts = budget.event_counts(Formats(TINY), words=100, proposals=4, last_row=2, voting_rows=2, tally=RUN)
    assert list(counts) == list(PHASES) and all(list(row) == list(EVENTS) for row in counts.values())
    expected = {
        "load": dict(host_write=103, lut_read=2, map_write=8, cycle=103 + 13),
        "train": dict(
            reset=10, set=10, read=10, eval=15, reset_pulse=5, eval_line=5, gate_lookup=10, gate_code_write=10,
            gate_code_read=8, sample_read=15, likelihood_add=15, prior_square=5, lfsr_step=16, decision=4,
            counter_write=3, cycle=56,
        ),
        "infer": dict(eval=4, eval_line=4, sample_read=2, counter_read=4, response_add=4, classify=2, cycle=12),
    }  # fmt: skip
    nothing: dict[str, dict[str, int]] = {"form": {}, "calibrate": {}}
    assert {phase: {name: n for name, n in row.items() if n} for phase, row in counts.items()} == expected | nothing


def test_a_hidden_layer_by_hand() -> None:
    """Two hidden neurons and an output: 8 cells; a sample is EVAL EVAL, a cycle of conversion, sigmoid, EVAL."""
    formats = Formats(TINY.replace(hidden=2))
    run = RUN | {"eval": 45, "activation": 30, "layer": 15}
    assert budget.train_cycles(formats, 4, run) == 5 + 5 * (16 + 3 * 5 + 3) + 1
    # a point: fetch; 2 rows of 5 cycles; conversion, sum; result
    assert budget.infer_cycles(formats, voting_rows=2) == 2 * (1 + 2 * 5 + 2 + 1)
    counts = budget.event_counts(formats, words=100, proposals=4, last_row=2, voting_rows=2, tally=run)
    assert {name: counts["train"][name] for name in ("eval", "activation", "likelihood_add")} == {
        "eval": 45, "activation": 30, "likelihood_add": 15,
    }  # fmt: skip
    assert {name: counts["infer"][name] for name in ("eval", "activation", "response_add", "counter_read")} == {
        "eval": 12, "activation": 8, "response_add": 4, "counter_read": 4,
    }  # fmt: skip
