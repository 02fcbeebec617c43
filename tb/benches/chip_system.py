"""System bench of `hdl.chip.Chip`: trainings one after the other, resets anywhere, every register against the pins.

What a register must say, `tb.benches.account` counts from the pulses alone; what a training must leave, the twin says.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Event, FallingEdge, First, RisingEdge, Timer

from hdl.array_port import ArrayOp
from hdl.chip import CLAMP_BITS
from hdl.interface import PROPOSAL_BITS, Command, Error, Setting, Space, State, Status, address, built_commands
from hdl.row_counters import LOST_BITS
from pymodels.array import OxramArray
from pymodels.devices import load_card
from pymodels.events import PHASES
from pymodels.fixed import Formats
from pymodels.outcome import Outcome
from tb.benches.account import Account
from tb.benches.chip import episodes
from tb.benches.chip_control import Desk, UpsetWatcher
from tb.benches.scoreboard import CLOCK_NS, parameters, start
from tb.job import Job
from tb.port import HostModel
from tb.program import commands, lut_codes, observation_words, setting_values

BUSY, MAPPED, TRAINED = 1 << State.BUSY, 1 << State.MAPPED, 1 << State.TRAINED
IDLE = dict(host_valid=0, host_write=0, host_address=0, host_write_data=0, array_data=0, result_ready=0)
LIMIT_CYCLES = 60_000


class Pins(UpsetWatcher):
    """A `PinWatcher` that keeps an account. Read codes can be what a test wants, `codes` by the parity of the cell."""

    account: Account
    codes: tuple[int, int] | None = None
    pulses_since = 0

    def _act(self, op: ArrayOp, place: Any, width: int) -> None:
        super()._act(op, place, width)
        due = self.cycle + self.conversion
        if op == ArrayOp.READ and self.codes is not None:
            self.answers[due] = self.codes[place[1] % 2]
        self.pulses_since += 1
        phase, answer = PHASES[self.dut.phase.value.to_unsigned()], self.answers.get(due, 0)
        if op == ArrayOp.EVAL:
            answer -= answer >> (self.formats.config.adc_bits - 1) << self.formats.config.adc_bits
        if phase == "train":
            self.account.pulse(op, place[0], place[1:], answer)
        elif phase == "infer":
            self.account.vote(place[0])


class System(Desk):
    """A desk for several jobs on one chip, whose results wait for as long as `patience` has it."""

    def __init__(self, dut: Any):
        self.dut, self.rng = dut, random.Random(parameters()["seed"])
        self.results, self.progress, self.hold = [], (0, 0, False), False
        self.jobs = [(Job.load(Path(p["job"])), Outcome.load(Path(p["outcome"]))) for p in parameters()["jobs"]]
        self.take(0)
        self.host, self.watcher = HostModel(dut), Pins(dut, self.array(), self.job.seed)
        self.open_account()

    def take(self, number: int) -> None:
        """The job from now on."""
        self.job, self.expected = self.jobs[number]
        self.config, self.formats = self.job.config, Formats(self.job.config)

    def open_account(self, lut: list[int] | None = None) -> None:
        values = setting_values(self.formats)
        prior = values[Setting.PRIOR_MULTIPLIER], values[Setting.PRIOR_SHIFT]
        self.watcher.account = self.account = Account(self.job, lut or lut_codes(self.formats), prior)

    async def start(self) -> None:
        await start(self.dut, **IDLE)
        for task in self.surroundings():
            cocotb.start_soon(task)

    def surroundings(self) -> list[Any]:
        """What runs beside the host."""
        return [self.watcher.run(), self._take_results()]

    async def _take_results(self) -> None:
        """Take results, making some wait; none while `hold`. What waits must stay as it is."""
        dut, bits, label_bits = self.dut, self.formats.response_sum_bits, self.formats.label_bits
        waits, ready = None, False
        while True:
            valid = dut.result_valid.value == 1 and dut.rst.value == 0
            word = dut.result_payload.value.to_unsigned() if valid else None
            if ready and waits is not None:  # it has left with the edge between
                total = waits & (2**bits - 1)
                self.results.append((total - (total >> (bits - 1) << bits), waits >> bits & (2**label_bits - 1)))
            ready = not self.hold and self.rng.random() < 0.7
            dut.result_ready.value = int(ready)
            waits = word if valid else None
            await FallingEdge(dut.clk)

    async def reset(self) -> None:
        """Anywhere; pins fall at once, and all that can be read is as documented after it."""
        self.dut.rst.value = 1
        self.watcher._width = 0
        self.watcher.answers.clear()
        self.dut.host_valid.value = 0
        for _ in range(2):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        for register in Status:
            assert await self.read(register) == 0, f"{register.name} must be 0 after a reset"
        assert await self.counter(0) == 0

    async def poll(self) -> None:
        """Status of a chip at work, beside what the pins say in the same cycle."""
        dut, account = self.dut, self.account
        low = account.proposals
        found = await self.read(Status.PROPOSALS)
        if dut.phase.value.to_unsigned() == 1 and account.begun:
            assert low <= found <= account.proposals + 1, f"PROPOSALS {found}: {low} are closed on the pins"
        dut.host_valid.value, dut.host_write.value = 1, 0
        dut.host_address.value = address(Space.STATUS, Status.ROW)
        await FallingEdge(dut.clk)
        await Timer(1, "ns")
        row, pulsing = dut.host_read_data.value.to_unsigned(), dut.array_wl.value == 1
        assert not pulsing or row == dut.array_row.value.to_unsigned(), f"ROW {row} is not that of the pulse"
        await FallingEdge(dut.clk)
        dut.host_valid.value = 0

    async def command_and_watch(self, what: Command) -> None:
        """A command from start to idle; STATE and ROW on the way."""
        phase = {Command.TRAIN: 1, Command.INFER: 2, Command.FORM: 3, Command.CALIBRATE: 4}.get(what, 0)
        if what == Command.TRAIN:
            lut = None
            if self.config.calibrate:
                lut = [(await self.transfer(False, Space.LUT, index))[1] for index in range(self.config.gate_codes)]
            self.open_account(lut)
        await self.command(what)
        for _ in range(LIMIT_CYCLES):
            if self.dut.busy.value == 0:
                break
            state = await self.read(Status.STATE)
            if self.progress[2]:
                assert state & BUSY and state >> State.PHASE == phase, f"STATE {state:#x} in {what.name}"
            if self.rng.random() < 0.05:
                await self.poll()
            await self.wait(self.rng.randrange(40))
        assert self.dut.busy.value == 0, f"{what.name} must end"
        if what == Command.TRAIN:
            self.account.finish()

    async def whole_run(self) -> None:
        """As `Desk.whole_run`, then every register against the account."""
        self.watcher.array = self.array()
        self.results.clear()
        await self.load()
        if self.formats.rewards:
            await self.rewarded_run()
        else:
            for what in commands(self.config):
                await self.command_and_watch(what)
            outputs = self.config.outputs
            assert [total for total, _ in self.results] == self.expected.sums.ravel().tolist()
            assert [winner for _, winner in self.results][outputs - 1 :: outputs] == self.expected.classes.tolist()
        await self.check_registers()
        assert self.watcher.array.conductance_ns.tolist() == self.expected.conductance_ns.tolist()

    async def rewarded_run(self) -> None:
        await self.run(Command.BUILD_MAP)
        self.open_account()
        rewards = await episodes(self.dut, self.job, self.host, self.results)
        self.account.finish()
        assert rewards == self.expected.rewards.tolist()

    async def check_registers(self) -> None:
        """Every register and counter, of an idle chip that has trained and inferred, against pins and twin."""
        account, expected = self.account, self.expected
        due = {
            Status.LAST_ROW: account.current,
            Status.PROPOSALS: account.proposals,
            Status.LOST_COUNTS: account.lost,
            Status.SKIPPED: account.skipped,
            Status.CLAMPS: expected.clamps if self.config.verify == "pair" else account.clamps,
            Status.TOTAL_COUNTS: sum(account.counters[row] for row in account.voters),
            Status.CURRENT_COST: account.cost & 0xFFFFFFFF,
            Status.CURRENT_COST_HIGH: account.cost >> 32,
            Status.STATE: MAPPED | TRAINED,
            Status.ERRORS: 0,
            Status.ROW: account.row,
        }
        for register, value in due.items():
            found = await self.read(register)
            assert found == value, f"{register.name} must be {value} by the pins, not {found}"
        assert account.voters == set(range(min(self.config.burn_in, account.current), account.current + 1))
        assert await self.counters() == account.counters == expected.counters.tolist()
        twin = (expected.last_row, expected.proposals, expected.lost_counts, expected.skipped, expected.clamps)
        assert twin == tuple(due[Status(name)] for name in (0, 1, 3, 6, 2)), "twin and pins must agree"


def scenario(test: Callable[[System], Awaitable[None]]) -> Any:
    """A cocotb test from reset, if the bench was asked for it by name."""

    async def run(dut: Any) -> None:
        if test.__name__ in parameters()["scenarios"]:
            system = System(dut)
            await system.start()
            await test(system)

    run.__name__ = run.__qualname__ = test.__name__
    return cocotb.test()(run)


@scenario
async def again(system: System) -> None:
    """Trainings without a reset between them: of each, all that is left is its own."""
    for number in (*range(len(system.jobs)), 0):
        system.take(number)
        await system.whole_run()


async def run_until(system: System, machine: str, register: str, state: int) -> Any:
    """Start a whole run and wait for a machine's state, in any of the cycles that it is in it; the run."""
    handle = getattr(getattr(system.dut, machine), register)
    tries = [(0, system.rng.choice((0, 1, 5))), *((job, 0) for job in range(len(system.jobs)))]
    for job, skip in tries:  # it may come too rarely to skip some, or in another training only
        system.take(job)
        run = cocotb.start_soon(system.whole_run())
        while not run.done():
            if handle.value.to_unsigned() == state:
                if not skip:
                    return run
                skip -= 1
            await FallingEdge(system.dut.clk)
    raise AssertionError(f"{machine} must reach state {state}")


