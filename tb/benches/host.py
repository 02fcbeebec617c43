"""Bench of `hdl.host.Host`: every output in every cycle against the address map, typed in again here."""

from __future__ import annotations

import random

import cocotb

from tb.benches.cycles import cycle
from tb.benches.scoreboard import Scoreboard, parameters, start

SETTINGS, STATUS, COUNTERS, LUT, LIKELIHOOD, RESPONSE, SAMPLES = range(7)
MEMORIES = (LUT, LIKELIHOOD, RESPONSE, SAMPLES)
INDEX_BITS = 20
COMMAND, SEED_LOW, SEED_HIGH = 0, 8, 9
NAMES = "last_row last_sample last_test burn_in max_proposals prior_multiplier prior_shift".split()
OPTIONS = "verify_window verify_tries common_mode reject_limit hard_above".split()
REGISTERS = dict(enumerate(NAMES, 1)) | dict(enumerate(OPTIONS, 10))
"""Settings by index; those from 10 on exist only where the option is built in."""
COMMANDS = {1: "build_map", 2: "train", 3: "infer"}
SEEDS = {SEED_LOW: "seed_low", SEED_HIGH: "seed_high"}
_STATUS_NAMES = "last_row proposals clamps lost_counts total_counts current_cost skipped".split()
STATUSES = [f"status_{name}" for name in _STATUS_NAMES]
STROBES = ("bus_ready", "writing", "fetch_counter", *COMMANDS.values(), *SEEDS.values())
WORDS = (0, 1, 2**32 - 1, 0x5555_5555, 0xAAAA_AAAA)


class Bench:
    """Drives transfers and compares each cycle of them; `counter` answers like a memory, one cycle after its strobe."""

    def __init__(self, dut, name: str):
        p = parameters()
        self.dut, self.rng, self.widths = dut, random.Random(p["seed"]), p["widths"]
        self.counters = [self.rng.getrandbits(p["counter_bits"]) for _ in range(p["rows"])]
        self.settings = dict.fromkeys(self.widths, 0)
        self.status = [0] * len(STATUSES)
        self.counter = 0
        self.board = Scoreboard(name)

    async def start(self) -> None:
        bus = ("bus_valid", "bus_write", "bus_address", "bus_write_data")
        await start(self.dut, **dict.fromkeys((*bus, "busy", "counter", *STATUSES), 0))
        await self.idle()

    def word(self) -> int:
        return self.rng.choice((*WORDS, *(self.rng.getrandbits(32) for _ in WORDS)))

    async def _clock(self, high: set[str], address: int, note: str, answer: int | None = None, **driven: int) -> None:
        """One cycle in which just the strobes `high` are seen, and `answer` where the design answers."""
        outputs = (*STROBES, *self.widths, "space", "index", "bus_read_data")
        seen = await cycle(self.dut, outputs, bus_address=address, counter=self.counter, **driven)
        strobes = {name for name in STROBES if seen[name]}
        target = (address >> INDEX_BITS, address & (1 << INDEX_BITS) - 1)
        shown = {"writing", "fetch_counter"} & high
        self.board.expect((high, target if shown else None, answer, self.settings), note)
        self.board.observe(
            (
                strobes,
                (seen["space"], seen["index"]) if shown else None,
                seen["bus_read_data"] if answer is not None else None,
                {name: seen[name] for name in self.widths},
            )
        )
        if seen["fetch_counter"]:
            self.counter = self.counters[seen["index"] % len(self.counters)]

    async def idle(self, cycles: int = 1, busy: int = 0) -> None:
        """No transfer; the rest of the bus is noise."""
        for _ in range(cycles):
            noise = dict(bus_write=self.rng.getrandbits(1), bus_write_data=self.word())
            space = self.rng.choice((SETTINGS, COUNTERS))
            address = space << INDEX_BITS | self.rng.randrange(16)
            await self._clock(set(), address, "idle", bus_valid=0, busy=busy, **noise)

    async def _begin(self, address: int, stall: int, note: str, **driven: int) -> None:
        """Hold a transfer for `stall` cycles in which the chip is busy: nothing happens."""
        for _ in range(stall):
            await self._clock(set(), address, f"stalled {note}", busy=1, bus_valid=1, **driven)

    async def write(self, space: int, index: int, word: int, stall: int = 0) -> None:
        """One cycle once the chip is not busy; a setting shows from the next one on."""
        address, note = space << INDEX_BITS | index, f"write {word:#x} to {space}:{index}"
        driven = dict(bus_write=1, bus_write_data=word)
        await self._begin(address, stall, note, **driven)
        high = {"bus_ready", "writing"}
        if space == SETTINGS and index == COMMAND and word in COMMANDS:
            high.add(COMMANDS[word])
        if space == SETTINGS and index in SEEDS:
            high.add(SEEDS[index])
        await self._clock(high, address, note, busy=0, bus_valid=1, **driven)
        name = REGISTERS.get(index)
        if space == SETTINGS and name in self.widths:
            self.settings = self.settings | {name: word % 2 ** self.widths[name]}

    async def read(self, space: int, index: int, stall: int = 0) -> None:
        """Two cycles once the chip is not busy: status as it stands, a counter as its memory holds it."""
        address, note = space << INDEX_BITS | index, f"read {space}:{index}"
        driven = dict(bus_write=0, bus_write_data=self.word())
        self.status = [self.word() for _ in STATUSES]
        driven |= dict(zip(STATUSES, self.status, strict=True))
        await self._begin(address, stall, note, **driven)
        fetch = {"fetch_counter"} if space == COUNTERS else set()
        await self._clock(fetch, address, note, busy=0, bus_valid=1, **driven)
        answer = self.counters[index] if space == COUNTERS else self.status[index]
        await self._clock({"bus_ready"}, address, note, answer, busy=0, bus_valid=1, **driven)

    async def finish(self) -> None:
        await self.idle(3)
        self.board.finish()


