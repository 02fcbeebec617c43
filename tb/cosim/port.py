"""Python ends of the co-simulation top: the array model behind its port, and the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from cocotb.triggers import FallingEdge, Timer, ValueChange

from oxmc.hdl.array_port import ArrayOp
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Space, address
from oxmc.pymodels.job import COUNTED
from oxmc.pymodels.oxram.array import ArrayError, OxramArray
from oxmc.tb.cosim.event_word import Event, unpack

if TYPE_CHECKING:
    from oxmc.tb.cosim.lockstep import Lockstep


class ArrayModel:
    """Serves the array port: wakes once a pulse, at its end, lets the array act and answers.

    Raises `ArrayError` with the clock cycle when the chip breaks the port's protocol or the array refuses the pulse.
    """

    def __init__(self, dut: Any, array: OxramArray, lockstep: Lockstep | None = None):
        self.dut, self.array, self.lockstep = dut, array, lockstep
        self.formats = Formats(array.config)
        self._codes: dict[int, np.ndarray] = {}
        self._set = self._set_cell if array.config.gate_dacs == 1 else self._set_group

    async def serve(self) -> None:
        dut = self.dut
        toggled = ValueChange(dut.event_toggle)
        word, answer = dut.event_word, dut.python_answer
        while True:
            await toggled
            code = self.act(word.value.to_unsigned())
            if code is not None:
                answer.value = code

    def act(self, word: int) -> int | None:
        """Let the array do what an event says; the answer of a conversion as the converter bus carries it."""
        pulse = unpack(word)
        try:
            if pulse.fault:
                raise ArrayError(
                    f"pulse on row {pulse.row} cell {pulse.place} must keep op, address and pins of one command from "
                    f"its first cycle to its latch, not change in cycle {pulse.width} (op {pulse.op})"
                )
            return self._pulse(pulse)
        except ArrayError as error:
            raise ArrayError(f"{error} (clock cycle {self.dut.cycle.value.to_unsigned()})") from None

    def _pulse(self, pulse: Event) -> int | None:
        array, (op, phase, _, width, row, place, gate) = self.array, pulse
        array.phase = PHASES[phase]
        if op == ArrayOp.EVAL.value:
            code = array.evaluate(row, place, self._input_codes(), width)
            return code & (2**self.formats.data_bits - 1)
        if op == ArrayOp.READ.value:
            code = array.read(row, place, width)
            if self.lockstep is not None and array.phase == "train":
                self.lockstep.read(self.dut.cycle.value.to_unsigned(), row, place, code)
            return code
        if op == ArrayOp.SET.value:
            self._set(row, place, gate, width)
        elif op == ArrayOp.RESET.value:
            array.reset(row, self.dut.event_mask.value.to_unsigned(), width)
        else:
            array.form(row, place, gate, width)
        return None

    def _set_cell(self, row: int, cell: int, gate: int, width: int) -> None:
        self.array.set(row, cell, gate, width)
        if self.lockstep is not None and self.array.phase == "train":
            self.lockstep.set(self.dut.cycle.value.to_unsigned(), row, cell, gate)

    def _set_group(self, row: int, cell: int, gate: int, width: int) -> None:
        """The same for a cell a gate DAC, whose codes do not fit into the event's word."""
        gates = self.formats.unpack_gates(self.dut.event_gates.value.to_unsigned())
        self.array.set_group(row, cell, gates, width)
        if self.lockstep is not None and self.array.phase == "train":
            for one in range(cell, min(cell + len(gates), self.formats.cells)):
                self.lockstep.set(self.dut.cycle.value.to_unsigned(), row, one, gates[one - cell])

    def _input_codes(self) -> np.ndarray:
        """The input bus as signed codes; samples repeat, so each word is unpacked once."""
        word = self.dut.event_inputs.value.to_unsigned()
        codes = self._codes.get(word)
        if codes is None:
            codes = self._codes[word] = np.array(self.formats.unpack_inputs(word), np.int64)
        return codes


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
