"""Bench of `hdl.pulse.Pulse`: every pin in every cycle against a timeline drawn up before the simulation starts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, NamedTuple

import cocotb

from oxmc.tb.blocks.cycles import cycle
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

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
OUTPUTS = (
    "wl", "bl", "sl", "inputs_on", "latch", "converting", "result_valid", "running", "result_is_eval", "result_tag",
)  # fmt: skip


class Planned(NamedTuple):
    """A pulse, `gap` idle cycles after the one before."""

    op: int
    gap: int


def seen(outputs: dict[str, int]) -> tuple[set[str], int, tuple[int, int] | None]:
    """The control outputs that are high, the operation, and (is_eval, tag) of an answer where there is one."""
    answer = (outputs["result_is_eval"], outputs["result_tag"]) if outputs["result_valid"] else None
    return {name for name in OUTPUTS[:7] if outputs[name]}, outputs["running"], answer


def timeline(pulses: Iterable[Planned], p: dict[str, Any], rng: random.Random) -> list[tuple[dict, tuple]]:
    """Inputs and expected `seen` of each cycle.

    `op` counts ahead of a cycle that may begin a pulse, `tag` and `wide` in the last of one; else they are noise.
    Bits that a tag without `wide` leaves as they were are those of the answer before.
    """
    widths, conversion, noise = dict(p["widths"]), p["conversion"], lambda: rng.getrandbits(p["tag_bits"])
    inputs: list[dict] = []
    running: list[int] = []
    high: list[set[str]] = []
    answers: dict[int, tuple[int, int]] = {}
    tag = 0

    def add(op: int, cycles: int, pins: set[str]) -> None:
        for _ in range(cycles):
            inputs.append(dict(op=rng.choice((0, *OPS)), tag=noise(), wide=rng.getrandbits(1)))
            running.append(op)
            high.append(set(pins))

    add(0, 1, set())
    for op, gap in pulses:
        add(0, gap, set())
        inputs[-1]["op"] = op
        add(op, widths[op], PINS[op])
        high[-1].add("latch")
        if op in (READ, EVAL):
            given = inputs[-1]["tag"]
            tag = given if inputs[-1]["wide"] else tag & ~1 | given & 1
            answers[len(inputs) - 1 + conversion] = (int(op == EVAL), tag)
    add(0, conversion + 2, set())
    for at, (op, pins) in enumerate(zip(running[1:], high, strict=False)):
        if op == 0 and (not pins or "latch" in pins):
            inputs[at]["op"] = 0
    inputs[-1]["op"] = 0
    for at in answers:
        high[at].add("result_valid")
        for during in range(at - conversion + 1, at + 1):
            high[during].add("converting")
    return [(driven, (high[i], running[i], answers.get(i))) for i, driven in enumerate(inputs)]


async def play(dut, pulses: Sequence[Planned], name: str) -> None:
    p = parameters()
    cycles = timeline(pulses, p, random.Random(p["seed"]))
    board = Scoreboard(name)
    for i, (_, expected) in enumerate(cycles):
        board.expect(expected, f"in cycle {i} of {pulses[:6]}...")
    await start(dut, op=0, tag=0, wide=0)
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