@scenario
async def resets(system: System) -> None:
    """A reset in each state of each machine, while words are loaded and while a result waits; then a whole run."""
    for machine, register, states in parameters()["machines"]:
        for state in range(states):
            if state:
                run = await run_until(system, machine, register, state)
            else:  # words are being loaded
                run = cocotb.start_soon(system.whole_run())
                await system.wait(system.rng.randrange(100))
            system.dut._log.info(f"reset in state {state} of {machine}")
            run.cancel()
            await system.reset()
    system.hold = True
    system.take(0)
    run = cocotb.start_soon(system.whole_run())
    await RisingEdge(system.dut.result_valid)
    await system.wait(10)
    run.cancel()
    await system.reset()
    system.take(0)
    assert system.dut.result_valid.value == 0, "a result that waits must be gone"
    system.hold = False
    await system.whole_run()


class Illegal:
    """Every word of COMMAND in every condition of the chip. `due` is what the documentation says of it."""

    def __init__(self, system: System):
        self.system, self.built = system, set(built_commands(system.formats))
        self.state = -1
        ready = [what for what in (Command.FORM, Command.CALIBRATE) if what in self.built]
        self.ways: dict[str, list[Any]] = {
            "from reset": [],
            "map built": [Command.BUILD_MAP],
            "map lost": [Command.BUILD_MAP, "touch the LUT"],
            "trained": [Command.BUILD_MAP, "train"],
            "no test point": [Command.BUILD_MAP, "train", "no point"],
            "training stopped": [Command.BUILD_MAP, Command.TRAIN, Command.ABORT, "idle"],
            "building": ["then", Command.BUILD_MAP],
            "training": [Command.BUILD_MAP, "then", Command.TRAIN],
            "inferring": [Command.BUILD_MAP, "train", "then", Command.INFER],
            "result stalled": [Command.BUILD_MAP, "train", "hold", "then", Command.INFER, "stalled"],
            **{what.name: ["then", what] for what in ready},
        }
        if system.formats.rewards:
            del self.ways["training"]
            self.ways |= {
                "waiting": [Command.BUILD_MAP, Command.TRAIN, "waiting"],
                "waiting again": [Command.BUILD_MAP, Command.TRAIN, "waiting", Command.STEP, "waiting"],
                "action stalled": [
                    Command.BUILD_MAP, Command.TRAIN, "waiting", "hold", "then", Command.STEP, "stalled",
                ],
            }  # fmt: skip

    async def enter(self, name: str) -> None:
        system, dut = self.system, self.system.dut
        system.hold = False
        await system.reset()
        self.formed(True)
        if name != "from reset":
            await system.load()
            for sample in range(2) if system.formats.rewards else ():
                await system.host.write(observation_words(system.formats, sample, [0] * system.config.features))
        then = False
        for step in self.ways[name]:
            if step == "then":
                then = True
            elif step == "touch the LUT":
                await system.write(0, lut_codes(system.formats)[0], Space.LUT)
            elif step == "no point":
                await system.write(Setting.LAST_TEST, system.config.train_samples - 1)
            elif step == "hold":
                system.hold = True
            elif step in ("waiting", "stalled"):
                pin = dut.waiting if step == "waiting" else dut.result_valid
                for _ in range(LIMIT_CYCLES):
                    if pin.value == 1:
                        break
                    await FallingEdge(dut.clk)
                assert pin.value == 1
            elif step == "idle":
                await system.idle()
            elif step == "train" and system.formats.rewards:
                await system.command(Command.TRAIN)
                await RisingEdge(dut.waiting)
                await FallingEdge(dut.clk)
                await system.command(Command.STEP)
                await system.wait(20)
                await system.command(Command.DONE)
                await system.wait(20)
                await system.command(Command.ABORT)
                await system.idle()
            else:
                self.formed(step != Command.FORM)
                await system.command(Command.TRAIN if step == "train" else step)
                if not then and step not in (Command.STEP, Command.ABORT) and not (
                    step == Command.TRAIN and self.ways[name][-1] != Command.TRAIN
                ):
                    await system.idle()
        self.state = await system.read(Status.STATE)

    def formed(self, formed: bool) -> None:
        config = self.system.config
        self.system.watcher.array = OxramArray(config, load_card(config.card), self.system.job.seed, formed=formed)

    def due(self, name: str, word: int) -> Error | None:
        known = word in self.built
        if word == Command.ABORT:
            return None
        if name.startswith("waiting"):
            if not known:
                return Error.COMMAND
            taken = {Command.STEP} | ({Command.DONE} if name == "waiting again" else set())
            return None if word in taken else Error.PROTOCOL
        if name in ("building", "training", "inferring", "result stalled", "action stalled", "FORM", "CALIBRATE"):
            return Error.BUSY
        if not known:
            return Error.COMMAND
        mapped = name not in ("from reset", "map lost", "building")
        trained = name in ("trained", "no test point")
        if word in (Command.STEP, Command.DONE):
            return Error.PROTOCOL
        if word == Command.TRAIN:
            return None if mapped else Error.PROTOCOL
        if word == Command.INFER:
            return Error.PROTOCOL if not trained else Error.VALUE if name == "no test point" else None
        return None

    async def check(self, name: str, word: int) -> None:
        system, due = self.system, self.due(name, word)
        note = f"command {word:#x} in {name!r}"
        if self.state < 0 or await system.read(Status.STATE) != self.state:
            await self.enter(name)
        if word == Command.FORM and due is None:
            self.formed(False)
        error, _ = await system.transfer(True, Space.SETTINGS, Setting.COMMAND, word)
        assert error == (due is not None), f"{note} must be {'taken' if due is None else 'refused'}"
        found = await system.read(Status.ERRORS)
        assert found == (0 if due is None else 1 << due), f"{note}: ERRORS {found:#x}, {due!r} is due"
        assert system.dut.irq.value == (due is not None), f"{note}: irq"
        if due is not None:
            await system.write(Setting.CLEAR_ERRORS, found)
            return
        before, state, self.state = self.state, await system.read(Status.STATE), -1
        if word == Command.ABORT:
            await system.idle()
            assert await system.has(State.ABORTED) == bool(before & (BUSY | 1 << State.ABORTED)), note
        elif word != Command.DONE:
            phase = {Command.TRAIN: 1, Command.STEP: 1, Command.INFER: 2, Command.FORM: 3, Command.CALIBRATE: 4}
            assert state & BUSY and state >> State.PHASE == phase.get(Command(word), 0), f"{note}: STATE {state:#x}"


