"""Python ends of the co-simulation top: the array model behind its port, and the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cocotb.triggers import FallingEdge, Timer, ValueChange

from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Space, address
from oxmc.pymodels.job import COUNTED
from oxmc.tb.cosim.pulses import Pulses

if TYPE_CHECKING:
    from oxmc.tb.cosim.lockstep import Lockstep


class ArrayModel(Pulses):
    """Serves the array port: wakes once a pulse, at its end, lets the array act and answers."""

    async def serve(self) -> None:
        dut = self.dut
        toggled = ValueChange(dut.event_toggle)
        word, answer = dut.event_word, dut.python_answer
        while True:
            await toggled
            code = self.act(word.value.to_unsigned())
            if code is not None:
                answer.value = code


class HostModel:
    """Drives the host bus on falling clock edges, so that each write takes one cycle on any simulator."""

    def __init__(self, dut: Any):
        self.dut = dut

    async def start(self) -> None:
        """Idle bus, then wait for the end of reset."""
        self.dut.host_valid.value = 0
        self.dut.host_write.value = 0
        self.dut.host_address.value = 0
        self.dut.host_write_data.value = 0
        self.dut.python_answer.value = 0
        await FallingEdge(self.dut.rst)
        await FallingEdge(self.dut.clk)

    async def write(self, words: Iterable[tuple[int, int]]) -> None:
        dut = self.dut
        dut.host_valid.value = 1
        dut.host_write.value = 1
        for where, data in words:
            dut.host_address.value = where
            dut.host_write_data.value = data
            await FallingEdge(dut.clk)
        dut.host_valid.value = 0

    async def run(self, command: tuple[int, int]) -> None:
        """Start a command and wait until the chip is idle again. Raises `RunError` where it has not started."""
        await self.write([command])
        if self.dut.busy.value == 0:
            raise RunError(f"command {command[1]} must start something on the chip, which has refused it")
        while self.dut.busy.value == 1:  # within a cycle it may fall and rise again
            await FallingEdge(self.dut.busy)
            await FallingEdge(self.dut.clk)

    async def read(self, space: Space, index: int) -> int:
        dut = self.dut
        dut.host_valid.value = 1
        dut.host_write.value = 0
        dut.host_address.value = address(space, index)
        await FallingEdge(dut.clk)
        data = dut.host_read_data.value.to_unsigned()
        await FallingEdge(dut.clk)
        dut.host_valid.value = 0
        return data

    async def counts(self) -> dict[str, dict[str, int]]:
        """Events by phase, as the co-simulation top counted them; read between two clock edges, since it counts on."""
        result: dict[str, dict[str, int]] = {}
        for phase, phase_name in enumerate(PHASES):
            self.dut.count_phase.value = phase
            result[phase_name] = {}
            for index, name in enumerate(COUNTED):
                self.dut.count_index.value = index
                await Timer(1, unit="step")
                result[phase_name][name] = self.dut.count_value.value.to_unsigned()
        return result


async def collect_results(dut: Any, formats: Formats, sink: Callable[[int, int, bool], None]) -> None:
    """Hand each result of the inference to `sink` as (signed sum, winner, last)."""
    bits, label_bits = formats.response_sum_bits, formats.label_bits
    while True:
        await ValueChange(dut.result_toggle)
        word = dut.result_word.value.to_unsigned()
        total = word & (2**bits - 1)
        sink(
            total - (total >> (bits - 1) << bits), word >> bits & (2**label_bits - 1), bool(word >> (bits + label_bits))
        )


async def follow_decisions(dut: Any, lockstep: Lockstep) -> None:
    """Let the twin take each step that the chip took. Raises `LockstepError` at the first difference."""
    while True:
        await ValueChange(dut.decision_toggle)
        lockstep.decide(dut.cycle.value.to_unsigned(), dut.decision_word.value.to_unsigned())
