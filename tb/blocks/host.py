"""Bench of `oxmc.hdl.host.Host`: every output in every cycle against the address map, typed in again here."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import cocotb

from oxmc.tb.blocks.cycles import cycle
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

SETTINGS, STATUS, COUNTERS, LUT, LIKELIHOOD, RESPONSE, SAMPLES, ACTIVATION = range(8)
INDEX_BITS = 20
INDICES = 2**INDEX_BITS
COMMAND, SEED_LOW, SEED_HIGH, CLEAR_ERRORS = 0, 8, 9, 20
NAMES = "last_row last_sample last_test burn_in max_proposals prior_multiplier prior_shift".split()
OPTIONS = (
    "verify_window verify_tries common_mode reject_limit hard_above condition_cycles calibration_last_row"
    " reward_exponent log2_kappa first_gate"
).split()
REGISTERS = dict(enumerate(NAMES, 1)) | dict(enumerate(OPTIONS, 10)) | {21: "temper"}
"""Settings by index; those from 10 on exist only where the option is built in."""
COMMANDS = dict(enumerate("build_map train infer form calibrate step done abort".split(), 1))
SEEDS = {SEED_LOW: "seed_low", SEED_HIGH: "seed_high"}
STATUSES = [
    f"status_{name}"
    for name in (
        "last_row proposals clamps lost_counts total_counts current_cost skipped state errors row current_cost_high"
    ).split()
]
ERRORS = "command address value busy protocol".split()
CONDITIONS = ("busy", "waiting", "mapped", "trained", "stepped", "counted")
WORDS = (0, 1, 2**32 - 1, 0x5555_5555, 0xAAAA_AAAA)
MOST_PROPOSALS = 2**24 - 1


@dataclasses.dataclass(frozen=True)
class Transfer:
    """One word on the bus."""

    write: bool
    space: int
    index: int
    word: int

    @property
    def address(self) -> int:
        return self.space << INDEX_BITS | self.index


class Map:
    """What docs/reference/ports.md says of each address, for the settings, memories and commands of this chip."""

    def __init__(self, p: dict[str, Any]):
        self.limits, self.commands = p["limits"], p["commands"]
        self.memories = {int(space): parts for space, parts in p["memories"].items()}
        self.rows, self.gate_codes, self.seed_bits = p["rows"], p["gate_codes"], p["lfsr_bits"]
        self.calibrates = p["calibrates"]

    def limit(self, index: int) -> tuple[int, int] | None:
        """Smallest and largest word of a setting that is no command, None where there is none."""
        if index in REGISTERS:
            found = self.limits.get(REGISTERS[index])
            return None if found is None else (found[0], found[1])
        high_bits = self.seed_bits - 32
        tops = {SEED_LOW: 2 ** min(32, self.seed_bits) - 1, CLEAR_ERRORS: 63}
        tops |= {SEED_HIGH: 2**high_bits - 1} if high_bits > 0 else {}
        return (0, tops[index]) if index in tops else None

    def memory_bits(self, space: int, index: int) -> tuple[int, bool] | None:
        """Bits of the word at `index` and whether it is signed, None where there is no such word."""
        for first, depth, width, stride, signed in self.memories.get(space, ()):
            entry, lane = divmod(index - first, stride)
            if 0 <= entry < depth and 32 * lane < width:
                return min(32, width - 32 * lane), signed
        return None

    def fits(self, t: Transfer) -> bool | None:
        """Whether the word fits; None where nothing can be written."""
        if t.space == SETTINGS:
            limit = self.limit(t.index)
            return None if limit is None else limit[0] <= t.word <= limit[1]
        found = self.memory_bits(t.space, t.index)
        if found is None:
            return None
        bits, signed = found
        value = t.word - (t.word >> 31 << 32) if signed else t.word
        return -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) if signed else value < 2**bits

    def readable(self, t: Transfer) -> bool:
        depths = {STATUS: len(STATUSES), COUNTERS: self.rows, LUT: self.gate_codes if self.calibrates else 0}
        return t.index < depths.get(t.space, 0)

    def refusal(self, t: Transfer, state: dict[str, int], settings: dict[str, int]) -> str:
        """The error that a transfer meets, or nothing."""
        if not t.write:
            if not self.readable(t):
                return "address"
            return "busy" if state["busy"] and t.space != STATUS else ""
        if t.space == SETTINGS and t.index == COMMAND:
            return self._command_refusal(t.word, state, settings)
        fits = self.fits(t)
        if fits is None:
            return "address"
        always = t.space == SETTINGS and t.index == CLEAR_ERRORS
        if state["busy"] and not always and not (state["waiting"] and t.space == SAMPLES):
            return "busy"
        return "" if fits else "value"

    def _command_refusal(self, word: int, state: dict[str, int], settings: dict[str, int]) -> str:
        name = COMMANDS.get(word) if word in self.commands else None
        waiting = state["waiting"]
        if name == "abort":
            return ""
        if state["busy"] and not waiting:
            return "busy"
        if name is None:
            return "command"
        if name in ("step", "done"):
            return "" if waiting and (name == "step" or state["stepped"]) else "protocol"
        if waiting or name == "train" and not state["mapped"] or name == "infer" and not state["trained"]:
            return "protocol"
        return "value" if name == "infer" and settings["last_test"] <= settings["last_sample"] else ""


class Bench:
    """Drives transfers and compares each cycle of them; `counter` answers like a memory, one cycle after its strobe."""

    def __init__(self, dut, name: str):
        p = parameters()
        self.dut, self.rng, self.map = dut, random.Random(p["seed"]), Map(p)
        self.counter_bits, self.lut_bits = p["counter_bits"], p["read_bits"]
        self.counters = [self.rng.getrandbits(self.counter_bits) for _ in range(p["rows"])]
        self.entries = [self.rng.getrandbits(self.lut_bits) for _ in range(p["gate_codes"])]
        self.settings = dict.fromkeys(p["limits"], 0) | {"max_proposals": MOST_PROPOSALS}
        self.state = dict.fromkeys(CONDITIONS, 0) | dict(mapped=1, trained=1, stepped=1, counted=1)
        self.counter = self.lut_entry = 0
        commands = [COMMANDS[command] for command in self.map.commands]
        self.strobes = ("bus_ready", "bus_error", "writing", "fetch_counter", "fetch_lut", "starting", *commands)
        self.strobes += tuple(SEEDS.values())
        self.board = Scoreboard(name)

    async def start(self) -> None:
        bus = ("bus_valid", "bus_write", "bus_address", "bus_write_data")
        await start(self.dut, **dict.fromkeys((*bus, *CONDITIONS, "counter", "lut_entry", *STATUSES), 0))
        await self.idle()

    def word(self) -> int:
        return self.rng.choice((*WORDS, *(self.rng.getrandbits(32) for _ in WORDS)))

    async def _clock(
        self, high: set[str], t: Transfer, note: str, answer: int | None = None, error: str = "", **driven: int
    ) -> None:
        """One cycle in which just the strobes `high` are seen and `answer` where the design answers."""
        outputs = (*self.strobes, *self.settings, "space", "index", "bus_read_data", "refused", "clear_errors")
        driven |= self.state | dict(counter=self.counter, lut_entry=self.lut_entry)
        driven |= dict(bus_write=int(t.write), bus_address=t.address, bus_write_data=t.word)
        seen = await cycle(self.dut, outputs, **driven)
        shown = {"writing", "fetch_counter", "fetch_lut"} & high
        refused = 1 << ERRORS.index(error) if error else 0
        clears = t.word if "writing" in high and (t.space, t.index) == (SETTINGS, CLEAR_ERRORS) else 0
        due_data = 0 if answer is None and "bus_ready" in high else answer
        place = (t.space, t.index) if shown else None
        self.board.expect((high, place, due_data, refused, clears, self.settings), f"{note} {self.state}")
        self.board.observe(
            (
                {name for name in self.strobes if seen[name]},
                (seen["space"], seen["index"]) if shown else None,
                seen["bus_read_data"] if due_data is not None else None,
                seen["refused"],
                seen["clear_errors"],
                {name: seen[name] for name in self.settings},
            )
        )
        if seen["fetch_counter"]:
            self.counter = self.counters[seen["index"]]
        if seen["fetch_lut"]:
            self.lut_entry = self.entries[seen["index"]]

    async def idle(self, cycles: int = 1) -> None:
        """No transfer; the rest of the bus is noise."""
        for _ in range(cycles):
            t = Transfer(bool(self.rng.getrandbits(1)), self.rng.choice((SETTINGS, COUNTERS)), 0, self.word())
            await self._clock(set(), dataclasses.replace(t, index=self.rng.randrange(16)), "idle", bus_valid=0)

    async def write(self, space: int, index: int, word: int) -> None:
        """One cycle: taken, and a setting shows from the next one on, or refused without a trace."""
        t = Transfer(True, space, index, word)
        error = self.map.refusal(t, self.state, self.settings)
        note = f"write {word:#x} to {space}:{index:#x}"
        if error:
            await self._clock({"bus_ready", "bus_error"}, t, note, error=error, bus_valid=1)
            return
        high = {"bus_ready", "writing"}
        if space == SETTINGS and index == COMMAND:
            high |= {COMMANDS[word]} | ({"starting"} if word < 6 else set())
        if space == SETTINGS and index in SEEDS:
            high.add(SEEDS[index])
        await self._clock(high, t, note, bus_valid=1)
        name = REGISTERS.get(index)
        if space == SETTINGS and name is not None:
            self.settings = self.settings | {name: word}

    async def read(self, space: int, index: int) -> None:
        """Two cycles: status as it stands, a counter as its memory holds it; or refused in the first."""
        t = Transfer(False, space, index, self.word())
        note, status = f"read {space}:{index:#x}", [self.word() for _ in STATUSES]
        status[0] = self.rng.choice((index, self.rng.randrange(len(self.counters)))) % len(self.counters)
        driven: dict[str, Any] = dict(zip(STATUSES, status, strict=True)) | {"bus_valid": 1}
        error = self.map.refusal(t, self.state, self.settings)
        if error:
            await self._clock({"bus_ready", "bus_error"}, t, note, error=error, **driven)
            return
        await self._clock({COUNTERS: {"fetch_counter"}, LUT: {"fetch_lut"}}.get(space, set()), t, note, **driven)
        if space == STATUS:
            answer = status[index]
        elif space == LUT:
            answer = self.entries[index]
        else:
            answer = self.counters[index] if self.state["counted"] and index <= status[0] else 0
        await self._clock({"bus_ready"}, t, note, answer, **driven)

    async def transfer(self, write: bool, space: int, index: int, word: int) -> None:
        await (self.write(space, index, word) if write else self.read(space, index))

    def edges(self, space: int) -> list[int]:
        """Indices about the ends of all that exists in a space, and those that a partial decoder would take for it."""
        places = {0, 1, 7, 31, 32, 255, 256, 512, INDICES - 1, *(1 << bit for bit in range(INDEX_BITS))}
        ends = [len(STATUSES), self.map.rows, self.map.gate_codes]
        for first, depth, width, stride, _ in self.map.memories.get(space, ()):
            lanes = -(-width // 32)
            ends += [first, first + lanes, first + stride, first + (depth - 1) * stride + lanes, first + depth * stride]
        places |= {end + off for end in ends for off in (-1, 0, 1)}
        return sorted(index for index in places if 0 <= index < INDICES)

    async def finish(self) -> None:
        await self.idle(3)
        self.board.finish()


@cocotb.test()
async def settings(dut) -> None:
    """Each register takes what fits, refuses what does not and disturbs no other."""
    bench = Bench(dut, "settings")
    await bench.start()
    for index in (*range(1, 32), *range(20, 0, -1)):
        limit = bench.map.limit(index)
        ends = (
            {0} if limit is None else {limit[0], limit[1], limit[1] + 1, 2 * limit[1] + 2, limit[1] // 3, limit[1] - 1}
        )
        words = [word & 2**32 - 1 for word in (*ends, *(1 << bit for bit in range(32)), *WORDS, bench.word())]
        bench.rng.shuffle(words)
        for word in words:
            await bench.write(SETTINGS, index, word)
        await bench.idle()
    await bench.finish()


@cocotb.test()
async def commands(dut) -> None:
    """A command or a seed is a strobe of one cycle, also twice in a row; other words are no command."""
    bench = Bench(dut, "commands")
    await bench.start()
    await bench.write(SETTINGS, 3, 1)
    for command in (1, 2, 3, 1, 1, 3, 3, 2, 2, 8, 4, 5, 6, 7):
        await bench.write(SETTINGS, COMMAND, command)
    for word in (
        0,
        9,
        15,
        0x11,
        0x12,
        0x101,
        0x1_0002,
        0x8000_0003,
        2**32 - 1,
        *(3 | 1 << bit for bit in range(4, 32)),
    ):
        await bench.write(SETTINGS, COMMAND, word)
    for index in (SEED_LOW, SEED_HIGH, SEED_LOW, SEED_LOW, SEED_HIGH, COMMAND, SEED_HIGH):
        await bench.write(SETTINGS, index, 2)
        await bench.idle(bench.rng.randrange(2))
    await bench.finish()


@cocotb.test()
async def commands_out_of_turn(dut) -> None:
    """Every command in every condition of the chip, with and without a test point."""
    bench = Bench(dut, "out of turn")
    await bench.start()
    for last_sample, last_test in ((0, 1), (1, 1), (1, 0), (0, 0)):
        bench.state |= dict(busy=0, waiting=0)
        await bench.write(SETTINGS, 2, last_sample)
        await bench.write(SETTINGS, 3, last_test)
        for bits in range(32):
            values = {name: bits >> bit & 1 for bit, name in enumerate(CONDITIONS[:-1])}
            bench.state |= values | {"waiting": values["waiting"] & values["busy"]}
            for command in range(10):
                await bench.write(SETTINGS, COMMAND, command)
    await bench.finish()


@cocotb.test()
async def every_space(dut) -> None:
    """Reads and writes about the ends of each space: no address stands for another."""
    bench = Bench(dut, "spaces")
    await bench.start()
    for space in range(8):
        for index in bench.edges(space):
            await bench.read(space, index)
            if space != SETTINGS or index:
                await bench.write(space, index, 1)
    await bench.finish()


@cocotb.test()
async def memories(dut) -> None:
    """Words for the memories come out as space and index where they fit; settings and commands don't move."""
    bench = Bench(dut, "memories")
    await bench.start()
    for index in (1, 2, 4, 6):
        await bench.write(SETTINGS, index, 2 + index)
    for space in range(LUT, ACTIVATION + 1):
        for index in bench.edges(space):
            bits, _ = bench.map.memory_bits(space, index) or (1, False)
            edge = 1 << bits - 1
            for word in {edge, edge - 1, 2 * edge - 1, 2 * edge, -edge, -edge - 1, bench.word()}:
                await bench.write(space, index, word & 2**32 - 1)
    await bench.finish()


