"""Runs the Prior bench on two geometries and the smallest one, and proves that it can fail."""

from __future__ import annotations

from typing import Any

import pytest
from benches import on_each_simulator

from oxmc.hdl.prior import Prior
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import run_bench

PRIOR = pytest.mark.testpoint(
    "prior",
    "sum of squared pair codes times the constant, differences, shift, clear, latency; both simulators, other "
    "geometries",
)
PRIOR_BENCH_CAN_FAIL = pytest.mark.testpoint("prior bench can fail", "a wrong cost, a sum that wraps, a silent design")

PAPER = Formats(resolve("cancer", "paper"))
ODD = Formats(Config(outputs=3, features=5, read_bits=5, log_fraction_bits=5))
ONE_PAIR = Formats(Config(features=1, read_bits=3, prior_sigma_us=300.0))

pytestmark = pytest.mark.cosim


def bench(simulator: str, formats: Formats, seed: int, *, design: Prior | None = None, **options: Any) -> None:
    multiplier, shift = formats.prior_constants
    parameters = dict(
        pairs=formats.pairs,
        read_bits=formats.config.read_bits,
        fraction_bits=formats.config.log_fraction_bits,
        multiplier=multiplier,
        shift=shift,
        step_us=formats.config.read_range_us / 2**formats.config.read_bits,
        sigma_us=formats.config.prior_sigma_us,
        seed=seed,
    )
    run_bench(design or Prior(formats), "prior", "oxmc.tb.blocks.prior", simulator, parameters, **options)


@PRIOR
@on_each_simulator
def test_prior(simulator: str, seed: int) -> None:
    bench(simulator, PAPER, seed)


@PRIOR
@pytest.mark.parametrize("formats", [ODD, ONE_PAIR], ids=["odd", "one pair"])
def test_prior_of_other_geometries(formats: Formats, seed: int) -> None:
    bench("icarus", formats, seed)


@PRIOR_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("minuend - subtrahend", "minuend + subtrahend"),
        ("minuend - subtrahend", "subtrahend - minuend"),  # its square is the same
        ("{ magnitude[7:3], 6'h10 }", "{ magnitude[7:3], 6'h00 }"),
        ("if (adding) begin", "if (square) begin"),
        ("if (clear) begin", "if (1'b0) begin"),
        ("if (ready) begin", "if (1'b1) begin"),  # the operand is not isolated
        ("valid & have_plus", "valid & ~have_plus"),  # pairs off by one
        ("operand * multiplier", "operand * multiplier[6:0]"),
        (">> shift", ">> shift[3:0]"),
    ],
)
def test_bench_catches_a_wrong_cost(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, mutate=mutate)


class Narrow(Formats):
    """One bit too few for the squares of a full-scale row."""

    @property
    def square_bits(self) -> int:
        return super().square_bits - 1


@PRIOR_BENCH_CAN_FAIL
def test_bench_catches_a_sum_that_wraps(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, design=Prior(Narrow(PAPER.config)))


@PRIOR_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, mutate=("if (ready) begin", "if (1'b0) begin"))
