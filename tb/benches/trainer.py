"""Bench of `hdl.trainer.Trainer`: every cycle of whole trainings against the chain written as nested loops.

The bench plays the blocks around the sequencer: Pulse, LFSR, sample memory and Acceptance.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from hdl.array_port import ArrayOp
from tb.benches.scoreboard import Scoreboard, parameters, start

IDLE_CYCLES = 3
"""Cycles watched after a training: nothing may follow."""
RESET, SET, READ, EVAL = ArrayOp.RESET.value, ArrayOp.SET.value, ArrayOp.READ.value, ArrayOp.EVAL.value
ONE_CYCLE = {RESET: 1, SET: 1, READ: 1, EVAL: 1}

Cycle = dict[str, Any]
"""What the trainer says in one cycle: its status, the command if there is one, each strobe with what it carries."""
OPEN_FIRST: Cycle = {"propose": "first"}
OPEN_NEXT: Cycle = {"propose": "next", "fetch_gate": 0}


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training, with the decision on each proposal and the class of each sample (t with one output).

    Pulse `widths`, `conversion` and `drawing` (cycles the LFSR is busy a draw) are in cycles.
    """

    rows: int
    limit: int
    accepts: list[bool]
    labels: list[int]
    widths: dict[int, int] = field(default_factory=lambda: ONE_CYCLE)
    conversion: int = 1
    drawing: int = 4


def pulse(training: Training, op: int, at_end: Cycle | None = None, **command: int) -> Iterator[Cycle]:
    """A command for the width of its pulse; `at_end` are the strobes of its last cycle."""
    for left in reversed(range(training.widths[op])):
        yield {"op": op, **command, **((at_end or {}) if left == 0 else {})}


def evaluations(training: Training, outputs: int, row: int) -> Iterator[Cycle]:
    """Every sample on every output; the next sample is fetched as the last output of this one ends."""
    samples = len(training.labels)
    for sample, label in enumerate(training.labels):
        for segment in range(outputs):
            fetches = segment == outputs - 1 and sample < samples - 1
            at_end = {"fetch_sample": sample + 1} if fetches else {}
            is_label = label == segment if outputs > 1 else label
            for cycle in pulse(training, EVAL, at_end, row=row, segment=segment, is_label=int(is_label)):
                yield {**cycle, "summing": 1}


def attempt(training: Training, outputs: int, cells: int, row: int) -> Iterator[Cycle]:
    """The cycles of one proposal before its decision: SETs, READs, EVALs, the wait for the last answer and the draw."""
    first = {"first": int(row == 0)}
    for cell in range(cells):
        fetches = row > 0 and cell < cells - 1
        yield from pulse(training, SET, {"fetch_gate": cell + 1} if fetches else {}, row=row, cell=cell, **first)
    for cell in range(cells):
        yield from pulse(training, READ, {"fetch_sample": 0} if cell == cells - 1 else {}, row=row, cell=cell)
    yield from evaluations(training, outputs, row)
    elapsed = cells * (training.widths[SET] + training.widths[READ])
    elapsed += len(training.labels) * outputs * training.widths[EVAL]
    drawing = training.drawing if row > 0 else 0
    for _ in range(max(training.conversion, drawing - elapsed) + 1):
        yield {"row": row, "summing": 1}


def expected(training: Training, outputs: int, cells: int) -> Iterator[Cycle]:
    """Every cycle from the one after `start` to the last busy one."""
    for row in range(training.rows):
        at_end = OPEN_FIRST if row == training.rows - 1 else {}
        yield from pulse(training, RESET, at_end, row=row, proposals=0)
    row, proposals = 0, 0
    while True:
        for cycle in attempt(training, outputs, cells, row):
            yield {**cycle, "proposals": proposals}
        accepted = row == 0 or training.accepts[proposals]
        ends = (row > 0 and proposals + 1 == training.limit) or (accepted and row == training.rows - 1)
        decision: Cycle = {"decide": "accepted" if accepted else "rejected", "first": int(row == 0), "summing": 1}
        if accepted and row > 0:
            decision["store"] = row - 1
        yield {"row": row, "proposals": proposals, **decision, **(OPEN_NEXT if accepted and not ends else {})}
        proposals += row > 0
        if not accepted:
            yield from pulse(training, RESET, {} if ends else OPEN_NEXT, row=row, proposals=proposals)
        if ends:
            kept = row if accepted else row - 1
            yield {"row": kept, "proposals": proposals, "store": kept}
            return
        row += accepted


