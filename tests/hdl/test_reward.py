"""Runs the Reward bench; the product's own cost of a reward against exact logarithms; mistakes that are caught."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from benches import on_each_simulator

from oxmc.hdl.reward import Reward
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import REWARD_INDEX_BITS, STEP_BITS, Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

REWARDS = pytest.mark.testpoint(
    "rewards",
    "the cost of every number of steps and its saturation against exact logarithms within the stated bound, "
    "which is nearly met; both simulators, other fractions; the product's own function against the same; kappa",
)
REWARD_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "reward bench can fail",
    "wrong octaves, table, count, clearing and gating; a silent design",
)

pytestmark = pytest.mark.cosim


def sized(fraction_bits: int = 8, exponent: float = 5.0) -> Formats:
    return Formats(resolve("cartpole", "paper").replace(log_fraction_bits=fraction_bits, reward_exponent=exponent))


def bench(simulator: str, formats: Formats, seed: int, *, mutate: Mutation = None) -> None:
    parameters = dict(fraction_bits=formats.config.log_fraction_bits, seed=seed)
    run_bench(Reward(formats), "reward", "oxmc.tb.blocks.reward", simulator, parameters, mutate=mutate)


@REWARDS
@on_each_simulator
def test_reward(simulator: str, seed: int) -> None:
    bench(simulator, sized(), seed)


@REWARDS
@pytest.mark.parametrize("fraction_bits", [4, 12])
def test_other_fractions(fraction_bits: int, seed: int) -> None:
    bench("icarus", sized(fraction_bits), seed)


@REWARDS
@pytest.mark.parametrize("exponent", [1 / 16, 1.0, 2.5, 5.0, 15.9375])
def test_cost_is_near_the_exact_one(exponent: float) -> None:
    """Half a bin of the table, half a unit of its entries; the cut of the product is one unit more."""
    formats = sized(exponent=exponent)
    power, one = Fraction(formats.reward_exponent, 16), 2**8
    error = float(power) * (one * math.log2(1 + 0.5 / 2**REWARD_INDEX_BITS) + 0.5) + 1e-6
    for steps in range(1, 2**STEP_BITS):
        exact = float(power) * one * (STEP_BITS - math.log2(steps))
        assert exact - error - 1 <= formats.reward_cost(steps) <= exact + error
    assert formats.reward_cost(1023) >= 0 and formats.reward_cost(0).bit_length() <= formats.sum_bits


@REWARDS
def test_kappa() -> None:
    formats = Formats(resolve("cartpole", "paper"))
    assert formats.log2_kappa == round(256 * math.log2(10)) and formats.log2_kappa < 2**formats.kappa_bits
    assert sized().log2_kappa == formats.log2_kappa and Formats(resolve("cartpole", "wide")).log2_kappa == 0


@REWARD_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("zeros = 4'h0;", "zeros = 4'h1;"),  # the highest bit's octave
        ("zeros = 4'ha", "zeros = 4'h9"),  # that of no steps
        ("steps + 1'h1", "steps + 2'h2"),
        ("if (clear)", "if (1'b0)"),
        ("if (ready)", "if (1'b1)"),
        ("log * exponent", "20'h00000"),
    ],
)
def test_bench_catches(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", sized(), seed, mutate=mutate)


@REWARD_BENCH_CAN_FAIL
def test_bench_catches_a_wrong_entry(seed: int) -> None:
    formats = sized()
    table = list(formats.reward_table)
    table[40] += 3
    formats.__dict__["reward_table"] = tuple(table)  # where the cached property keeps its value
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", formats, seed)
