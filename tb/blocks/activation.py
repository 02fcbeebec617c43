"""Bench of `hdl.activation.Activation`: every cycle's input lanes against plain integers, and sigmoids in real numbers.

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


class Driver:
    """Drives one cycle after another; `neurons` are what the evaluations so far left in each register.

    An evaluation reaches its register two cycles after it is given. A register that none has reached is not looked at.
    """

    def __init__(self, dut: Any, board: Scoreboard):
        self.dut, self.board, self.p = dut, board, parameters()
        self.table: list[int] = []
        self.neurons: list[int | None] = [None] * self.p["hidden"]
        self.in_flight: tuple[int, int] | None = None

    async def load(self, table: Sequence[int]) -> None:
        self.table = list(table)
        for address, entry in enumerate(table):
            self.dut.write.value, self.dut.write_address.value, self.dut.write_data.value = 1, address, entry
            await self.cycle()
        self.dut.write.value = 0

    def entry(self, code: int) -> int:
        """The most negative code is in bin 0."""
        p = self.p
        return self.table[(code + 2 ** (p["adc_bits"] - 1)) // 2 ** (p["adc_bits"] - p["table_bits"])]

    def lanes(self) -> list[int]:
        """Fields of `codes`, one a lane of the array port."""
        word, bits = self.dut.codes.value.to_unsigned(), self.p["input_bits"]
        return [word >> bits * lane & 2**bits - 1 for lane in range(self.p["lanes"])]

    async def cycle(self, *, valid: int = 0, code: int = -1, neuron: int = 0) -> None:
        """One cycle; then every lane is checked."""
        self.dut.valid.value, self.dut.neuron.value = valid, neuron
        self.dut.code.value = code % 2 ** self.p["adc_bits"]  # two's complement
        await FallingEdge(self.dut.clk)
        if self.in_flight is not None:
            self.neurons[self.in_flight[0]] = self.in_flight[1]
        self.in_flight = (neuron, self.entry(code)) if valid else None
        if None in self.neurons:
            return
        unused = [0] * (self.p["lanes"] - self.p["hidden"])
        self.board.expect([*self.neurons, *unused], f"lanes after code {code} of neuron {neuron}, valid {valid}")
        self.board.observe(self.lanes())


async def started(dut: Any) -> Driver:
    await start(dut, valid=0, code=0, neuron=0, write=0, write_address=0, write_data=0)
    return Driver(dut, Scoreboard("activation"))


@cocotb.test()
async def evaluations(dut: Any) -> None:
    """Every code of every neuron, back to back; then gaps and neurons at random; both again with a new table."""
    p = parameters()
    rng, half, hidden = random.Random(p["seed"]), 2 ** (p["adc_bits"] - 1), p["hidden"]
    driver = await started(dut)
    for _ in range(2):
        await driver.load([rng.randrange(2 ** (p["input_bits"] - 1)) for _ in range(2 ** p["table_bits"])])
        for code in range(-half, half):
            for neuron in range(hidden):
                await driver.cycle(valid=1, code=code if neuron % 2 else ~code, neuron=neuron)
        for _ in range(500):
            code, neuron = rng.randrange(-half, half), rng.randrange(hidden)
            await driver.cycle(valid=int(rng.random() < 0.5), code=code, neuron=neuron)
        for _ in range(3):
            await driver.cycle(code=half - 1)
    driver.board.finish()


@cocotb.test()
async def sigmoids(dut: Any) -> None:
    """With the product's table a lane is the sigmoid at its full scale.

    It is off by half a code of rounding, plus, where the table has fewer bits than the ADC, the steepest slope of the
    sigmoid, 1/4, times the distance from a code to the middle of its bin. Opposite codes add up to full scale but for
    a code of rounding.
    """
    p = parameters()
    half, top = 2 ** (p["adc_bits"] - 1), 2 ** (p["input_bits"] - 1) - 1
    step, codes_a_bin = p["hidden_eval_range"] / half, 2 ** (p["adc_bits"] - p["table_bits"])
    bound = 0.5 + 1e-6 + top / 4 * (codes_a_bin - 1) / 2 * step  # 1e-6: float errors, far below
    driver = await started(dut)
    await driver.load(p["table"])
    for code in range(-half, half):
        await driver.cycle(valid=1, code=code)
        await driver.cycle(valid=1, code=~code, neuron=p["hidden"] - 1)
        await driver.cycle()
        lanes = driver.lanes()
        exact = top / (1 + math.exp((code + 0.5) * step))  # of ~code, which the last neuron was given
        assert abs(lanes[p["hidden"] - 1] - exact) <= bound, f"code {~code}: {lanes}, sigmoid {exact}"
        if p["hidden"] > 1:
            assert abs(lanes[0] + lanes[p["hidden"] - 1] - top) <= 1, f"code {code}: {lanes}"
    assert driver.board.compared or p["hidden"] > 2