class Surroundings:
    """The blocks around the trainer. `drive` their outputs of a cycle, then `advance` over the edge that ends it."""

    def __init__(self, dut: Any, training: Training):
        self.dut, self.training = dut, training
        self.elapsed = self.converting = self.drawing = self.label = 0
        self.accepts = iter(training.accepts)

    def drive(self) -> None:
        dut = self.dut
        width = self.training.widths.get(int(dut.op.value), 1)
        dut.latch.value = int(dut.valid.value == 1 and self.elapsed + 1 >= width)
        dut.converting.value = int(self.converting > 0)
        dut.drawing.value = int(self.drawing > 0)
        dut.label.value = self.label
        # what nobody may look at is driven against what would be right: row 0 rejected, no decision accepted
        deciding, row_0 = dut.decide.value == 1, dut.row.value == 0
        dut.accept.value = int(next(self.accepts) if deciding and not row_0 else not deciding)

    def advance(self) -> None:
        dut, latch = self.dut, self.dut.latch.value == 1
        self.elapsed = self.elapsed + 1 if dut.valid.value == 1 and not latch else 0
        answers = latch and int(dut.op.value) in (READ, EVAL)
        self.converting = self.training.conversion if answers else max(0, self.converting - 1)
        draws = dut.propose.value == 1 and dut.opens_first.value == 0
        self.drawing = self.training.drawing if draws else max(0, self.drawing - 1)
        if dut.fetch_sample.value == 1:
            self.label = self.training.labels[int(dut.fetch_index.value)]


FIELDS = {SET: ("cell", "first"), READ: ("cell",), EVAL: ("segment", "is_label")}
"""What a command carries besides its row."""
STROBES = {"fetch_gate": "fetch_cell", "fetch_sample": "fetch_index", "store": "store_row"}
"""Each strobe with what it carries."""
OUTCOMES = {(1, 1, 0): "accepted", (1, 0, 1): "rejected"}


def observed(dut: Any) -> Cycle:
    """This cycle as `expected` writes it; what nobody looks at in this cycle is left out."""

    def value(name: str) -> int:
        return int(getattr(dut, name).value)

    cycle: Cycle = {"row": value("row"), "proposals": value("proposals")}
    if value("valid"):
        op = value("op")
        cycle |= {"op": op, **{name: value(name) for name in FIELDS.get(op, ())}}
    if value("summing"):
        cycle["summing"] = 1
    for strobe, carried in STROBES.items():
        if value(strobe):
            cycle[strobe] = value(carried)
    if value("propose"):
        cycle["propose"] = "first" if value("opens_first") else "next"
    verdict = (value("decide"), value("accepted"), value("rejected"))
    if any(verdict):
        cycle |= {"decide": OUTCOMES.get(verdict, "contradiction"), "first": value("first")}
    return cycle if value("busy") else {**cycle, "idle": 1}


def check_budget(training: Training, outputs: int, cells: int, seen: list[Cycle]) -> None:
    """The documented budget from the strobes alone: what a proposal takes, and what a rejection adds."""
    widths = training.widths
    proposal = cells * (widths[SET] + widths[READ]) + len(training.labels) * outputs * widths[EVAL]
    proposal += training.conversion + 2
    opened = [at for at, cycle in enumerate(seen) if "propose" in cycle]
    decided = [at for at, cycle in enumerate(seen) if "decide" in cycle]
    assert len(opened) == len(decided) > 0, f"{len(opened)} proposals opened, {len(decided)} decided"
    for number, (begin, end) in enumerate(zip(opened, decided, strict=True)):
        # the draw starts a cycle after the strobe; the trainer sees its end a cycle later and decides in the next
        budget = max(proposal, training.drawing + 2) if number else proposal
        assert end - begin == budget, f"proposal {number} took {end - begin} cycles, not {budget}"
    for end, begin in zip(decided, opened[1:], strict=False):
        extra = widths[RESET] if seen[end]["decide"] == "rejected" else 0
        assert begin - end == extra, f"{begin - end} cycles from decision to next proposal, not {extra}"


async def begin(dut: Any) -> None:
    idle = ("start", "last_row", "last_sample", "max_proposals", "latch", "converting", "label", "drawing", "accept")
    await start(dut, **dict.fromkeys(idle, 0))


async def run(dut: Any, board: Scoreboard, training: Training, note: str) -> None:
    """One training from `start` until it is idle again, compared in every cycle."""
    p = parameters()
    outputs, cells = p["outputs"], 2 * p["outputs"] * p["features"]
    dut.last_row.value = training.rows - 1
    dut.last_sample.value = len(training.labels) - 1
    dut.max_proposals.value = training.limit
    dut.start.value = 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    cycles = list(expected(training, outputs, cells))
    still = {name: cycles[-1][name] for name in ("row", "proposals")} | {"idle": 1}
    surroundings, seen = Surroundings(dut, training), []
    for number, cycle in enumerate(cycles + [still] * IDLE_CYCLES):
        board.expect(cycle, f"{note}, cycle {number}")
        surroundings.drive()
        await ReadOnly()
        seen.append(observed(dut))
        board.observe(seen[-1])
        surroundings.advance()
        await FallingEdge(dut.clk)
    check_budget(training, outputs, cells, seen)


