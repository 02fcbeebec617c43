"""A driver for the chip's host port in anybody's top: load, command, wait, read back (docs/reference/ports.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from oxmc.cocotb.ports import formats_of, level, port, ports
from oxmc.hdl.host import HostBus
from oxmc.pymodels.cartpole import TEST, TRAINING
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import INDEX_BITS, Command, Error, Setting, Space, Status, address, built_commands
from oxmc.pymodels.job import Job
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.cosim import program
from oxmc.tb.cosim.episodes import TEST_SAMPLE, TRAINING_SAMPLE, Environment

PATIENCE = 1000
"""Clock cycles that a transfer may take; the chip's own need two."""


class Host:
    """Drives the host port `dut.<prefix>valid`, `dut.<prefix>address` and so on, named as in the chip's Verilog.

    docs/reference/ports.md has the port and its registers. `config` is the chip's (`oxmc.Config`). `result` is the
    prefix of the stream of results, whose `ready` is held high; `busy`, `waiting` and `clock` are names in `dut`;
    `waiting` is needed for rewards alone. All inputs are driven on falling edges of the clock. The bench drives the
    reset: call nothing before it has ended.

    Methods that say so raise `RunError` for a transfer that the chip refuses, naming the register, and for one that
    does not end within `PATIENCE` cycles. The constructor raises `InputError` for a port that is not there or has
    another width than the configuration says, and for counters of each output's own, which are several chains.
    """

    def __init__(
        self,
        dut: Any,
        config: Config,
        *,
        prefix: str = "host_",
        result: str = "result_",
        busy: str = "busy",
        waiting: str = "waiting",
        clock: str = "clk",
    ) -> None:
        self.config, self._formats = config, formats_of(config)
        self._bus = ports(dut, prefix, HostBus())
        bits = self._formats.response_sum_bits + self._formats.label_bits + 1
        widths = {"valid": 1, "ready": 1, "payload": bits}
        self._result = {name: port(dut, result + name, width) for name, width in widths.items()}
        self._busy, self._clock = port(dut, busy, 1), port(dut, clock, 1)
        self._waiting = port(dut, waiting, 1) if self._formats.rewards else None
        self._results: list[tuple[int, int, bool]] = []
        for name in ("valid", "write", "address", "write_data"):
            self._bus[name].value = 0
        self._result["ready"].value = 1

    # transfers

    async def write(self, words: Iterable[tuple[int, int]]) -> None:
        """Write (address, word) pairs, one a cycle as long as the port is ready. Raises `RunError`."""
        await self._align()
        for where, data in words:
            await self._transfer(where, data)
        self._bus["valid"].value = 0

    async def read(self, space: Space, index: int) -> int:
        """The word `index` of a space of the address map. Raises `RunError`."""
        await self._align()
        word = await self._transfer(address(space, index), None)
        self._bus["valid"].value = 0
        return word

    async def _align(self) -> None:
        """Wait for the middle of a cycle, unless this is its second half already."""
        if level(self._clock) != 0:
            await FallingEdge(self._clock)

    async def _transfer(self, where: int, data: int | None) -> int:
        """One transfer, a read where there is no `data`; its word. Leaves `valid` high for the next."""
        error, word = await self._shake(where, data)
        if error:
            bits = (await self._shake(address(Space.STATUS, Status.ERRORS), None))[1]
            self._bus["valid"].value = 0
            names = ", ".join(each.name for each in Error if bits >> each & 1)
            raise RunError(f"{_told(where, data)} must be taken by the chip, which refuses it (ERRORS: {names or 0})")
        return word

    async def _shake(self, where: int, data: int | None) -> tuple[int, int]:
        """A transfer's `error`, and its word if it is a read."""
        bus = self._bus
        bus["valid"].value, bus["write"].value = 1, int(data is not None)
        bus["address"].value, bus["write_data"].value = where, data or 0
        for _ in range(PATIENCE):
            await ReadOnly()  # what the port answers now is what the coming edge finds
            ready, error = level(bus["ready"]), level(bus["error"]) or 0
            word = bus["read_data"].value.to_unsigned() if ready and data is None and not error else 0
            await FallingEdge(self._clock)
            if ready:
                return error, word
        bus["valid"].value = 0
        raise RunError(
            f"{_told(where, data)} must end within {PATIENCE} cycles, but {self._bus['ready']._name} stays low"
        )

    # a chip at work

    async def load(self, job: Job) -> None:
        """Write tables, samples, settings and the LFSR's seed for a training of `job`. Raises `RunError`.

        A job has a configuration, a seed, input codes int64 [train + test, features] and labels int64 [train + test],
        training points first: `run.job` of a training on the twin, or a `Job` of your own.
        """
        seed = lfsr_seed(job.seed, self.config.lfsr_bits)
        await self.write(program.load_words(Formats(job.config), job.codes, job.labels, seed))

    async def set(self, register: Setting, value: int) -> None:
        """Write one setting. Raises `InputError` for a value that the chip would refuse, `RunError` if it does."""
        await self.write([program.checked_setting(self._formats, register, value)])

    async def start(self, what: Command) -> None:
        """Give a command. Raises `InputError` for one that this chip has not, `RunError` where it is out of turn."""
        if what not in built_commands(self._formats):
            raise InputError(f"{what.name} must be a command of this chip, which has it only where its option is built")
        await self.write([program.command(what)])

    async def wait(self) -> None:
        """Wait until the chip is idle."""
        await self._align()
        while level(self._busy) != 0:  # within a cycle it may fall and rise again
            await FallingEdge(self._busy)
            await FallingEdge(self._clock)

    async def run(self, what: Command) -> None:
        """Give a command and wait until the chip is idle again. Raises as `start`."""
        await self.start(what)
        await self.wait()

    async def train(self, job: Job) -> None:
        """Load, and run each command up to the end of the training: FORM and CALIBRATE where asked, BUILD_MAP, TRAIN.

        A chip that learns from rewards (Eq 12 of the paper) is trained on the episodes of `job`. Raises `RunError`.
        """
        await self.load(job)
        for what in program.commands(job.config):
            if what != Command.INFER:
                await self.run(what)
        if self._formats.rewards:
            await self._episodes(job)

    async def infer(self) -> tuple[np.ndarray, np.ndarray]:
        """Let the stored rows vote on the test points: classes int64 [test] and sums int64 [test, outputs].

        They vote by Eq 8 of the paper. Raises `RunError`, also where the chip is not trained.
        """
        self._results.clear()
        collector = cocotb.start_soon(self._collect())
        await self.run(Command.INFER)
        collector.cancel()
        classes = np.array([winner for _, winner, last in self._results if last], np.int64)
        sums = np.array([total for total, _, _ in self._results], np.int64)
        return classes, sums.reshape(-1, self.config.outputs)

    async def _collect(self) -> None:
        """Keep each result as (signed sum, winner, last)."""
        bits, label_bits = self._formats.response_sum_bits, self._formats.label_bits
        valid, edge = self._result["valid"], FallingEdge(self._clock)
        while True:
            if level(valid) != 1:
                await RisingEdge(valid)
            await edge
            if level(valid) == 1:
                word = self._result["payload"].value.to_unsigned()
                total, winner = word & (2**bits - 1), word >> bits & (2**label_bits - 1)
                total -= total >> (bits - 1) << bits
                self._results.append((total, winner, bool(word >> (bits + label_bits))))

    # episodes

    async def _episodes(self, job: Job) -> None:
        """Train, each proposal by an episode."""
        environment, episode = Environment(job), 0
        collector = cocotb.start_soon(self._collect())
        await self.start(Command.TRAIN)
        while await self._waits():
            environment.restart(episode, TRAINING)
            await self._episode(environment, TRAINING_SAMPLE, Command.STEP)
            await self.start(Command.DONE)
            episode += 1
        collector.cancel()

    async def _waits(self) -> bool:
        """Whether the chip waits for the host, once it does or is idle."""
        while level(self._waiting) == 0 and level(self._busy) == 1:
            await FallingEdge(self._clock)
        return level(self._busy) == 1

    async def _episode(self, environment: Environment, sample: int, act: Command) -> None:
        over = False
        while not over:
            await self.write([*environment.observation(sample), program.command(act)])
            await self._waits()
            over = environment.act(self._results[-1][1])

    async def test(self, job: Job) -> list[int]:
        """Let the stored rows act in the test episodes of `job` by Eq 13 of the paper: the steps of each episode.

        Raises `RunError`.
        """
        environment, rewards = Environment(job), []
        collector = cocotb.start_soon(self._collect())
        for episode in range(job.config.test_episodes):
            environment.restart(episode, TEST)
            await self._episode(environment, TEST_SAMPLE, Command.INFER)
            rewards.append(environment.steps)
        collector.cancel()
        return rewards

    # reading back

    async def status(self) -> dict[str, int]:
        """Each status register by its name in lower case, at any time. Raises `RunError`."""
        return {register.name.lower(): await self.read(Space.STATUS, register) for register in Status}

    async def counters(self) -> np.ndarray:
        """C_n of rows 0 to the last filled one, int64 [rows], the weights of Eq 8 of the paper; of a chip that is idle.

        Raises `RunError`.
        """
        last = await self.read(Space.STATUS, Status.LAST_ROW)
        return np.array([await self.read(Space.COUNTERS, row) for row in range(last + 1)], np.int64)

    async def lut(self) -> np.ndarray:
        """The LUT in read codes, int64 [gate_codes]; of a chip with `calibrate`, the only one to give it back.

        Raises `InputError` for another, `RunError`.
        """
        if not self.config.calibrate:
            raise InputError("calibrate must be on in the configuration of a chip whose LUT can be read, not off")
        return np.array([await self.read(Space.LUT, gate) for gate in range(self.config.gate_codes)], np.int64)


def _told(where: int, data: int | None) -> str:
    """A transfer by the names of the address map."""
    space, index = Space(where >> INDEX_BITS), where & (2**INDEX_BITS - 1)
    names: Any = {Space.SETTINGS: Setting, Space.STATUS: Status}.get(space)
    known = names is not None and index in [register.value for register in names]
    name = names(index).name if known else f"{space.name}[{index}]"
    return f"read of {name}" if data is None else f"write of {data:#x} to {name}"