@cocotb.test()
async def reads(dut) -> None:
    """Each status register, each row's counter and the LUT, back to back and with gaps; rows that were not filled."""
    bench = Bench(dut, "reads")
    await bench.start()
    for bench.state["counted"] in (1, 0, 1):
        for index in range(len(STATUSES)):
            await bench.read(STATUS, index)
            await bench.idle(index % 2)
        for row in (5, 5, 0, *range(len(bench.counters))):
            await bench.read(COUNTERS, row)
    for gate in range(len(bench.entries)):
        await bench.read(LUT, gate)
        await bench.read(STATUS, gate % len(STATUSES))
    await bench.finish()


@cocotb.test()
async def while_busy(dut) -> None:
    """No transfer waits: status is answered, ABORT and CLEAR_ERRORS are taken, an episode's own words, too."""
    bench = Bench(dut, "busy")
    await bench.start()
    bench.state["busy"] = 1
    for bench.state["waiting"] in (0, 1, 0):
        for index in range(len(STATUSES)):
            await bench.read(STATUS, index)
        for index in range(24):
            await bench.write(SETTINGS, index, 8 if index == COMMAND else 3)
        for command in range(10):
            await bench.write(SETTINGS, COMMAND, command)
        for space in range(1, 8):
            await bench.write(space, 0, 1)
            await bench.read(space, 0)
        await bench.idle(2)
    await bench.finish()


