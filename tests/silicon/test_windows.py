"""Waves of single operations, cut from waves written by hand, and read back by another program's reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vcd.reader import TokenKind, tokenize

from oxmc.pymodels.errors import RunError
from oxmc.pymodels.interface import ArrayOp
from oxmc.silicon.activity import COUNTED, count
from oxmc.silicon.windows import cut, edges_of, windows_of

pytestmark = pytest.mark.testpoint(
    "waves of single operations",
    "windows are whole operations; what is cut is a wave file to another reader",
)

PERIOD = 100
CYCLES = (
    # op, latch, decision: a first decision, a RESET, a SET of two cycles, a READ, two evaluations, the second decision
    (0, 0, 0), (0, 0, 1), (2, 1, 0), (3, 0, 0), (3, 1, 0), (4, 1, 0), (5, 1, 0), (5, 1, 0), (0, 0, 1), (0, 0, 0),
)  # fmt: skip
EXPECTED = {
    "proposal": (2, 8), "evaluations": (6, 7), "set": (3, 4), "read": (5, 5), "evaluation": (6, 6), "reset": (2, 2),
    "decision": (8, 8),
}  # fmt: skip
"""First and last cycle of each window."""


@pytest.fixture
def vcd(tmp_path: Path) -> Path:
    """Cycle k lasts from 100 k to 100 (k + 1); in it n5 rises after 10 and falls after 60, n6 has k's lowest bit."""
    lines = [
        "$timescale 1ps $end",
        "$scope module cosim $end",
        "$var wire 1 x other $end",
        "$var wire 26 $ events [25:0] $end",
    ]
    lines += ["$scope module chip $end", "$var wire 1 ! clk $end", '$var wire 1 " n5 $end', "$var wire 1 # n6 $end"]
    lines += [
        "$var wire 3 % array_op [2:0] $end",
        "$var wire 1 & array_latch $end",
        "$scope module g0 $end",
        "$var wire 1 ' Y $end",
        "$upscope $end",
    ]
    lines += ["$upscope $end", "$upscope $end", "$enddefinitions $end", "#0", "0!", '0"', "0#", "b0 $", "b0 %", "0&"]
    decision = COUNTED.index("decision")
    for k, (op, latch, decides) in enumerate(CYCLES):
        lines += [f"#{PERIOD * k + 1}", f"b{decides << decision:b} $", f"b{op:b} %", f"{latch}&", f"{k % 2}#", "1x"]
        lines += [f"#{PERIOD * k + 10}", '1"', "1'", f"#{PERIOD * k + 50}", "0!"]
        lines += [f"#{PERIOD * k + 60}", '0"', f"#{PERIOD * (k + 1)}", "1!"]
    file = tmp_path / "dump.vcd"
    file.write_text("\n".join([*lines, ""]))
    return file


def test_windows_are_whole_operations(vcd: Path) -> None:
    """A pulse of several cycles is one window; an edge that ends cycle k is at 100 (k + 1)."""
    found = windows_of(*edges_of(vcd))
    assert found == {name: (PERIOD * first, PERIOD * (last + 1)) for name, (first, last) in EXPECTED.items()}


def test_waves_without_a_proposal_are_refused() -> None:
    with pytest.raises(RunError, match="must hold two decisions, not 0"):
        windows_of([100, 200], np.zeros((2, len(COUNTED)), np.int64), ["0", "0"])


def test_cut_waves_are_waves(vcd: Path, tmp_path: Path) -> None:
    """pyvcd reads them: only the chip's own scope, all values at time 0, then changes; and our counter counts them."""
    spans = windows_of(*edges_of(vcd))
    cut(vcd, spans, tmp_path)
    for name, (first, last) in EXPECTED.items():
        cycles = last - first + 1
        with open(tmp_path / f"{name}.vcd", "rb") as file:
            tokens = list(tokenize(file))
        variables = [token.var.reference for token in tokens if token.kind is TokenKind.VAR]
        assert variables == ["clk", "n5", "n6", "array_op", "array_latch"]
        scopes = [token.scope.ident for token in tokens if token.kind is TokenKind.SCOPE]
        assert scopes == ["cosim", "chip"]
        times = [token.time_change for token in tokens if token.kind is TokenKind.CHANGE_TIME]
        assert times[0] == 0 and times == sorted(times) and times[-1] == PERIOD * cycles
        at_start = next(i for i, token in enumerate(tokens) if token.kind is TokenKind.END)
        begun = [token.kind for token in tokens[:at_start]].count(TokenKind.CHANGE_SCALAR)
        assert begun == 4  # clk, n5, n6, latch
        activity = count(tmp_path / f"{name}.vcd", 1 << 30)
        assert activity.of()["n5"].sum() == 2 * cycles
        assert activity.length_ps == PERIOD * cycles
    values = edges_of(tmp_path / "set.vcd")[2]
    assert int(values[-1], 2) == ArrayOp.SET.value
