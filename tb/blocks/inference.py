"""Bench of `hdl.inference.Inference`: every cycle and every sum of whole inferences against Eq 8 in Python integers.

The bench plays Pulse, converter, sample memory and row counters. The design under test is an `Inference` whose response
table can be written through `write`, `write_address` and `write_data`; with hidden neurons a `NetworkInference`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from oxmc.tb.blocks.outputs import Outputs
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start

IDLE_CYCLES = 3
"""Cycles watched after an inference: nothing may follow."""

Cycle = dict[str, Any]
"""What the block says in one cycle: the evaluation commanded, each strobe with what it carries."""
Response = Callable[[int, int, int], int]
"""The table entry that the evaluation of (point, row, output) is to look up."""


@dataclass(frozen=True)
class Shape:
    """Widths of the build and its response table. `entries` are signed; among them are -1, +-`largest` and `lowest`."""

    hidden: int
    outputs: int
    adc_bits: int
    table_bits: int
    response_bits: int
    counter_bits: int
    sum_bits: int
    label_bits: int
    row_capacity: int
    sample_capacity: int
    entries: tuple[int, ...]

    @property
    def largest(self) -> int:
        return 2 ** (self.response_bits - 1) - 1

    @property
    def lowest(self) -> int:
        return -(2 ** (self.response_bits - 1))

    @property
    def counter_max(self) -> int:
        return 2**self.counter_bits - 1


@dataclass(frozen=True, kw_only=True)
class Averaging:
    """One inference over points `first` to `last`. `codes` are signed ADC codes by (point, row, output).

    `eval_width` and `conversion` are in cycles; `stalls` holds for each result the cycles it waits for `ready`.
    """

    first: int
    last: int
    burn_in: int
    last_row: int
    counters: list[int]
    codes: dict[tuple[int, int, int], int]
    stalls: list[int]
    eval_width: int = 1
    conversion: int = 1

    @property
    def rows(self) -> range:
        """Rows that vote; the last one alone if the burn-in leaves none."""
        return range(min(self.burn_in, self.last_row), self.last_row + 1)


def weighted_sums(shape: Shape, averaging: Averaging, point: int) -> list[int]:
    """Eq 8's numerator for each output; a code's bin is its distance from the lowest code, in bins."""
    bin_codes = 2 ** (shape.adc_bits - shape.table_bits)

    def response(code: int) -> int:
        return shape.entries[(code + 2 ** (shape.adc_bits - 1)) // bin_codes]

    return [
        sum(averaging.counters[row] * response(averaging.codes[point, row, output]) for row in averaging.rows)
        for output in range(shape.outputs)
    ]


def classify(sums: list[int]) -> int:
    """Class 1 is a sum that is not negative; of several outputs the largest sum, the lowest output on ties."""
    return int(sums[0] >= 0) if len(sums) == 1 else sums.index(max(sums))


def expected(shape: Shape, averaging: Averaging) -> list[Cycle]:
    """Every cycle from the one after `start` to the last busy one."""
    cycles: list[Cycle] = []
    stalls, added = iter(averaging.stalls), []
    for point in range(averaging.first, averaging.last + 1):
        sums = weighted_sums(shape, averaging, point)
        cycles.append({"fetch_sample": point})
        if shape.hidden:
            network = evaluate_network(shape, averaging, cycles)
            added += [(at, point == averaging.first and output == 0) for at, output in network]
            for output, total in enumerate(sums):
                last = output == shape.outputs - 1
                result = (total, int(last), classify(sums) if last else None)
                cycles += [{"result": result}] * (next(stalls) + 1)
            continue
        for output in range(shape.outputs):
            for row in averaging.rows:
                cycles += [{"row": row, "segment": output, "hidden": 0}] * averaging.eval_width
                at = len(cycles) + averaging.conversion  # the cycle after the answer
                added.append((at, point == averaging.first and output == 0))
            cycles += [{}] * (averaging.conversion + 1)
            last = output == shape.outputs - 1
            result = (sums[output], int(last), classify(sums) if last else None)
            cycles += [{"result": result}] * (next(stalls) + 1)
    for at, votes in added:
        cycles[at] = {**cycles[at], "adding": 1} | ({"voting": 1} if votes else {})
    return cycles


def evaluate_network(shape: Shape, averaging: Averaging, cycles: list[Cycle]) -> list[tuple[int, int]]:
    """Append a point's cycles ahead of its results: row by row the hidden neurons, a wait for the last one's sigmoid,
    the outputs; then the wait for the last answer. Returns the cycles in which an output is added, and which."""
    added = []
    for row in averaging.rows:
        for segment in range(shape.hidden + shape.outputs):
            if segment == shape.hidden:
                cycles += [{}] * (averaging.conversion + 1)
            command = {"row": row, "segment": segment, "hidden": int(segment < shape.hidden)}
            cycles += [command] * averaging.eval_width
            if segment >= shape.hidden:
                added.append((len(cycles) + averaging.conversion, segment - shape.hidden))
    cycles += [{}] * (averaging.conversion + 1)
    return added


def documented_cycles(shape: Shape, averaging: Averaging) -> int:
    """The docstrings' budgets, and the cycles that results waited."""
    if shape.hidden:
        row = (shape.hidden + shape.outputs) * averaging.eval_width + averaging.conversion + 1
        point = 1 + len(averaging.rows) * row + averaging.conversion + 1 + shape.outputs
        points = averaging.last - averaging.first + 1
        return points * point + sum(averaging.stalls[: points * shape.outputs])
    output = len(averaging.rows) * averaging.eval_width + averaging.conversion + 2
    points = averaging.last - averaging.first + 1
    return points * (shape.outputs * output + 1) + sum(averaging.stalls[: points * shape.outputs])


