"""The circuit around the cells: wires against other nodal solvers, effects against laws, auto-zero, conditions."""

from __future__ import annotations

import logging
import sys
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from commands import refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.pymodels.config import CONDITIONS, REAL, TASKS, Config, preset, presets_of, resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.circuit import circuit_of, has_circuit, offset_v, trim_of, trim_voltages
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.ladder import room_to_see, see, shaped_code
from oxmc.pymodels.twin.chain import arithmetic, devices_of
from oxmc.pymodels.twin.episode_kernel import act
from oxmc.pymodels.twin.episodes import voting_of
from oxmc.pymodels.twin.sense import see_row
from oxmc.pymodels.twin.voting import respond

pytestmark = pytest.mark.testpoint(
    "circuit of the array",
    "wires against badcrossbar and a dense nodal solution, to 256 x 64; offset, converters, curvature and selector "
    "against their laws by hand; READs through the same circuit; the trim's code against a search bit by bit; ideal "
    "conditions leave no circuit in any preset; what is refused",
)

GATE = 10
FULL = dict(adc_bits=12, eval_range=4.0, read_bits=12, read_range_us=256.0, features=8, train_samples=4, test_samples=2)


def made(seed: int, **changes: Any) -> OxramArray:
    """A small array, every cell of row 3 SET, behind fine converters."""
    config = Config().replace(rows=8, burn_in=1, **FULL, **changes)
    array = OxramArray(config, load_card("16k"), seed)
    for cell in range(array.cells):
        array.set(3, cell, GATE, 1)
    return array


def transconductances(config: Config, g_ns: np.ndarray, row: int) -> np.ndarray:
    """Our solution, in nS."""
    circuit = circuit_of(config, 0)
    assert circuit is not None
    seen = room_to_see(len(g_ns), len(circuit.firsts))
    see(circuit, g_ns, row, seen)
    return seen.weights.copy()


def nodal(config: Config, g_ns: np.ndarray, row: int, first: int, count: int) -> np.ndarray:
    """Transconductances in nS by the whole conductance matrix: nodes of the row line, then of each column's own wire.

    Every segment of wire is a resistor of its own; a column's wire is driven above row 0 and ends at the active row.
    """
    wire, size = 1e9 / max(config.line_ohm, 1e-6), count * (row + 2)
    matrix, drive = np.zeros((size, size)), np.zeros((size, count))

    def resistor(a: int, b: int | None, ns: float) -> None:
        matrix[a, a] += ns
        if b is not None:
            matrix[b, b] += ns
            matrix[a, b] -= ns
            matrix[b, a] -= ns

    for i in range(count):
        column = [count + i * (row + 1) + n for n in range(row + 1)]
        resistor(column[0], None, wire)
        drive[column[0], i] = wire
        for above, below in zip(column, column[1:], strict=False):
            resistor(above, below, wire)
        resistor(column[-1], i, 1 / (1 / g_ns[first + i] + config.selector_ohm * 1e-9))
        if i + 1 < count:
            resistor(i, i + 1, wire)
    end = 1 / ((first + 1) / wire + config.front_end_ohm * 1e-9)
    resistor(0, None, end)
    found: np.ndarray = np.linalg.solve(matrix, drive)[0] * end
    return found


@pytest.mark.parametrize(("features", "outputs", "hidden", "row"), [(8, 1, 0, 0), (3, 3, 0, 5), (4, 2, 3, 7)])
def test_ladder_is_the_nodal_solution(features: int, outputs: int, hidden: int, row: int, seed: int) -> None:
    """To the rounding of a nS, for each segment of a row, with selectors and a front end."""
    config = Config(
        rows=8, burn_in=1, features=features, outputs=outputs, hidden=hidden, line_ohm=37.0, selector_ohm=900.0,
        front_end_ohm=250.0,
    )  # fmt: skip
    formats = Formats(config)
    g_ns = np.random.default_rng(seed).integers(3_000, 200_000, formats.cells)
    found = transconductances(config, g_ns, row)
    for segment in range(formats.segments):
        pairs = formats.segment_pairs(segment)
        first, count = 2 * pairs.start, 2 * len(pairs)
        due = nodal(config, g_ns, row, first, count)
        assert np.abs(found[first : first + count] - due).max() < 0.51
        assert due.max() < g_ns[first : first + count].max()


