"""Bench of `hdl.sample_order.SampleOrder`: sweeps as the trainer makes them, whole ones and ones cut short, against
lists in Python; every look-up in every cycle.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb

from oxmc.tb.blocks.cycles import cycle
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

INPUTS = "restart clear keep fetch position last_sample hard_above adding entry sample last_output".split()


def next_order(order: list[int], hard: set[int]) -> list[int]:
    """Hard samples in the order of their evaluation, then the others, the last one evaluated first."""
    return [s for s in order if s in hard] + [s for s in reversed(order) if s not in hard]


class Bench:
    """Drives one cycle after another. `order` is that of the running sweep, None before the first `keep`."""

    def __init__(self, dut: Any, name: str):
        p = parameters()
        self.dut, self.rng, self.board = dut, random.Random(p["seed"]), Scoreboard(name)
        self.outputs, self.top, self.capacity = p["outputs"], 2 ** p["likelihood_bits"] - 1, p["capacity"]
        self.order: list[int] | None = None
        self.index: int | None = None  # of the last look-up; it holds
        self.samples, self.hard_above = 1, 0
        self.pending: list[int] = []  # the order that a keep makes the running one

    async def start(self) -> None:
        await start(self.dut, **dict.fromkeys(INPUTS, 0))

    async def clock(self, *, fetch: int | None = None, **driven: int) -> None:
        """One cycle, with a look-up of position `fetch`; what is not asked for is anything."""
        idle = dict.fromkeys(("restart", "clear", "keep", "adding"), 0)
        noise = dict(entry=self.rng.randint(0, self.top), sample=self.rng.randrange(self.capacity))
        noise |= dict(position=self.rng.randrange(self.capacity), last_output=self.rng.getrandbits(1))
        driven = idle | noise | dict(last_sample=self.samples - 1, hard_above=self.hard_above) | driven
        driven |= dict(fetch=0) if fetch is None else dict(fetch=1, position=fetch)
        filing = driven["adding"] & driven["last_output"]
        self.board.expect((int(self.order is not None), filing, self.index), f"before {driven}")
        outputs = ("ordered", "filing") if self.index is None else ("ordered", "filing", "index")
        seen = await cycle(self.dut, outputs, **driven)
        self.board.observe((seen["ordered"], seen["filing"], seen.get("index")))
        if fetch is not None and self.order is not None:
            self.index = self.order[fetch]

    async def restart(self, samples: int, hard_above: int) -> None:
        """A new training."""
        self.samples, self.hard_above = samples, hard_above
        await self.clock(restart=1)
        self.order = None

    async def sweep(self, entries: list[list[int]], evaluations: int, gaps: float = 0.0) -> list[int]:
        """Add so many evaluations in the running order, each sample's index looked up a position ahead; the next order.

        `entries` are by sample and output.
        """
        order = self.order or list(range(self.samples))
        looks: list[int | None] = list(range(self.samples)) if self.order else [None]
        await self.clock(fetch=looks[0])
        for number in range(evaluations):
            while self.rng.random() < gaps:
                await self.clock()
            position, output = divmod(number, self.outputs)
            sample, last_output = order[position], int(output == self.outputs - 1)
            ahead = position + 1 if last_output and position + 1 < len(looks) else None
            addition = dict(adding=1, entry=entries[sample][output], sample=sample, last_output=last_output)
            await self.clock(fetch=ahead, **addition)
        return next_order(order, {s for s in order if max(entries[s]) > self.hard_above})

    def entries(self) -> list[list[int]]:
        """By sample and output; often at the border of hard."""
        edge = [self.hard_above, min(self.top, self.hard_above + 1), 0, self.top]
        share = self.rng.random()  # of samples at the border; the others are easy

        def entry() -> int:
            return self.rng.choice(edge) if self.rng.random() < share else self.rng.randint(0, self.hard_above)

        return [[entry() for _ in range(self.outputs)] for _ in range(self.samples)]

    async def proposal(self, accept: bool, keep: bool, cut: int | None = None, gaps: float = 0.0) -> bool:
        """One proposal from `clear`, which comes along with the `keep` of the one before. An accepted one is whole."""
        await self.clock(clear=1, keep=int(keep))
        if keep:
            self.order = self.pending
        every = self.samples * self.outputs
        self.pending = await self.sweep(self.entries(), every if accept or cut is None else min(cut, every), gaps)
        await self.clock()
        return accept

    async def look_at_all(self) -> None:
        """The order from its last position to its first."""
        if self.order:
            for position in reversed(range(self.samples)):
                await self.clock(fetch=position)
            await self.clock()


@cocotb.test()
async def corners(dut: Any) -> None:
    """All hard, none, just so; any output makes a sample hard; one sample, two, and as many as the memory holds."""
    bench = Bench(dut, "orders")
    await bench.start()
    everything = (1, 2, 3, 8) + ((bench.capacity,) if bench.outputs == 1 else ())
    for samples in everything:
        for hard_above in (0, bench.top // 2, bench.top) if samples < 100 else (bench.top // 2,):
            await bench.restart(samples, hard_above)
            kept = await bench.proposal(accept=True, keep=False)
            for _ in range(3):
                kept = await bench.proposal(accept=True, keep=kept)
                await bench.look_at_all()
    bench.board.finish()


@cocotb.test()
async def every_output(dut: Any) -> None:
    """A single hard evaluation, at each output of each sample, brings that sample to the front."""
    bench = Bench(dut, "outputs")
    await bench.start()
    await bench.restart(4, 7)
    for sample in range(4):
        for output in range(bench.outputs):
            await bench.clock(clear=1)
            order = bench.order or list(range(4))
            entries = [[8 * ((s, o) == (sample, output)) for o in range(bench.outputs)] for s in range(4)]
            after = await bench.sweep(entries, 4 * bench.outputs)
            await bench.clock(keep=1)
            assert after[0] == sample and sorted(after) == sorted(order)
            bench.order = after
            await bench.look_at_all()
    bench.board.finish()


@cocotb.test()
async def cut_sweeps(dut: Any) -> None:
    """Sweeps that end after any evaluation, in the middle of a sample too, leave nothing behind in the next one."""
    bench = Bench(dut, "cut sweeps")
    await bench.start()
    await bench.restart(4, bench.top // 2)
    kept = await bench.proposal(accept=True, keep=False)
    for cut in range(4 * bench.outputs + 1):
        kept = await bench.proposal(accept=False, keep=kept, cut=cut)
        kept = await bench.proposal(accept=True, keep=kept)
        await bench.look_at_all()
    bench.board.finish()


@cocotb.test()
async def random_trainings(dut: Any) -> None:
    bench = Bench(dut, "random")
    rng = bench.rng
    await bench.start()
    for _ in range(parameters()["trainings"]):
        await bench.restart(rng.randint(1, 20), rng.choice((0, 3, rng.randint(0, bench.top), bench.top)))
        kept = False
        for _ in range(8):
            cut = rng.randint(0, bench.samples * bench.outputs)
            kept = await bench.proposal(rng.random() < 0.5, kept, cut, gaps=rng.choice((0, 0.3)))
            if rng.random() < 0.3:
                await bench.look_at_all()
    bench.board.finish()
