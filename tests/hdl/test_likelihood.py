"""Runs the Likelihood bench on three geometries, and proves that it can fail."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from benches import on_each_simulator

from oxmc.hdl.likelihood import Likelihood
from oxmc.hdl.softmax.softmax_likelihood import SoftmaxLikelihood
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import run_bench

LIKELIHOOD = pytest.mark.testpoint(
    "likelihood",
    "table look-up with both labels, entry and next sum, sum that never wraps, clear, latency; both simulators, "
    "other geometries",
)
LIKELIHOOD_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "likelihood bench can fail", "a wrong sum, one that wraps, a silent design"
)

PAPER = Formats(resolve("cancer", "paper"))
ODD = Formats(Config(outputs=3, features=5, adc_bits=6, table_bits=4, log_fraction_bits=5, eval_range=11.0))
SMALLEST = Formats(Config(adc_bits=2, table_bits=2, log_fraction_bits=4, eval_range=8.0))

pytestmark = pytest.mark.cosim


class LoadableLikelihood(wiring.Component):
    """The block with its table's write port brought out; the chip wires that to the host."""

    def __init__(self, formats: Formats, block: type[Likelihood | SoftmaxLikelihood] = Likelihood):
        self.block = block(formats)
        table = self.block.table
        write = {"write": In(1), "write_address": In(table.address_bits), "write_data": In(table.width)}
        super().__init__({**dict(self.block.signature.members.items()), **write})

    def elaborate(self, platform):
        m = Module()
        m.submodules.block = self.block
        for name, member in self.block.signature.members.items():
            inner, outer = getattr(self.block, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        m.d.comb += [
            self.block.table.write_lanes.eq(self.write),
            self.block.table.write_address.eq(self.write_address),
            self.block.table.write_data.eq(self.write_data),
        ]
        return m


def bench(simulator: str, formats: Formats, seed: int, *, design: Formats | None = None, **options: Any) -> None:
    c = formats.config
    parameters = dict(
        adc_bits=c.adc_bits,
        table_bits=c.table_bits,
        likelihood_bits=formats.likelihood_bits,
        fraction_bits=c.log_fraction_bits,
        eval_range=c.eval_range,
        evaluations=formats.sample_capacity * c.outputs,
        seed=seed,
    )
    top = LoadableLikelihood(design or formats)
    run_bench(top, "likelihood", "oxmc.tb.blocks.likelihood", simulator, parameters, **options)


@LIKELIHOOD
@on_each_simulator
def test_likelihood(simulator: str, seed: int) -> None:
    bench(simulator, PAPER, seed)


@LIKELIHOOD
@pytest.mark.parametrize("formats", [ODD, SMALLEST], ids=["odd", "smallest"])
def test_likelihood_of_other_geometries(formats: Formats, seed: int) -> None:
    bench("icarus", formats, seed)


@LIKELIHOOD_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("label_s ? ", "1'b1 ? "),  # one label only
        ("if (clear) begin", "if (1'b0) begin"),
        ("if (adding) begin", "if (adding & ~valid) begin"),  # loses all but the last of several back to back
        ("next_sum = total;", "next_sum = 22'h0;"),  # no sum for a decision after the last evaluation
        ("if (grown[12]) begin", "if (1'b0) begin"),  # no carry
    ],
)
def test_bench_catches_a_wrong_sum(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, mutate=mutate)


class Narrow(Formats):
    """One bit too few for every sample at the largest entry."""

    @property
    def sum_bits(self) -> int:
        return super().sum_bits - 1


@LIKELIHOOD_BENCH_CAN_FAIL
def test_bench_catches_a_sum_that_wraps(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, design=Narrow(PAPER.config))


@LIKELIHOOD_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, mutate=("if (adding) begin", "if (1'b0) begin"))
