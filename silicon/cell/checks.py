"""What the array model says of a cell and of a row, each figure beside what the circuit does, with a tolerance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.array import evaluate_cells
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.circuit import KEYS, Circuit, circuit_of
from oxmc.pymodels.oxram.ladder import Seen, bend, room_to_see, see, solve, tilt
from oxmc.silicon.cell.figures import Figure
from oxmc.silicon.cell.filament import Filament
from oxmc.silicon.cell.pulses import Asked, Done, program
from oxmc.silicon.cell.row import Row
from oxmc.silicon.cell.selector import Selector

GATE_FF = 1.7
"""Of a selector, as the word lines of energy/tables/ have it; they add a wire, which is not here."""
OFFSET_V = 0.002
HALF_A_STEP = 0.5
CARD_PULSE_S = 1e-7
"""What the filament's constants were fitted by."""
STARTS_US = (2.5, 10.0)


def cell_figures(
    selector: Selector, filament: Filament, card: Card, gates: Sequence[float], folder: Path,
    pulse_s: float = CARD_PULSE_S,
) -> list[Figure]:  # fmt: skip
    """SET, RESET and READ of a cell at gate voltages. Raises `InputError` without ngspice."""
    cells = [*(Asked(gate) for gate in gates), *(Asked(gates[-1], start) for start in STARTS_US)]
    frozen = [Asked(gate, opens=0.0) for gate in (gates[0], gates[-1])]
    done = program(selector, filament, card, [*cells, *frozen], pulse_s, folder)
    found = [figure for gate, of in zip(gates, done, strict=False) for figure in _of_gate(card, gate, of, pulse_s)]
    last = done[len(gates) - 1]
    for start, of in zip(STARTS_US, done[len(gates) :], strict=False):
        found.append(Figure("SET from elsewhere", f"from {start:g} uS", "uS", last.hcs_us, of.hcs_us))
    for opened, held in zip((done[0], last), done[len(cells) :], strict=True):
        found += _of_reset(card, opened, held, pulse_s)
    return [*found, Figure("gate", "word line of a READ", "fF", GATE_FF, 1e15 * last.word_line_c / card.read_wl_v)]


def _of_gate(card: Card, gate: float, of: Done, pulse_s: float) -> list[Figure]:
    """A SET against the card: its current by the gate, its conductance by that current, its joules by both."""
    at, wider = f"gate {gate:g} V", ", wider" if pulse_s > CARD_PULSE_S else ""
    current = np.array(of.set_ua)
    joules = card.set_sl_v * 1e-6 * of.set_ua * pulse_s
    return [
        Figure("SET current", at, "uA", float(card.current_ua(np.array(gate))), of.set_ua),
        Figure(f"SET{wider}", at, "uS", float(card.law_us(card.x_at(current))[0]), of.hcs_us),
        Figure("SET joules", at, "pJ", 1e12 * joules, 1e12 * of.set_j),
        Figure(f"RESET{wider}", at, "uS", card.lcs_median_us, of.lcs_us),
    ]


def _of_reset(card: Card, opened: Done, held: Done, pulse_s: float) -> list[Figure]:
    """A RESET lies between that of a filament that opens at once and that of one that never does."""
    volts, at = card.reset_bl_v, f"from {opened.hcs_us:.0f} uS"
    joules = volts**2 * 1e-6 * (opened.hcs_us + opened.lcs_us) / 2 * pulse_s
    return [
        Figure("RESET joules, at once", at, "pJ", 1e12 * joules, 1e12 * opened.reset_j),
        Figure("RESET joules, never", at, "pJ", 1e12 * joules, 1e12 * held.reset_j),
        Figure("RESET current", at, "uA", volts * held.hcs_us, held.reset_ua),
    ]


@dataclasses.dataclass(frozen=True)
class Sums:
    """Evaluations of one row: what the array model has, and the circuit, in steps of the ADC [evaluations]; joules of
    both, and how far `OFFSET_V` moves the sum in both."""

    array: np.ndarray
    circuit: np.ndarray
    array_j: float
    circuit_j: float
    array_offset: float
    circuit_offset: float


def row_figures(
    selector: Selector, filament: Filament, card: Card, config: Config, rows: Sequence[int], evaluations: int,
    folder: Path,
) -> list[Figure]:  # fmt: skip
    """Currents, offset and joules of rows of a chip with the effects of `config`, none of which may be drawn at a READ;
    and its wires alone against the ladder. Raises `InputError` without ngspice."""
    cells, filament = Formats(config).cells, dataclasses.replace(filament, curvature=config.iv_curvature)
    found = [_wires(filament, card, config, row, folder / "wires") for row in rows]
    row_of = Row(selector, filament, config, card, cells, folder / "row")
    try:
        for row in rows:
            found += _of_sums(row, _sums(row_of, card, config, row, evaluations))
    finally:
        row_of.close()
    return found


