"""Bench of `oxmc.hdl.row_counters.RowCounters`: totals in every cycle and each fetch against integers in Python."""

from __future__ import annotations

import random
from collections.abc import Iterable

import cocotb

from oxmc.tb.blocks.cycles import cycle
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

STROBES = ("restart", "begin", "bump", "store", "store_zero", "fetch", "begin_vote", "vote")


class Model:
    """The counters of all rows and what the chip reports of them; `counter` is None until something was fetched."""

    def __init__(self, counter_bits: int, lost_bits: int):
        self.largest, self.most_lost = 2**counter_bits - 1, 2**lost_bits - 1
        self.count = self.total = self.lost = 0
        self.rows: dict[int, int] = {}
        self.counter: int | None = None

    def clock(self, row: int, fetch_row: int, **strobes: int) -> None:
        """One edge: what is fetched, stored or added is what stood there before it."""
        if strobes.get("vote"):
            assert self.counter is not None
            self.total += self.counter
        if strobes.get("fetch"):
            self.counter = self.rows.get(fetch_row)
        if strobes.get("store"):
            self.rows[row] = self.count
        if strobes.get("store_zero"):
            self.rows[row] = 0
        if strobes.get("begin"):
            self.count = 1
        elif strobes.get("bump") and self.count < self.largest:
            self.count += 1
        elif strobes.get("bump"):
            self.lost = min(self.lost + 1, self.most_lost)
        if strobes.get("restart"):
            self.count = self.lost = 0
        if strobes.get("restart") or strobes.get("begin_vote"):
            self.total = 0


class Bench:
    """Clocks the design and the model together and compares them in every cycle."""

    def __init__(self, dut, name: str):
        p = parameters()
        self.dut, self.rng, self.row_capacity = dut, random.Random(p["seed"]), p["row_capacity"]
        self.model = Model(p["counter_bits"], p["lost_bits"])
        self.board = Scoreboard(name)

    async def start(self) -> None:
        await start(self.dut, **dict.fromkeys((*STROBES, "row", "fetch_row"), 0))

    async def clock(self, row: int = 0, fetch_row: int = 0, **strobes: int) -> None:
        """One cycle with these strobes; a counter that was fetched has to hold until the next fetch."""
        model = self.model
        note = f"before {strobes} of row {row}, {fetch_row}"
        self.board.expect((model.count, model.total, model.lost, model.counter), note)
        outputs = ("count", "total", "lost", *(() if model.counter is None else ("counter",)))
        driven = {name: strobes.get(name, 0) for name in STROBES}
        driven |= dict(row=row, fetch_row=fetch_row)
        seen = await cycle(self.dut, outputs, **driven)
        self.board.observe((seen["count"], seen["total"], seen["lost"], seen.get("counter")))
        model.clock(row, fetch_row, **strobes)

    async def count(self, rejections: int) -> None:
        """A row that is accepted and then rejects so many proposals."""
        await self.clock(begin=1)
        for _ in range(rejections):
            await self.clock(bump=1)

    async def vote(self, rows: Iterable[int]) -> None:
        """As the inference does it: a counter is added in the cycle after its fetch, in which the next is fetched."""
        fetched = 0
        for row in rows:
            await self.clock(fetch=1, fetch_row=row, vote=fetched)
            fetched = 1
        await self.clock(vote=fetched)

    async def finish(self) -> None:
        await self.clock()
        self.board.finish()


@cocotb.test()
async def saturation(dut) -> None:
    """Counts up to the largest, at it and beyond, with idle cycles between; lost counts saturate, too."""
    bench = Bench(dut, "saturation")
    largest, most_lost = bench.model.largest, bench.model.most_lost
    await bench.start()
    rejections = (0, 1, largest - 1, largest, largest + 3, largest + min(most_lost, 5) + 2)
    for row, rejected in enumerate(rejections):
        await bench.count(rejected)
        await bench.clock()
        await bench.clock(store=1, row=row)
        await bench.clock(fetch=1, fetch_row=row)
    lost = sum(max(0, 1 + rejected - largest) for rejected in rejections)  # a row begins at 1
    assert bench.model.lost == min(most_lost, lost)
    await bench.clock(restart=1)
    await bench.finish()


