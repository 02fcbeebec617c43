"""System bench of `oxmc.hdl.chip.Chip`: a tour of all that the wiring is for, on chips with one mistake in it each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import Event, FallingEdge, First, Timer

from oxmc.hdl.array_port import ArrayOp
from oxmc.pymodels.formats import HOST_WORD_BITS
from oxmc.pymodels.interface import LAW_INDEX, Command, Error, Setting, Space, State, Status
from oxmc.tb.blocks.scoreboard import CLOCK_NS, parameters, start
from oxmc.tb.cosim.program import commands
from oxmc.tb.system.desk import IDLE, System

PHASE = {Command.TRAIN: 1, Command.INFER: 2, Command.FORM: 3, Command.CALIBRATE: 4}
MOST_CYCLES = 200_000
"""A tour without a mistake takes less; the others have twice its time."""


async def tour(system: System) -> None:
    """A host's day, short: what the wiring is for is seen in it. Ends well, or with an error."""
    await system.whole_run()
    system.take(1)
    await refused_words(system)
    await system.whole_run()
    await stopped_commands(system)
    await upset_machines(system)
    if not system.formats.rewards:
        await other_votes(system)
    await after_resets(system)
    for number in (2, 1):
        system.take(number)
        await system.whole_run()
    await forgotten(system)


async def refused_words(system: System) -> None:
    """One of each kind; they reach no memory, in a training that is not loaded again but for its settings."""
    await system.command(Command.ABORT)
    assert not await system.has(State.ABORTED), "an idle chip has nothing to abort"
    await system.refused(Error.COMMAND, True, Space.SETTINGS, Setting.COMMAND, 0)
    await system.refused(Error.ADDRESS, True, Space.STATUS, Status.ERRORS, 1)
    await system.refused(Error.VALUE, True, Space.SETTINGS, Setting.MAX_PROPOSALS, 0)
    await system.whole_run()
    for space in (Space.LUT, Space.RESPONSE, Space.SAMPLES, *([] if system.formats.rewards else [Space.LIKELIHOOD])):
        if space != Space.SAMPLES or system.formats.sample_word_bits < HOST_WORD_BITS:
            await system.refused(Error.VALUE, True, space, 0, 2**31)
        await system.run(Command.BUILD_MAP)
        await system.command(Command.BUILD_MAP)
        await system.refused(Error.BUSY, True, space, 1, 5)
        await system.command(Command.ABORT)
        await system.idle()
    if not system.formats.rewards:  # a sample that no training has; another memory has the index
        await system.write(LAW_INDEX, 5, Space.SAMPLES)
    await system.whole_run(again=True)


async def stopped_commands(system: System) -> None:
    """A training on the rows of another: what is left of that one goes at once. ABORT ends each command soon."""
    config, dut = system.config, system.dut
    limit = system.most_pulse + config.lfsr_bits // config.lfsr_step_bits + 4
    episodic = [(Command.INFER, ""), (Command.BUILD_MAP, ""), (Command.TRAIN, "")]
    points = [(what, "") for what in commands(config)] + [(Command.TRAIN, "evaluates"), (Command.TRAIN, "programs")]
    for what, point in episodic if system.formats.rewards else points:
        system.formed(what != Command.FORM)
        for earlier in (Command.BUILD_MAP, Command.TRAIN) if what in (Command.TRAIN, Command.INFER) else ():
            if what != earlier and not (system.formats.rewards and what == Command.INFER):
                await system.run(earlier)
        await (forgotten(system) if what == Command.TRAIN else system.command(what))
        await until(system, point)
        assert dut.busy.value == 1
        await system.command(Command.ABORT)
        assert await system.has(State.ABORTED) and await system.idle(limit) <= limit
    if system.formats.rewards:
        await system.whole_run()
        await system.command(Command.INFER)
        for _ in range(limit):
            await system.poll()
        await system.idle()
        await system.command(Command.TRAIN)
        await system.refused(Error.BUSY, True, Space.SETTINGS, Setting.BURN_IN, 0)
        while dut.waiting.value == 0:
            await FallingEdge(dut.clk)
        await system.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.DONE)
        assert await system.has(State.BUSY) and await system.has(State.WAITING)
        await system.command(Command.ABORT)
    system.results.clear()


async def forgotten(system: System) -> None:
    """A training has nothing of the one before in its registers."""
    await system.command(Command.TRAIN)
    for register in (0, 1, 2, 3, 4, 5, 6):
        assert await system.read(Status(register)) == 0, f"{Status(register).name} is not forgotten at TRAIN"


async def until(system: System, point: str) -> None:
    """Wait until a training evaluates row 0, or programs another row."""
    dut = system.dut
    while point == "evaluates" and dut.array_inputs_on.value == 0:
        await FallingEdge(dut.clk)
    while point == "programs" and not (
        dut.array_op.value == ArrayOp.SET.value and dut.array_row.value.to_unsigned() == 1
    ):
        await FallingEdge(dut.clk)


