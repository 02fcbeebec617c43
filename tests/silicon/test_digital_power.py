"""Which windows count for which phase, and pJ a cycle from them, in a training written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from oxmc.silicon.activity import COUNTED, Activity
from oxmc.silicon.digital_power import WINDOW_CYCLES, a_cycle, spans
from oxmc.silicon.power import Power

pytestmark = pytest.mark.testpoint("synthesis")

WINDOWS = 12
SEEN = {"host_write": (0, 1), "decision": (3, 5, 6), "classify": (8, 10)}
"""Windows in which an event is seen: two of words, decisions and classes with what lies between."""


def activity() -> Activity:
    events = {name: np.zeros(WINDOWS, np.int64) for name in COUNTED}
    for name, windows in SEEN.items():
        events[name][list(windows)] = 1
    nets = np.zeros((0, WINDOWS), np.int64)
    return Activity((), nets, events, np.full(WINDOWS, WINDOW_CYCLES), np.zeros(0), 1)


def test_phases_are_whole_between_their_events() -> None:
    found = spans(activity(), load_cycles=2 * WINDOW_CYCLES)
    assert found == {"load": slice(0, 2), "train": slice(4, 6), "infer": slice(9, 10)}


def test_joules_a_cycle_by_hand() -> None:
    """Window i takes 8 i pJ in the logic, that is i a cycle, and 16 behind a gate."""
    logic = WINDOW_CYCLES * np.arange(WINDOWS, dtype=float)
    gated = np.full(WINDOWS, 2.0 * WINDOW_CYCLES)
    power = Power({"a": logic}, {"a": gated}, clock_pj=3.0, tree_pj=1.0, leakage_pw=0.0, flip_flops=1)
    found = a_cycle(power, activity(), load_cycles=2 * WINDOW_CYCLES)
    assert found == {
        "a": pytest.approx([0.5, 4.5, 9.0]),
        "a, clock": pytest.approx([2.0, 2.0, 2.0]),
        "root of the clock": [3.0, 3.0, 3.0],
    }
