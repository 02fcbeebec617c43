"""Bench of `oxmc.hdl.prior.Prior`: rows of read codes against the sum written out, and against Eq 4 in real numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

MULTIPLIERS = (0, 1, 128, 255)
SHIFTS = (0, 1, 7, 30, 31)


def sum_of_squares(codes: Sequence[int]) -> int:
    """Cells 2p and 2p + 1 are g+ and g- of pair p."""
    return sum((plus - minus) ** 2 for plus, minus in zip(codes[0::2], codes[1::2], strict=True))


class Driver:
    """Feeds codes and asks for costs; both are checked."""

    def __init__(self, dut: Any, board: Scoreboard, rng: random.Random):
        self.dut, self.board, self.rng = dut, board, rng
        self.code_bits = parameters()["read_bits"]

    async def cycle(self, *, difference: int | None = None, cost: int = 0, note: str = "", **inputs: int) -> None:
        """One cycle with the named inputs, the others idle; without `valid` the code bus carries anything.

        A `difference` is due where this code is the second of its pair; only there it says anything.
        """
        noise = self.rng.getrandbits(self.code_bits)
        for name, value in (dict(clear=0, valid=0, ready=0, code=noise) | inputs).items():
            getattr(self.dut, name).value = value
        await Timer(1, unit="ns")
        self.board.expect((difference, cost), f"difference, cost {note}")
        seen = self.dut.difference.value.to_signed() if int(self.dut.square.value) else None
        self.board.observe((seen, self.dut.cost.value.to_unsigned()))
        await FallingEdge(self.dut.clk)

    async def feed(self, codes: Sequence[int], gaps: bool = False) -> None:
        """Clear, then one code a cycle, or with idle cycles between; every second code makes a difference."""
        await self.cycle(clear=1, note="while clearing")
        for position, code in enumerate(codes):
            difference = codes[position - 1] - code if position % 2 else None
            await self.cycle(valid=1, code=code, difference=difference, note=f"at code {position}")
            for _ in range(self.rng.randrange(3) if gaps else 0):
                await self.cycle(note="in a gap")

    async def ask(self, codes: Sequence[int], multiplier: int, shift: int) -> None:
        """The cost, two cycles after the last code if called at once; then zero again, its operand isolated."""
        self.dut.multiplier.value, self.dut.shift.value = multiplier, shift
        total = sum_of_squares(codes)
        note = f"of {total} * {multiplier} >> {shift}"
        await self.cycle(note="while adding")
        await self.cycle(ready=1, cost=total * multiplier >> shift, note=note)
        await self.cycle(note="while not ready")


async def started(dut: Any) -> Driver:
    await start(dut, clear=0, valid=0, code=0, ready=0, multiplier=0, shift=0)
    return Driver(dut, Scoreboard("prior"), random.Random(parameters()["seed"]))


def corners(pairs: int, top: int) -> Iterator[list[int]]:
    """Full scale of either sign, no difference at all, pairs that look otherwise if paired off by one, one pair."""
    yield [top, 0] * pairs
    yield [0, top] * pairs
    yield [top, top] * pairs
    yield [0, 0] * pairs
    yield [code for pair in range(pairs) for code in ([top, top] if pair % 2 else [0, 0])]
    for pair in {0, pairs // 2, pairs - 1}:
        codes = [top // 2] * (2 * pairs)
        codes[2 * pair] += 1
        yield codes


@cocotb.test()
async def rows(dut: Any) -> None:
    """Corners with all multiplier and shift corners, then random rows, back to back and with gaps; the cost holds."""
    p = parameters()
    pairs, top = p["pairs"], 2 ** p["read_bits"] - 1
    driver = await started(dut)
    for codes in corners(pairs, top):
        await driver.feed(codes)
        for multiplier in MULTIPLIERS:
            for shift in SHIFTS:
                await driver.ask(codes, multiplier, shift)
    for number in range(60):
        codes = [driver.rng.randint(0, top) for _ in range(2 * pairs)]
        await driver.feed(codes, gaps=bool(number % 2))
        for _ in range(3):
            await driver.ask(codes, driver.rng.getrandbits(8), driver.rng.choice([0, driver.rng.getrandbits(5)]))
    driver.board.finish()


@cocotb.test()
async def cleared_rows(dut: Any) -> None:
    """A row given up after any number of codes, in mid pair too, leaves nothing behind."""
    p = parameters()
    cells, top = 2 * p["pairs"], 2 ** p["read_bits"] - 1
    driver = await started(dut)
    for given in range(cells + 1):
        await driver.feed([driver.rng.randint(0, top) for _ in range(given)])
        codes = [driver.rng.randint(0, top) for _ in range(cells)]
        await driver.feed(codes)
        await driver.ask(codes, 255, 0)
    await driver.cycle(clear=1)
    await driver.ask([], 255, 0)
    driver.board.finish()


@cocotb.test()
async def equation_4(dut: Any) -> None:
    """With the chip's own constants the cost is the sum of w^2 / (2 sigma^2) in bits.

    The 8-bit multiplier, 128 to 255, is off by half a unit, or by one where 256 was cut to 255: 1/256 of the sum; the
    shift drops less than one unit.
    """
    p = parameters()
    top, one = 2 ** p["read_bits"] - 1, 2 ** p["fraction_bits"]
    assert 128 <= p["multiplier"] <= 255, "the bound holds for a normalised multiplier"
    driver = await started(dut)
    for _ in range(50):
        spread = driver.rng.randint(1, top)
        codes = [driver.rng.randint(0, spread) for _ in range(2 * p["pairs"])]
        await driver.feed(codes)
        await driver.ask(codes, p["multiplier"], p["shift"])
        w_us = [(plus - minus) * p["step_us"] for plus, minus in zip(codes[0::2], codes[1::2], strict=True)]
        exact = one * math.log2(math.e) * sum(w * w for w in w_us) / (2 * p["sigma_us"] ** 2)
        dut.ready.value = 1
        await Timer(1, unit="ns")
        cost = dut.cost.value.to_unsigned()
        assert abs(cost - exact) <= exact / 256 + 1, f"got {cost}, Eq 4 gives {exact}"
        await FallingEdge(dut.clk)
    driver.board.finish()
