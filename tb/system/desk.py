"""A chip behind its pins, with a host for several trainings, an account of the pins and results that may have to wait.

What a register must say, `tb.system.account` counts from the pulses alone; what a training must leave, the twin says.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from oxmc.hdl.array_port import ArrayOp
from oxmc.pymodels.config import Config
from oxmc.pymodels.events import DIGITAL_EVENTS, PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Command, Setting, Space, State, Status, address
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.blocks.scoreboard import parameters, start
from oxmc.tb.cosim.port import HostModel
from oxmc.tb.cosim.program import commands, load_words, lut_codes
from oxmc.tb.system.account import Account
from oxmc.tb.system.chip import episodes
from oxmc.tb.system.control import Desk, UpsetWatcher

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
        phase, answer = PHASES[self.seen["phase"]], self.answers.get(due, 0)
        if op == ArrayOp.EVAL:
            low, sign = answer & 2**self.formats.config.adc_bits - 1, 2 ** (self.formats.config.adc_bits - 1)
            answer = (low ^ sign) - sign
        if phase == "train":
            self.account.pulse(op, place[0], place[1:], answer)
        elif phase == "infer":
            self.account.vote(place[0])


class Bus(HostModel):
    """A host whose bus says anything between transfers, most of all other words for where it wrote before."""

    def __init__(self, dut: Any, rng: random.Random):
        super().__init__(dut)
        self.rng, self.written = rng, [0]

    async def write(self, words: Iterable[tuple[int, int]]) -> None:
        for word in words:
            await super().write([word])
            self.written = [*self.written[-7:], word[0]]
            self.let_go()
            if self.rng.random() < 0.1:
                await FallingEdge(self.dut.clk)

    def let_go(self) -> None:
        self.dut.host_write.value = self.rng.getrandbits(1)
        self.dut.host_address.value = self.rng.choice(self.written)
        self.dut.host_write_data.value = self.rng.getrandbits(32)


class System(Desk):
    """A desk for several jobs on one chip, whose results wait while `hold`. Its bus says anything between transfers."""

    watcher: Pins

    def __init__(self, dut: Any):
        self.dut, self.rng = dut, random.Random(parameters()["seed"])
        self.results, self.progress, self.hold = [], (0, 0, False), False
        self.jobs = [(Job.load(Path(p["job"])), Outcome.load(Path(p["outcome"]))) for p in parameters()["jobs"]]
        self.take(0)
        self.host: Bus = Bus(dut, self.rng)
        self.watcher = Pins(dut, self.array(), self.job.seed)
        self.open_account()

    def take(self, number: int) -> None:
        """The job from now on."""
        self.job, self.expected = self.jobs[number]
        self.config, self.formats = self.job.config, Formats(self.job.config)

    async def transfer(self, write: bool, space: Space, index: int, word: int = 0) -> tuple[int, int]:
        answer = await super().transfer(write, space, index, word)
        self.host.let_go()
        return answer

    async def spoil(self) -> None:
        """Other words in the memories than the job's: what is not loaded again is wrong."""
        words = load_words(self.formats, self.job.codes, self.job.labels, 1)
        await self.host.write([(where, word ^ 1) for where, word in words if where >= address(Space.STATUS, 0)])

    def formed(self, formed: bool = True, config: Config | None = None) -> None:
        """A fresh array whose cells are formed or not; with `config` another one, of more rows."""
        config = config or self.config
        self.watcher.array = OxramArray(config, load_card(config.card), self.job.seed, formed=formed)

    def open_account(self, lut: list[int] | None = None) -> None:
        self.watcher.account = self.account = Account(
            self.job, lut or lut_codes(self.formats), self.formats.prior_constants
        )

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
        assert self.dut.lfsr.state.value == 1, "no register shows the LFSR's state after a reset"
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
            if self.rng.random() < (0.5 if what == Command.INFER else 0.05):
                await self.poll()
            await self.wait(self.rng.randrange(40))
        assert self.dut.busy.value == 0, f"{what.name} must end"
        if what == Command.TRAIN:
            self.account.finish()

    async def load(self, settings_only: bool = False, seed: int | None = 0) -> None:
        """All words, or those of settings; the job's seed, or another, or with None none."""
        given = lfsr_seed(self.job.seed, self.config.lfsr_bits) if seed == 0 else seed or 0
        seeds = (address(Space.SETTINGS, Setting.SEED_LOW), address(Space.SETTINGS, Setting.SEED_HIGH))
        for word in load_words(self.formats, self.job.codes, self.job.labels, given):
            if (not settings_only or word[0] < address(Space.STATUS, 0)) and (seed is not None or word[0] not in seeds):
                await self.host.write([word])

    async def whole_run(self, again: bool = False) -> None:
        """As `Desk.whole_run`, then every register against the account; `again` on what was loaded before."""
        self.watcher.array = self.array()
        self.results.clear()
        await self.load(settings_only=again)
        before = self.watcher.strobes
        if self.formats.rewards:
            await self.rewarded_run()
        else:
            for what in commands(self.config):
                await self.command_and_watch(what)
            self.check_results()
        self.check_events(before)
        await self.check_registers()
        assert self.watcher.array.conductance_ns.tolist() == self.expected.conductance_ns.tolist()

    def check_results(self) -> None:
        outputs = self.config.outputs
        assert [total for total, _ in self.results] == self.expected.sums.ravel().tolist()
        assert [winner for _, winner in self.results][outputs - 1 :: outputs] == self.expected.classes.tolist()

    async def rewarded_run(self) -> None:
        await self.run(Command.BUILD_MAP)
        self.open_account()
        rewards = await episodes(self.dut, self.job, self.host, self.results)
        self.account.finish()
        assert rewards == self.expected.rewards.tolist()
        self.check_results()

    def check_events(self, before: Counter) -> None:
        """What observers saw, but for the host's own reads of counters and LUT."""
        built, strobes = ("lut_read", "map_write"), self.watcher.strobes
        for phase in PHASES:
            for name in built if phase == "load" else DIGITAL_EVENTS:
                found = strobes[phase, name] - before[phase, name]
                assert found == self.expected.counts[phase][name], f"{found} of {name} in {phase}"

        assert self.watcher.array.quantities == self.expected.quantities, "pulses of other currents"

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
