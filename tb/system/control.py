"""System bench of `oxmc.hdl.chip.Chip`'s control: refusals, status while busy, ABORT and upsets, on the pins.

Each scenario ends in a whole training on a fresh array, which must be the twin's to the bit: whatever was refused,
stopped or mended has left nothing behind.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import INDEX_BITS, ArrayOp, Command, Error, Setting, Space, State, Status, address
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.blocks.scoreboard import parameters, start
from oxmc.tb.cosim.port import HostModel
from oxmc.tb.cosim.program import commands, load_words
from oxmc.tb.system.chip import PinWatcher, episodes, take_results


class UpsetWatcher(PinWatcher):
    """A `PinWatcher` that lets the pulse which runs at an upset address other cells; it still has its whole width.

    Before the first upset no pulse outlasts the work of the chip.
    """

    upset = was_upset = False

    def _watch_pulse(self) -> None:
        super()._watch_pulse()
        self.was_upset |= self.upset
        self.upset &= self._width > 0
        idle = not self.seen["busy"]
        assert self.was_upset or not (idle and self.seen["array_wl"]), "a pulse begins without work"

    def _may_be(self, op: ArrayOp, place: tuple) -> bool:
        assert self._held is not None
        return op == self._held[0] if self.upset else super()._may_be(op, place)


class Desk:
    """A host that looks at what it is answered. `results` holds (sum, winner) as they leave."""

    def __init__(self, dut: Any):
        p = parameters()
        self.dut, self.rng = dut, random.Random(p["seed"])
        self.job, self.expected = Job.load(Path(p["job"])), Outcome.load(Path(p["outcome"]))
        self.config, self.formats = self.job.config, Formats(self.job.config)
        self.results: list[tuple[int, int]] = []
        self.host, self.watcher = HostModel(dut), UpsetWatcher(dut, self.array(), p["seed"])
        self.progress = (0, 0, False)
        """Row, proposals and whether it is busy, by the pins, in the cycle that ended the last transfer."""

    def array(self) -> OxramArray:
        return OxramArray(self.config, load_card(self.config.card), self.job.seed, formed=not self.config.form)

    async def start(self) -> None:
        dut = self.dut
        await start(dut, host_valid=0, host_write=0, host_address=0, host_write_data=0, array_data=0, result_ready=0)
        cocotb.start_soon(self.watcher.run())
        cocotb.start_soon(take_results(dut, self.formats, self.rng, self.results, []))

    async def transfer(self, write: bool, space: Space, index: int, word: int = 0) -> tuple[int, int]:
        """One transfer: its error and its data. None waits for more than two cycles."""
        dut = self.dut
        dut.host_valid.value, dut.host_write.value = 1, int(write)
        dut.host_address.value, dut.host_write_data.value = address(space, index), word
        for _ in range(2):
            await Timer(1, "ns")
            if dut.host_ready.value == 1:
                break
            await FallingEdge(dut.clk)
        assert dut.host_ready.value == 1, f"transfer of {space.name}:{index} must end in its second cycle"
        answer = int(dut.host_error.value), dut.host_read_data.value.to_unsigned()
        self.progress = dut.row.value.to_unsigned(), dut.proposals.value.to_unsigned(), dut.busy.value == 1
        await FallingEdge(dut.clk)
        dut.host_valid.value = 0
        return answer

    async def read(self, register: Status) -> int:
        error, data = await self.transfer(False, Space.STATUS, register)
        assert not error, f"status {register.name} must be readable at any time"
        return data

    async def write(self, index: int, word: int, space: Space = Space.SETTINGS) -> None:
        error, _ = await self.transfer(True, space, index, word)
        assert not error, f"{space.name}:{index} must be taken, not refused ({await self.read(Status.ERRORS):#x})"

    async def command(self, what: Command) -> None:
        await self.write(Setting.COMMAND, what)

    async def counter(self, row: int) -> int:
        error, data = await self.transfer(False, Space.COUNTERS, row)
        assert not error
        return data

    async def counters(self) -> list[int]:
        """Those of all filled rows; past them each reads as 0."""
        last = await self.read(Status.LAST_ROW)
        if last + 1 < self.formats.row_capacity:
            assert await self.counter(last + 1) == 0
        return [await self.counter(row) for row in range(last + 1)]

    async def has(self, bit: State) -> bool:
        return bool(await self.read(Status.STATE) >> bit & 1)

    async def idle(self, limit: int = 100_000) -> int:
        """Wait for idle; cycles it took."""
        for cycle in range(limit):
            if self.dut.busy.value == 0:
                return cycle
            await FallingEdge(self.dut.clk)
        raise AssertionError(f"the chip must be idle after {limit} cycles")

    async def wait(self, cycles: int) -> None:
        for _ in range(cycles):
            await FallingEdge(self.dut.clk)

    async def run(self, what: Command) -> None:
        await self.command(what)
        await self.idle()

    async def refused(self, error: Error, write: bool, space: Space, index: int, word: int = 0) -> None:
        """A transfer that must be refused with just this bit, which is cleared again."""
        assert await self.read(Status.ERRORS) == 0 and self.dut.irq.value == 0
        answer = await self.transfer(write, space, index, word)
        note = f"{'write' if write else 'read'} {word} {space.name}:{index}"
        assert answer == (1, 0), f"{note} must be refused"
        assert self.dut.irq.value == 1, f"{note} must interrupt"
        found = await self.read(Status.ERRORS)
        assert found == 1 << error, f"{note} must raise {error.name}, not {found:#x}"
        await self.write(Setting.CLEAR_ERRORS, found)

    async def load(self) -> None:
        seed = lfsr_seed(self.job.seed, self.config.lfsr_bits)
        await self.host.write(load_words(self.formats, self.job.codes, self.job.labels, seed))

    async def whole_run(self) -> None:
        """Load and run everything on a fresh array; the outcome must be the twin's."""
        expected, outputs = self.expected, self.config.outputs
        self.watcher.array = self.array()
        self.results.clear()
        await self.load()
        for what in commands(self.config):
            await self.run(what)
        if self.formats.rewards:
            assert await episodes(self.dut, self.job, self.host, self.results) == expected.rewards.tolist()
        else:
            assert [total for total, _ in self.results] == expected.sums.ravel().tolist()
            assert [winner for _, winner in self.results][outputs - 1 :: outputs] == expected.classes.tolist()
        assert await self.counters() == expected.counters.tolist()
        assert self.watcher.array.conductance_ns.tolist() == expected.conductance_ns.tolist()
        assert await self.read(Status.PROPOSALS) == expected.proposals
        assert await self.read(Status.CLAMPS) == expected.clamps
        assert await self.read(Status.ERRORS) == 0
        assert not await self.has(State.ABORTED)

    async def check_counters(self) -> None:
        """What a training leaves whole, however it ended; an inference votes with it."""
        if not await self.has(State.TRAINED):
            await self.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.INFER)
            return
        counters, burn_in = await self.counters(), self.rng.randrange(self.formats.row_capacity)
        assert sum(counters) + await self.read(Status.LOST_COUNTS) == await self.read(Status.PROPOSALS) + 1
        await self.write(Setting.BURN_IN, burn_in)
        await self.run(Command.INFER)
        assert await self.read(Status.TOTAL_COUNTS) == sum(counters[min(burn_in, len(counters) - 1) :]) > 0
        await self.write(Setting.BURN_IN, self.config.burn_in)

    @property
    def most_pulse(self) -> int:
        c = self.config
        return max(c.cycles(width) for width in (c.set_pulse_s, c.reset_pulse_s, c.read_pulse_s, c.eval_pulse_s))


