"""Bench of `oxmc.hdl.hastings.Hastings`: rows of codes against the sum written out in Python's integers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

LAW, SHIFT = 256, 512
MULTIPLIER_BITS = 12
Cell = tuple[int, int, int, int]
"""Gate code and read code of the current row's cell, then of the proposed row's."""


class Driver:
    """Loads laws, feeds cells, asks for costs; cost and busy are checked in each cycle."""

    def __init__(self, dut: Any):
        self.dut, self.board, self.p = dut, Scoreboard("hastings"), parameters()
        self.rng = random.Random(self.p["seed"])
        self.law: list[tuple[int, int, int]] = []
        self.shift = 0
        self.was_valid = False

    async def cycle(self, *, cost: int = 0, note: str = "", **inputs: int) -> None:
        """One cycle with the named inputs, the others idle; what is not valid is anything."""
        p, rng = self.p, self.rng
        idle = dict(write=0, index=rng.getrandbits(10), word=rng.getrandbits(32), clear=0, valid=0, ready=0)
        idle |= {name: rng.randrange(p["gates"]) for name in ("gate", "next_gate")}
        idle |= {name: rng.getrandbits(p["read_bits"]) for name in ("code", "next_code")}
        for name, value in (idle | inputs).items():
            getattr(self.dut, name).value = value
        await Timer(1, unit="ns")
        valid = bool(inputs.get("valid"))
        self.board.expect((cost, valid or self.was_valid), f"cost, busy {note}")
        self.board.observe((self.dut.cost.value.to_signed(), bool(self.dut.busy.value)))
        self.was_valid = valid
        await FallingEdge(self.dut.clk)

    async def load(self, law: Sequence[tuple[int, int, int]], shift: int) -> None:
        """Words as the address map has them; each LUT word and others in between must not matter."""
        self.law, self.shift = list(law), shift
        for gate, (median, precision, log_sd) in enumerate(law):
            word = median + (precision << self.p["median_bits"])
            word += log_sd << (self.p["median_bits"] + MULTIPLIER_BITS)
            await self.cycle(write=1, index=gate, note="a LUT word")
            for lane in range(2):
                await self.cycle(write=1, index=LAW + 2 * gate + lane, word=word >> (32 * lane) & 0xFFFFFFFF)
        await self.cycle(write=1, index=SHIFT, word=shift)

    def due(self, cells: Sequence[Cell]) -> int:
        exponents = log_sds = 0
        for gate, code, next_gate, next_code in cells:
            there, back = self.law[gate], self.law[next_gate]
            exponents += (2 * code + 1 - back[0]) ** 2 * back[1] - (2 * next_code + 1 - there[0]) ** 2 * there[1]
            log_sds += back[2] - there[2]
        return exponents // 2**self.shift + log_sds

    async def row(self, cells: Sequence[Cell], gaps: bool = False) -> None:
        """Clear, a cell a cycle or with idle cycles between, and the cost two cycles after the last; then none."""
        await self.cycle(clear=1, note="while clearing")
        for gate, code, next_gate, next_code in cells:
            codes = dict(gate=gate, code=code, next_gate=next_gate, next_code=next_code)
            await self.cycle(valid=1, **codes, note="at a cell")
            for _ in range(self.rng.randrange(3) if gaps else 0):
                await self.cycle(note="in a gap")
        await self.cycle(note="while adding")
        for _ in range(2):
            await self.cycle(ready=1, cost=self.due(cells), note=f"of {len(cells)} cells")
        await self.cycle(note="while not ready")

    def random_cell(self) -> Cell:
        rng, codes, gates = self.rng, 2 ** self.p["read_bits"], self.p["gates"]
        return rng.randrange(gates), rng.randrange(codes), rng.randrange(gates), rng.randrange(codes)

    def random_law(self) -> list[tuple[int, int, int]]:
        widths = self.p["median_bits"], MULTIPLIER_BITS, self.p["sd_bits"]
        return [tuple(self.rng.getrandbits(width) for width in widths) for _ in range(self.p["gates"])]  # type: ignore


async def started(dut: Any) -> Driver:
    names = "write index word clear valid gate code next_gate next_code ready".split()
    await start(dut, **dict.fromkeys(names, 0))
    return Driver(dut)


@cocotb.test()
async def rows(dut: Any) -> None:
    """Sums of full scale and of either sign, then random rows under random laws and shifts."""
    driver = await started(dut)
    p, rng = driver.p, driver.rng
    cells, top, last = p["cells"], 2 ** p["read_bits"] - 1, p["gates"] - 1
    widest = [(2 ** p["median_bits"] - 1, 2**MULTIPLIER_BITS - 1, 2 ** p["sd_bits"] - 1)]
    nothing = [(0, 0, 0)]
    await driver.load(widest + nothing * (p["gates"] - 1), 0)
    for corner in ((0, 0, last, 0), (last, 0, 0, 0), (0, top, 0, 0), (0, 0, 0, top), (last, top, last, top)):
        await driver.row([corner] * cells)
    await driver.load(nothing * (p["gates"] - 1) + [(0, 2**MULTIPLIER_BITS - 1, 0)], 0)
    for corner in ((0, top, last, 0), (last, 0, 0, top)):
        await driver.row([corner] * cells)
    for number in range(40):
        await driver.load(driver.random_law(), rng.choice([0, 1, 31, rng.getrandbits(5)]))
        await driver.row([driver.random_cell() for _ in range(cells)], gaps=bool(number % 2))
    driver.board.finish()


@cocotb.test()
async def cleared_rows(dut: Any) -> None:
    """A row given up after any number of cells leaves nothing behind."""
    driver = await started(dut)
    await driver.load(driver.random_law(), 9)
    for given in range(driver.p["cells"] + 1):
        await driver.row([driver.random_cell() for _ in range(given)])
    driver.board.finish()