class Surroundings:
    """The blocks around the inference. `drive` their outputs of a cycle, then `advance` over the edge that ends it.

    Codes, counters and tags are right in the one cycle where the chip has them and random in all others.
    """

    def __init__(self, dut: Any, shape: Shape, averaging: Averaging, rng: random.Random):
        self.dut, self.shape, self.averaging, self.rng = dut, shape, averaging, rng
        self.seen = Outputs(dut)
        self.elapsed = self.converting = self.waited = self.results = self.running = 0
        self.point: int | None = None
        self.tag: tuple[int, int, int] | None = None
        self.answered: int | None = None  # the row whose counter was fetched in the cycle before

    def drive(self) -> None:
        dut, shape, rng = self.dut, self.shape, self.rng
        dut.command_latch.value = int(self.running and self.elapsed + 1 >= self.averaging.eval_width)
        dut.command_converting.value = int(self.converting > 0)
        answers = self.converting == 1 and self.tag is not None and self.tag[2] >= 0  # a hidden neuron's goes elsewhere
        dut.answer.value = int(answers)
        code = self.averaging.codes[self.tag] if answers and self.tag else rng.getrandbits(shape.adc_bits)
        dut.code.value = code % 2**shape.adc_bits
        garbage = rng.getrandbits(shape.counter_bits)
        dut.counter.value = garbage if self.answered is None else self.averaging.counters[self.answered]
        stall = self.averaging.stalls[self.results] if self.results < len(self.averaging.stalls) else 1
        dut.result_ready.value = int(self.waited >= stall)

    def advance(self) -> None:
        dut, seen = self.dut, self.seen
        self.answered = self.tag[1] if self.converting == 1 and self.tag and self.tag[2] >= 0 else None
        latch = dut.command_latch.value == 1
        if self.running and not latch:
            self.elapsed += 1
        else:
            self.elapsed, self.running = 0, seen["command_op"]
        self.converting = max(0, self.converting - 1)
        if latch:
            assert self.point is not None, "evaluation before a sample was fetched"
            self.tag, self.converting = (
                (self.point, seen["command_row"], seen["command_segment"] - self.shape.hidden),
                self.averaging.conversion,
            )
        if seen["fetch_sample"]:
            self.point = seen["fetch_index"]
        if seen["result_valid"]:
            taken = dut.result_ready.value == 1
            self.waited, self.results = (0, self.results + 1) if taken else (self.waited + 1, self.results)