async def upset_machines(system: System) -> None:
    """Machines in a state that they do not have; an upset is said, and ends all."""
    machines = [("trainer", "train"), ("inference", "infer"), ("gate_dac", "build")]
    machines += [("programmer", "cell")] if system.config.verify == "cell" else []
    for machine, register in machines:
        state = getattr(getattr(system.dut, machine), f"{register}_state_state")
        state.value = 2 ** len(state) - 1
        system.watcher.upset = True
        await system.wait(12)
        assert await system.read(Status.ERRORS) == 1 << Error.STATE and system.dut.irq.value == 1
        assert system.dut.busy.value == 0
        await system.write(Setting.CLEAR_ERRORS, 1 << Error.STATE)


async def other_votes(system: System) -> None:
    """Inferences of other burn-ins: TOTAL_COUNTS is of the rows that vote."""
    await system.whole_run()
    counters = await system.counters()
    for burn_in in (len(counters) - 1, 0):
        await system.write(Setting.BURN_IN, burn_in)
        system.account.voters.clear()
        await system.command_and_watch(Command.INFER)
        assert system.account.voters == set(range(burn_in, len(counters)))
        assert await system.read(Status.TOTAL_COUNTS) == sum(counters[burn_in:])


async def after_resets(system: System) -> None:
    """In the middle of each command a reset: settings and the LFSR's state are as documented after it."""
    left, config = [], system.config
    rewarded = (Command.TRAIN, Command.INFER) if system.formats.rewards else ()
    for seed in (None, 1):
        for what in (what for what in (*commands(config), *rewarded) if what != Command.BUILD_MAP):
            run = cocotb.start_soon(system.whole_run())
            while system.dut.phase.value.to_unsigned() != PHASE[what] and not run.done():
                await FallingEdge(system.dut.clk)
            await system.wait(system.rng.randrange(30) if what == Command.INFER else 25)
            if what == Command.TRAIN and not system.formats.rewards:
                await until(system, "programs")
            run.cancel()
            await system.reset()
        await system.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.TRAIN)
        await system.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.INFER)
        await bare_training(system)
        await system.reset()
        await system.load(settings_only=True, seed=seed)
        system.watcher.array = system.array()
        if not system.formats.rewards:
            for what in commands(config):
                await system.command_and_watch(what)
            left.append(system.watcher.array.conductance_ns.tolist())
        await system.reset()
    assert left[:1] == left[1:], "the LFSR must be in state 1 after a reset"


async def bare_training(system: System) -> None:
    """With all settings at their reset values there is one row, of one sample."""
    config = system.config
    system.formed()
    await system.run(Command.BUILD_MAP)
    system.open_account()
    await system.command(Command.TRAIN)
    if system.formats.rewards:
        for what in (Command.STEP, Command.DONE):
            while system.dut.waiting.value == 0:
                await FallingEdge(system.dut.clk)
            await system.command(what)
            await system.wait(2)
        await system.idle(10)
        return
    await system.idle()
    system.account.finish()
    account, segments = system.account, config.outputs + config.hidden
    assert (account.counters, account.proposals, account.evaluations) == ([1], 0, segments)


@cocotb.test()
async def mistakes(dut: Any) -> None:
    """A tour of each mistake in the wiring; what stopped it goes to the report, null where nothing did."""
    await start(dut, **IDLE)
    report: dict[int, str | None] = {}
    limit_ns: float = MOST_CYCLES * CLOCK_NS
    for number in parameters()["mistakes"]:
        begun = get_sim_time("ns")
        report[number] = await what_stops(dut, number, limit_ns)
        if number == 0:
            limit_ns = 2 * (get_sim_time("ns") - begun)
        dut._log.info(f"mistake {number}: {report[number]}")
    Path(parameters()["report"]).write_text(json.dumps(report))


async def from_reset(dut: Any, number: int) -> None:
    """A chip with one mistake in its wiring, or with none, 0."""
    dut.rst.value, dut.mistake.value = 1, number
    for name in ("host_valid", "result_ready"):
        getattr(dut, name).value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0


async def what_stops(dut: Any, number: int, limit_ns: float) -> str | None:
    """The first thing that a tour sees of a mistake, for so long at most. The memories hold other words before."""
    system, found, over = System(dut), [], Event()
    await from_reset(dut, 0)
    await system.spoil()
    await from_reset(dut, number)

    async def guarded(task: Any) -> None:
        try:
            await task
        except Exception as error:
            found.append(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        over.set()

    tasks = [cocotb.start_soon(guarded(task)) for task in (*system.surroundings(), tour(system))]
    timeout = Timer(limit_ns, "ns")
    if await First(over.wait(), timeout) is timeout:
        found.append("the tour never ends")
    for task in tasks:
        task.cancel()
    return found[0] if found else None
