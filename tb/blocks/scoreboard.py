"""What every block bench shares: a scoreboard that forgives no leftover, clock and reset, and its parameters."""

from __future__ import annotations

import gc
import json
import os
from collections import deque
from functools import cache
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from oxmc.hdl.verilog.identifiers import plain

PARAMETERS_VARIABLE = "OXMC_BENCH"
CLOCK_NS = 10
OUTPUTS = "widths of outputs"
"""The parameter that `run_bench` adds: the width of each output of the design, in order."""


class Scoreboard:
    """Matches observations against expectations in order.

    `observe` raises `AssertionError` at the first difference or surplus, `finish` at anything still expected or if
    nothing was compared at all, so that a design which never answers cannot pass.
    """

    def __init__(self, name: str):
        self.name = name
        self.compared = 0
        self._expected: deque = deque()

    def expect(self, value: Any, note: str = "") -> None:
        self._expected.append((value, note))

    def observe(self, value: Any) -> None:
        assert self._expected, f"{self.name}: got {value!r}, expected nothing"
        expected, note = self._expected.popleft()
        assert value == expected, f"{self.name} #{self.compared}: got {value!r}, expected {expected!r} {note}"
        self.compared += 1

    def finish(self) -> None:
        assert not self._expected, f"{self.name}: {len(self._expected)} never came, first {self._expected[0]!r}"
        assert self.compared, f"{self.name}: nothing was compared"


@cache
def parameters() -> dict[str, Any]:
    """What `run_bench` passed to the bench; nothing where a bench is imported alone."""
    return json.loads(os.environ.get(PARAMETERS_VARIABLE, "{}"))


async def start(dut: Any, **idle: int) -> None:
    """Drive the inputs named in `idle`, start the clock and reset for two cycles; returns in the middle of a cycle.

    Benches drive inputs and sample outputs on falling edges, away from the edge the design acts on.
    """
    gc.freeze()  # what imports have made is no garbage, and to look through it takes a tenth of a small bench
    for name, value in idle.items():
        getattr(dut, plain(name)).value = value
    cocotb.start_soon(Clock(dut.clk, CLOCK_NS, unit="ns").start())
    dut.rst.value = 1
    for _ in range(2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
