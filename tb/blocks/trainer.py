"""Bench of `oxmc.hdl.trainer.Trainer`: every cycle of whole trainings against the chain written as nested loops.

The bench plays the blocks around the sequencer: Pulse, LFSR, sample memory, Acceptance and a programmer of rows. Which
options are built in, its parameter `options` says.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from oxmc.pymodels.budget import formulas as budget
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.tb.blocks.outputs import Outputs
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

IDLE_CYCLES = 3
"""Cycles watched after a training: nothing may follow."""
RESET, SET, READ, EVAL = ArrayOp.RESET.value, ArrayOp.SET.value, ArrayOp.READ.value, ArrayOp.EVAL.value
ONE_CYCLE = {RESET: 1, SET: 1, READ: 1, EVAL: 1}

Cycle = dict[str, Any]
"""What the trainer says in one cycle: its status, the command if there is one, each strobe with what it carries."""
OPEN_FIRST: Cycle = {"propose": 1}
HOPELESS = -1
PRIOR = 1
"""Cycles from a row's last read code to its prior, in which the threshold is not there yet."""
STREAK_TOP = 255
"""Where the count of rejections in a row saturates."""


def option(name: str) -> Any:
    """One of the configuration keys that the trainer was built for."""
    return parameters()["options"][name]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training, with the decision on each proposal and the class of each sample (t with one output).

    Pulse `widths`, `conversion`, `drawing` (cycles the LFSR is busy a draw) and `programming` (cycles a verified row
    takes, over and over for one proposal after another) are in cycles. `stops` has, for proposals by number, the
    evaluation at which the sum exceeds the threshold, or `HOPELESS`; only an early rejection cares.
    """

    rows: int
    limit: int
    accepts: list[bool]
    labels: list[int]
    widths: dict[int, int] = field(default_factory=lambda: ONE_CYCLE)
    conversion: int = 1
    drawing: int = 4
    reject_limit: int = 0
    programming: tuple[int, ...] = (9, 4, 40)
    stops: dict[int, int] = field(default_factory=dict)

    def programmed_after(self, number: int) -> int:
        return self.programming[number % len(self.programming)]

    def stop(self, number: int | None) -> int | None:
        """The evaluation that ends proposal `number` early; None is row 0, which nothing ends."""
        return self.stops.get(number) if number is not None and option("early_rejection") else None

    def evaluations(self, outputs: int, number: int | None) -> int:
        """How many pulses a sweep has: those that have begun when the sum is seen to exceed end as well."""
        hidden = option("hidden")
        segments = hidden + outputs
        every, stop = len(self.labels) * segments, self.stop(number)
        if stop is None:
            return every
        if stop == HOPELESS:
            return 0
        at, sum_seen = 0, self.conversion + 1  # cycles after the end of its pulse
        while at < sum_seen:
            if hidden and (stop + 1) % segments == hidden:
                break  # the outputs of the next sample wait for longer than it takes to see the sum
            at, stop = at + self.widths[EVAL], stop + 1
        return min(every, stop + 1)


def pulse(training: Training, op: int, at_end: Cycle | None = None, **command: int) -> Iterator[Cycle]:
    """A command for the width of its pulse; `at_end` are the strobes of its last cycle."""
    for left in reversed(range(training.widths[op])):
        yield {"op": op, **command, **((at_end or {}) if left == 0 else {})}


def evaluations(training: Training, outputs: int, row: int, count: int) -> Iterator[Cycle]:
    """Sample by sample on every segment, `count` in all; the next sample is fetched as the last output of this one
    ends, the position after it looked up. Outputs wait for the sigmoid of the last hidden neuron."""
    samples, hidden = len(training.labels), option("hidden")
    segments = hidden + outputs
    for number in range(count):
        sample, segment = divmod(number, segments)
        last_output = segment == segments - 1
        if hidden and segment == hidden:
            yield from [{"row": row, "summing": 1}] * (training.conversion + 1)
        at_end = {}
        if last_output and number < count - 1:
            at_end = {"fetch_sample": sample + 1}
            if option("sample_order") == "hard_first" and sample + 2 < samples:
                at_end |= {"fetch_order": sample + 2}
        label = training.labels[sample]
        command = dict(segment=segment, hidden=int(segment < hidden))
        if segment >= hidden:
            command["is_label"] = int(label == segment - hidden if outputs > 1 else label)
        for cycle in pulse(training, EVAL, at_end, row=row, last_output=int(last_output), **command):
            yield {**cycle, "summing": 1}


def programming(training: Training, cells: int, row: int, number: int | None, fresh: int) -> Iterator[Cycle]:
    """SETs and READs, or the wait for the programmer."""
    if number is not None and option("verify") != "off":
        for _ in range(training.programmed_after(number)):
            yield {"row": row} | ({"fresh": fresh} if option("verify") == "pair" else {})
        return
    drawn = row == 0 and option("init") == "random"
    dacs = option("gate_dacs")
    for cell in range(0, cells, dacs):
        at_end: Cycle = {}
        if cell + dacs < cells:
            at_end = {"fetch_gate": cell + dacs} if row else {"draw": 1} if drawn else {}
        yield from [{"row": row}] * (training.drawing if drawn else 0)
        yield from pulse(training, SET, at_end, row=row, cell=cell, first=int(row == 0))
    for cell in range(cells):
        yield from pulse(training, READ, row=row, cell=cell)


def attempt(
    training: Training, outputs: int, cells: int, row: int, number: int | None, fresh: int
) -> tuple[list[Cycle], int]:
    """The cycles of one proposal before its decision, and how many evaluations there are among them: programming, the
    wait for the threshold, EVALs, the wait for the last answer and for the draw. Row 0 has no `number`."""
    cycles = list(programming(training, cells, row, number, fresh))
    drawing = training.drawing if number is not None else 0
    waits = {"row": row, "summing": 1}
    count = training.evaluations(outputs, number)
    if option("early_rejection"):
        converting = PRIOR + (training.conversion if number is None or option("verify") == "off" else 0)
        cycles += [dict(waits) for _ in range(max(converting, drawing - len(cycles)) + 1)]
    if count == 0:
        return cycles, 0
    if option("sample_order") == "hard_first":
        cycles[-1]["fetch_order"] = 0
        cycles.append(waits | ({"fetch_order": 1} if len(training.labels) > 1 else {}))
    cycles[-1]["fetch_sample"] = 0
    cycles += evaluations(training, outputs, row, count)
    return cycles + [waits] * (max(training.conversion, drawing - len(cycles)) + 1), count


@dataclass
class Tally:
    """What the chain below counts, for the cycle budget."""

    proposals: int = 0
    rejected: int = 0
    sweep: int = 0
    eval: int = 0
    layer: int = 0
    programming: int = 0


def expected(training: Training, outputs: int, cells: int, tally: Tally) -> Iterator[Cycle]:
    """Every cycle from the one after `start` to the last busy one; `current` is there once a row has been accepted."""
    open_next = {"propose": 1, "draw": 1} | ({"fetch_gate": 0} if option("verify") == "off" else {"program": 1})
    for row in range(training.rows):
        at_end = OPEN_FIRST if row == training.rows - 1 else {}
        if at_end and option("init") == "random":
            at_end = {**OPEN_FIRST, "draw": 1}
        yield from pulse(training, RESET, at_end, row=row, proposals=0)
    row, streak = 0, 0
    current: Cycle = {}
    while True:
        number = tally.proposals if row else None
        fresh = int(streak == 0 or option("verify_memory") == "proposal")
        cycles, count = attempt(training, outputs, cells, row, number, fresh)
        for cycle in cycles:
            yield {**cycle, **current, "proposals": tally.proposals}
        tally.eval, tally.sweep = tally.eval + count, tally.sweep + (count > 0)
        hidden = option("hidden")
        tally.layer += sum(evaluation % (hidden + outputs) == hidden for evaluation in range(count))
        accepted = number is None or training.accepts[number]
        assert not accepted or training.stop(number) is None, "the bench accepts what it stopped"
        at_limit = number is not None and number + 1 == training.limit
        decision: Cycle = {"decide": "accepted" if accepted else "rejected", "first": int(row == 0), "summing": 1}
        if accepted and row > 0:
            decision["store"] = current["current"]
        ends = at_limit or (accepted and row == training.rows - 1)
        opens = open_next if accepted and not ends else {}
        yield {"row": row, "proposals": tally.proposals, **current, **decision, **opens}
        tally.proposals += number is not None
        tally.rejected += not accepted
        if accepted:
            current, streak = {"current": row}, 0
        else:
            streak = min(streak + 1, STREAK_TOP)
            skips = option("reject_limit") > 0 and streak == training.reject_limit
            ends = at_limit or (skips and row == training.rows - 1)
            at_end = ({"store_zero": row} if skips else {}) | ({} if ends else open_next)
            yield from pulse(training, RESET, at_end, row=row, proposals=tally.proposals, **current)
            streak = 0 if skips else streak
        if ends:
            yield {"row": row, "proposals": tally.proposals, **current, "store": current["current"]}
            return
        row += accepted or skips


class Surroundings:
    """The blocks around the trainer. `drive` their outputs of a cycle, then `advance` over the edge that ends it."""

    def __init__(self, dut: Any, training: Training):
        self.dut, self.training, self.seen = dut, training, Outputs(dut)
        self.time = self.elapsed = self.converting = self.drawing = self.label = self.programming = self.running = 0
        self.number: int | None = None  # of the proposal; row 0 has none
        self.opened = self.adding = 0
        self.evaluated = 0
        self.additions: dict[int, int] = {}  # by time: the evaluation that is added
        self.accepted_any = False

    def drive(self) -> None:
        dut = self.dut
        self.seen.read()
        dut.drawing.value = int(self.drawing > 0)
        if option("init") == "random":
            dut.draw_ends.value = int(self.drawing == 1)
        dut.command_latch.value = int(self.running > 0 and self.elapsed + 1 >= self.training.widths[self.running])
        dut.command_converting.value = int(self.converting > 0)
        if option("early_rejection"):
            dut.adding.value = int(0 < self.adding <= PRIOR)
        dut.label_s.value = self.label
        dut.programmed.value = int(self.programming == 1)
        self._drive_decision()

    def _drive_decision(self) -> None:
        """What nobody may look at is driven against what would be right: row 0 is rejected, stopped and hopeless, no
        decision is accepted, a threshold that is not there yet is the wrong one."""
        dut, number = self.dut, self.number
        deciding, row_0 = bool(self.seen["decide"]), number is None
        dut.accept.value = int(self.training.accepts[number or 0] if deciding and not row_0 else not deciding)
        stop, adds = self.training.stop(number), self.additions.get(self.time)
        exceeds = adds is not None and stop is not None and adds >= stop
        dut.exceeds.value = int(row_0 or not option("early_rejection") or exceeds)
        known = self.seen["summing"] and not (self.running or self.converting or self.adding or self.drawing)
        dut.hopeless.value = int(row_0 or (stop == HOPELESS) == bool(known))

    def advance(self) -> None:
        seen, latch, op = self.seen, self.dut.command_latch.value == 1, self.running
        answers = latch and op in (READ, EVAL)
        self.converting = self.training.conversion if answers else max(0, self.converting - 1)
        self.adding = max(0, self.adding - 1)
        if answers and op == READ or self.programming == 1:
            self.adding = self.converting + PRIOR
        if latch and op == EVAL:
            if not seen["hidden"]:
                self.additions[self.time + self.training.conversion + 1] = self.evaluated
            self.evaluated += 1
        self.drawing, self.programming = max(0, self.drawing - 1), max(0, self.programming - 1)
        if seen["propose"]:
            self.evaluated = 0
            self.number = self.opened - 1 if self.opened else None
            self.opened += 1
        if seen["draw"]:
            self.drawing = self.training.drawing
        if seen["program"]:
            self.programming = self.training.programmed_after(self.number or 0)
        if seen["fetch_sample"]:
            self.label = self.training.labels[seen["fetch_index"]]
        self.accepted_any |= bool(seen["accepted"])
        self.time += 1
        if op and not latch:
            self.elapsed += 1
        else:
            self.elapsed, self.running = 0, seen["command_op"]


FIELDS = {SET: ("cell", "first"), READ: ("cell",), EVAL: ("segment", "hidden", "is_label", "last_output")}
"""What a command carries besides its row."""
PORTS = {"cell": "command_cell", "segment": "command_segment"}
STROBES = {
    "fetch_gate": "fetch_cell",
    "fetch_sample": "fetch_index",
    "fetch_order": "order_position",
    "store": "store_row",
    "store_zero": "store_row",
}
"""Each strobe with what it carries."""
OUTCOMES = {(1, 1, 0): "accepted", (1, 0, 1): "rejected"}


def observed(surroundings: Surroundings) -> Cycle:
    """This cycle as `expected` writes it; what nobody looks at in this cycle is left out."""
    surroundings.seen.read()
    value = surroundings.seen.__getitem__
    cycle: Cycle = {"row": value("command_row"), "proposals": value("proposals")}
    if surroundings.accepted_any:
        cycle["current"] = value("current_row")
    if surroundings.programming and option("verify") == "pair":
        cycle["fresh"] = value("fresh")
    if value("program"):
        cycle["program"] = 1
    if value("draw"):
        cycle["draw"] = 1
    if op := surroundings.running:
        cycle |= {"op": op, **{name: value(PORTS.get(name, name)) for name in FIELDS.get(op, ())}}
        if cycle.get("hidden"):
            del cycle["is_label"]
    if value("summing"):
        cycle["summing"] = 1
    for strobe, carried in STROBES.items():
        if value(strobe):
            cycle[strobe] = value(carried)
    if value("propose"):
        cycle["propose"] = 1
    verdict = (value("decide"), value("accepted"), value("rejected"))
    if any(verdict):
        cycle |= {"decide": OUTCOMES.get(verdict, "contradiction"), "first": value("first")}
    return cycle if value("busy") else {**cycle, "idle": 1}


def row_cycles(training: Training, cells: int) -> int:
    """SETs of groups, as many cells as there are gate DACs, and READs of cells."""
    return -(-cells // option("gate_dacs")) * training.widths[SET] + cells * training.widths[READ]


def check_plain_budget(training: Training, outputs: int, cells: int, seen: list[Cycle]) -> None:
    """The documented budget without options, from the strobes alone: a proposal, and what a rejection adds."""
    widths = training.widths
    sample = (option("hidden") + outputs) * widths[EVAL] + (training.conversion + 1 if option("hidden") else 0)
    proposal = row_cycles(training, cells) + len(training.labels) * sample + training.conversion + 2
    opened = [at for at, cycle in enumerate(seen) if "propose" in cycle]
    decided = [at for at, cycle in enumerate(seen) if "decide" in cycle]
    assert len(opened) == len(decided) > 0, f"{len(opened)} proposals opened, {len(decided)} decided"
    for number, (begin, end) in enumerate(zip(opened, decided, strict=True)):
        # the draw starts a cycle after the strobe; the trainer sees its end a cycle later and decides in the next
        first = proposal + (cells * training.drawing if option("init") == "random" else 0)
        due = max(proposal, training.drawing + 2) if number else first
        assert end - begin == due, f"proposal {number} took {end - begin} cycles, not {due}"
    for end, begin in zip(decided, opened[1:], strict=False):
        extra = widths[RESET] if seen[end]["decide"] == "rejected" else 0
        assert begin - end == extra, f"{begin - end} cycles from decision to next proposal, not {extra}"


def formula_cycles(training: Training, outputs: int, features: int, tally: Tally) -> int:
    """The whole training by the product's cycle budget; at 1 GHz a cycle is a nanosecond."""
    widths = {f"{op}_pulse_s": training.widths[code] * 1e-9 for op, code in PULSES.items()}
    config = Config(
        clock_hz=1e9,
        conversion_s=training.conversion * 1e-9,
        rows=training.rows,
        burn_in=0,
        outputs=outputs,
        features=features,
        train_samples=len(training.labels),
    )
    formats = Formats(config.replace(**widths, **parameters()["options"]))
    counts = dict(vars(tally), retry=0, switch=0)
    cycles = budget.train_cycles(formats, tally.proposals, counts)
    cycles += budget.first_draws(formats) * (training.drawing - budget.draw_steps(formats.config))
    if option("verify") == "off":
        return cycles
    own = sum(training.programmed_after(number) for number in range(tally.proposals))
    return cycles - tally.proposals * budget.programming_cycles(formats, 0, 0) + own