@cocotb.test()
async def broken_read(dut) -> None:
    """A read that is not held to its second cycle is a breach of the protocol; a write in its place does nothing."""
    bench = Bench(dut, "broken read")
    await bench.start()
    for space in (STATUS, COUNTERS):
        t, strobes = Transfer(False, space, 1, 0), {"fetch_counter"} if space == COUNTERS else set()
        await bench._clock(strobes, t, "first cycle", bus_valid=1)
        await bench._clock({"bus_ready"}, t, "gone", error="protocol", bus_valid=0)
        await bench._clock(strobes, t, "first cycle", bus_valid=1)
        write = Transfer(True, SETTINGS, 1, 5)
        await bench._clock({"bus_ready", "bus_error"}, write, "another", error="protocol", bus_valid=1)
        await bench.write(SETTINGS, 1, 6)
    await bench.finish()


@cocotb.test()
async def random_transfers(dut) -> None:
    bench = Bench(dut, "random")
    rng = bench.rng
    await bench.start()
    for _ in range(1500):
        if rng.random() < 0.3:
            bench.state = {name: rng.getrandbits(1) for name in CONDITIONS}
            bench.state["waiting"] &= bench.state["busy"]
        space = rng.choice((SETTINGS, SETTINGS, *range(8)))
        index = rng.choice((rng.randrange(32), rng.choice(bench.edges(space)), rng.getrandbits(INDEX_BITS)))
        await bench.transfer(bool(rng.getrandbits(1)), space, index, rng.choice((1, 2, 3, 8, bench.word())))
        await bench.idle(rng.randrange(2))
    await bench.finish()
