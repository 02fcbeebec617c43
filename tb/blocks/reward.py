"""Bench of `oxmc.hdl.reward.Reward`: the cost of every number of steps against exact logarithms."""

from __future__ import annotations

import math
import random
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

STEP_BITS, EXPONENT_FRACTION_BITS, INDEX_BITS = 10, 4, 6
TOP = 2**STEP_BITS - 1
EXPONENTS = (0, 1, 16, 80, 2**8 - 1)
"""As the register holds them: none, 1/16, 1, 5 and the largest."""
FLOAT_ERROR = 1e-6
"""In units of the last place: at most 11 octaves times 2^12 units, times the 2^-52 of a correctly rounded log2."""


class Bench:
    """Drives one cycle after another; the count of steps is a plain integer."""

    def __init__(self, dut: Any):
        self.dut, self.count, self.board = dut, 0, Scoreboard("reward")

    async def cycle(self, *, clear: int = 0, step: int = 0, ready: int = 0, exponent: int = 0) -> int:
        """The cost in this cycle; the count moves at its end."""
        dut = self.dut
        dut.clear.value, dut.step.value, dut.ready.value, dut.exponent.value = clear, step, ready, exponent
        await Timer(1, unit="ns")
        self.board.expect(self.count, "steps")
        self.board.observe(dut.steps.value.to_unsigned())
        cost = dut.cost.value.to_unsigned()
        await FallingEdge(dut.clk)
        self.count = 0 if clear else min(self.count + step, TOP)
        return cost


def bounds(steps: float, exponent: int, fraction_bits: int) -> tuple[float, float]:
    """Lowest and highest cost allowed, in units of the last place.

    The table errs by half a bin and half a unit, times the exponent; the product's fraction is cut off: a unit less.
    """
    one = 2**fraction_bits
    power = exponent / 2**EXPONENT_FRACTION_BITS
    exact = one * (STEP_BITS - math.log2(steps)) * power
    error = power * (one * math.log2(1 + 0.5 / 2**INDEX_BITS) + 0.5) + FLOAT_ERROR
    return exact - error - 1, exact + error


@cocotb.test()
async def every_count(dut: Any) -> None:
    """From none to beyond saturation: within the bound, falling, 0 while not ready; the bound is nearly met."""
    p = parameters()
    rng, fraction_bits = random.Random(p["seed"]), p["fraction_bits"]
    await start(dut, clear=0, step=0, ready=0, exponent=0)
    bench = Bench(dut)
    await bench.cycle(clear=1)
    last: dict[int, int] = {}
    worst = 0.0
    for _ in range(TOP + 4):
        for exponent in EXPONENTS:
            cost = await bench.cycle(ready=1, exponent=exponent)
            low, high = bounds(bench.count or 0.5, exponent, fraction_bits)
            assert low <= cost <= high, f"{bench.count} steps, exponent {exponent}/16: {cost} not in {low}..{high}"
            assert cost <= last.get(exponent, cost), f"{bench.count} steps cost more than one less"
            last[exponent] = cost
            if exponent:
                worst = max(worst, abs(2 * cost - low - high + 1) / (high - low))
        assert await bench.cycle(exponent=rng.getrandbits(8)) == 0
        await bench.cycle(step=1)
    assert bench.count == TOP and worst > 0.6, f"the bound was never near: {worst}"
    bench.board.finish()


@cocotb.test()
async def steps(dut: Any) -> None:
    """Counts where it is told to; to clear goes before to count."""
    rng = random.Random(parameters()["seed"])
    await start(dut, clear=0, step=0, ready=0, exponent=0)
    bench = Bench(dut)
    await bench.cycle(clear=1)
    for _ in range(300):
        await bench.cycle(clear=int(rng.random() < 0.1), step=rng.getrandbits(1))
    bench.board.finish()