PULSES = {"reset": RESET, "set": SET, "read": READ, "eval": EVAL}


def draw_is_hidden(training: Training, cells: int) -> bool:
    """The draw has ended by the time a row is programmed, as `Config` asks."""
    if option("verify") == "off":
        return training.drawing <= row_cycles(training, cells)
    return training.drawing <= min(training.programming)


def cells_of_a_row() -> int:
    p, hidden = parameters(), option("hidden")
    return 2 * (hidden * (p["features"] + p["outputs"]) if hidden else p["outputs"] * p["features"])


def output_evaluations(samples: int) -> list[int]:
    """The evaluations of a whole sweep that add to the sum: a sample's outputs, behind its hidden neurons."""
    hidden = option("hidden")
    segments = hidden + parameters()["outputs"]
    return [number for number in range(samples * segments) if number % segments >= hidden]


async def begin(dut: Any) -> None:
    idle = "start last_row last_sample max_proposals reject_limit label drawing accept".split()
    idle += ["command_latch", "command_converting", "hopeless", "exceeds", "programmed", "halt"]
    idle += ["adding"] if option("early_rejection") else []
    idle += ["draw_ends"] if option("init") == "random" else []
    await start(dut, **dict.fromkeys(idle, 0))


async def run(dut: Any, board: Scoreboard, training: Training, note: str) -> None:
    """One training from `start` until it is idle again, compared in every cycle."""
    p = parameters()
    outputs, cells = p["outputs"], cells_of_a_row()
    dut.last_row.value = training.rows - 1
    dut.last_sample.value = len(training.labels) - 1
    dut.max_proposals.value = training.limit
    dut.reject_limit.value = training.reject_limit
    dut.start.value = 1
    await ReadOnly()
    surroundings, seen = Surroundings(dut, training), list[Cycle]()
    surroundings.running = int(dut.command_op.value)
    await FallingEdge(dut.clk)
    dut.start.value = 0
    tally = Tally()
    cycles = list(expected(training, outputs, cells, tally))
    still = {name: cycles[-1][name] for name in ("row", "proposals", "current")} | {"idle": 1}
    for number, cycle in enumerate(cycles + [still] * IDLE_CYCLES):
        board.expect(cycle, f"{note}, cycle {number}")
        surroundings.drive()
        await ReadOnly()
        seen.append(observed(surroundings))
        board.observe(seen[-1])
        surroundings.advance()
        await FallingEdge(dut.clk)
    if option("verify") == "off" and not option("early_rejection") and option("sample_order") == "given":
        check_plain_budget(training, outputs, cells, seen)
    if draw_is_hidden(training, cells):
        busy, due = len(seen) - IDLE_CYCLES, formula_cycles(training, outputs, p["features"], tally)
        assert busy == due, f"{note}: {busy} cycles, by the budget's formula {due}"


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
    yield "two samples", Training(rows=3, limit=9, accepts=[False, True, True], labels=few[:2])
    yield (
        "rows programmed at once",
        Training(rows=3, limit=9, accepts=[False, True, True], labels=few, programming=(1,)),
    )


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
    programming = 2 * cells_of_a_row()
    board = Scoreboard("trainer")
    await begin(dut)
    sample = 2 * option("hidden") + p["outputs"]
    for drawing in (1, *range(programming - 2, programming + sample + 5)):
        accepts = [False, True]
        training = Training(rows=2, limit=2, accepts=accepts, labels=[1], drawing=drawing, programming=(programming, 1))
        await run(dut, board, training, f"drawing for {drawing}")
    board.finish()


