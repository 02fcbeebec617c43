"""Bench of `oxmc.hdl.pair_programmer.PairProgrammer`: every cycle of whole rows against the loop on a pair written out.

The bench plays Pulse, the array, the gate DAC's code map and the prior that squares the differences.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cocotb

from oxmc.tb.blocks.cycles import cycle
from oxmc.tb.blocks.programming import (
    READ,
    RESET,
    SET,
    Cells,
    Cycle,
    Law,
    Surroundings,
    Timing,
    compare,
    formula_cycles,
    levels,
    observed,
    random_timing,
)
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

STROBES = {
    "pair_fetch": "next_pair",
    "offset_fetch": "fetch_cell",
    "lookup": "lookup_code",
    "offset_store": "command_cell",
    "push": "push_code",
    "done": None,
}
ROOM = 2
"""A gate code closer to the LUT's ends than this leaves no room."""
GAIN_SHIFTS = (0, 1, 2, 2, 3)
"""Of an offset's gain, by how many SETs it has learned from; the last one stays."""


@dataclass(frozen=True)
class Row:
    """One row to program: the law of its cells, the settings, and whether its devices are new."""

    law: Law
    window: int
    tries: int
    common_mode: int
    fresh: int = 1
    timing: Timing = Timing()


def nearest(lut: tuple[int, ...], code: int) -> int:
    """The lowest gate code of the nearest entry."""
    return min(range(len(lut)), key=lambda gate: (abs(lut[gate] - code), gate))


def no_room(lut: tuple[int, ...], gate: int) -> bool:
    return gate < ROOM or gate > len(lut) - 1 - ROOM