@scenario
async def illegal(system: System) -> None:
    """A table of all commands by all conditions; a refused one leaves the chip as it is, its errors cleared."""
    table = Illegal(system)
    words = [*range(max(Command) + 2), 16 | Command.TRAIN, 1 << 31 | Command.BUILD_MAP, 2**32 - 1]
    for name in table.ways:
        table.state = -1
        for word in words:
            await table.check(name, word)
    await system.reset()
    system.hold = False
    await system.whole_run()


@scenario
async def stalls(system: System) -> None:
    """Nobody takes results for long: those of an inference wait unchanged, nothing else is held up by it."""
    system.hold = True
    run = cocotb.start_soon(system.whole_run())
    for _ in range(3):
        await RisingEdge(system.dut.result_valid)
        pulses, payload = system.watcher.pulses_since, system.dut.result_payload.value
        for _ in range(500):
            await FallingEdge(system.dut.clk)
            assert system.dut.result_valid.value == 1 and system.dut.result_payload.value == payload
        assert system.watcher.pulses_since == pulses, "no evaluation while a result waits"
        system.hold = False
        await FallingEdge(system.dut.result_valid)
        system.hold = True
    system.hold = False
    await run


TOUR_CYCLES = 40_000
"""Four trainings take less."""


async def tour(system: System) -> None:
    """A host's day, short: what the wiring is for is seen in it. Ends well, or with an error."""
    await system.whole_run()
    await system.refused(Error.COMMAND, True, Space.SETTINGS, Setting.COMMAND, 0)
    await system.refused(Error.ADDRESS, True, Space.STATUS, Status.ERRORS, 1)
    await system.refused(Error.VALUE, True, Space.SETTINGS, Setting.MAX_PROPOSALS, 0)
    system.take(1)
    await system.whole_run()
    await stopped_training(system)
    if not system.formats.rewards:
        await other_votes(system)
    run = cocotb.start_soon(system.whole_run())
    await system.wait(system.rng.randrange(900))
    run.cancel()
    await system.reset()
    system.take(0)
    await system.refused(Error.PROTOCOL, True, Space.SETTINGS, Setting.COMMAND, Command.INFER)
    await system.whole_run()


