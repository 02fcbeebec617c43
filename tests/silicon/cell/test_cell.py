"""Cell and row in ngspice beside the array model, small: our own transistor, two gates, one row."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import MonkeyPatch

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.oxram.circuit import Circuit, circuit_of
from oxmc.pymodels.oxram.devices import load_card
from oxmc.silicon.cell import checks
from oxmc.silicon.cell.checks import cell_figures, row_figures
from oxmc.silicon.cell.figures import LIMITS, Figure
from oxmc.silicon.cell.filament import QUANTUM_US, Filament
from oxmc.silicon.cell.row import Row
from oxmc.silicon.cell.selector import level_1
from oxmc.silicon.cell.session import Session

pytestmark = pytest.mark.testpoint(
    "cell in a circuit simulator",
    "SET law, joules, currents, wires and offset of the array model against ngspice; a wrong constant is found",
)
needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")

CARD, GATES_V = load_card("16k"), (1.5, 1.8)
REAL = preset("cancer", "frugal").replace(conditions="real", read_noise=0.0, relaxation=0.0)


def outside(figures: list[Figure]) -> set[str]:
    return {figure.kind for figure in figures if not figure.holds}


@needs_ngspice
def test_a_cell_is_as_the_array_model_has_it(tmp_path: Path) -> None:
    found = cell_figures(level_1(), Filament(), CARD, GATES_V, tmp_path)
    assert outside(found) == set()
    assert {figure.kind for figure in found} >= {"SET", "SET joules", "RESET joules, at once", "RESET current", "gate"}


@needs_ngspice
@pytest.mark.parametrize(
    "change, found",
    [
        ({"median_gain_us": 0.9 * CARD.median_gain_us, "median_offset_us": CARD.median_offset_us - 2}, {"SET"}),
        ({"lcs_median_us": 8.0}, {"RESET"}),
        ({"current_high_ua": 130.0}, {"SET current"}),
    ],
)
def test_a_wrong_figure_of_the_card_is_found(change: dict[str, float], found: set[str], tmp_path: Path) -> None:
    wrong = dataclasses.replace(CARD, **change)
    assert outside(cell_figures(level_1(), Filament(), wrong, GATES_V, tmp_path)) == found


@needs_ngspice
def test_a_row_is_as_the_array_model_has_it(tmp_path: Path) -> None:
    found = row_figures(level_1(), Filament(), CARD, REAL, [23], 6, tmp_path)
    assert outside(found) == set()
    assert {figure.kind for figure in found} == {"wire", "gain", "error", "offset", "EVAL joules"}


@needs_ngspice
@pytest.mark.parametrize("change, kind", [({"line_ohm": 6.0}, "wire"), ({"front_end_ohm": 900.0}, "gain")])
def test_a_wrong_constant_of_the_row_is_found(
    change: dict[str, float], kind: str, monkeypatch: MonkeyPatch, tmp_path: Path
) -> None:
    """The array model has it, the circuit does not."""

    def wrong(config: Config, *rest: Any) -> Circuit | None:
        return circuit_of(config.replace(**change), *rest)

    monkeypatch.setattr(checks, "circuit_of", wrong)
    assert kind in outside(row_figures(level_1(), Filament(), CARD, REAL, [23], 6, tmp_path))


@needs_ngspice
def test_a_read_through_the_selector_is_the_card_s_conductance(tmp_path: Path) -> None:
    """Whatever of the READ voltage the selector takes."""
    bare = REAL.replace(line_ohm=0.0, front_end_ohm=0.0, selector_ohm=0.0)
    row = Row(level_1(), Filament(), bare, CARD, 3, tmp_path)
    row.program(0, np.array([5_000, 40_000, 80_000]))
    reads = [row.current_na(CARD.read_sl_v * np.eye(3)[n]) / CARD.read_sl_v for n in range(3)]
    row.close()
    assert reads == pytest.approx([5_000, 40_000, 80_000], rel=1e-4)


def test_curvature_is_what_its_key_says() -> None:
    """A weak cell conducts less at 0 V than at the READ voltage by that share; a metallic one does not."""
    cell = Filament(curvature=0.15)
    assert cell.carried(1e-6, 1e-4) / 1e-10 == pytest.approx(0.85, rel=1e-3)
    assert cell.carried(20.0, cell.read_v) == pytest.approx(20.0 * cell.read_v)
    assert cell.carried(QUANTUM_US, 0.1) == pytest.approx(QUANTUM_US * 0.1)


def test_a_figure_outside_its_limits_does_not_hold() -> None:
    figure = Figure("SET joules", "gate 1.4 V", "pJ", 10.0, 10.4)
    assert figure.holds and not dataclasses.replace(figure, circuit=11.0).holds
    assert figure.line() == "| SET joules | gate 1.4 V | pJ | 10 | 10.4 | 1.04 | 0.95 to 1.05 |"
    assert all(limit.least < limit.most and limit.why for limit in LIMITS.values())


@needs_ngspice
def test_a_circuit_without_an_answer_is_an_error(tmp_path: Path) -> None:
    with Session("* nothing\nv1 a 0 1\nr1 a 0 1\n.end\n", tmp_path) as session:
        assert session.point({"v1": 2.0}, "v(a)") == [2.0]
        with pytest.raises(RunError, match="no operating point"):
            session.point({}, "v(missing)")


def test_without_ngspice_it_says_so(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="^make cell needs 'ngspice' on PATH, which is not there$"):
        cell_figures(level_1(), Filament(), CARD, GATES_V, tmp_path)
