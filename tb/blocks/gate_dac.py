"""Bench of `oxmc.hdl.gate_dac.GateDac`: the answer to every read code by brute force, and the banks in every cycle.

The block stands in a wrapper with a write port to its LUT: `load`, `load_address`, `load_data`. With `verify` "cell" an
answer has the read code as a third part; with "pair" there are no banks, and a look-up is answered in the next cycle,
but whether the answer is near an end of the LUT at once.
With several gate DACs a fetch is answered for all cells of a group; rows here are whole groups.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import cocotb

from oxmc.tb.blocks.cycles import cycle
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

INPUTS = "build halt lookup lookup_code lookup_cell fetch fetch_cell keep load load_address load_data".split()

Answer = tuple[int, ...]
"""Gate code, 1 where the read code was clamped; with cell-wise verification the read code itself, with pair-wise 1
where the gate code is one of two at either end of the LUT."""


def nearest(lut: Sequence[int], code: int) -> Answer:
    """The lowest gate code of the nearest entry, by looking at all of them; clamped outside the span of the LUT."""
    gate = min(range(len(lut)), key=lambda i: (abs(lut[i] - code), i))
    near_end = int(gate < 2 or gate >= len(lut) - 2)
    more = {"off": (), "cell": (code,), "pair": (near_end,)}[parameters()["verify"]]
    return gate, int(code < lut[0] or code > lut[-1]), *more


def answer_ports() -> tuple[str, ...]:
    return ("gate", "clamped", "target") if parameters()["verify"] == "cell" else ("gate", "clamped")


def group_of(cell: int) -> slice:
    """The cells that are fetched with `cell`."""
    dacs = parameters()["gate_dacs"]
    return slice(cell - cell % dacs, cell - cell % dacs + dacs)


def answers_in(seen: Mapping[str, int]) -> tuple[Answer, ...]:
    """The answers to a fetch, one a gate DAC, from the outputs `answer_ports`."""
    p = parameters()
    widths = {"gate": max(1, (p["gate_codes"] - 1).bit_length()), "clamped": 1, "target": p["read_bits"]}
    return tuple(
        tuple(seen[name] >> widths[name] * lane & (2 ** widths[name] - 1) for name in answer_ports())
        for lane in range(p["gate_dacs"])
    )


def luts(entries: int, largest: int, rng: random.Random) -> Iterator[tuple[str, list[int]]]:
    """Named LUTs in non-decreasing order with values from 0 to `largest`."""
    last, half = entries - 1, entries // 2
    low, middle = largest // 4, largest // 2
    yield "uniform over half the span", [low + i * middle // last for i in range(entries)]
    yield "uniform from zero to full scale", [i * largest // last for i in range(entries)]
    yield "all equal", [middle] * entries
    yield "all zero", [0] * entries
    yield "all full scale", [largest] * entries
    yield "one step of everything", [0] * half + [largest] * (entries - half)
    yield "one steep step inside", [low] * half + [low + middle] * (entries - half)
    yield "step at the first entry", [0] + [middle] * last
    yield "step at the last entry", [middle] * last + [largest]
    yield "plateaus of three", [min(largest, 2 + i // 3 * 5) for i in range(entries)]
    yield "neighbours one apart", [min(largest, middle + i) for i in range(entries)]
    yield "odd and even gaps", [min(largest, 1 + i * (i + 1) // 2) for i in range(entries)]
    for i in range(4):
        yield f"random {i}", sorted(rng.randint(0, largest) for _ in range(entries))
    few = [rng.randint(0, largest) for _ in range(3)]
    yield "random plateaus", sorted(rng.choice(few) for _ in range(entries))


async def reset(dut) -> None:
    await start(dut, **dict.fromkeys(INPUTS, 0))


async def build(dut, lut: Sequence[int]) -> tuple[int, int, int]:
    """Load the LUT and build the code map: how many cycles `busy`, `searching` and `mapping` were high."""
    for i, entry in enumerate(lut):
        seen = await cycle(dut, ("mapped",), load=1, load_address=i, load_data=entry)
        assert i == 0 or not seen["mapped"], "a LUT that was written has no map"
    strobes = ("busy", "searching", "mapping")
    begun = await cycle(dut, strobes, load=0, build=1)
    assert not any(begun.values()), "a build starts in the cycle after its strobe"
    counts = dict.fromkeys(strobes, 0)
    limit = 10 * (len(lut) + 2 ** parameters()["read_bits"])
    for _ in range(limit):
        seen = await cycle(dut, (*strobes, "mapped"), build=0)
        assert seen["mapped"] == (not seen["busy"]), "the map is that of the LUT once it is whole"
        if not seen["busy"]:
            assert not seen["searching"] and not seen["mapping"]
            return counts["busy"], counts["searching"], counts["mapping"]
        counts = {name: counts[name] + seen[name] for name in strobes}
    raise AssertionError(f"the build has not ended after {limit} cycles")


def documented_build(entries: int, read_bits: int) -> tuple[int, int, int]:
    """Cycles of a build, LUT entries it reads (each once) and code map entries it writes."""
    return 1 + 2**read_bits + 2 * entries, entries, 2**read_bits


async def ask(dut, codes: Sequence[int]) -> list[Answer]:
    """Look up one code a cell in as many cycles; fetch them from the very cycle of `keep` on, the last one first."""
    if parameters()["verify"] == "pair":
        return await ask_at_once(dut, codes)
    for cell, code in enumerate(codes):
        await cycle(dut, lookup=1, lookup_code=code, lookup_cell=cell)
    assert (await cycle(dut, ("storing",), lookup=0))["storing"] == 1
    await cycle(dut, keep=1, fetch=1, fetch_cell=len(codes) - 1)
    answers = []
    for cell in reversed(range(len(codes))):
        driven = dict(fetch=1, fetch_cell=cell - 1) if cell else dict(fetch=0)
        seen = await cycle(dut, (*answer_ports(), "storing"), keep=0, **driven)
        assert not seen["storing"]
        answers.append(answers_in(seen)[cell % parameters()["gate_dacs"]])
    return answers[::-1]


async def ask_at_once(dut, codes: Sequence[int]) -> list[Answer]:
    """Look up one code a cycle, each answered in the next; then the last answer holds, whatever else is strobed."""
    answers = []
    outputs = ("gate", "clamped", "storing")
    near_end = (await cycle(dut, ("near_end",), lookup=1, lookup_code=codes[0]))["near_end"]
    for code in codes[1:]:
        seen = await cycle(dut, (*outputs, "near_end"), lookup=1, lookup_code=code)
        answers.append((seen["gate"], seen["clamped"], near_end))
        near_end = seen["near_end"]
        assert not seen["storing"], "nothing is stored"
    held = [await cycle(dut, outputs, lookup=0, lookup_code=0, fetch=i, keep=i) for i in (0, 1, 0)]
    assert held == held[:1] * 3, f"an answer has to hold until the next look-up: {held}"
    return [*answers, (held[0]["gate"], held[0]["clamped"], near_end)]


@cocotb.test()
async def every_code(dut) -> None:
    """Each LUT is loaded over the one before, and every read code is looked up."""
    p = parameters()
    codes, cells, board = range(2 ** p["read_bits"]), p["cells"], Scoreboard("every code")
    await reset(dut)
    for name, lut in luts(p["gate_codes"], codes[-1], random.Random(p["seed"])):
        board.expect(documented_build(len(lut), p["read_bits"]), f"building {name}")
        board.observe(await build(dut, lut))
        for first in range(0, len(codes), cells):
            batch = codes[first : first + cells]
            for code in batch:
                board.expect(nearest(lut, code), f"for code {code} of {name} {lut}")
            for answer in await ask(dut, batch):
                board.observe(answer)
    board.finish()


class Banks:
    """The gate codes of the current row and of the proposed one; None where nothing was stored yet."""

    def __init__(self, cells: int, lut: Sequence[int]):
        self.lut = lut
        self.current: list[Answer | None] = [None] * cells
        self.proposed: list[Answer | None] = [None] * cells
        self.looked_up: tuple[int, int] | None = None
        self.fetched: tuple[Answer | None, ...] | None = None

    def clock(self, lookup: int, code: int, cell: int, fetch: int, fetch_cell: int, keep: int) -> None:
        """One edge: a look-up is stored one cycle later, for the proposal that was open when it was looked up; a fetch
        sees what stood there before the edge, and if it meets `keep`, the row that is kept."""
        if fetch:
            self.fetched = tuple((self.proposed if keep else self.current)[group_of(fetch_cell)])
        if self.looked_up:
            at, looked_up = self.looked_up
            self.proposed[at] = nearest(self.lut, looked_up)
        if keep:
            self.current, self.proposed = self.proposed, self.current
        self.looked_up = (cell, code) if lookup else None

    def can_fetch(self, cell: int, keep: int) -> bool:
        return (self.proposed if keep else self.current)[cell] is not None


async def clock(dut, banks: Banks, board: Scoreboard, *, cell: int = 0, code: int = 0, **strobes: int) -> None:
    """One cycle of design and model; what was fetched has to hold until the next fetch."""
    lookup, fetch, keep = (strobes.get(name, 0) for name in ("lookup", "fetch", "keep"))
    fetch_cell = strobes.get("fetch_cell", 0)
    board.expect((banks.fetched, int(banks.looked_up is not None)), f"before {strobes}")
    outputs = ("storing", *answer_ports()) if banks.fetched else ("storing",)
    driven = dict(lookup=lookup, lookup_cell=cell, lookup_code=code, fetch=fetch, fetch_cell=fetch_cell, keep=keep)
    seen = await cycle(dut, outputs, **driven)
    fetched = answers_in(seen) if banks.fetched else None
    board.observe((fetched, seen["storing"]))
    banks.clock(lookup, code, cell, fetch, fetch_cell, keep)


async def fill(dut, banks: Banks, board: Scoreboard) -> None:
    """With several gate DACs, something in every lane of both banks: a fetch shows what was not looked up, too."""
    for _ in range(2 if parameters()["gate_dacs"] > 1 else 0):
        for cell in range(len(banks.current)):
            await clock(dut, banks, board, lookup=1, cell=cell, code=cell)
        await clock(dut, banks, board)
        await clock(dut, banks, board, keep=1)


@cocotb.test()
async def proposals(dut) -> None:
    """As the trainer does it: a fetch each SET, a look-up each READ, then keep or let the next overwrite it."""
    p = parameters()
    if p["verify"] == "pair":
        return
    rng, cells, largest = random.Random(p["seed"]), p["cells"], 2 ** p["read_bits"] - 1
    lut = sorted(rng.randint(largest // 4, 3 * largest // 4) for _ in range(p["gate_codes"]))
    banks, board, accepted, kept = Banks(cells, lut), Scoreboard("proposals"), 0, False
    await reset(dut)
    await build(dut, lut)
    await fill(dut, banks, board)
    for proposal in range(24):
        for cell in range(p["gate_dacs"] if kept else 0, cells if proposal else 0, p["gate_dacs"]):
            await clock(dut, banks, board, fetch=1, fetch_cell=cell)
        for cell in range(cells):
            await clock(dut, banks, board, lookup=1, cell=cell, code=rng.randint(0, largest))
        for _ in range(2):
            await clock(dut, banks, board)
        kept = proposal == 0 or rng.random() < 0.4
        accepted += kept
        if kept:  # the sequencer fetches the first gate code of the next proposal in the same cycle
            await clock(dut, banks, board, keep=1, fetch=1, fetch_cell=0)
    assert 1 < accepted < 24
    await clock(dut, banks, board)
    board.finish()


@cocotb.test()
async def random_cycles(dut) -> None:
    """Any strobes in any cycle: a fetch that meets a store or a keep, keeps in a row, look-ups up to the keep."""
    p = parameters()
    if p["verify"] == "pair":
        return
    rng, cells, largest = random.Random(p["seed"]), p["cells"], 2 ** p["read_bits"] - 1
    lut = sorted(rng.randint(0, largest) for _ in range(p["gate_codes"]))
    banks, board = Banks(cells, lut), Scoreboard("random cycles")
    await reset(dut)
    await build(dut, lut)
    await fill(dut, banks, board)
    for _ in range(1500):
        keep, fetch_cell = int(rng.random() < 0.2), rng.randrange(min(cells, 6))
        strobes = dict(
            lookup=int(not keep and rng.random() < 0.5),  # never in the cycle of keep: the row is read by then
            keep=keep,
            fetch=int(rng.random() < 0.5 and banks.can_fetch(fetch_cell, keep)),
            fetch_cell=fetch_cell,
        )
        cell, code = rng.randrange(min(cells, 6)), rng.randint(0, largest)
        await clock(dut, banks, board, cell=cell, code=code, **strobes)
    await clock(dut, banks, board, lookup=0)
    board.finish()