async def stopped_training(system: System) -> None:
    """A training on the rows of another: what is left of that one goes at once; ABORT, and what it leaves."""
    system.watcher.array = system.array()
    await system.command(Command.TRAIN)
    for register in (Status.PROPOSALS, Status.CLAMPS, Status.LOST_COUNTS, Status.TOTAL_COUNTS, Status.CURRENT_COST):
        assert await system.read(register) == 0, f"{register.name} is not forgotten at TRAIN"
    assert not await system.has(State.TRAINED) and await system.read(Status.SKIPPED) == 0
    await system.refused(Error.BUSY, True, Space.SETTINGS, Setting.BURN_IN, 0)
    await system.command(Command.ABORT)
    assert await system.has(State.ABORTED) and await system.idle(1100) >= 0
    system.results.clear()


async def other_votes(system: System) -> None:
    """A training and inferences of other burn-ins: TOTAL_COUNTS and results are of the rows that vote."""
    config = system.config
    system.watcher.array = system.array()
    for what in commands(config)[:-1]:
        await system.command_and_watch(what)
    counters = await system.counters()
    for burn_in in (len(counters) - 1, 0):
        await system.write(Setting.BURN_IN, burn_in)
        system.account.voters.clear()
        await system.command_and_watch(Command.INFER)
        assert system.account.voters == set(range(burn_in, len(counters)))
        assert await system.read(Status.TOTAL_COUNTS) == sum(counters[burn_in:])
    system.results.clear()


