"""Gates above clock gates, in a design written by hand: where one is put, what opens it, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from oxmc.silicon.clock_tree import GATE, nest

pytestmark = pytest.mark.testpoint("synthesis")

CLOCK = 2


def gate(enable: int, clock: int) -> dict[str, Any]:
    return {"type": GATE, "connections": {"CLK": [CLOCK], "GATE": [enable], "GCLK": [clock]}}


def register(clock: int, output: int) -> dict[str, Any]:
    return {"type": "$_DFF_P_", "connections": {"C": [clock], "D": [9], "Q": [output]}}


def design(block: str, *, gates: int) -> dict[str, Any]:
    """Gate i has the enable 10 + i, the clock 20 + i and a register of the name r_i that drives 30 + i."""
    cells = {f"g{i}": gate(10 + i, 20 + i) for i in range(gates)}
    cells |= {f"f{i}": register(20 + i, 30 + i) for i in range(gates)}
    names = {f"r_{i}": {"hide_name": 0, "bits": [30 + i]} for i in range(gates)}
    nets = {"clk": {"hide_name": 0, "bits": [CLOCK, "0", 99]}, **names}
    return {"modules": {f"chip_{block}": {"cells": cells, "netnames": nets}}}


def opened(cells: dict[str, Any], net: int, high: set[int]) -> bool:
    """Whether a net is high, through the ors, if only `high` are."""
    for cell in cells.values():
        if cell["type"] == "$_OR_" and cell["connections"]["Y"] == [net]:
            return any(opened(cells, cell["connections"][pin][0], high) for pin in "AB")
    return net in high


def test_a_gate_above_is_open_with_any_below() -> None:
    made = design("control", gates=3)
    assert nest(made, "chip") == 3
    cells = made["modules"]["chip_control"]["cells"]
    (above,) = (c["connections"] for c in cells.values() if c["type"] == GATE and c["connections"]["CLK"] == [CLOCK])
    assert all(cells[f"g{i}"]["connections"]["CLK"] == above["GCLK"] for i in range(3))
    assert above["GCLK"][0] > 99  # a net of its own
    for enable in (10, 11, 12):
        assert opened(cells, above["GATE"][0], {enable})
    assert not opened(cells, above["GATE"][0], {9, 30})


def test_registers_that_stay_awake_keep_their_gate() -> None:
    made = design("trainer", gates=3)
    names = made["modules"]["chip_trainer"]["netnames"]
    names["sample"] = names.pop("r_1")
    assert nest(made, "chip") == 2
    cells = made["modules"]["chip_trainer"]["cells"]
    assert [cells[f"g{i}"]["connections"]["CLK"] == [CLOCK] for i in range(3)] == [False, True, False]


def test_one_gate_and_other_blocks_are_left() -> None:
    for block, gates in (("control", 1), ("log_likelihood", 3)):
        made = design(block, gates=gates)
        assert nest(made, "chip") == 0
        assert made == design(block, gates=gates)