@cocotb.test()
async def every_row(dut) -> None:
    """As the trainer does it: each row's count is stored in the cycle in which the next row begins. Then read back."""
    bench = Bench(dut, "every row")
    await bench.start()
    await bench.clock(begin=1)
    for row in range(bench.row_capacity):
        for _ in range(bench.rng.randrange(6)):
            await bench.clock(bump=1)
        await bench.clock(store=1, begin=1, row=row)
    order = list(range(bench.row_capacity))
    bench.rng.shuffle(order)
    for row in order:
        await bench.clock(fetch=1, fetch_row=row)
        assert bench.model.counter is not None
        for _ in range(bench.rng.randrange(2)):
            await bench.clock(fetch_row=order[0])
    await bench.finish()


@cocotb.test()
async def votes(dut) -> None:
    """The total is that of the counters which voted since the last begin or restart; the memory stays."""
    bench = Bench(dut, "votes")
    await bench.start()
    last = bench.row_capacity - 1
    rows = sorted({0, 1, 2, last // 2, last - 1, last})
    for number, row in enumerate(rows):
        await bench.count(number)
        await bench.clock(store=1, row=row)
    for first in range(len(rows)):
        await bench.clock(begin_vote=1)
        await bench.vote(rows[first:])
        assert bench.model.total == sum(min(1 + number, bench.model.largest) for number in range(first, len(rows)))
        await bench.clock(store=1, row=last)  # adds nothing
    await bench.clock(restart=1)
    assert bench.model.total == 0
    await bench.vote([])
    await bench.finish()


@cocotb.test()
async def skipped_rows(dut) -> None:
    """As the trainer skips rows: zeros between the counters of others, while the current row's count goes on."""
    bench = Bench(dut, "skipped rows")
    await bench.start()
    await bench.clock(begin=1)
    row, current, counts = 1, 0, {}
    for skips in (0, 1, 3, 0, 2):
        for _ in range(skips):
            for _ in range(2):
                await bench.clock(bump=1)
            await bench.clock(store_zero=1, row=row)
            counts[row], row = 0, row + 1
        counts[current] = min(1 + 2 * skips, bench.model.largest)
        await bench.clock(store=1, begin=1, row=current)
        current, row = row, row + 1
    for number, count in counts.items():
        await bench.clock(fetch=1, fetch_row=number)
        assert bench.model.counter == count
    await bench.clock(begin_vote=1)
    await bench.vote(counts)
    assert bench.model.total == sum(counts.values())
    await bench.finish()


@cocotb.test()
async def largest_total(dut) -> None:
    """Every row at the largest count: the total holds it."""
    bench = Bench(dut, "largest total")
    await bench.start()
    await bench.count(bench.model.largest - 1)
    for row in range(bench.row_capacity):
        await bench.clock(store=1, row=row)
    await bench.vote(range(bench.row_capacity))
    assert bench.model.total == bench.row_capacity * bench.model.largest
    await bench.finish()


@cocotb.test()
async def random_sequence(dut) -> None:
    """Few rows, so that a fetch often meets a store of the same row. Votes between restarts never fill the total."""
    bench = Bench(dut, "random")
    rng, cells = bench.rng, bench.row_capacity
    await bench.start()
    votes = 0
    for _ in range(1500):
        if rng.random() < 0.01 or votes == cells:
            votes = 0
            await bench.clock(**{rng.choice(("restart", "begin_vote")): 1})
        choices: tuple[dict[str, int], ...] = (
            dict(bump=1),
            dict(store=1),
            dict(begin=1),
            dict(store=1, begin=1),
            dict(store_zero=1),
            {},
            dict(bump=1),
        )
        strobes = rng.choice(choices)
        row, fetch_row = rng.randrange(8), rng.randrange(8)
        fetch = int(fetch_row in bench.model.rows and rng.random() < 0.5)
        vote = int(bench.model.counter is not None and rng.random() < 0.3)
        votes += vote
        await bench.clock(row, fetch_row, fetch=fetch, vote=vote, **strobes)
    await bench.finish()
