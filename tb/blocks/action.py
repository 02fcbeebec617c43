"""Bench of `oxmc.hdl.action.Action`: the winner of each observation against Python's max."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start


@cocotb.test()
async def winners(dut: Any) -> None:
    """Extremes, ties and random codes, with pauses between them in which `code` is noise."""
    p = parameters()
    outputs, bits, rng = p["outputs"], p["adc_bits"], random.Random(p["seed"])
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    await start(dut, restart=0, valid=0, code=0)
    board = Scoreboard("action")
    ties = 0
    for _ in range(400):
        few = [low, -1, 0, high, rng.randint(low, high)]
        codes = [rng.choice(few) for _ in range(outputs)]
        ties += len(set(codes)) < outputs
        dut.restart.value, dut.valid.value, dut.code.value = 1, 0, rng.getrandbits(bits)
        await FallingEdge(dut.clk)
        dut.restart.value = 0
        for code in codes:
            for valid in (*[0] * rng.choice([0, 0, 1, 3]), 1):
                dut.valid.value = valid
                dut.code.value = code % 2**bits if valid else rng.getrandbits(bits)
                await FallingEdge(dut.clk)
        dut.valid.value = 0
        board.expect(codes.index(max(codes)), f"winner of {codes}")
        board.observe(int(dut.winner.value))
    assert ties > 20, f"only {ties} ties"
    board.finish()
