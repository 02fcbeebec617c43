"""System bench of `oxmc.hdl.chip.Chip`: registers at their ends, by settings or from a state that the bench writes."""

from __future__ import annotations

from collections.abc import Callable

from cocotb.triggers import FallingEdge

from oxmc.hdl.row_counters import LOST_BITS
from oxmc.hdl.top.tally import CLAMP_BITS
from oxmc.pymodels.interface import PROPOSAL_BITS, Command, Setting, Space, Status, settings
from oxmc.tb.system.desk import System, scenario


class Limits:
    """Trainings that reach the ends of registers: by settings where they are near, else from a state put in by hand."""

    def __init__(self, system: System):
        self.system, self.dut, self.config = system, system.dut, system.config
        self.top = 2**system.config.counter_bits - 1

    async def stuck(self, proposals: int, reject_limit: int = 0, then: Callable[[], None] = lambda: None) -> None:
        """A training in which nothing is accepted after row 0, its cost put to 0 by hand; then `then` is called."""
        system, config = self.system, self.config.replace(rows=256, reject_limit=reject_limit)
        system.formed(config=config)
        await system.load()
        await system.write(Setting.LAST_ROW, 255)
        await system.write(Setting.MAX_PROPOSALS, proposals)
        if Setting.REJECT_LIMIT in settings(system.formats):
            await system.write(Setting.REJECT_LIMIT, reject_limit)
        for index in range(2**config.table_bits):
            await system.write(index, 2**system.formats.likelihood_bits - 1, Space.LIKELIHOOD)
        await system.run(Command.BUILD_MAP)
        system.open_account()
        system.account.config = config
        await system.command(Command.TRAIN)
        while system.account.row == 0:
            await FallingEdge(self.dut.clk)
        self.dut.acceptance.current_cost.value = 0
        then()
        await system.idle()
        system.account.finish()
        assert system.account.current == 0, "nothing must have been accepted"

    async def check(self, register: Status, due: int) -> None:
        found = await self.system.read(register)
        assert found == due, f"{register.name} must be {due}, not {found}"

    async def row_counters(self) -> None:
        """More rejections than a counter, or the streak of rejections, counts; a limit of 0 skips nothing then."""
        await self.stuck(600)
        await self.check(Status.PROPOSALS, 600)
        await self.check(Status.SKIPPED, 0)
        await self.check(Status.LOST_COUNTS, 601 - self.top)
        assert self.system.account.lost == 601 - self.top and await self.system.counters() == [self.top]

    async def lost(self) -> None:
        def near_the_end() -> None:
            self.dut.row_counters.lost.value = 2**LOST_BITS - 3

        await self.stuck(self.top + 20, then=near_the_end)
        await self.check(Status.LOST_COUNTS, 2**LOST_BITS - 1)

    async def proposals(self) -> None:
        """The largest MAX_PROPOSALS ends a training, too."""

        def near_the_end() -> None:
            self.dut.trainer.proposals.value = 2**PROPOSAL_BITS - 6

        await self.stuck(2**PROPOSAL_BITS - 1, then=near_the_end)
        await self.check(Status.PROPOSALS, 2**PROPOSAL_BITS - 1)
        assert self.system.account.proposals == 5

    async def clamps(self) -> None:
        def near_the_end() -> None:
            self.dut.tally.clamps.value = 2**CLAMP_BITS - 2

        self.system.watcher.codes = (2**self.config.read_bits - 1, 0)
        await self.stuck(20, then=near_the_end)
        self.system.watcher.codes = None
        assert self.system.account.clamps > 20
        await self.check(Status.CLAMPS, 2**CLAMP_BITS - 1)

    async def skipped(self) -> None:
        """Every row but the first is skipped."""
        if self.config.reject_limit:
            await self.stuck(1000, reject_limit=1)
            await self.check(Status.SKIPPED, 255)
            assert self.system.account.skipped == 255

    async def total(self) -> None:
        """All rows with full counters, each with the largest response, fit the total and the sum."""
        system, dut, rows, config = self.system, self.dut, 256, self.config
        await self.stuck(3)
        dut.trainer.current_row.value = rows - 1
        for row in range(rows):
            dut.row_counters.memory.macro.mem[row].value = self.top
        for index in range(2**config.table_bits):
            await system.write(index, 2**32 - 2 ** (config.response_bits - 1), Space.RESPONSE)
        await system.write(Setting.BURN_IN, 0)
        await system.write(Setting.LAST_TEST, config.train_samples)
        system.results.clear()
        await system.run(Command.INFER)
        await self.check(Status.TOTAL_COUNTS, rows * self.top)
        assert [total for total, _ in system.results] == [-rows * self.top * 2 ** (config.response_bits - 1)]


@scenario
async def limits(system: System) -> None:
    """Each counter at its end, then a whole run, of which nothing of it is seen."""
    limits = Limits(system)
    await system.whole_run()
    for reach in (limits.row_counters, limits.lost, limits.proposals, limits.clamps, limits.skipped):
        await reach()
    if system.config.outputs == 1:
        await limits.total()
    system.results.clear()
    await system.whole_run()


@scenario
async def costs(system: System) -> None:
    """A prior beyond 32 bits: both registers of the current cost, and a comparison with all of their bits."""
    config, top = system.config, 2**system.config.read_bits - 1
    system.watcher.codes = (top, 0)
    await system.load()
    await system.write(Setting.PRIOR_MULTIPLIER, 255)
    await system.write(Setting.PRIOR_SHIFT, 0)
    await system.run(Command.BUILD_MAP)
    system.open_account()
    account = system.account
    account.prior = (255, 0)
    await system.command(Command.TRAIN)
    await system.idle()
    account.finish()
    assert account.cost >> 32 == config.features * top**2 * 255 >> 32 > 0
    cost = await system.read(Status.CURRENT_COST) | await system.read(Status.CURRENT_COST_HIGH) << 32
    assert cost == account.cost
    assert await system.counters() == account.counters
    system.watcher.codes = None
    await system.whole_run()