@pytest.mark.parametrize(("cells", "rows"), [(32, 256), (256, 64)])
def test_wires_agree_with_badcrossbar(cells: int, rows: int, seed: int, monkeypatch: MonkeyPatch) -> None:
    """Output current of the first and the last row, other rows' selectors off; within a thousandth of the row's own
    current scale, ten times closer than asked for. Its plots, which need cairo, are left out."""
    for name in ("badcrossbar.plot", "cairo"):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    badcrossbar = pytest.importorskip("badcrossbar")
    logging.getLogger("badcrossbar").setLevel(logging.ERROR)
    rng = np.random.default_rng(seed)
    config = Config(rows=rows, features=cells // 2, burn_in=1, line_ohm=5.0)
    for row in (0, rows - 1):
        g_ns, volts = rng.integers(10_000, 200_000, cells), rng.uniform(0.1, 0.4, cells)
        ohms = np.full((cells, rows), np.inf)
        ohms[:, row] = (1e9 / g_ns)[::-1]  # its output is below the last of its word lines
        solution = badcrossbar.compute(volts[::-1].reshape(-1, 1), ohms, 5.0)
        due = float(np.ravel(solution.currents.output)[row])
        assert 1e-9 * (transconductances(config, g_ns, row) @ volts) == pytest.approx(due, rel=1e-3)


def test_an_offset_is_the_row_under_it(seed: int) -> None:
    """All inputs at zero: -offset times the summed conductance, in nS times codes, and its s.d. from chip to chip."""
    array = made(seed, front_end_offset_v=-0.002)
    step = array.steps[0]
    found = array.evaluate(3, 0, np.zeros(8, np.int64), 1) * step
    due = 0.002 / array.input_step_v * array.conductance_ns[3].sum()
    assert due - step - 4 <= found <= due + 4
    spread = [offset_v(array.config.replace(front_end_offset_sd_v=0.003), chip) for chip in range(400)]
    assert np.mean(spread) == pytest.approx(-0.002, abs=5 * 0.003 / 20)
    assert np.std(spread) == pytest.approx(0.003, rel=5 / 800**0.5)


def test_reads_go_through_the_same_circuit(seed: int) -> None:
    """Wires, selector, front end and offset in series with one cell."""
    array = made(seed, line_ohm=100.0, selector_ohm=1000.0, front_end_ohm=500.0, front_end_offset_v=0.02)
    for cell in (0, 7, 15):
        ohm = 1e9 / array.conductance_ns[3, cell] + 1000 + 4 * 100 + (cell + 1) * 100 + 500
        due = 1e9 / ohm * (1 - 0.02 / array.card.read_sl_v)
        assert abs(array.read(3, cell, 1) - due / array.read_step_ns) <= 1.02


def test_curvature_and_selector(seed: int) -> None:
    """A cell is what the card says at the READ voltage; below it conducts less, by its share of the curvature. A
    selector takes off half of (I / limit)^2."""
    plain, curved = made(seed), made(seed, iv_curvature=0.4)
    assert [curved.read(3, cell, 1) for cell in range(4)] == [plain.read(3, cell, 1) for cell in range(4)]
    g_ns, top = plain.conductance_ns[3].astype(float), plain.input_max
    share = 0.4 * np.maximum(0, 1 - g_ns / 77_481)
    for code in (top, top // 4):
        codes = np.array([code, *[0] * 7])
        current = g_ns * code * (1 - share * (1 - (code * plain.input_step_v / plain.card.read_sl_v) ** 2))
        found = curved.evaluate(3, 0, codes, 1) * plain.steps[0]
        assert abs(found - (current[0] - current[1])) <= plain.steps[0] + 100
    limited = made(seed, selector_limit_ua=60.0)
    due = g_ns * (1 - (g_ns * plain.card.read_sl_v / 60_000) ** 2 / 2)
    found = [limited.read(3, cell, 1) * plain.read_step_ns for cell in range(16)]
    assert np.abs(np.array(found) - due).max() <= plain.read_step_ns + 2


def test_dacs_and_adc(seed: int) -> None:
    """Gains with the s.d. asked for; thresholds where INL and DNL put them, none of it an offset; codes by counting."""
    config = Config(features=128, dac_mismatch=0.03, adc_inl_lsb=2.0)
    circuit = circuit_of(config, seed)
    assert circuit is not None
    assert np.std(circuit.gains_q16 / 65536) == pytest.approx(0.03, rel=5 / 512**0.5)
    step, thresholds = Formats(config).eval_step, circuit.thresholds[1]
    error = thresholds / step - np.arange(-127, 128)
    assert error[127] == 0 and abs(error[0]) == pytest.approx(2 * (127 / 128) ** 2, abs=1 / step)
    assert np.sign(error[0]) == np.sign(error[-1])
    rough = circuit_of(config.replace(adc_inl_lsb=0.0, adc_dnl_lsb=0.3), seed)
    assert rough is not None
    widths = np.diff(rough.thresholds[1]) / step
    assert widths.std() == pytest.approx(0.3, rel=0.25) and (widths >= 0).all()
    for dot in np.random.default_rng(seed).integers(-140 * step, 140 * step, 200).tolist():
        assert shaped_code(rough.thresholds[1], step, dot) == (rough.thresholds[1] <= dot).sum() - 128


@pytest.mark.parametrize("offset_mv", [-9.9, -5.0, -0.01, 0.0, 0.01, 2.0, 5.0, 9.7])
def test_auto_zero_leaves_less_than_a_step(offset_mv: float) -> None:
    """The code is what a search bit by bit finds by the sign alone; what is left lies within a step of the trim."""
    config = Config(front_end_offset_v=offset_mv / 1000, auto_zero_bits=7)
    circuit = circuit_of(config, 0)
    assert circuit is not None
    code = 0
    for bit in reversed(range(7)):
        tried = code | 1 << bit
        code = tried if circuit.untrimmed_q16 - circuit.trims_q16[tried] > 0 else code
    assert trim_of(circuit.untrimmed_q16, circuit.trims_q16) == code
    left_v = circuit.offset_q16 / 65536 * Formats(config).input_step_v
    assert -1e-6 <= left_v <= 2 * config.auto_zero_range_v / 2**7 + 1e-6
    assert left_v == pytest.approx(offset_mv / 1000 - trim_voltages(config)[code], abs=1e-6)


REWARDS = Config(
    features=4, outputs=2, acceptance="reward", train_samples=1, test_samples=1, line_ohm=50.0, iv_curvature=0.4,
    front_end_offset_v=0.004, adc_dnl_lsb=0.5, scale_per_us=0.02,
)  # fmt: skip


@pytest.mark.parametrize("read_noise", [0.0, 0.1])
def test_actions_go_through_the_circuit(read_noise: float, seed: int) -> None:
    """The twin's action of a row and its votes in test, against the array's own evaluations one by one."""
    config = REWARDS.replace(read_noise=read_noise, rows=4, burn_in=0)
    array, formats, rng = OxramArray(config, load_card("16k"), seed), Formats(config), np.random.default_rng(seed)
    for row in range(4):
        for cell in range(array.cells):
            array.set(row, cell, int(rng.integers(21)), 1)
    chip, devices, table = (
        arithmetic(formats, np.zeros(21, np.int64)),
        devices_of(array),
        np.array(formats.response_table),
    )
    voting = voting_of(formats, 0, array.conductance_ns, np.arange(4), array.circuit, devices)
    acting, sums = devices._replace(evaluations=devices.evaluations.copy()), np.zeros(2, np.int64)
    for codes in rng.integers(-127, 128, (20, 4)):
        found = np.array([[array.evaluate(row, output, codes, 1) for output in range(2)] for row in range(4)])
        for row in range(4):
            see_row(devices, row, devices.circuit)
            assert act(chip, acting, row, codes) == found[row].argmax()
        respond(chip, voting, codes, sums)
        assert sums.tolist() == (np.arange(4) @ table[found + 128]).tolist()
    assert voting.evaluations.tolist() == acting.evaluations.tolist() == [40] * 4


def test_conditions() -> None:
    """Ideal, the default, has no circuit in any preset; real sets its keys, of which one given beside it wins."""
    for task in TASKS:
        for name in presets_of(task):
            assert not has_circuit(preset(task, name).replace(auto_zero_bits=0)), (task, name)
    real = resolve("cancer", "wide", settings={"conditions": "real", "line_ohm": 1.0, "rows": 128})
    assert {name: getattr(real, name) for name in REAL} == REAL | {"line_ohm": 1.0}
    assert real.replace(conditions="ideal") == preset("cancer", "wide").replace(rows=128)
    assert set(CONDITIONS) == {"ideal", "real"}


def test_refusals(capsys: CaptureFixture[str]) -> None:
    """What an engine or a format cannot do, in one line."""
    real = ["train", "cancer", "--engine", "float", "--set", "line_ohm=5"]
    assert "conditions must be ideal with --engine float" in refusal(capsys, *real)
    trimmed = refusal(capsys, "train", "cancer", "--engine", "float", "--set", "auto_zero_bits=4")
    assert trimmed == "auto_zero_bits must be 0 with --engine float, which has no front end, not 4"
    wide = ["train", "cancer", "--set", "input_bits=9", "--set", "iv_curvature=0.1"]
    assert "input_bits must be at most 8 with iv_curvature" in refusal(capsys, *wide)
