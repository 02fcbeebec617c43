"""System bench of `oxmc.hdl.chip.Chip`: a whole small training, watched on the pins cycle by cycle.

Apart from the co-simulation top: nothing here shares its observer. The array model sits behind an array port that this
bench samples in the middle of every cycle; the time contract is checked on each pulse, and converters answer in the
one cycle that is theirs and give garbage in all others. The outcome must be the twin's to the bit.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, First, RisingEdge, Timer, with_timeout

from oxmc.pymodels.cartpole import TEST, TRAINING
from oxmc.pymodels.events import DIGITAL_EVENTS, PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp, Command, Space, Status
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.blocks.outputs import Outputs
from oxmc.tb.blocks.scoreboard import CLOCK_NS, Scoreboard, parameters, start
from oxmc.tb.cosim.episodes import TEST_SAMPLE, TRAINING_SAMPLE, Environment
from oxmc.tb.cosim.port import HostModel
from oxmc.tb.cosim.program import command, job_commands, job_words

# {wl, bl, sl, inputs_on} that each command drives: SET and FORM by WL and SL, RESET by WL and BL, READ by WL and SL,
# EVAL by WL and the input drivers (paper.md, pulses in the lab; docs/reference/ports.md)
PINS = {
    ArrayOp.IDLE: (0, 0, 0, 0),
    ArrayOp.FORM: (1, 0, 1, 0),
    ArrayOp.RESET: (1, 1, 0, 0),
    ArrayOp.SET: (1, 0, 1, 0),
    ArrayOp.READ: (1, 0, 1, 0),
    ArrayOp.EVAL: (1, 0, 0, 1),
}


class PinWatcher:
    """The array behind its pins: measures each pulse, lets the array act at its end, answers a conversion later.

    `cycle` counts from the end of reset, and one more once the middle of a cycle has been looked at.
    """

    def __init__(self, dut, array: OxramArray, seed: int):
        self.dut, self.array, self.rng = dut, array, random.Random(seed)
        config = array.config
        self.formats = Formats(config)
        self.conversion = config.cycles(config.conversion_s)
        self.pulses: Counter = Counter()
        self.cycle = 0
        self.answers: dict[int, int] = {}
        self._answered = True
        self._held: tuple | None = None
        self._width = 0
        self.seen = Outputs(dut)
        self._events: Counter[tuple[str, str]] = Counter()
        """Cycles by the bits of `phase` and of `events`."""

    async def run(self) -> None:
        seen, cycle = self.seen, Timer(CLOCK_NS, "ns")
        await Timer(CLOCK_NS / 4, "ns")  # past what host and result stream drive on the falling edge
        while True:
            seen.read()
            self._answer()
            self._watch_pulse()
            self._events[seen.bits("phase"), seen.bits("events")] += 1
            self.cycle += 1
            await cycle

    @property
    def strobes(self) -> Counter[tuple[str, str]]:
        """Cycles in which each event was raised, by phase and event; "cycle" has all."""
        found: Counter[tuple[str, str]] = Counter()
        for (phase, events), cycles in self._events.items():
            found[PHASES[int(phase, 2)], "cycle"] += cycles
            for bit, name in enumerate(DIGITAL_EVENTS):
                found[PHASES[int(phase, 2)], name] += cycles * (int(events, 2) >> bit & 1)
        return found

    def _answer(self) -> None:
        """What a converter says in the one cycle that is its; before and after it there is garbage, new after each."""
        answer, bits = self.answers.pop(self.cycle, None), self.formats.data_bits
        if answer is not None or self._answered:
            self.dut.array_data.value = answer if answer is not None else self.rng.getrandbits(bits)
        self._answered = answer is not None

    def _watch_pulse(self) -> None:
        seen = self.seen
        op, latch = ArrayOp(seen["array_op"]), seen["array_latch"]
        pins = tuple(seen[f"array_{pin}"] for pin in ("wl", "bl", "sl", "inputs_on"))
        assert pins == PINS[op], f"cycle {self.cycle}: {op.name} must drive {PINS[op]}, not {pins}"
        if op == ArrayOp.IDLE:
            assert not self._width and not latch, f"cycle {self.cycle}: a pulse must end with a latch"
            return
        place = tuple(seen[f"array_{name}"] for name in ("row", *self._fields(op)))
        if self._width:
            assert self._may_be(op, place), f"cycle {self.cycle}: {op.name} {place} inside {self._held}"
        self._held = (op, place)
        self._width += 1
        if latch:
            self._act(op, place, self._width)
            self.pulses[op] += 1
            self._width = 0

    def _may_be(self, op: ArrayOp, place: tuple) -> bool:
        """Whether this is the pulse of the cycle before."""
        return (op, place) == self._held

    def cut(self, op: ArrayOp) -> None:
        """The pulse whose fields are still on the port is to be cut by a reset: to be called as `rst` rises."""
        self.array.phase = PHASES[self.dut.phase.value.to_unsigned()]
        row, where = (int(getattr(self.dut, f"array_{name}").value) for name in ("row", self._fields(op)[0]))
        cells = {
            ArrayOp.RESET: [cell for cell in range(self.formats.cells) if where >> cell & 1],
            ArrayOp.SET: range(where, min(where + self.formats.config.gate_dacs, self.formats.cells)),
        }
        self.array.cut(op.name, row, cells.get(op, ()))
        self._width = 0
        self.answers.clear()

    @staticmethod
    def _fields(op: ArrayOp) -> tuple[str, ...]:
        return {
            ArrayOp.FORM: ("cell", "gate"),
            ArrayOp.RESET: ("mask",),
            ArrayOp.SET: ("cell", "gate"),
            ArrayOp.READ: ("cell",),
            ArrayOp.EVAL: ("segment", "inputs"),
        }[op]

    def _act(self, op: ArrayOp, place: Any, width: int) -> None:
        array = self.array
        array.phase = PHASES[self.seen["phase"]]
        row, *where = place
        if op == ArrayOp.RESET:
            array.reset(row, where[0], width)
        elif op == ArrayOp.SET:
            array.set_group(row, where[0], self.formats.unpack_gates(where[1]), width)
        elif op == ArrayOp.FORM:
            array.form(row, where[0], where[1], width)
        else:
            if op == ArrayOp.READ:
                code = array.read(row, where[0], width)
            else:
                segment, inputs = where
                code = array.evaluate(row, segment, np.array(self.formats.unpack_inputs(inputs), np.int64), width)
            due = self.cycle + self.conversion
            assert due not in self.answers, f"cycle {self.cycle}: two conversions must not end together"
            self.answers[due] = int(code) & (2**self.formats.data_bits - 1)  # numpy's, where nothing is compiled


async def take_results(dut, formats: Formats, rng: random.Random, sink: list, stalls: list[int]) -> None:
    """Take results, making some wait for one to three cycles; `stalls` counts those cycles."""
    bits, label_bits = formats.response_sum_bits, formats.label_bits
    while True:
        dut.result_ready.value = 0
        wait = rng.choice((0, 0, 0, 1, 3))
        while not (dut.result_valid.value == 1 and wait == 0):
            if dut.result_valid.value == 1:
                wait -= 1
                stalls.append(1)
            else:
                await RisingEdge(dut.result_valid)
            await FallingEdge(dut.clk)
        word = dut.result_payload.value.to_unsigned()
        total = word & (2**bits - 1)
        sink.append((total - (total >> (bits - 1) << bits), word >> bits & (2**label_bits - 1)))
        dut.result_ready.value = 1
        await FallingEdge(dut.clk)


async def until_waiting(dut) -> None:
    """Until the chip waits for the host, or is idle: the middle of the first such cycle."""
    while dut.waiting.value == 0 and dut.busy.value == 1:
        await First(RisingEdge(dut.waiting), FallingEdge(dut.busy))
        await FallingEdge(dut.clk)


async def act_until_over(dut, host: HostModel, environment: Environment, sample: int, act: Command, results) -> None:
    """One episode on the pins; the last result of each step is its action."""
    over = False
    while not over:
        await host.write([*environment.observation(sample), command(act)])
        await until_waiting(dut)
        over = environment.act(results[-1][1])


async def episodes(dut, job: Job, host: HostModel, results: list[tuple[int, int]]) -> list[int]:
    """Train and test on episodes; the test's rewards. What training leaves among the results is taken out."""
    environment, rewards, episode = Environment(job), [], 0
    await host.write([command(Command.TRAIN)])
    while True:
        await until_waiting(dut)
        if dut.busy.value == 0:
            break
        environment.restart(episode, TRAINING)
        await act_until_over(dut, host, environment, TRAINING_SAMPLE, Command.STEP, results)
        await host.write([command(Command.DONE)])
        episode += 1
    results.clear()
    for episode in range(job.config.test_episodes):
        environment.restart(episode, TEST)
        await act_until_over(dut, host, environment, TEST_SAMPLE, Command.INFER, results)
        rewards.append(environment.steps)
    return rewards