@cocotb.test()
async def mistakes(dut: Any) -> None:
    """A tour of each mistake in the wiring; what stopped it goes to the report, null where nothing did."""
    if "mistakes" not in parameters()["scenarios"]:
        return
    await start(dut, **IDLE)
    report: dict[int, str | None] = {}
    for number in parameters()["mistakes"]:
        report[number] = await what_stops(dut, number)
        dut._log.info(f"mistake {number}: {report[number]}")
    Path(parameters()["report"]).write_text(json.dumps(report))


async def what_stops(dut: Any, number: int) -> str | None:
    """The first thing that a tour sees of a mistake. Chips before have left their words in the memories."""
    dut.rst.value, dut.mistake.value = 1, number
    for name in ("host_valid", "result_ready"):
        getattr(dut, name).value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    system, found, over = System(dut), [], Event()

    async def guarded(task: Any) -> None:
        try:
            await task
        except Exception as error:
            found.append(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        over.set()

    tasks = [cocotb.start_soon(guarded(task)) for task in (*system.surroundings(), tour(system))]
    timeout = Timer(TOUR_CYCLES * CLOCK_NS, "ns")
    if await First(over.wait(), timeout) is timeout:
        found.append("the tour never ends")
    for task in tasks:
        task.cancel()
    return found[0] if found else None