@cocotb.test()
async def early_rejection(dut: Any) -> None:
    """The sum exceeds the threshold at each evaluation, or no sum can do; with pulses and conversions of several
    lengths, so that one or two more evaluations have begun."""
    if not option("early_rejection"):
        return
    outputs = parameters()["outputs"]
    labels = [sample % max(2, outputs) for sample in range(3)]
    stops = dict(enumerate([HOPELESS, *output_evaluations(len(labels))]))
    board, rejected = Scoreboard("trainer"), len(stops)
    await begin(dut)
    for evaluation, conversion in ((1, 1), (2, 1), (2, 2), (3, 2), (5, 5)):
        widths = {RESET: 1, SET: 1, READ: conversion, EVAL: evaluation}
        training = Training(
            rows=3,
            limit=99,
            accepts=[False] * rejected + [True, False, True],
            labels=labels,
            widths=widths,
            conversion=conversion,
            stops=stops | {rejected + 1: HOPELESS},
        )
        await run(dut, board, training, f"evaluations of {evaluation}, conversions of {conversion}")
    for last in (HOPELESS, option("hidden")):
        training = Training(rows=3, limit=2, accepts=[True, False], labels=labels, stops={1: last})
        await run(dut, board, training, f"limit on stop {last}")
    for drawing in range(2 * cells_of_a_row() + 3):
        training = Training(rows=2, limit=2, accepts=[False, True], labels=[1], drawing=drawing, stops={0: HOPELESS})
        await run(dut, board, training, f"hopeless, drawing for {drawing}")
    board.finish()