def scenario(test: Callable[[Desk], Awaitable[None]]) -> Any:
    """A cocotb test from reset, if the bench was asked for it by name."""

    @functools.wraps(test)
    async def run(dut: Any) -> None:
        if test.__name__ in parameters()["scenarios"]:
            desk = Desk(dut)
            await desk.start()
            await test(desk)

    return cocotb.test()(run)


@scenario
async def totals(desk: Desk) -> None:
    """TOTAL_COUNTS is that of the rows that voted, with the burn-in anywhere and changed at any time."""
    await desk.whole_run()
    counters = await desk.counters()
    top = desk.formats.row_capacity - 1
    for burn_in in (0, 1, len(counters) - 2, len(counters) - 1, len(counters), top, 0, top, desk.config.burn_in):
        await desk.write(Setting.BURN_IN, burn_in)
        await desk.run(Command.INFER)
        due = sum(counters[min(burn_in, len(counters) - 1) :])
        assert await desk.read(Status.TOTAL_COUNTS) == due > 0, f"burn-in {burn_in} of {len(counters)} rows"
    await desk.write(Setting.BURN_IN, top)
    await desk.run(Command.TRAIN)
    assert await desk.read(Status.TOTAL_COUNTS) == 0, "TRAIN must forget the votes of the training before"
    await desk.run(Command.INFER)
    assert await desk.read(Status.TOTAL_COUNTS) == (await desk.counters())[-1]


