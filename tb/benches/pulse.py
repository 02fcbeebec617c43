"""Bench of `hdl.pulse.Pulse`: every pin in every cycle against a timeline drawn up before the simulation starts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import cocotb

from tb.benches.cycles import cycle
from tb.benches.scoreboard import Scoreboard, parameters, start

FORM, RESET, SET, READ, EVAL = range(1, 6)
OPS = (FORM, RESET, SET, READ, EVAL)
PINS = {
    FORM: {"wl", "sl"},
    RESET: {"wl", "bl"},
    SET: {"wl", "sl"},
    READ: {"wl", "sl"},
    EVAL: {"wl", "inputs_on"},
}
"""Pulse pins an operation drives, as the array port documents them."""
OUTPUTS = ("wl", "bl", "sl", "inputs_on", "latch", "converting", "result_valid", "result_is_eval", "result_tag")


class Planned(NamedTuple):
    """A pulse, `gap` idle cycles after the one before."""

    op: int
    gap: int


def seen(outputs: dict[str, int]) -> tuple[set[str], tuple[int, int] | None]:
    """The control outputs that are high, and (is_eval, tag) of an answer where there is one."""
    answer = (outputs["result_is_eval"], outputs["result_tag"]) if outputs["result_valid"] else None
    return {name for name in OUTPUTS[:7] if outputs[name]}, answer


def timeline(pulses: Iterable[Planned], p: dict[str, Any], rng: random.Random) -> list[tuple[dict, tuple]]:
    """Inputs and expected `seen` of each cycle.

    Without `valid`, op, tag and `wide` are noise; while a pulse lasts they are noise up to the latch, where they count.
    Bits that a tag without `wide` leaves as they were are those of the answer before.
    """
    widths, conversion, noise = dict(p["widths"]), p["conversion"], lambda: rng.getrandbits(p["tag_bits"])
    inputs: list[dict] = []
    high: list[set[str]] = []
    answers: dict[int, tuple[int, int]] = {}
    tag = 0

    def idle(cycles: int) -> None:
        for _ in range(cycles):
            inputs.append(dict(valid=0, op=rng.choice((0, *OPS)), tag=noise(), wide=rng.getrandbits(1)))
            high.append(set())

    for op, gap in pulses:
        idle(gap)
        inputs += [dict(valid=1, op=op, tag=noise(), wide=rng.getrandbits(1)) for _ in range(widths[op])]
        high += [set(PINS[op]) for _ in range(widths[op])]
        high[-1].add("latch")
        if op in (READ, EVAL):
            given = inputs[-1]["tag"]
            tag = given if inputs[-1]["wide"] else tag & ~1 | given & 1
            answers[len(inputs) - 1 + conversion] = (int(op == EVAL), tag)
    idle(conversion + 2)
    for at in answers:
        high[at].add("result_valid")
        for running in range(at - conversion + 1, at + 1):
            high[running].add("converting")
    return [(driven, (high[i], answers.get(i))) for i, driven in enumerate(inputs)]


async def play(dut, pulses: Sequence[Planned], name: str) -> None:
    p = parameters()
    cycles = timeline(pulses, p, random.Random(p["seed"]))
    board = Scoreboard(name)
    for i, (_, expected) in enumerate(cycles):
        board.expect(expected, f"in cycle {i} of {pulses[:6]}...")
    await start(dut, valid=0, op=0, tag=0, wide=0)
    for driven, _ in cycles:
        board.observe(seen(await cycle(dut, OUTPUTS, **driven)))
    board.finish()


@cocotb.test()
async def alone(dut) -> None:
    """Each operation by itself, long after the one before, so that its answer comes in an idle chip."""
    await play(dut, [Planned(op, parameters()["conversion"] + 2) for op in OPS], "alone")


@cocotb.test()
async def back_to_back(dut) -> None:
    """Each operation right after each other one: conversions overlap the next pulse."""
    await play(dut, [Planned(op, 0) for pair in product(OPS, OPS) for op in pair], "back to back")


@cocotb.test()
async def short_gaps(dut) -> None:
    """Gaps around the conversion time between operations that answer."""
    conversion = parameters()["conversion"]
    gaps = sorted({1, max(1, conversion - 1), conversion, conversion + 1})
    await play(dut, [Planned(op, gap) for gap in gaps for op in (READ, READ, EVAL, SET, EVAL, READ)], "short gaps")


@cocotb.test()
async def random_sequence(dut) -> None:
    p = parameters()
    rng = random.Random(p["seed"])
    gaps = (0, 0, 0, 0, 1, 2, p["conversion"], p["conversion"] + 3)
    await play(dut, [Planned(rng.choice(OPS), rng.choice(gaps)) for _ in range(p["pulses"])], "random")
