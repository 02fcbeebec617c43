"""What the array model does at the pulses that the co-simulation top reports, and why it refuses one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.pymodels.oxram.array import ArrayError, OxramArray
from oxmc.tb.cosim.event_word import Event, unpack

if TYPE_CHECKING:
    from oxmc.tb.cosim.lockstep import Lockstep


class Pulses:
    """Hands the events of the co-simulation top `dut`, or of what has its registers, to the array model.

    Raises `ArrayError` with the clock cycle when the chip breaks the port's protocol or the array refuses the pulse.
    """

    def __init__(self, dut: Any, array: OxramArray, lockstep: Lockstep | None = None):
        self.dut, self.array, self.lockstep = dut, array, lockstep
        self.formats = Formats(array.config)
        self._codes: dict[int, np.ndarray] = {}
        self._set = self._set_cell if array.config.gate_dacs == 1 else self._set_group

    def act(self, word: int) -> int | None:
        """Let the array do what an event's word says; the answer of a conversion as the converter bus carries it."""
        return self.obey(unpack(word))

    def obey(self, pulse: Event) -> int | None:
        """The same for the fields of a word."""
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
        if array.config.auto_zero_bits:
            array.trim(self.dut.event_trim.value.to_unsigned())
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