@cocotb.test()
async def skipped_rows(dut: Any) -> None:
    """Rows are left after a number of rejections: one, several, the last one, at the proposal limit, never."""
    if not option("reject_limit"):
        return
    few, no = [1, 0, 1], [False] * 400
    board = Scoreboard("trainer")
    await begin(dut)
    wide = {RESET: 3, SET: 1, READ: 2, EVAL: 1}
    cases = [
        Training(rows=5, limit=99, accepts=no, labels=few, reject_limit=1),
        Training(rows=5, limit=99, accepts=no, labels=few, reject_limit=2, widths=wide),
        Training(rows=5, limit=99, accepts=[True, *no], labels=few, reject_limit=3),
        Training(rows=5, limit=99, accepts=[False, True, False, False, True, *no], labels=few, reject_limit=2),
        Training(rows=6, limit=99, accepts=[False, False, True] * 9, labels=few, reject_limit=2, widths=wide),
        Training(rows=5, limit=4, accepts=no, labels=few, reject_limit=2),  # skip and limit at once
        Training(rows=3, limit=4, accepts=no, labels=few, reject_limit=2),  # of the last row, too
        Training(rows=5, limit=5, accepts=no, labels=few, reject_limit=2),
        Training(rows=5, limit=3, accepts=[False, False, True], labels=few, reject_limit=2),
        Training(rows=5, limit=6, accepts=no, labels=few, reject_limit=0),
    ]
    if cells_of_a_row() == 2:
        cases += [Training(rows=3, limit=300, accepts=no, labels=[1], reject_limit=limit) for limit in (0, 255)]
    for number, training in enumerate(cases):
        await run(dut, board, training, f"case {number}")
    board.finish()


@cocotb.test()
async def whole_capacity(dut: Any) -> None:
    """Every row and every sample that the counters can count; for small rows only, to be quick."""
    p = parameters()
    if cells_of_a_row() > 2:
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
            reject_limit=rng.randint(0, 3),
            programming=tuple(rng.choice((1, 8, 64, rng.randint(1, 100))) for _ in range(3)),
        )
        sums = output_evaluations(len(training.labels))
        rejected = [number for number, accepted in enumerate(training.accepts) if not accepted]
        stops = {number: rng.choice((HOPELESS, rng.choice(sums))) for number in rejected if rng.random() < 0.8}
        training = replace(training, stops=stops)
        await run(dut, board, training, f"seed {p['seed']}, training {number}: {training}")
    board.finish()
