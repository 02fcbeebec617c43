"""Macros of others: counts by hand, parts that make up the whole, and that a wrong parameter shows."""

from __future__ import annotations

import dataclasses
import json

import pytest
from pytest import CaptureFixture

from oxmc.energy.costs import load_costs
from oxmc.studies.macros import ALL, LIU, PARTS, PUBLISHED, counts, joules, lines, main, neurram, published_j

pytestmark = pytest.mark.testpoint(
    "macros of others", "counts of a product by hand, parts and whole, published figures against their sums"
)


def test_counts_by_hand() -> None:
    """784 x 100 pairs of cells, half of the inputs at 0.2 V for 51.1 ns through a mean of 5.57 uS."""
    found = counts(LIU)
    cells = 784 * 200
    assert found["array, evaluation current"] == pytest.approx(0.5 * cells * 51.1e-9 * 5.589e-6 * 0.2**2, rel=1e-3)
    assert found["adc, conversion of an evaluation"] == 100
    assert found["drivers, word line of evaluations"] == 0
    core = counts(neurram(4, 6))
    assert core["drivers, word line of evaluations"] == pytest.approx(3 * 256 * 256 * 1.8**2)
    assert core["adc, current front end of an evaluation"] == pytest.approx(256 * 7 * 0.27e-6)


@pytest.mark.parametrize("bits, steps", [(1, 1), (2, 1), (4, 7), (6, 7 + 3), (8, 15 + 7)])
def test_steps_of_an_integration(bits: int, steps: int) -> None:
    """Up to three magnitude bits in one phase, above it in two."""
    assert neurram(bits, 8).amplifier_s == pytest.approx(0.27e-6 * steps)


def test_every_figure_is_of_one_part() -> None:
    names = [name for part in PARTS.values() for name in part]
    assert sorted(names) == sorted(joules(LIU, load_costs("130nm")))


def test_parts_make_up_the_whole() -> None:
    for macro, published in PUBLISHED:
        *parts, whole = lines(macro, published)
        assert whole["part"] == ALL
        assert sum(part["ours, pJ an MVM"] for part in parts) == pytest.approx(whole["ours, pJ an MVM"], abs=2)
        assert whole["low"] <= whole["ours, pJ an MVM"] <= whole["high"]


def test_published_figures_are_their_efficiencies() -> None:
    """NeuRRAM's parts add up to the efficiency that is given apart from them, within 1 %; 78.4 TOPS/W are 2 nJ."""
    for (macro, published), tops in zip(PUBLISHED, (40.334, 15.954, 6.437), strict=False):
        assert 2 * macro.macs / published_j(macro, published, ALL) * 1e-12 == pytest.approx(tops, rel=0.011)
    assert published_j(LIU, PUBLISHED[-1][1], ALL) == pytest.approx(2e-9)


def test_a_wrong_parameter_shows() -> None:
    twice = dataclasses.replace(LIU, read_v=0.4)
    before, after = (joules(macro, load_costs("130nm"))["array, evaluation current"][0] for macro in (LIU, twice))
    assert after == pytest.approx(4 * before)


def test_it_prints_its_table(capsys: CaptureFixture[str]) -> None:
    main(["--json"])
    assert len(json.loads(capsys.readouterr().out)) == 4 * len(PUBLISHED)