@cocotb.test()
async def settings(dut) -> None:
    """Each register takes the low bits of a word and disturbs no other; what is no setting does nothing."""
    bench = Bench(dut, "settings")
    await bench.start()
    for index in (*range(1, 8), *range(10, 16), *range(7, 0, -1)):
        for word in (*WORDS, *(bench.word() for _ in range(3))):
            await bench.write(SETTINGS, index, word)
        await bench.idle()
    await bench.finish()


@cocotb.test()
async def commands(dut) -> None:
    """A command or a seed is a strobe of one cycle, also twice in a row; other words are no command."""
    bench = Bench(dut, "commands")
    await bench.start()
    for command in (1, 2, 3, 1, 1, 3, 3, 2, 2):
        await bench.write(SETTINGS, COMMAND, command)
    for word in (0, 4, 5, 7, 0x11, 0x101, 0x1_0002, 0x8000_0003, 2**32 - 1):
        await bench.write(SETTINGS, COMMAND, word)
    for index in (SEED_LOW, SEED_HIGH, SEED_LOW, SEED_LOW, SEED_HIGH, COMMAND, SEED_HIGH):
        await bench.write(SETTINGS, index, 2)
        await bench.idle(bench.rng.randrange(2))
    await bench.finish()


@cocotb.test()
async def memories(dut) -> None:
    """Words for the memories come out as space and index, whatever the index; settings and commands don't move."""
    bench = Bench(dut, "memories")
    await bench.start()
    for index in range(1, 8):
        await bench.write(SETTINGS, index, bench.word())
    for space in (STATUS, COUNTERS, *MEMORIES):
        for index in (*range(16), 2**INDEX_BITS - 1, *(1 << bit for bit in range(4, INDEX_BITS))):
            await bench.write(space, index, bench.rng.choice((1, 2, 3, bench.word())))
    await bench.finish()


@cocotb.test()
async def reads(dut) -> None:
    """Each status register and each row's counter, back to back and with gaps."""
    bench = Bench(dut, "reads")
    await bench.start()
    for gap in (0, 1):
        for index in range(len(STATUSES)):
            await bench.read(STATUS, index)
            await bench.idle(gap)
    for row in range(len(bench.counters)):
        await bench.read(COUNTERS, row)
    for row in (5, 5, 0, len(bench.counters) - 1):
        await bench.read(COUNTERS, row)
        await bench.idle(2)
        await bench.read(STATUS, row % len(STATUSES))
    await bench.finish()


@cocotb.test()
async def stalls(dut) -> None:
    """What comes while the chip is busy waits, and then happens once."""
    bench = Bench(dut, "stalls")
    await bench.start()
    for stall in (1, 2, 7):
        await bench.write(SETTINGS, COMMAND, 2)
        for index in range(10):
            await bench.write(SETTINGS, index, 3 + stall * (index > 0), stall)
        await bench.write(SAMPLES, 77, bench.word(), stall)
        await bench.read(STATUS, 3, stall)
        await bench.read(COUNTERS, 3, stall)
        await bench.idle(2, busy=1)
        await bench.read(COUNTERS, 4, stall)
    await bench.finish()


@cocotb.test()
async def random_transfers(dut) -> None:
    bench = Bench(dut, "random")
    rng = bench.rng
    await bench.start()
    for _ in range(700):
        stall = rng.choice((0, 0, 0, 1, 4))
        match rng.randrange(5):
            case 0:
                await bench.write(SETTINGS, rng.randrange(16), rng.choice((1, 2, 3, bench.word())), stall)
            case 1:
                await bench.write(rng.choice(MEMORIES), rng.getrandbits(INDEX_BITS), bench.word(), stall)
            case 2:
                await bench.read(STATUS, rng.randrange(len(STATUSES)), stall)
            case 3:
                await bench.read(COUNTERS, rng.randrange(len(bench.counters)), stall)
            case 4:
                await bench.idle(rng.randrange(1, 4), busy=rng.getrandbits(1))
    await bench.finish()