@scenario
async def clamps(desk: Desk) -> None:
    """CLAMPS stays that of the training, whatever is programmed after it; the rows are lost, and an INFER with them."""
    await desk.whole_run()
    due = desk.expected.clamps
    assert due > 0, "the bench must be given a training with clamps"
    for what in (Command.CALIBRATE, Command.FORM):
        if what == Command.CALIBRATE:
            await desk.run(what)
        else:
            desk.watcher.array = desk.array()  # a cell is formed once
            await desk.run(what)
        assert await desk.read(Status.CLAMPS) == due, f"{what.name} must not count as a training"
        assert await desk.counters() == desk.expected.counters.tolist()
        await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.INFER)
    await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.TRAIN)  # the map is of an old LUT
    for _ in range(6):  # the last look-up of a training is at times a clamped one
        await desk.run(Command.BUILD_MAP)
        await desk.write(Setting.SEED_LOW, desk.rng.getrandbits(32))
        await desk.run(Command.TRAIN)
        due = await desk.read(Status.CLAMPS)
        await desk.run(Command.CALIBRATE)
        assert await desk.read(Status.CLAMPS) == due
    await desk.whole_run()


@scenario
async def refusals(desk: Desk) -> None:
    """Commands out of turn, on a chip from reset and later; none of them leaves a trace."""
    await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.TRAIN)
    await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.INFER)
    assert await desk.read(Status.CURRENT_COST) == await desk.counter(0) == await desk.read(Status.LAST_ROW) == 0
    await desk.command(Command.ABORT)
    assert not await desk.has(State.ABORTED), "an idle chip has nothing to abort"
    await desk.load()
    last_sample = desk.config.train_samples - 1
    await desk.run(Command.BUILD_MAP)
    await desk.run(Command.TRAIN)
    for last_test in (last_sample, 0):
        await desk.write(Setting.LAST_TEST, last_test)
        await desk.refused(Error.VALUE, True, Space.SETTINGS, Setting.COMMAND, Command.INFER)
    await desk.write(Setting.LAST_TEST, last_sample + 1)
    desk.results.clear()
    await desk.run(Command.INFER)
    assert len(desk.results) == desk.config.outputs, "one point beyond the last sample"
    await desk.refused(Error.VALUE, True, Space.SETTINGS, Setting.MAX_PROPOSALS, 0)
    await desk.refused(Error.VALUE, True, Space.SETTINGS, Setting.MAX_PROPOSALS, 1 << 24)
    await desk.refused(Error.COMMAND, True, Space.SETTINGS, Setting.COMMAND, 9)
    await desk.refused(Error.ADDRESS, True, Space.SETTINGS, 0x20, Command.TRAIN)
    await desk.refused(Error.ADDRESS, False, Space.SETTINGS, Setting.LAST_ROW)
    await desk.refused(Error.ADDRESS, True, Space.STATUS, Status.PROPOSALS, 1)
    await desk.refused(Error.ADDRESS, False, Space.SAMPLES, 0)
    await desk.refused(Error.ADDRESS, False, Space.COUNTERS, 1 << INDEX_BITS - 1)
    await desk.whole_run()