def _drawn(config: Config, row: int, evaluations: int) -> tuple[np.ndarray, np.ndarray]:
    """Conductances of a row over the card's range, int64 [cells] in nS, and codes of features of unit variance, int64
    [evaluations, lanes]."""
    rng, formats = np.random.default_rng(row), Formats(config)
    scale = formats.input_max / config.input_range
    codes = np.rint(rng.normal(0.0, scale, (evaluations, formats.lanes)))
    return rng.integers(40_000, 80_001, formats.cells), np.clip(codes, -formats.input_max, formats.input_max).astype(
        np.int64
    )


def _wires(filament: Filament, card: Card, config: Config, row: int, folder: Path) -> Figure:
    """Ladder against nodal analysis: the current that 1 V at the last cell alone drives into the front end."""
    wires = {key: getattr(config, key) for key in ("line_ohm", "front_end_ohm")}
    plain = config.replace(**dict.fromkeys(KEYS, 0) | wires)
    cells_ns, circuit = _drawn(plain, row, 1)[0], circuit_of(plain, 0, card)
    assert circuit is not None
    cells = len(cells_ns)
    seen = room_to_see(cells, 1)
    solve(circuit, cells_ns, row, 0, seen)
    nodal = Row(None, filament, plain, card, cells, folder)
    try:
        nodal.program(row, cells_ns)
        found = nodal.current_na(np.eye(cells)[-1])
    finally:
        nodal.close()
    at = f"farthest of {cells} cells of row {row}"
    return Figure("wire", at, "nS", float(seen.weights[-1]), found)


def _sums(row_of: Row, card: Card, config: Config, row: int, evaluations: int) -> Sums:
    formats, circuit = Formats(config), circuit_of(config, 0, card)
    assert circuit is not None
    cells_ns, codes = _drawn(config, row, evaluations)
    seen = room_to_see(formats.cells, formats.segments)
    see(circuit, cells_ns, row, seen)
    row_of.program(row, cells_ns)
    step, volt = formats.segment_step(0), formats.input_step_v
    offset_v = circuit.offset_q16 / 65536 * volt
    volts = [volt * driven(circuit, one) for one in codes]
    moved = circuit._replace(offset_q16=circuit.offset_q16 + round(65536 * OFFSET_V / volt))
    drive = sum(evaluate_cells(cells_ns, 0, one)[1] for one in codes)
    quiet = np.zeros(formats.cells)
    return Sums(
        array=np.array([behavioural(circuit, seen, one) / step for one in codes]),
        circuit=np.array([row_of.current_na(v, offset_v) / volt / step for v in volts]),
        array_j=1e-9 * drive * volt**2 * config.eval_pulse_s,
        circuit_j=sum(row_of.watts(v) for v in volts) * config.eval_pulse_s,
        array_offset=(tilt(moved, seen, 0) - tilt(circuit, seen, 0)) / step,
        circuit_offset=(row_of.current_na(quiet, offset_v + OFFSET_V) - row_of.current_na(quiet, offset_v))
        / volt
        / step,
    )


def driven(circuit: Circuit, codes: np.ndarray) -> np.ndarray:
    """What the DACs put on both lines of each pair, in codes, float64 [cells]."""
    signed = np.repeat(codes, 2) * np.tile([1, -1], len(codes))
    return np.asarray(signed * circuit.gains_q16[: len(signed)] / 65536)


def behavioural(circuit: Circuit, seen: Seen, codes: np.ndarray, segment: int = 0) -> int:
    """The sum that the array model hands to its ADC, without what a READ draws."""
    first = int(circuit.firsts[segment])
    dot = int(evaluate_cells(seen.weights, first, codes)[0]) + int(tilt(circuit, seen, segment))
    return dot + (int(bend(circuit, seen, first, codes)) if circuit.bent else 0)


def _of_sums(row: int, sums: Sums) -> list[Figure]:
    at = f"row {row}"
    gain = float(np.dot(sums.circuit, sums.array) / np.dot(sums.array, sums.array))
    error = float(np.sqrt(np.mean((sums.circuit - sums.array) ** 2)))
    return [
        Figure("gain", f"{at}, {len(sums.array)} sums of {np.std(sums.array):.1f} LSB", "1", 1.0, gain),
        Figure("error", at, "r.m.s. LSB", HALF_A_STEP, error),
        Figure("offset", f"{at}, {1e3 * OFFSET_V:g} mV", "LSB", sums.array_offset, sums.circuit_offset),
        Figure("EVAL joules", at, "pJ", 1e12 * sums.array_j, 1e12 * sums.circuit_j),
    ]