class Model:
    """The programmer: the current row's differences, each device's offset and the SETs that it has learned from.

    `lut` is the chip's; what the array gives for a gate code may be something else. `met` counts what happened.
    """

    def __init__(self, lut: tuple[int, ...], full_scale: int):
        self.lut, self.top = lut, full_scale
        self.differences: list[int] = []
        self.offset: Counter[int] = Counter()
        self.seen: Counter[int] = Counter()
        self.met: Counter[str] = Counter()

    def _gate(self, cell: int, target: int) -> tuple[int, Cycle]:
        """The gate code for a target, from the code map, once the device's offset is fetched."""
        aim = target + self.offset[cell]
        code = max(0, min(self.top, aim))
        self.met["aims off the scale"] += code != aim
        return nearest(self.lut, code), {"lookup": code}

    def _write(self, cells: Cells, row: Row, cell: int, target: int, gate: int) -> list[Cycle]:
        """SET, READ, learn."""
        cells.set(cell, gate)
        shift = GAIN_SHIFTS[min(self.seen[cell], len(GAIN_SHIFTS) - 1)]
        self.met[f"gain 1 / {2**shift}"] += 1
        self.seen[cell] += 1
        moves = Fraction(target - cells.read(cell), 2**shift)
        offset = self.offset[cell] + math.floor(moves + Fraction(1, 2))
        self.offset[cell] = max(-self.top, min(self.top, offset))
        self.met["offset at its end"] += self.offset[cell] != offset
        pulses = row.timing.pulse(SET, cell=cell, gate=gate) + row.timing.pulse(READ, cell=cell)
        return pulses + row.timing.answer(offset_store=cell)

    def _pair(self, cells: Cells, row: Row, pair: int) -> list[Cycle]:
        difference = self.differences[pair]
        distance = abs(difference)
        high, low = (2 * pair, 2 * pair + 1) if difference >= 0 else (2 * pair + 1, 2 * pair)

        def target_of(cell: int) -> int:
            return cells.read(low) + distance if cell == high else cells.read(high) - distance

        cycles: list[Cycle] = [{"offset_fetch": low}]
        target = max(row.common_mode - distance // 2, 0)
        for cell in (low, high):
            cycles[-1]["offset_fetch"] = cell  # of the second with the first's answer
            gate, look = self._gate(cell, target)
            cycles += [look, *self._write(cells, row, cell, target, gate)]
            target = cells.read(low) + distance
        tries, work = 0, high
        while abs(cells.read(high) - cells.read(low) - distance) > row.window and tries < row.tries:
            tries += 1
            gate, look = self._gate(work, target_of(work))
            cycles += [{"offset_fetch": work}, look]
            if no_room(self.lut, gate):
                self.met["to the other side" if work == high else "and back"] += 1
                self.met["switch"] += 1
                work = low if work == high else high
                gate, look = self._gate(work, target_of(work))
                cycles += [{}, {"offset_fetch": work}, look]
            cycles += row.timing.pulse(RESET, cell=work)
            cycles += self._write(cells, row, work, target_of(work), gate)
        missed = abs(cells.read(high) - cells.read(low) - distance) > row.window
        self.met["out of tries" if missed else "repaired" if tries else "at once"] += 1
        self.met["retry"] += tries
        cycles[-1]["push"] = cells.read(2 * pair)
        return cycles + [{"push": cells.read(2 * pair + 1), "pair_fetch": pair + 1}]

    def program(self, cells: Cells, row: Row) -> list[Cycle]:
        """Every cycle after `start`."""
        if row.fresh:
            self.offset.clear()
            self.seen.clear()
        cycles = [step for pair in range(len(self.differences)) for step in self._pair(cells, row, pair)]
        del cycles[-1]["pair_fetch"]
        cycles[-1]["done"] = 1
        return cycles


class Chip(Surroundings):
    """With the code map, whose answer comes a cycle after `lookup` and holds, and with the prior: the second read code
    of a pair comes along with the difference to store. What is not asked for is anything."""

    def __init__(self, dut: Any, row: Row, lut: tuple[int, ...], noise: random.Random):
        super().__init__(dut, row.timing, Cells(row.law), noise, lambda: self.looked_up)
        self.lut, self.looked_up = lut, noise.randrange(len(lut))
        self.pushed: list[int] = []

    def drive(self) -> None:
        super().drive()
        dut, seen, top = self.dut, self.seen, 2 ** parameters()["read_bits"] - 1
        seen.read()
        gate = nearest(self.lut, seen["lookup_code"]) if seen["lookup"] else self.noise.randrange(len(self.lut))
        dut.near_end.value = int(no_room(self.lut, gate))
        second = seen["push"] and len(self.pushed) % 2 == 1
        dut.store.value = int(second)
        dut.store_pair.value = seen["pair"]
        plus_minus = (self.pushed[-1], seen["push_code"]) if second else (0, self.noise.randint(-top, top))
        dut.difference.value = plus_minus[0] - plus_minus[1]

    def look(self) -> Cycle:
        return observed(self.seen, self.running, STROBES, self.looked_up)

    def advance(self) -> None:
        super().advance()
        if self.seen["lookup"]:
            self.looked_up = nearest(self.lut, self.seen["lookup_code"])
        if self.seen["push"]:
            self.pushed.append(self.seen["push_code"])


class Chain:
    """Rows one after the other, accepted or not; differences of an accepted row are those of the next."""

    def __init__(self, dut: Any, name: str, lut: tuple[int, ...]):
        p = parameters()
        self.dut, self.board, self.noise = dut, Scoreboard(name), random.Random(p["seed"])
        self.pairs, self.top = p["pairs"], 2 ** p["read_bits"] - 1
        self.model = Model(lut, self.top)
        self.keeps = 0

    async def first_row(self, differences: list[int]) -> None:
        """As row 0 is read: no row is programmed, each difference is stored; then it is accepted."""
        for pair, difference in enumerate(differences):
            await cycle(self.dut, store=1, store_pair=pair, difference=difference)
        self.dut.store.value = 0
        self.model.differences = list(differences)
        self.keeps = 1

    async def program(self, row: Row, note: str, accept: bool = True) -> list[int]:
        """One row, compared in every cycle; its read codes. A row accepted before is kept as this one starts."""
        dut, met = self.dut, self.model.met
        retries, switches = met["retry"], met["switch"]
        cycles = self.model.program(Cells(row.law), row)
        due = formula_cycles(row.timing, met["retry"] - retries, met["switch"] - switches, "pair")
        assert len(cycles) == due, f"{note}: {len(cycles)} cycles, by the budget's formula {due}"
        for name in ("window", "tries", "common_mode", "fresh"):
            getattr(dut, name).value = getattr(row, name)
        fetched = await cycle(dut, ("pair_fetch", "next_pair"), start=1, keep=self.keeps)
        assert fetched == dict(pair_fetch=1, next_pair=0)
        dut.start.value = dut.keep.value = 0
        chip = Chip(dut, row, self.model.lut, self.noise)
        await compare(dut, self.board, cycles, note, chip)
        self.keeps = int(accept)
        if accept:
            self.model.differences = [plus - minus for plus, minus in zip(*[iter(chip.pushed)] * 2, strict=True)]
        return chip.pushed


async def begin(dut: Any, name: str, lut: tuple[int, ...]) -> Chain:
    idle = (
        "start halt fresh window tries common_mode command_latch answer code near_end store store_pair difference keep"
    ).split()
    await start(dut, **dict.fromkeys(idle, 0))
    return Chain(dut, name, lut)


def luts(rng: random.Random) -> Iterator[tuple[int, ...]]:
    p = parameters()
    yield from levels(p["gate_codes"], 2 ** p["read_bits"] - 1, rng)


def corners(lut: tuple[int, ...], top: int) -> Iterator[tuple[str, Row]]:
    """Arrays that do what the LUT says, saturate, or cannot move, with every setting at its ends."""
    ideal = Law("ideal", lut, top)
    plain = Row(ideal, window=top // 8 + 1, tries=3, common_mode=top // 2)
    yield "ideal", plain
    yield "exact", replace(plain, window=0)
    for common_mode in (0, 1, top - 1, top):
        yield f"common mode {common_mode}", replace(plain, window=0, common_mode=common_mode)
    yield "no tries", replace(plain, window=0, tries=0)
    yield "anything will do", replace(plain, window=top, tries=63)
    yield "wide pulses", replace(plain, window=0, timing=Timing(reset=3, set=2, read=4, conversion=4))
    for name, level in (("nothing", 0), ("full scale", top), ("the middle", top // 2)):
        fixed = Law(name, (level,) * len(lut), top)
        yield f"all read {name}", replace(plain, law=fixed, window=0, tries=4)
    yield "stuck at either end", replace(plain, law=Law("stuck", lut, top, stuck=0.7), window=1, tries=5)
    for off in (-top // 4, top // 4):
        shifted = Law(f"shifted {off}", tuple(max(0, min(top, level + off)) for level in lut), top)
        yield f"levels off by {off}", replace(plain, law=shifted, window=0, tries=6)


def differences(pairs: int, top: int, rng: random.Random) -> list[int]:
    """Every end and the middle of the scale, in random order, over and over."""
    ends = [0, 1, -1, top, -top, top - 1, 1 - top, top // 2, -(top // 2)]
    rng.shuffle(ends)
    return [ends[pair % len(ends)] for pair in range(pairs)]


@cocotb.test()
async def directed(dut: Any) -> None:
    """Corners of array and settings, each for differences at the ends of the scale, all pairs of a row at once."""
    rng = random.Random(parameters()["seed"])
    lut = next(luts(rng))
    chain = await begin(dut, "pairs", lut)
    for note, row in corners(lut, chain.top):
        for _ in range(max(1, 6 // chain.pairs)):
            await chain.first_row(differences(chain.pairs, chain.top, rng))
            await chain.program(row, note, accept=False)
            await chain.program(replace(row, fresh=0), f"{note}, again", accept=False)
            await cycle(dut, keep=1)  # the next first row goes where this one was
            await cycle(dut, keep=0)
    chain.board.finish()


@cocotb.test()
async def learning(dut: Any) -> None:
    """One row proposed again and again: each device's gain falls from 1 to 1/8 and stays; a new row starts afresh."""
    p = parameters()
    rng = random.Random(p["seed"])
    lut = next(luts(rng))
    chain = await begin(dut, "learning", lut)
    await chain.first_row([rng.randint(-chain.top // 2, chain.top // 2) for _ in range(chain.pairs)])
    law = Law(f"{p['seed']} learning", lut, chain.top, device=chain.top // 8, noise=2)
    row = Row(law, window=1, tries=2, common_mode=chain.top // 2)
    for number in range(8):
        await chain.program(replace(row, fresh=int(number == 0)), f"proposal {number}", accept=False)
        seen = {chain.model.seen[cell] for cell in range(2 * chain.pairs)}
        assert min(seen) > number
    assert min(seen) > len(GAIN_SHIFTS)
    await chain.program(row, "fresh again", accept=False)
    await chain.program(replace(row, fresh=0, tries=63), "all tries", accept=False)
    chain.board.finish()


@cocotb.test()
async def random_chains(dut: Any) -> None:
    """Noisy arrays whose levels are not quite the LUT's; accepted rows and rejected ones, fresh ones and others."""
    p = parameters()
    rng, met = random.Random(p["seed"]), Counter[str]()
    started = None
    for number, lut in zip(range(p["chains"]), luts(rng), strict=False):
        started = started or await begin(dut, "random", lut)
        chain = started
        chain.model = Model(lut, chain.top)
        await chain.first_row([rng.randint(-chain.top, chain.top) for _ in range(chain.pairs)])
        for step in range(p["rows"]):
            spread = rng.choice((0, 1, 3, chain.top // 8))
            key = f"{p['seed']} {number} {step}"
            row = Row(
                Law(key, lut, chain.top, device=spread, noise=rng.randint(0, spread), stuck=rng.choice((0, 0, 0.2))),
                window=rng.choice((0, 1, 2, chain.top // 16)),
                tries=rng.choice((0, 1, 2, 8)),
                common_mode=rng.choice((0, chain.top, rng.randint(0, chain.top))),
                fresh=int(step == 0 or rng.random() < 0.4),
                timing=random_timing(rng),
            )
            await chain.program(row, f"seed {p['seed']}, chain {number}, row {step}", accept=rng.random() < 0.5)
        met += chain.model.met
        if chain.keeps == 0:  # the next chain's first row takes the place of this one's last
            await cycle(dut, keep=1)
            await cycle(dut, keep=0)
    kinds = ["at once", "repaired", "out of tries", "to the other side", "aims off the scale", "gain 1 / 8"]
    assert all(met[kind] for kind in kinds), f"a kind of pair is missing: {met}"
    assert started is not None
    started.board.finish()
