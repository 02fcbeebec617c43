"""Bench of `hdl.likelihood.Likelihood`: each sum against plain integers, and a log-likelihood in real numbers (Eq 7).

The top is the block with its table's write port (`write`, `write_address`, `write_data`) brought out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start


def cost_bits(x: float) -> float:
    """-log2 of the logistic response to x, in bits."""
    return math.log2(1 + math.exp(-x))


class Driver:
    """Drives one cycle after another; `total` is what the evaluations since the last clear sum to.

    An evaluation counts one cycle after it is given, so a clear drops all that were given before it and none after.
    """

    def __init__(self, dut: Any, board: Scoreboard):
        self.dut, self.board, p = dut, board, parameters()
        self.adc_bits, self.table_bits = p["adc_bits"], p["table_bits"]
        self.table: list[int] = []
        self.total = self.in_flight = 0

    def entry(self, code: int, label: int) -> int:
        """Code c stands for (c + 1/2) steps: for label 0 it is negated, then counted from the most negative bin."""
        if not label:
            code = -1 - code
        return self.table[(code + 2 ** (self.adc_bits - 1)) // 2 ** (self.adc_bits - self.table_bits)]

    async def load(self, table: Sequence[int]) -> None:
        self.table = list(table)
        for address, entry in enumerate(table):
            self.dut.write.value, self.dut.write_address.value, self.dut.write_data.value = 1, address, entry
            await self.cycle()
        self.dut.write.value = 0

    async def cycle(self, *, valid: int = 0, code: int = -1, label: int = 0, clear: int = 0) -> None:
        """One cycle; then the sum is checked, and what it will be with the evaluation given in it, if one was."""
        self.dut.clear.value, self.dut.valid.value, self.dut.label_s.value = clear, valid, label
        self.dut.code.value = code % 2**self.adc_bits  # two's complement
        await FallingEdge(self.dut.clk)
        self.total = 0 if clear else self.total + self.in_flight
        self.in_flight = self.entry(code, label) if valid else 0
        self.board.expect(
            (valid, self.total, self.total + self.in_flight, self.in_flight if valid else None),
            f"adding, sum, next sum, entry after code {code}, label {label}, clear {clear}",
        )
        sums = self.dut.sum.value.to_unsigned(), self.dut.next_sum.value.to_unsigned()
        entry = self.dut.entry.value.to_unsigned() if valid else None
        self.board.observe((int(self.dut.adding.value), *sums, entry))

    async def clear(self) -> None:
        await self.cycle(clear=1)
        await self.cycle()


async def started(dut: Any) -> Driver:
    await start(dut, clear=0, valid=0, code=0, label=0, write=0, write_address=0, write_data=0)
    return Driver(dut, Scoreboard("likelihood"))


@cocotb.test()
async def evaluations(dut: Any) -> None:
    """Every code with either label, back to back; then gaps and clears at random; both again with a new table."""
    p = parameters()
    rng, half = random.Random(p["seed"]), 2 ** (p["adc_bits"] - 1)
    driver = await started(dut)
    for _ in range(2):
        await driver.load([rng.getrandbits(p["likelihood_bits"]) for _ in range(2 ** p["table_bits"])])
        await driver.clear()
        for code in (-half, half - 1, -1, 0, *range(-half, half)):
            for label in (0, 1):
                await driver.cycle(valid=1, code=code, label=label)
        await driver.clear()
        for _ in range(500):
            code, label = rng.randrange(-half, half), rng.getrandbits(1)
            await driver.cycle(valid=int(rng.random() < 0.7), code=code, label=label, clear=int(rng.random() < 0.05))
        for before in (0, 1, 2):  # an evaluation given just before the clear, and one given along with it
            await driver.cycle(valid=1, code=half - 1, label=1)
            for _ in range(before):
                await driver.cycle()
            await driver.cycle(valid=1, code=0, label=0, clear=1)
            await driver.cycle()
    driver.board.finish()


@cocotb.test()
async def one_entry_reloaded(dut: Any) -> None:
    """A single word is replaced, its neighbours stay."""
    p = parameters()
    rng, half = random.Random(p["seed"]), 2 ** (p["adc_bits"] - 1)
    driver = await started(dut)
    await driver.load([rng.getrandbits(p["likelihood_bits"]) for _ in range(2 ** p["table_bits"])])
    for address in (0, len(driver.table) // 2, len(driver.table) - 1):
        driver.table[address] ^= 1
        dut.write.value, dut.write_address.value, dut.write_data.value = 1, address, driver.table[address]
        await driver.clear()
        dut.write.value = 0
        for code in range(-half, half):
            await driver.cycle(valid=1, code=code, label=1)
    await driver.cycle()
    driver.board.finish()


@cocotb.test()
async def never_wraps(dut: Any) -> None:
    """As many evaluations as the chip has samples and outputs, each at the largest entry there is."""
    p = parameters()
    largest = 2 ** p["likelihood_bits"] - 1
    driver = await started(dut)
    await driver.load([largest] * 2 ** p["table_bits"])
    await driver.clear()
    for number in range(p["evaluations"]):
        await driver.cycle(valid=1, code=number % 2 ** (p["adc_bits"] - 1), label=number & 1)
    await driver.cycle()
    assert driver.total == largest * p["evaluations"], "the bench itself lost an evaluation"
    driver.board.finish()


@cocotb.test()
async def log_likelihood(dut: Any) -> None:
    """With the table of Eq 7 a sum is the log-likelihood of the points, and both labels mirror each other.

    A point costs at most half a unit of rounding, plus, where the table has fewer bits than the ADC, log2(e) a unit of
    S V.w (the steepest slope of -log2 f) times the distance from its code to the middle of its bin.
    """
    p = parameters()
    rng, half, one = random.Random(p["seed"]), 2 ** (p["adc_bits"] - 1), 2 ** p["fraction_bits"]
    step, bins, codes_a_bin = p["eval_range"] / half, 2 ** p["table_bits"], 2 ** (p["adc_bits"] - p["table_bits"])
    middles = [(index - bins / 2 + 0.5) * codes_a_bin * step for index in range(bins)]
    bound = 0.5 + 1e-6 + one * math.log2(math.e) * (codes_a_bin - 1) / 2 * step  # 1e-6: float errors, far below
    driver = await started(dut)
    await driver.load([round(one * cost_bits(x)) for x in middles])
    for number in range(1, 40):
        points = [(rng.randrange(-half, half), rng.getrandbits(1)) for _ in range(number)]
        mirrored = [(~code, 1 - label) for code, label in points]
        exact = one * sum(cost_bits((code + 0.5) * step * (1 if label else -1)) for code, label in points)
        for form in (points, mirrored):
            await driver.clear()
            for code, label in form:
                await driver.cycle(valid=1, code=code, label=label)
            await driver.cycle()
            total = dut.sum.value.to_unsigned()
            assert abs(total - exact) <= number * bound, f"{number} points: got {total}, Eq 7 gives {exact}"
    driver.board.finish()