def observed(seen: Outputs, shape: Shape, running: int) -> Cycle:
    """This cycle as `expected` writes it; what nobody looks at in this cycle is left out."""
    seen.read()
    cycle: Cycle = {} if seen["busy"] else {"idle": 1}
    if running:
        cycle |= {"row": seen["command_row"], "segment": seen["command_segment"], "hidden": seen["hidden"]}
    if seen["fetch_sample"]:
        cycle["fetch_sample"] = seen["fetch_index"]
    cycle |= {strobe: 1 for strobe in ("adding", "voting") if seen[strobe]}
    if seen["result_valid"]:
        payload, half = seen["result_payload"], 2 ** (shape.sum_bits - 1)
        total = (payload % (2 * half) ^ half) - half
        winner = payload >> shape.sum_bits & 2**shape.label_bits - 1
        last = payload >> (shape.sum_bits + shape.label_bits)
        cycle["result"] = (total, last, winner if last else None)
    return cycle


async def run(dut: Any, board: Scoreboard, shape: Shape, averaging: Averaging, note: str) -> None:
    """One inference from `start` until it is idle again, compared in every cycle."""
    dut.first_index.value, dut.last_index.value = averaging.first, averaging.last
    dut.burn_in.value, dut.last_row.value = averaging.burn_in, averaging.last_row
    dut.start.value = 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    cycles = expected(shape, averaging)
    assert len(cycles) == documented_cycles(shape, averaging), f"{note}: the docstring's budget is wrong"
    surroundings = Surroundings(dut, shape, averaging, random.Random(0))
    for number, cycle in enumerate(cycles + [{"idle": 1}] * IDLE_CYCLES):
        board.expect(cycle, f"{note}, cycle {number}")
        surroundings.drive()
        await ReadOnly()
        board.observe(observed(surroundings.seen, shape, surroundings.running))
        surroundings.advance()
        await FallingEdge(dut.clk)


async def begin(dut: Any, rng: random.Random) -> Shape:
    """Reset the block and write a response table: -1, the extremes, 0 and random entries, in random order."""
    widths = parameters()["shape"]
    largest = 2 ** (widths["response_bits"] - 1) - 1
    entries = [-1, largest, -largest, -largest - 1, 0]
    entries += [rng.randint(-largest - 1, largest) for _ in range(2 ** widths["table_bits"])]
    entries = entries[: 2 ** widths["table_bits"]]
    rng.shuffle(entries)
    inputs = "start halt first_index last_index burn_in last_row answer code counter result_ready".split()
    inputs += "command_latch command_converting write write_address write_data".split()
    await start(dut, **dict.fromkeys(inputs, 0))
    dut.write.value = 1
    for address, entry in enumerate(entries):
        dut.write_address.value, dut.write_data.value = address, entry % 2 ** widths["response_bits"]
        await FallingEdge(dut.clk)
    dut.write.value = 0
    return Shape(**widths, entries=tuple(entries))


def code_of(shape: Shape, entry: int, rng: random.Random) -> int:
    """A signed ADC code whose bin holds `entry`; the bits below the bin are random."""
    low_bits = shape.adc_bits - shape.table_bits
    return (shape.entries.index(entry) << low_bits) + rng.randrange(2**low_bits) - 2 ** (shape.adc_bits - 1)


def directed_averaging(
    shape: Shape,
    rng: random.Random,
    response: Response,
    counters: list[int],
    *,
    points: int = 1,
    first: int = 0,
    **rest,
) -> Averaging:
    """An inference on rows 0 to len(counters) - 1 without burn-in or stalls, unless `rest` says otherwise."""
    keys = [
        (first + point, row, output)
        for point in range(points)
        for row in range(len(counters))
        for output in range(shape.outputs)
    ]
    codes = {key: code_of(shape, response(*key), rng) for key in keys}
    stalls = [0] * (points * shape.outputs)
    plain = dict(burn_in=0, last_row=len(counters) - 1, stalls=stalls)
    return Averaging(**{**plain, **rest}, first=first, last=first + points - 1, counters=counters, codes=codes)


