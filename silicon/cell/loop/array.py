"""An array whose READs and EVALs are a circuit's operating points, and the array model beside it on the same pulses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.card import Card
from oxmc.silicon.cell.checks import behavioural, driven
from oxmc.silicon.cell.filament import Filament
from oxmc.silicon.cell.row import Row
from oxmc.silicon.cell.selector import Selector


@dataclasses.dataclass(frozen=True)
class Answer:
    """A conversion of `place` (cell of a READ, segment of an EVAL) of a row in `phase`: both codes."""

    op: str
    phase: str
    row: int
    place: int
    circuit: int
    model: int


class CircuitArray(OxramArray):
    """SETs, RESETs, relaxation and noise are the array model's draws, the converter is its own; what wires, selectors,
    cells and front end make of a row's voltages is ngspice's. `answers` are all so far.

    Raises `InputError` without ngspice.
    """

    def __init__(self, config: Config, card: Card, seed: int, selector: Selector, folder: Path):
        super().__init__(config, card, seed)
        self.model = OxramArray(config, card, seed)
        self.answers: list[Answer] = []
        filament = Filament(curvature=config.iv_curvature)
        self._row = Row(selector, filament, config, card, self.cells, folder)
        self._programmed: tuple[int, bytes] | None = None

    @property
    def offset_v(self) -> float:
        """What the auto-zero leaves of the front end's offset."""
        return 0.0 if self.circuit is None else self.circuit.offset_q16 / 65536 * self.input_step_v

    def trim(self, code: int) -> None:
        super().trim(code)
        self.model.trim(code)

    def reset(self, row: int, mask: int, cycles: int) -> None:
        super().reset(row, mask, cycles)
        self.model.reset(row, mask, cycles)

    def set(self, row: int, cell: int, gate: int, cycles: int) -> None:
        super().set(row, cell, gate, cycles)
        self.model.set(row, cell, gate, cycles)

    def read(self, row: int, cell: int, cycles: int) -> int:
        code = super().read(row, cell, cycles)
        self.answers.append(Answer("read", self.phase, row, cell, code, self.model.read(row, cell, cycles)))
        return code

    def evaluate(self, row: int, segment: int, codes: np.ndarray, cycles: int) -> int:
        code = super().evaluate(row, segment, codes, cycles)
        model = self.model.evaluate(row, segment, codes, cycles)
        self.answers.append(Answer("eval", self.phase, row, segment, code, model))
        return code

    def _program(self, row: int) -> None:
        cells_ns = self.conductance_ns[row]
        if self._programmed != (row, cells_ns.tobytes()):
            self._row.program(row, cells_ns)
            self._programmed = row, cells_ns.tobytes()

    def _read_through(self, row: int, cell: int, conductance_ns: int) -> int:
        self._program(row)
        return max(0, round(self._row.read_ns(cell, self.offset_v)))

    def _sensed(self, row: int, segment: int, codes: np.ndarray) -> tuple[int, int]:
        """The circuit's sum with the noise that the array model draws for this EVAL."""
        total, drive = super()._sensed(row, segment, codes)
        assert self.circuit is not None
        noise = total - behavioural(self.circuit, self._seen, codes, segment)
        self._program(row)
        first, volts = 2 * self.segments[segment].start, np.zeros(self.cells)
        volts[first : first + 2 * len(codes)] = driven(self.circuit, codes) * self.input_step_v
        return round(self._row.current_na(volts, self.offset_v) / self.input_step_v) + noise, drive

    def close(self) -> None:
        self._row.close()
