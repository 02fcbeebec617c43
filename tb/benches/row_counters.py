"""Bench of `hdl.row_counters.RowCounters`: totals in every cycle and each fetch against integers in Python."""

from __future__ import annotations

import random

import cocotb

from tb.benches.cycles import cycle
from tb.benches.scoreboard import Scoreboard, parameters, start

STROBES = ("restart", "begin", "bump", "store", "store_zero", "fetch")


class Model:
    """The counters of all rows and what the chip reports of them; `counter` is None until something was fetched."""

    def __init__(self, counter_bits: int, lost_bits: int):
        self.largest, self.most_lost = 2**counter_bits - 1, 2**lost_bits - 1
        self.count = self.total = self.lost = 0
        self.rows: dict[int, int] = {}
        self.counter: int | None = None

    def clock(self, row: int, burn_in: int, fetch_row: int, **strobes: int) -> None:
        """One edge: what is fetched or stored is what stood there before it."""
        if strobes.get("fetch"):
            self.counter = self.rows.get(fetch_row)
        if strobes.get("store"):
            self.rows[row] = self.count
            self.total += self.count if row >= burn_in else 0
        if strobes.get("store_zero"):
            self.rows[row] = 0
        if strobes.get("begin"):
            self.count = 1
        elif strobes.get("bump") and self.count < self.largest:
            self.count += 1
        elif strobes.get("bump"):
            self.lost = min(self.lost + 1, self.most_lost)
        if strobes.get("restart"):
            self.total = self.lost = 0


class Bench:
    """Clocks the design and the model together and compares them in every cycle."""

    def __init__(self, dut, name: str):
        p = parameters()
        self.dut, self.rng, self.row_capacity = dut, random.Random(p["seed"]), p["row_capacity"]
        self.model = Model(p["counter_bits"], p["lost_bits"])
        self.board = Scoreboard(name)
        self.burn_in = 0

    async def start(self) -> None:
        await start(self.dut, **dict.fromkeys((*STROBES, "row", "fetch_row", "burn_in"), 0))

    async def clock(self, row: int = 0, fetch_row: int = 0, **strobes: int) -> None:
        """One cycle with these strobes; a counter that was fetched has to hold until the next fetch."""
        model = self.model
        self.board.expect((model.total, model.lost, model.counter), f"before {strobes} of row {row}, {fetch_row}")
        outputs = ("total", "lost") if model.counter is None else ("total", "lost", "counter")
        driven = {name: strobes.get(name, 0) for name in STROBES}
        driven |= dict(row=row, fetch_row=fetch_row, burn_in=self.burn_in)
        seen = await cycle(self.dut, outputs, **driven)
        self.board.observe((seen["total"], seen["lost"], seen.get("counter")))
        model.clock(row, self.burn_in, fetch_row, **strobes)

    async def count(self, rejections: int) -> None:
        """A row that is accepted and then rejects so many proposals."""
        await self.clock(begin=1)
        for _ in range(rejections):
            await self.clock(bump=1)

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
    bench.burn_in = bench.row_capacity // 3
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
async def burn_in(dut) -> None:
    """The total starts with the row of the burn-in itself and is cleared by a restart only; the memory stays."""
    bench = Bench(dut, "burn-in")
    await bench.start()
    last = bench.row_capacity - 1
    await bench.count(2)
    for bench.burn_in in (0, 1, last // 2, last):
        for row in {0, bench.burn_in - 1, bench.burn_in, bench.burn_in + 1, last}:
            if 0 <= row <= last:
                await bench.clock(store=1, row=row)
        await bench.clock(restart=1)
    for row in (0, last):
        await bench.clock(fetch=1, fetch_row=row)
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
    assert bench.model.total == sum(counts.values())
    for number, count in counts.items():
        await bench.clock(fetch=1, fetch_row=number)
        assert bench.model.counter == count
    await bench.finish()


@cocotb.test()
async def largest_total(dut) -> None:
    """Every row at the largest count: the total holds it."""
    bench = Bench(dut, "largest total")
    await bench.start()
    await bench.count(bench.model.largest - 1)
    for row in range(bench.row_capacity):
        await bench.clock(store=1, row=row)
    assert bench.model.total == bench.row_capacity * bench.model.largest
    await bench.finish()


@cocotb.test()
async def random_sequence(dut) -> None:
    """Few rows, so that a fetch often meets a store of the same row. Stores between restarts never fill the total."""
    bench = Bench(dut, "random")
    rng, cells = bench.rng, bench.row_capacity
    await bench.start()
    stores = 0
    for _ in range(1500):
        if rng.random() < 0.01 or stores == cells:
            bench.burn_in, stores = rng.randrange(8), 0
            await bench.clock(restart=1)
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
        stores += strobes.get("store", 0)
        row, fetch_row = rng.randrange(8), rng.randrange(8)
        fetch = int(fetch_row in bench.model.rows and rng.random() < 0.5)
        await bench.clock(row, fetch_row, fetch=fetch, **strobes)
    await bench.finish()