def corners(shape: Shape, rng: random.Random) -> Iterator[tuple[str, Averaging]]:
    """Directed inferences; each starts where the one before it finished."""
    top, most, rows = shape.largest, shape.counter_max, shape.row_capacity
    last_output = shape.outputs - 1

    def case(response: Response, counters: list[int], **rest) -> Averaging:
        return directed_averaging(shape, rng, response, counters, **rest)

    yield "full scale", case(lambda point, *_: top if point else -top, [most] * rows, points=2)
    yield "the lowest at full counters", case(lambda *_: shape.lowest, [most] * rows)
    yield "one row, one point", case(lambda *_: top, [1])
    yield "one row, negative", case(lambda *_: -1, [1])
    yield "sums of 0 out of opposites", case(lambda _, row, __: top if row % 2 else -top, [most] * 4)
    yield "sums of 0 out of rows that never counted", case(lambda *_: -top, [0] * 3)
    yield "all outputs alike", case(lambda *_: -1, [1, 0, most])
    yield "all negative, the last one least", case(lambda _, __, k: -1 if k == last_output else -top, [most, 1])
    yield "low sums after high ones", case(lambda i, _, k: top if i == 0 else (-1 if k else -top), [1, 1], points=2)
    yield "a later output ties with the best so far", case(lambda _, __, k: top if k else -1, [1, most])
    for burn_in in (0, 1, 4, 5, 6, rows - 1):
        counters = [1 << row & most or 1 for row in range(6)]  # tells rows apart
        yield f"burn-in {burn_in} of 6 rows", case(lambda *_: top, counters, burn_in=burn_in, points=2)
    yield "burn-in above one row", case(lambda *_: -top, [most], burn_in=9)
    highest = dict(points=2, first=shape.sample_capacity - 2)
    yield "the last points of the memory", case(lambda *_: rng.choice(shape.entries), [1, 2 & most], **highest)
    for eval_width, conversion in ((1, 1), (2, 1), (3, 3), (5, 4)):
        stalls = [stall for _ in range(3) for stall in [1, *[0] * last_output]]
        wide = dict(eval_width=eval_width, conversion=conversion, points=3, stalls=stalls)
        yield f"widths {eval_width} and {conversion}", case(lambda *_: rng.choice(shape.entries), [most, 1, 0], **wide)


@cocotb.test()
async def directed(dut: Any) -> None:
    rng = random.Random(parameters()["seed"])
    board = Scoreboard("inference")
    shape = await begin(dut, rng)
    for note, averaging in corners(shape, rng):
        await run(dut, board, shape, averaging, note)
    board.finish()


@cocotb.test()
async def constrained_random(dut: Any) -> None:
    """Random sizes, widths, codes, counters and stalls; a conversion is no longer than an evaluation (Config)."""
    p = parameters()
    rng = random.Random(p["seed"])
    board = Scoreboard("inference")
    shape = await begin(dut, rng)
    for number in range(p["inferences"]):
        rows, points, eval_width = rng.randint(1, 12), rng.randint(1, 5), rng.randint(1, 4)
        averaging = directed_averaging(
            shape,
            rng,
            lambda *_: rng.choice(shape.entries),
            [rng.choice((0, shape.counter_max, rng.randint(0, shape.counter_max))) for _ in range(rows)],
            points=points,
            first=rng.randrange(shape.sample_capacity - points),
            burn_in=rng.randint(0, 14),
            stalls=[rng.choice((0, 0, 1, 7)) for _ in range(points * shape.outputs)],
            eval_width=eval_width,
            conversion=rng.randint(1, eval_width),
        )
        await run(dut, board, shape, averaging, f"seed {p['seed']}, inference {number}")
    board.finish()
