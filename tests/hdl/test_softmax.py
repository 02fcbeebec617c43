"""Runs the bench of the softmax likelihood on two geometries, and proves that it can fail."""

from __future__ import annotations

import pytest
from benches import on_each_simulator
from test_likelihood import LoadableLikelihood

from oxmc.hdl.softmax.softmax_likelihood import SoftmaxLikelihood
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

SOFTMAX_BLOCK = pytest.mark.testpoint(
    "softmax block",
    "powers folded one by one, their label's taken off, samples cut short, votes that add nothing, sum that never "
    "wraps, latency; against a softmax in real numbers; both simulators, an odd geometry",
)
SOFTMAX_BENCH_CAN_FAIL = pytest.mark.testpoint("softmax bench can fail", "a sum that does not grow, another label")

pytestmark = pytest.mark.cosim

THREE = Formats(Config(outputs=3, features=4, eval_range=8.0, likelihood="softmax"))
ODD = Formats(
    Config(outputs=5, features=4, adc_bits=6, table_bits=4, log_fraction_bits=5, eval_range=11.0, likelihood="softmax")
)


def bench(simulator: str, formats: Formats, seed: int, mutate: Mutation = None) -> None:
    c = formats.config
    parameters = dict(
        adc_bits=c.adc_bits,
        table_bits=c.table_bits,
        power_bits=formats.likelihood_bits,
        fraction_bits=c.log_fraction_bits,
        outputs=c.outputs,
        eval_range=c.eval_range,
        table=formats.likelihood_table,
        samples=formats.sample_capacity,
        seed=seed,
    )
    top = LoadableLikelihood(formats, SoftmaxLikelihood)
    run_bench(top, "softmax", "oxmc.tb.blocks.softmax", simulator, parameters, mutate=mutate)


@SOFTMAX_BLOCK
@on_each_simulator
def test_softmax(simulator: str, seed: int) -> None:
    bench(simulator, THREE, seed)


@SOFTMAX_BLOCK
def test_softmax_of_another_geometry(seed: int) -> None:
    bench("icarus", ODD, seed)


@SOFTMAX_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("labelled ? ", "1'b0 ? "),  # the label of a sample before
        ("if (clear) begin", "if (1'b0) begin"),  # a sample cut short goes on
        ("difference[11] ? {", "1'b0 ? {"),  # never the larger power
    ],
)
def test_bench_catches_a_wrong_term(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", THREE, seed, mutate)
