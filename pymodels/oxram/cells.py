"""The state of an OxRAM array and its books, without the pulses that change them (`oxmc.pymodels.oxram.array`).

Nothing here loads a compiler: what simulates the array elsewhere, as the compiled coupling does, starts from this.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, PULSE_EVENTS, QUANTITIES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Stored
from oxmc.pymodels.oxram import bulk_draws
from oxmc.pymodels.oxram.circuit import circuit_of
from oxmc.pymodels.oxram.devices import Card, lcs_table_ns, lut_table
from oxmc.pymodels.oxram.effects import effects_of, fault_thresholds
from oxmc.pymodels.streams import stream_key

UNFORMED, FORMED, HCS = 0, 1, 2
"""State of a cell: never formed; formed and in the LCS; in the HCS."""
NOT_STUCK, STUCK_LCS, STUCK_HCS = 0, 1, 2

NANO = 1e-9


class Cells:
    """Rows of differential OxRAM pairs.

    Public state, [rows, cells] each: `conductance_ns` int64, `set_count` int64, `state` uint8 (UNFORMED, FORMED, HCS),
    `device_q16` int64, `stuck` uint8, `scatter_q16` int64 (see `scatter`). `formed` arrays arrive conditioned and in
    the LCS; others wait for FORM at 0 nS.
    Books by phase (events.PHASES): `counts` of events, `quantities` (exact integers, see events.QUANTITIES), and
    `joules` by operation.
    """

    device_factors_q16 = staticmethod(bulk_draws.device_factors_q16)
    stuck_cells = staticmethod(bulk_draws.stuck_cells)
    lcs_population = staticmethod(bulk_draws.lcs_population)

    def __init__(self, config: Config, card: Card, seed: int, *, formed: bool = True) -> None:
        formats = Formats(config)
        self.config, self.card, self.seed = config, card, seed
        self.rows, self.cells, self.lanes = config.rows, formats.cells, formats.lanes
        self.segments = [formats.segment_pairs(segment) for segment in range(formats.segments)]
        self.steps = [formats.segment_step(segment) for segment in range(formats.segments)]
        self.input_max, self.input_step_v = formats.input_max, formats.input_step_v
        self.read_step_ns = formats.read_step_ns
        self.gates, self.lcs_table = lut_table(card, config), lcs_table_ns(card)
        self.hcs_stuck_ns, self.form_current_na = round(1000 * card.hcs_stuck_us), round(1000 * card.form_current_ua)
        self.key = stream_key(seed, "array")
        self.effects, self.circuit = effects_of(card, config), circuit_of(config, seed, card)
        self.phase = "train"
        self.counts = {phase: dict.fromkeys((*ARRAY_EVENTS, *PULSE_EVENTS), 0) for phase in PHASES}
        self.quantities = {phase: dict.fromkeys(QUANTITIES, 0) for phase in PHASES}
        self.joules = {phase: dict.fromkeys(ARRAY_EVENTS, 0.0) for phase in PHASES}
        self._widths = {
            "FORM": config.cycles(config.set_pulse_s),
            "RESET": config.cycles(config.reset_pulse_s),
            "SET": config.cycles(config.set_pulse_s),
            "READ": config.cycles(config.read_pulse_s),
            "EVAL": config.cycles(config.eval_pulse_s),
        }
        self._draw_population(seed)
        self.conductance_ns = np.zeros((self.rows, self.cells), np.int64)
        self.set_count = np.zeros((self.rows, self.cells), np.int64)
        self.scatter_q16 = np.zeros((self.rows, self.cells), np.int64)
        self.state = np.full((self.rows, self.cells), UNFORMED, np.uint8)
        if formed:
            self._condition()

    def _draw_population(self, seed: int) -> None:
        shape, cells = (self.rows, self.cells), self.rows * self.cells
        spread_q16 = round(self.config.d2d_spread * bulk_draws.ONE)
        self.device_q16 = self.device_factors_q16(*stream_key(seed, "devices"), cells, spread_q16).reshape(shape)
        lcs_below, hcs_below = (0, 0)
        if self.config.fault_mode == "permanent":
            lcs_below, hcs_below = fault_thresholds(self.card, self.config)
        self.stuck = self.stuck_cells(*stream_key(seed, "stuck"), cells, lcs_below, hcs_below).reshape(shape)

    def _condition(self) -> None:
        """Every cell formed, conditioned and in the LCS: the draw of a RESET before any SET (k = 0)."""
        hcs = self.stuck == STUCK_HCS
        lcs_ns = self.lcs_population(*self.key, hcs.size, self.lcs_table).reshape(hcs.shape)
        self.conductance_ns = np.where(hcs, self.hcs_stuck_ns, lcs_ns)
        self.state = np.where(hcs, HCS, FORMED).astype(np.uint8)

    def restore(self, stored: Stored | None) -> None:
        """Hold the rows of before that an adaptation goes on from, if there are any."""
        if stored is not None:
            self.conductance_ns = np.array(stored.conductance_ns, np.int64)
            self.set_count[:] = stored.sets
            self.state[:] = HCS

    def pairs_ns(self) -> np.ndarray:
        """w = g+ - g- in nS, int64 [rows, pairs]."""
        return self.conductance_ns[:, 0::2] - self.conductance_ns[:, 1::2]

    def watts_of(self, event: str) -> float:
        """Watts that an operation draws for each unit of its quantity in a cycle (events.QUANTITIES)."""
        card = self.card
        watts = {
            "form": card.form_sl_v,
            "set": card.set_sl_v,
            "reset": card.reset_bl_v**2 / 2,
            "read": card.read_sl_v**2,
            "eval": self.input_step_v**2,
        }[event]
        return watts * NANO

    def joules_of(self, event: str, quantity: int) -> float:
        """Joules of an operation whose quantity (events.QUANTITIES) sums to `quantity`, for engines without pins."""
        return self.watts_of(event) * quantity / self.config.clock_hz
