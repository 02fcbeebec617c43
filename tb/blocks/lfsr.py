"""Bench of `oxmc.hdl.lfsr.Lfsr`: every state of a draw against a shift register written out bit by bit."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start


def advance(bits: list[int], taps: list[int], steps: int) -> list[int]:
    """`steps` shifts of a Fibonacci LFSR; bits[0] is stage 1, the one the feedback enters (XAPP 052, figure 2)."""
    for _ in range(steps):
        feedback = 0
        for tap in taps:
            feedback ^= bits[tap - 1]
        bits = [feedback, *bits[:-1]]
    return bits


def retreat(bits: list[int], taps: list[int], steps: int) -> list[int]:
    """The state that `advance` brings to `bits`."""
    for _ in range(steps):
        feedback, bits = bits[0], [*bits[1:], 0]
        for tap in taps:
            feedback ^= bits[tap - 1]
        bits[-1] = feedback
    return bits


def shown(state: int, p: dict[str, Any]) -> int:
    """The random bits of a state: itself, or its sum with itself, shifted up by 7 places."""
    if not p.get("summed"):
        return state
    return state * 129 % 2 ** p["width"]


def to_bits(value: int, width: int) -> list[int]:
    return [value >> i & 1 for i in range(width)]


def to_int(bits: list[int]) -> int:
    return sum(bit << i for i, bit in enumerate(bits))


async def load(dut: Any, seed: int, width: int) -> None:
    """Write both words of a seed, the high one only where there is one."""
    dut.seed.value = seed & 0xFFFFFFFF
    dut.load.value = 1
    await FallingEdge(dut.clk)
    dut.load.value = 0
    dut.seed.value = seed >> 32
    dut.load_high.value = 1
    await FallingEdge(dut.clk)
    dut.load_high.value = 0


async def draw(dut: Any) -> tuple[int, int]:
    """One draw: the new state and how many cycles it took."""
    dut.draw.value = 1
    await FallingEdge(dut.clk)
    dut.draw.value = 0
    cycles = 0
    while dut.busy.value == 1:
        cycles += 1
        await FallingEdge(dut.clk)
    return dut.state.value.to_unsigned(), cycles


@cocotb.test()
async def draws(dut: Any) -> None:
    """Directed seeds, then random ones: each draw is `width` shifts, in width / step_bits cycles; idle means still."""
    p = parameters()
    width, taps, step_bits, rng = p["width"], p["taps"], p["step_bits"], random.Random(p["seed"])
    board = Scoreboard("lfsr")
    await start(dut, load=0, load_high=0, seed=0, draw=0)
    mask, low_mask = 2**width - 1, 2 ** min(32, width) - 1
    seeds = [1, mask, 1 << (width - 1), 0, 1 << 32 & mask] + [rng.getrandbits(width) for _ in range(20)]
    for seed in seeds:
        await load(dut, seed, width)
        loaded = seed if seed & low_mask else seed | 1  # the documented guard against the all-zero state
        board.expect(shown(loaded, p), "after load")
        board.observe(dut.state.value.to_unsigned())
        bits = to_bits(loaded, width)
        for _ in range(4):
            bits = advance(bits, taps, width)
            board.expect((shown(to_int(bits), p), width // step_bits), f"seed {seed:#x}")
            board.observe(await draw(dut))
            before = dut.state.value.to_unsigned()
            for _ in range(rng.randrange(3)):
                await FallingEdge(dut.clk)
            board.expect(before, "idle")
            board.observe(dut.state.value.to_unsigned())
    board.finish()


@cocotb.test()
async def reseeding(dut: Any) -> None:
    """Words of a seed in any order, between draws: never the all-zero state, which no draw leaves."""
    p = parameters()
    if p.get("summed"):
        return
    width, taps, rng = p["width"], p["taps"], random.Random(p["seed"])
    low_mask, high_mask = 2 ** min(32, width) - 1, 2 ** max(0, width - 32) - 1
    board = Scoreboard("reseeding")
    await start(dut, load=0, load_high=0, seed=0, draw=0)
    state = 1
    for step in range(200):
        word, high = rng.choice((0, 0, 1, rng.getrandbits(32))), rng.random() < 0.6
        if step % 8 == 0 and width > 32:  # a draw leads to a low word of 0
            before = 0
            while before & low_mask == 0:
                due = rng.randrange(1, high_mask + 1) << 32
                before = to_int(retreat(to_bits(due, width), taps, width))
            await load(dut, before, width)
            state, _ = await draw(dut)
            assert state == due
        name = "load_high" if high else "load"
        dut.seed.value = word
        getattr(dut, name).value = 1
        await FallingEdge(dut.clk)
        getattr(dut, name).value = 0
        if high and width > 32:
            state = (word & high_mask) << 32 | state & low_mask
        elif not high:
            state = state >> 32 << 32 | word & low_mask if width > 32 else word & low_mask
        touched = not high or width > 32
        state |= touched and state & low_mask == 0
        board.expect(state, f"{name} {word:#x}")
        board.observe(dut.state.value.to_unsigned())
        assert state != 0
        if rng.random() < 0.2:
            state, _ = await draw(dut)
    board.finish()


@cocotb.test()
async def period(dut: Any) -> None:
    """At small widths: 2^width - 1 shifts meet every non-zero state once and come back."""
    p = parameters()
    width = p["width"]
    if not p["whole_period"]:
        return
    assert p["step_bits"] == 1, "one shift a cycle shows each state"
    await start(dut, load=0, load_high=0, seed=0, draw=0)
    await load(dut, 1, width)
    seen: set[int] = set()
    while len(seen) < 2**width - 1:
        dut.draw.value = int(dut.busy.value == 0)
        if dut.busy.value == 1:
            state = dut.state.value.to_unsigned()
            assert state and state not in seen, f"state {state} came again after {len(seen)} of {2**width - 1}"
            seen.add(state)
        await FallingEdge(dut.clk)
    while dut.busy.value == 0:
        dut.draw.value = 1
        await FallingEdge(dut.clk)
    assert dut.state.value == 1, "after a whole period the LFSR is back at its seed"