def corners(labels: list[int]) -> Iterator[tuple[str, Training]]:
    """Directed trainings; each starts where the one before it finished."""
    few, yes, no = labels[:3], [True] * 8, [False] * 8
    wide = {RESET: 2, SET: 3, READ: 4, EVAL: 5}
    yield "two rows", Training(rows=2, limit=100, accepts=yes, labels=few)
    yield "all accepted to the last row", Training(rows=5, limit=100, accepts=yes, labels=few)
    yield "all rejected to the limit", Training(rows=4, limit=5, accepts=no, labels=few)
    yield "limit on an accept", Training(rows=6, limit=3, accepts=[True, False, True], labels=few)
    yield "limit on a reject", Training(rows=6, limit=4, accepts=[True, False, True, False], labels=few)
    yield "limit on the accept of the last row", Training(rows=3, limit=3, accepts=[True, False, True], labels=few)
    yield "limit on a reject of the last row", Training(rows=3, limit=2, accepts=[True, False], labels=few)
    yield "limit 1, accepted", Training(rows=3, limit=1, accepts=yes, labels=few)
    yield "limit 1, rejected", Training(rows=3, limit=1, accepts=no, labels=few)
    yield "one sample", Training(rows=3, limit=9, accepts=[False, True, True], labels=few[:1])
    yield "every label", Training(rows=2, limit=9, accepts=[False, True], labels=labels)
    mixed = Training(rows=3, limit=9, accepts=[False, True, False, True], labels=few, widths=wide)
    for conversion in (1, 4):
        yield f"wide, conversion {conversion}", replace(mixed, conversion=conversion)
    yield "slow draw", Training(rows=3, limit=3, accepts=[False, True, False], labels=few, drawing=400)


@cocotb.test()
async def directed(dut: Any) -> None:
    """Corners of the sequence and restarts after each of them."""
    outputs = parameters()["outputs"]
    board = Scoreboard("trainer")
    await begin(dut)
    for note, training in corners([sample % max(2, outputs) for sample in range(5)]):
        await run(dut, board, training, note)
    board.finish()


@cocotb.test()
async def draw_ends_anywhere(dut: Any) -> None:
    """The draw ends in every cycle around the last answer, so that neither wait hides the other."""
    p = parameters()
    pulses = 4 * p["outputs"] * p["features"] + p["outputs"]
    board = Scoreboard("trainer")
    await begin(dut)
    for drawing in (1, *range(pulses - 2, pulses + 5)):
        training = Training(rows=2, limit=2, accepts=[False, True], labels=[1], drawing=drawing)
        await run(dut, board, training, f"drawing for {drawing}")
    board.finish()


@cocotb.test()
async def whole_capacity(dut: Any) -> None:
    """Every row and every sample that the counters can count; for small rows only, to be quick."""
    p = parameters()
    if p["features"] * p["outputs"] > 1:
        return
    board = Scoreboard("trainer")
    await begin(dut)
    every_row = Training(rows=p["row_capacity"], limit=2**24 - 1, accepts=[True] * p["row_capacity"], labels=[1])
    await run(dut, board, every_row, "every row")
    labels = [number % 3 % 2 for number in range(p["sample_capacity"])]
    await run(dut, board, Training(rows=2, limit=9, accepts=[True], labels=labels), "every sample")
    board.finish()


@cocotb.test()
async def constrained_random(dut: Any) -> None:
    """Random sizes, widths, draws and decisions; a conversion is no longer than the pulse it overlaps (Config)."""
    p = parameters()
    rng, classes = random.Random(p["seed"]), max(2, p["outputs"])
    board = Scoreboard("trainer")
    await begin(dut)
    for number in range(p["trainings"]):
        widths = {op: rng.randint(1, 4) for op in ONE_CYCLE}
        limit, share = rng.randint(1, 8), rng.random()
        training = Training(
            rows=rng.randint(2, 6),
            limit=limit,
            accepts=[rng.random() < share for _ in range(limit)],
            labels=[rng.randrange(classes) for _ in range(rng.randint(1, 6))],
            widths=widths,
            conversion=rng.randint(1, min(widths[READ], widths[EVAL])),
            drawing=rng.choice((1, 8, 64, rng.randint(1, 300))),
        )
        await run(dut, board, training, f"seed {p['seed']}, training {number}: {training}")
    board.finish()
