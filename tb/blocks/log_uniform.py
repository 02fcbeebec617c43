"""Bench of `oxmc.hdl.log_uniform.LogUniform`: every answer against math.log2 of the u that a state stands for."""

from __future__ import annotations

import math
import random
from typing import Any

import cocotb
from cocotb.triggers import Timer

from oxmc.tb.blocks.scoreboard import parameters

FLOAT_ERROR = 1e-6
"""In units of the last place: at most 64 octaves times 2^12 units, times the 2^-52 of a correctly rounded log2."""
EXHAUSTIVE_BITS = 10
"""Up to this width every state is tried."""


def stands_for(state: int, octave_bits: int, index_bits: int, x: float) -> float:
    """The u at position `x` (0..1) of a state's bin: the octave from the high bits, the mantissa's bin from the low."""
    text = f"{state:0{octave_bits + index_bits}b}"
    octave, index = text[:octave_bits], int(text[octave_bits:], 2)
    zeros = octave.index("1") if "1" in octave else octave_bits
    return 2.0 ** -(zeros + 1) * (1 + (index + x) / 2**index_bits)


def corners(octave_bits: int, index_bits: int, rng: random.Random) -> list[int]:
    """No octave bit, all of them, each alone, and each with noise below; with the first and last bin and all others."""
    bins = range(2**index_bits)
    octaves = [0, 2**octave_bits - 1]
    for bit in range(octave_bits):
        octaves += [1 << bit, 1 << bit | rng.getrandbits(bit + 1)]
    edges = [octave << index_bits | index for octave in octaves for index in (0, bins[-1])]
    return edges + [octave << index_bits | index for octave in octaves[:2] for index in bins]


def states(octave_bits: int, index_bits: int, rng: random.Random) -> list[int]:
    """All states if they are few, else corners, uniform ones, and ones whose octave is uniform."""
    width = octave_bits + index_bits
    if width <= EXHAUSTIVE_BITS:
        return list(range(2**width))
    uniform = [rng.getrandbits(width) for _ in range(500)]
    deep = [rng.getrandbits(width) & (2 ** rng.randrange(index_bits, width + 1) - 1) for _ in range(500)]
    return corners(octave_bits, index_bits, rng) + uniform + deep


@cocotb.test()
async def answers(dut: Any) -> None:
    """Rounding a table entry costs half a unit; against any u of the bin its half width in log2 comes on top."""
    p = parameters()
    index_bits, one, rng = p["index_bits"], 2 ** p["fraction_bits"], random.Random(p["seed"])
    octave_bits = p["lfsr_bits"] - index_bits
    rounding = 0.5 + FLOAT_ERROR
    half_bin = one * math.log2(1 + 0.5 / 2**index_bits)  # log2 is steepest at a mantissa of 1, left of the middle
    worst = 0.0
    tried = states(octave_bits, index_bits, rng)
    for state in tried:
        dut.state.value = state
        await Timer(1, unit="ns")
        answer = dut.neg_log2.value.to_unsigned()
        exact = -one * math.log2(stands_for(state, octave_bits, index_bits, 0.5))
        assert abs(answer - exact) <= rounding, f"state {state:#x}: got {answer}, expected {exact:.3f} +-{rounding}"
        for x in (0.0, rng.random(), 1.0):
            unbinned = -one * math.log2(stands_for(state, octave_bits, index_bits, x))
            worst = max(worst, abs(answer - unbinned))
            assert abs(answer - unbinned) <= rounding + half_bin, f"state {state:#x}, x {x}: {answer}, {unbinned:.3f}"
    assert tried and worst > half_bin - rounding, f"the bound {half_bin} was never near, at most {worst}"
