"""Bench of `SoftmaxLikelihood`: each cycle against plain integers, samples against a softmax in real numbers.

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

TRAINED, VOTED = "valid", "voted"
UNITS = 32
"""Of powers, an octave."""


def added(distance: int) -> int:
    """What the sum of two powers is above the larger one, in 1/32 octave."""
    return round(UNITS * math.log2(1 + 2 ** (-distance / UNITS))) if distance < 256 else 0


class Driver:
    """Drives one cycle after another. An evaluation is folded one cycle after it is given, and a whole sample added.

    A clear drops the sample whose answers came before it, and one of the sum that sum, and none that are given with it.
    """

    def __init__(self, dut: Any, board: Scoreboard):
        self.dut, self.board, self.p = dut, board, parameters()
        self.table: list[int] = []
        self.total = self.so_far = self.own = self.output = 0
        self.pending: tuple[str, int, int] | None = None

    def power(self, code: int) -> int:
        p = self.p
        return self.table[(code + 2 ** (p["adc_bits"] - 1)) // 2 ** (p["adc_bits"] - p["table_bits"])]

    async def load(self, table: Sequence[int]) -> None:
        self.table = list(table)
        for address, entry in enumerate(table):
            self.dut.write.value, self.dut.write_address.value, self.dut.write_data.value = 1, address, entry
            await FallingEdge(self.dut.clk)
        self.dut.write.value = 0

    def fold(self) -> tuple[int, int, int, int, int]:
        """Of the evaluation given last: power, the sum with it, whether it is its sample's last and adds, and what."""
        assert self.pending is not None
        kind, power, label = self.pending
        grows = power > self.so_far
        distance = power - self.so_far - 1 if grows else self.so_far - power
        so_far = max(power, self.so_far) + added(distance) if self.output else power
        self.own = power if label and kind == TRAINED else self.own
        last = self.output == self.p["outputs"] - 1
        entry = (so_far - self.own) * 2 ** self.p["fraction_bits"] // UNITS if last and kind == TRAINED else 0
        return power, so_far, int(last), int(kind == TRAINED), entry

    async def cycle(self, kind: str = "", code: int = 0, label: int = 0, *, clear: int = 0, clear_sum: int = 0) -> None:
        """One cycle with an evaluation or without; then what the block says of the one given in it."""
        dut = self.dut
        dut.valid.value, dut.voted.value, dut.label_s.value = int(kind == TRAINED), int(kind == VOTED), label
        dut.code.value = code % 2 ** self.p["adc_bits"]
        dut.clear.value, dut.clear_sum.value = clear | clear_sum, clear_sum
        await FallingEdge(dut.clk)
        if self.pending:
            _, self.so_far, last, _, entry = self.fold()
            self.total, self.output = self.total + entry, 0 if last else self.output + 1
        self.output = 0 if clear or clear_sum else self.output
        self.total = 0 if clear_sum else self.total
        self.pending = (kind, self.power(code), label) if kind else None
        due: tuple[int | None, ...] = (None,) * 5 if not kind else self.fold()
        entry = due[4] or 0
        self.board.expect((*due, self.total, self.total + entry), f"after {kind or 'no'} code {code}, label {label}")
        found = [dut.power, dut.log_sum, dut.last, dut.adding, dut.entry]
        seen = [int(port.value) if kind else None for port in found]
        self.board.observe((*seen, dut.sum.value.to_unsigned(), dut.next_sum.value.to_unsigned()))
        assert int(dut.folding.value) == bool(kind) and int(dut.voting.value) == (kind == VOTED)
        assert int(dut.whole.value) == bool(kind == TRAINED and due[2])

    async def sample(self, codes: Sequence[int], label: int, kind: str = TRAINED) -> None:
        for output, code in enumerate(codes):
            await self.cycle(kind, code, int(output == label))


async def started(dut: Any) -> Driver:
    await start(dut, clear=0, clear_sum=0, valid=0, voted=0, code=0, label=0, write=0, write_address=0, write_data=0)
    return Driver(dut, Scoreboard("softmax"))


@cocotb.test()
async def samples(dut: Any) -> None:
    """Whole samples back to back and with gaps, cut short by clears, and an inference's in between."""
    p = parameters()
    rng, half = random.Random(p["seed"]), 2 ** (p["adc_bits"] - 1)
    driver = await started(dut)
    for load in range(2):
        top = 2 ** p["power_bits"] - 1
        least = top - 40 if load else 0  # far apart, and near to each other
        await driver.load([rng.randint(least, top) for _ in range(2 ** p["table_bits"])])
        await driver.cycle(clear_sum=1)
        for _ in range(80):
            codes = [rng.randrange(-half, half) for _ in range(p["outputs"])]
            await driver.sample(codes, rng.randrange(p["outputs"]), rng.choice([TRAINED, TRAINED, VOTED]))
            if rng.random() < 0.3:
                await driver.cycle()
            if rng.random() < 0.2:  # a sweep that ends within a sample
                await driver.cycle(TRAINED, rng.randrange(-half, half), 1)
                await driver.cycle(clear=1, clear_sum=rng.getrandbits(1))
    driver.board.finish()


@cocotb.test()
async def log_softmax(dut: Any) -> None:
    """With the table that the host loads, the sum of samples is -log2 of their softmax, to K / 32 each."""
    p = parameters()
    rng, half, one = random.Random(p["seed"]), 2 ** (p["adc_bits"] - 1), 2 ** p["fraction_bits"]
    driver = await started(dut)
    await driver.load(p["table"])
    await driver.cycle(clear_sum=1)
    exact = 0.0
    codes_a_bin = 2 ** (p["adc_bits"] - p["table_bits"])
    for number in range(1, 60):
        codes, label = [rng.randrange(-half, half) for _ in range(p["outputs"])], rng.randrange(p["outputs"])
        y = [(code // codes_a_bin + 0.5) * codes_a_bin * p["eval_range"] / half for code in codes]
        exact += math.log2(sum(math.exp(value - y[label]) for value in y))
        await driver.sample(codes, label)
        await driver.cycle()
        error = dut.sum.value.to_unsigned() / one - exact
        assert abs(error) <= number * p["outputs"] / UNITS, f"{number} samples: {error} bits off"
    driver.board.finish()


@cocotb.test()
async def never_wraps(dut: Any) -> None:
    """As many samples as the chip has room for, each at the largest term there is."""
    p = parameters()
    driver = await started(dut)
    await driver.load([0] + [2 ** p["power_bits"] - 1] * (2 ** p["table_bits"] - 1))
    await driver.cycle(clear_sum=1)
    half = 2 ** (p["adc_bits"] - 1)
    for _ in range(p["samples"]):
        await driver.sample([-half] + [half - 1] * (p["outputs"] - 1), 0)
    await driver.cycle()
    assert driver.total > p["samples"] * (2 ** p["power_bits"] - 1), "the bench itself lost a sample"
    driver.board.finish()