@scenario
async def busy(desk: Desk) -> None:
    """While a training runs, status is answered and true, and nothing else happens."""
    await desk.load()
    for what in commands(desk.config)[:-2]:
        await desk.run(what)
    await desk.command(Command.TRAIN)
    rounds, settings = 0, [setting for setting in Setting if setting not in (Setting.COMMAND, Setting.CLEAR_ERRORS)]
    while desk.dut.busy.value == 1:
        rounds += 1
        row = await desk.read(Status.ROW)
        assert row == desk.progress[0] < desk.config.rows
        proposals = await desk.read(Status.PROPOSALS)
        assert proposals == desk.progress[1] <= desk.expected.proposals
        state = await desk.read(Status.STATE)
        assert bool(state >> State.BUSY & 1) == desk.progress[2]
        assert state >> State.PHASE == desk.progress[2], f"STATE {state:#x}: phase 1 is the training"
        space, setting = desk.rng.choice([*Space]), desk.rng.choice(settings)
        index = setting if space == Space.SETTINGS else desk.rng.randrange(2)
        error, _ = await desk.transfer(True, space, index, 1)
        if desk.progress[2]:
            found = await desk.read(Status.ERRORS)
            assert error and found in (1 << Error.BUSY, 1 << Error.ADDRESS), f"{space.name}:{index}: {found:#x}"
            await desk.write(Setting.CLEAR_ERRORS, found)
    await desk.write(Setting.CLEAR_ERRORS, 2 ** len(Error) - 1)  # the last may have met an idle chip
    assert rounds > 10 and await desk.read(Status.PROPOSALS) == desk.expected.proposals
    assert await desk.counters() == desk.expected.counters.tolist(), "refused words must not reach a training"
    await desk.whole_run()


@scenario
async def abort(desk: Desk) -> None:
    """ABORT anywhere in each command: whole pulses, idle soon, counters whole, and the next run as if nothing was."""
    limit = desk.most_pulse + desk.config.lfsr_bits // desk.config.lfsr_step_bits + 4
    for what in commands(desk.config):
        for _ in range(parameters()["aborts"]):
            desk.watcher.array = desk.array()
            await desk.load()
            for earlier in commands(desk.config):
                if earlier == what:
                    break
                await desk.run(earlier)
            await desk.command(what)
            await desk.wait(desk.rng.choice((0, 1, 2, desk.rng.randrange(60), desk.rng.randrange(1500))))
            if desk.dut.busy.value == 0:
                continue
            await desk.command(Command.ABORT)
            stopped = desk.dut.busy.value == 1
            assert await desk.idle(limit) <= limit
            assert await desk.has(State.ABORTED) or not stopped
            assert await desk.read(Status.ERRORS) == 0
            if what == Command.BUILD_MAP and stopped:
                assert not await desk.has(State.MAPPED), "half a code map must not serve"
            await desk.check_counters()
    await desk.whole_run()


@scenario
async def in_flight(desk: Desk) -> None:
    """ABORT in each cycle of an evaluation, and INFER right behind it: what was being converted is nobody's answer."""
    await desk.whole_run()
    c = desk.config
    width, conversion = c.cycles(c.eval_pulse_s), c.cycles(c.conversion_s)
    for what, evaluations in ((Command.INFER, 1), (Command.TRAIN, c.train_samples * desk.formats.segments + 1)):
        for cycle in range(width + conversion):
            if what == Command.TRAIN:
                desk.watcher.array = desk.array()
            await desk.command(what)
            for _ in range(evaluations * width):  # those of row 0 and one more: then there is a row that can vote
                while desk.dut.array_op.value != ArrayOp.EVAL.value:
                    await FallingEdge(desk.dut.clk)
                await FallingEdge(desk.dut.clk)
            await desk.wait(cycle)
            await desk.command(Command.ABORT)
            await desk.idle()
            found = []
            for _ in range(2):  # the second has a quiet converter
                desk.results.clear()
                await desk.run(Command.INFER)
                found.append((list(desk.results), await desk.read(Status.TOTAL_COUNTS)))
            assert found[0] == found[1], f"{what.name} {cycle} cycles into an evaluation has left an answer behind"
    await desk.whole_run()


