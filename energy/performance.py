"""What comparable works quote of a chip: rates, latencies, currents, joules a multiply-accumulate, energy x delay.

A multiply-accumulate (MAC) is an input times the difference of a pair's conductances, added on the row's line; an
operation is half of one, as in TOPS. The path of an evaluation is what one takes from the sample memory to its code:
sample read, input conversion and buffers, word line, cells and their rail, front end and converter. Logic that decides
on the code is apart, as it is in the works that one compares with.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from oxmc.energy.ledger import Ledger
from oxmc.energy.parts import HEADLINE, PARTS, Counts
from oxmc.energy.point import OperatingPoint
from oxmc.pymodels.config import Config
from oxmc.pymodels.events import QUANTITY_OF
from oxmc.pymodels.formats import formats_of

EVALUATION_ITEMS = ("eval", "eval_line", "sample_read", QUANTITY_OF["eval"])
"""Events and quantities of the path of an evaluation."""
OPERATIONS_A_MAC = 2


@dataclasses.dataclass(frozen=True)
class Performance:
    """Figures of one run at one node; None where the run did nothing of the kind.

    `latency_s` is by action, of one cell (RESET: a row, evaluation: a segment of a row), until its answer is there.
    `current_a` is the mean current of a pulse by action: all cells of the row in a RESET, a group of cells in a SET.
    """

    proposals_per_s: float | None
    predictions_per_s: float | None
    latency_s: dict[str, float]
    current_a: dict[str, float]
    macs: int
    mac_j: float | None
    input_bits: int
    adc_bits: int
    energy_delay_js: float

    @property
    def tops_per_w(self) -> float | None:
        return OPERATIONS_A_MAC / self.mac_j * 1e-12 if self.mac_j else None

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"tops_per_w": self.tops_per_w}


def performance(
    config: Config, ledger: Ledger, events: Counts, quantities: Counts, point: OperatingPoint
) -> Performance:
    """The figures of a run from its ledger and its events and quantities by phase."""
    phases = (*PARTS[HEADLINE], *PARTS["inference"])
    evaluations = sum(events.get(phase, {}).get("eval", 0) for phase in phases)
    formats = formats_of(config.chip)
    macs = evaluations * formats.pairs // formats.segments
    path = math.fsum(
        line.energy_j
        for line in ledger.lines
        if line.phase in phases and line.item in EVALUATION_ITEMS and line.component not in ("digital", "clock")
    )
    return Performance(
        proposals_per_s=_rate(events, "decision", PARTS[HEADLINE], config.clock_hz),
        predictions_per_s=_rate(events, "classify", PARTS["inference"], config.clock_hz),
        latency_s=latencies(config),
        current_a=currents(config, events, quantities, point),
        macs=macs,
        mac_j=path / macs if macs else None,
        input_bits=config.input_bits,
        adc_bits=config.adc_bits,
        energy_delay_js=_energy_delay(ledger, events, config.clock_hz),
    )


def latencies(config: Config) -> dict[str, float]:
    """Seconds from the first cycle of an action's pulse to its end, or to its code for what is converted."""
    cycles = {
        "form": config.cycles(config.set_pulse_s),
        "reset": config.cycles(config.reset_pulse_s),
        "set": config.cycles(config.set_pulse_s),
        "read": config.cycles(config.read_pulse_s) + config.cycles(config.conversion_s),
        "eval": config.cycles(config.eval_pulse_s) + config.cycles(config.conversion_s),
    }
    return {name: count / config.clock_hz for name, count in cycles.items()}


def currents(config: Config, events: Counts, quantities: Counts, point: OperatingPoint) -> dict[str, float]:
    """Mean current in A of a SET's, a RESET's and a READ's pulse in a training; none of what was not done."""
    found = {}
    for action, pulses, amperes, pulse_s in (
        ("set", "set", point.gate_dacs * 1e-9, config.set_pulse_s),
        ("reset", "reset_pulse", point.reset_bl_v * 1e-9, config.reset_pulse_s),
        ("read", "read", point.read_sl_v * 1e-9, config.read_pulse_s),
    ):
        count = sum(events.get(phase, {}).get(pulses, 0) for phase in PARTS[HEADLINE])
        summed = sum(quantities.get(phase, {}).get(QUANTITY_OF[action], 0) for phase in PARTS[HEADLINE])
        if count:
            found[action] = summed * amperes / config.cycles(pulse_s) / count
    return found


def _seconds(events: Counts, phases: tuple[str, ...], clock_hz: float) -> float:
    return sum(events.get(phase, {}).get("cycle", 0) for phase in phases) / clock_hz


def _rate(events: Counts, event: str, phases: tuple[str, ...], clock_hz: float) -> float | None:
    seconds = _seconds(events, phases, clock_hz)
    count = sum(events.get(phase, {}).get(event, 0) for phase in phases)
    return count / seconds if seconds and count else None


def _energy_delay(ledger: Ledger, events: Counts, clock_hz: float) -> float:
    """Joules times seconds of the training."""
    joules = math.fsum(line.energy_j for line in ledger.lines if line.phase in PARTS[HEADLINE])
    return joules * _seconds(events, PARTS[HEADLINE], clock_hz)
