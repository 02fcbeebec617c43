"""Runs the cell programmer bench: three geometries, and a bench that can fail."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth import Const, Signal
from benches import EFFORT, on_each_simulator
from rewired import Change, rewired

from oxmc.hdl.cell_programmer import CellProgrammer
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

VERIFIED_CELLS = pytest.mark.testpoint(
    "verified cells",
    "every cycle of whole rows against the loop on a cell written out: windows, tries, stuck and saturating "
    "cells, pulse widths; cycles by the budget; both simulators, odd geometries",
)
CELL_PROGRAMMER_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "cell programmer bench can fail",
    "wrong window, tries, fetches, answers; a silent design",
)

pytestmark = pytest.mark.cosim


def bench(
    simulator: str,
    seed: int,
    *,
    outputs: int = 1,
    features: int = 16,
    read_bits: int = 8,
    gate_codes: int = 21,
    rows: int = 12 * EFFORT,
    mistake: Change | None = None,
    mutate: Mutation = None,
) -> None:
    """One geometry; pulse widths are the bench's own."""
    shape = dict(outputs=outputs, features=features, read_bits=read_bits, gate_codes=gate_codes)
    programmer = CellProgrammer(Formats(resolve("cancer", "paper").replace(verify="cell", **shape)))
    if mistake:
        programmer = rewired(programmer, *mistake)
    parameters = dict(pairs=outputs * features, read_bits=read_bits, gate_codes=gate_codes, rows=rows, seed=seed)
    run_bench(programmer, "cell_programmer", "oxmc.tb.blocks.cell_programmer", simulator, parameters, mutate=mutate)


@VERIFIED_CELLS
@on_each_simulator
def test_cell_programmer(simulator: str, seed: int) -> None:
    bench(simulator, seed)


@VERIFIED_CELLS
@pytest.mark.parametrize(
    ("outputs", "features", "read_bits", "gate_codes"), [(1, 1, 3, 2), (3, 5, 5, 7)], ids=["smallest", "odd"]
)
def test_geometries(outputs: int, features: int, read_bits: int, gate_codes: int, seed: int) -> None:
    shape: dict[str, Any] = dict(outputs=outputs, features=features, read_bits=read_bits, gate_codes=gate_codes)
    bench("icarus", seed, rows=20 * EFFORT, **shape)


MISTAKES: dict[str, Change] = {
    "commands no pulse": ("command.op", Signal.like),
    "takes any read": ("window", lambda window: Const(2**7, len(window))),
    "has a wider window": ("window", lambda window: window + 1),
    "repeats once more": ("tries", lambda tries: tries + 1),
    "never repeats": ("tries", lambda _: Const(0)),
    "fetches nothing": ("fetch", Signal.like),
    "says nothing of its reads": ("push", Signal.like),
    "is never done": ("done", Signal.like),
    "waits for no answer": ("answer", lambda _: Const(1)),
}


@CELL_PROGRAMMER_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_programmer_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=2, rows=5, mistake=MISTAKES[mistake])


@CELL_PROGRAMMER_BENCH_CAN_FAIL
def test_bench_catches_a_window_that_wraps(seed: int) -> None:
    """Window and code are added in as few bits as a code has."""
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=2, rows=5, mutate=("target + window", "8'hff & (target + window)"))