@scenario
async def upsets(desk: Desk) -> None:
    """Each machine in each encoding without a state, idle and in the middle of what it does: idle again, and said."""
    machines: dict[str, tuple[str, str, int, int]] = parameters()["machines"]
    limit = desk.most_pulse + desk.config.lfsr_bits // desk.config.lfsr_step_bits + 6
    for name, (register, during, states, bits) in machines.items():
        state = getattr(getattr(desk.dut, name), register)
        assert len(state) == bits, f"{name} must have {bits} bits, not {len(state)}"
        for encoding in range(states, 2**bits):
            for cycles in (None, desk.rng.randrange(20), desk.rng.randrange(200)):
                if cycles is not None:
                    desk.watcher.array = desk.array()
                    await desk.load()
                    for what in commands(desk.config):
                        if what.name == during:
                            break
                        await desk.run(what)
                    await desk.command(Command[during])
                    await desk.wait(cycles)
                desk.watcher.upset = True
                state.value = encoding
                await desk.wait(2)
                took = await desk.idle(limit)
                note = f"{name} in {encoding}, {cycles} cycles into {during}"
                assert state.value.to_unsigned() == 0, f"{note}: must be idle"
                assert await desk.read(Status.ERRORS) == 1 << Error.STATE, f"{note}: must be said ({took} cycles)"
                assert desk.dut.irq.value == 1 and await desk.has(State.ABORTED)
                await desk.write(Setting.CLEAR_ERRORS, 1 << Error.STATE)
                await desk.check_counters()
    await desk.whole_run()


@scenario
async def wrong_states(desk: Desk) -> None:
    """Each machine thrown from idle into each state that exists: no error, and ABORT ends it if nothing else does."""
    machines: dict[str, tuple[str, str, int, int]] = parameters()["machines"]
    limit = desk.most_pulse + desk.config.lfsr_bits // desk.config.lfsr_step_bits + 4
    await desk.whole_run()  # or memories answer X
    for name, (register, _, states, _) in machines.items():
        for encoding in range(1, states):
            desk.watcher.array = OxramArray(desk.config, load_card(desk.config.card), desk.job.seed)
            getattr(getattr(desk.dut, name), register).value = encoding
            desk.dut._log.info(f"{name} in state {encoding}")
            await desk.wait(1)
            await desk.command(Command.ABORT)
            await desk.idle(limit)
            assert await desk.read(Status.ERRORS) == 0, f"{name} has {states} states, {encoding} is one of them"
    await desk.whole_run()


@scenario
async def episode(desk: Desk) -> None:
    """While an episode waits: no other command, no setting, no DONE before a step; ABORT, also at a stalled action."""
    dut = desk.dut
    for stall in (0, 1, 2):
        desk.watcher.array = desk.array()
        await desk.load()
        await desk.run(Command.BUILD_MAP)
        await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.STEP)
        await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.DONE)
        await desk.command(Command.TRAIN)
        while dut.waiting.value == 0:
            await FallingEdge(dut.clk)
        assert await desk.has(State.WAITING)
        for what in (Command.TRAIN, Command.INFER, Command.BUILD_MAP, Command.DONE):
            await desk.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, what)
            assert dut.waiting.value == 1, f"{what.name} must not end the episode"
        await desk.refused(Error.BUSY, True, Space.SETTINGS, Setting.MAX_PROPOSALS, 1)
        await desk.refused(Error.BUSY, False, Space.COUNTERS, 0)
        for index in range(desk.formats.sample_word_bits // 32):
            assert await desk.transfer(True, Space.SAMPLES, index, 0) == (0, 0)
        if stall:
            await desk.command(Command.STEP)
        await desk.wait(stall * 2)
        await desk.command(Command.ABORT)
        await desk.idle(desk.most_pulse + 8)
        assert await desk.has(State.ABORTED) and dut.waiting.value == 0
        assert dut.result_valid.value == 0, "an action that waits must be taken back"
        await desk.wait(3)
        desk.results.clear()
    await desk.whole_run()
