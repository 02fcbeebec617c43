"""Runs the Action bench on several geometries, and proves that it can fail."""

from __future__ import annotations

import pytest
from benches import on_each_simulator

from oxmc.hdl.action import Action
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

ACTIONS = pytest.mark.testpoint(
    "actions",
    "the winner of each observation against Python's max: ties, extremes, pauses; both simulators, more outputs",
)
ACTION_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "action bench can fail",
    "ties to the wrong output, unsigned codes, no restart, a silent design",
)

pytestmark = pytest.mark.cosim


def bench(simulator: str, seed: int, outputs: int = 2, adc_bits: int = 8, *, mutate: Mutation = None) -> None:
    table_bits = min(8, adc_bits)
    config = resolve("cartpole", "paper").replace(outputs=outputs, adc_bits=adc_bits, table_bits=table_bits)
    parameters = dict(outputs=outputs, adc_bits=adc_bits, seed=seed)
    run_bench(Action(Formats(config)), "action", "oxmc.tb.blocks.action", simulator, parameters, mutate=mutate)


@ACTIONS
@on_each_simulator
def test_action(simulator: str, seed: int) -> None:
    bench(simulator, seed)


@ACTIONS
@pytest.mark.parametrize(("outputs", "adc_bits"), [(3, 5), (16, 12)])
def test_geometries(outputs: int, adc_bits: int, seed: int) -> None:
    bench("icarus", seed, outputs, adc_bits)


@ACTION_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("$signed(code) > $signed(best)", "$signed(code) >= $signed(best)"),  # ties to the last
        ("$signed(code) > $signed(best)", "code > best"),
        ("if (restart)", "if (1'b0)"),
        ("winner <= ", "winner <= 0 & "),
    ],
)
def test_bench_catches(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, 3, mutate=mutate)