async def whole_run(dut, job: Job, watcher: PinWatcher, host: HostModel, results: list[tuple[int, int]]) -> int:
    """Load, build, train, infer; the cycles it took from the end of reset."""
    await host.write(job_words(job))
    for what in job_commands(job):
        await host.run(command(what))
    if job.config.acceptance == "reward":
        await episodes(dut, job, host, results)
    return watcher.cycle


@cocotb.test()
async def training(dut) -> None:
    """The outcome on the pins is the twin's: state, counters, classes, sums, events, cycles."""
    p = parameters()
    job, expected = Job.load(Path(p["job"])), Outcome.load(Path(p["outcome"]))
    formats, rng = Formats(job.config), random.Random(p["seed"])
    array = OxramArray(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    array.restore(job.stored)
    idle = dict(host_valid=0, host_write=0, host_address=0, host_write_data=0, array_data=0, result_ready=0)
    await start(dut, **idle)
    watcher, host = PinWatcher(dut, array, p["seed"]), HostModel(dut)
    results: list[tuple[int, int]] = []
    stalls: list[int] = []
    cocotb.start_soon(watcher.run())
    cocotb.start_soon(take_results(dut, formats, rng, results, stalls))
    limit = 4 * expected.cycles + 1000
    cycles = await with_timeout(whole_run(dut, job, watcher, host, results), limit * CLOCK_NS, "ns")

    strobes = watcher.strobes.copy()  # the reads below raise strobes of their own
    board = Scoreboard("chip")

    def compare(name: str, found: object, due: object) -> None:
        board.expect(due, name)
        board.observe(found)

    outputs = job.config.outputs
    compare("errors", await host.read(Space.STATUS, Status.ERRORS), 0)
    compare("last row", await host.read(Space.STATUS, Status.LAST_ROW), expected.last_row)
    compare("proposals", await host.read(Space.STATUS, Status.PROPOSALS), expected.proposals)
    compare("skipped", await host.read(Space.STATUS, Status.SKIPPED), expected.skipped)
    compare("clamps", await host.read(Space.STATUS, Status.CLAMPS), expected.clamps)
    compare("lost counts", await host.read(Space.STATUS, Status.LOST_COUNTS), expected.lost_counts)
    for row, counter in enumerate(expected.counters.tolist()):
        compare(f"counter of row {row}", await host.read(Space.COUNTERS, row), counter)
    compare("conductances", array.conductance_ns.tolist(), expected.conductance_ns.tolist())
    compare("sums", [total for total, _ in results], expected.sums.ravel().tolist())
    compare("classes", [winner for _, winner in results][outputs - 1 :: outputs], expected.classes.tolist())
    compare("cycles", cycles - len(stalls), expected.cycles)
    compare("array events", array.counts, {ph: {e: expected.counts[ph][e] for e in array.counts[ph]} for ph in PHASES})
    compare("quantities", array.quantities, expected.quantities)
    for phase in PHASES:
        for name in DIGITAL_EVENTS:
            compare(f"{phase} {name}", strobes[phase, name], expected.counts[phase][name])
    board.finish()
