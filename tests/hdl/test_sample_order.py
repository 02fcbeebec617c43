"""Runs the sample order bench: one and several outputs, and a bench that can fail."""

from __future__ import annotations

import pytest
from amaranth import Const, Signal
from benches import on_simulators
from rewired import Change, rewired

from oxmc.hdl.sample_order import SampleOrder
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

SAMPLE_ORDER = pytest.mark.testpoint(
    "sample order",
    "hard samples first, the others from the back, over whole sweeps and cut ones, restarts and banks; both "
    "simulators, several outputs",
)
SAMPLE_ORDER_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "sample order bench can fail", "wrong border, bank, restart, cut; a silent design"
)

pytestmark = pytest.mark.cosim


def bench(
    simulator: str,
    seed: int,
    *,
    outputs: int = 1,
    train_samples: int = 369,
    log_fraction_bits: int = 8,
    trainings: int = 15,
    mistake: Change | None = None,
    mutate: Mutation = None,
) -> None:
    """The block itself does not depend on the number of outputs; the sweeps do."""
    shape = dict(outputs=outputs, train_samples=train_samples, log_fraction_bits=log_fraction_bits)
    formats = Formats(resolve("cancer", "paper").replace(sample_order="hard_first", **shape))
    order = rewired(SampleOrder(formats), *mistake) if mistake else SampleOrder(formats)
    parameters = dict(outputs=outputs, likelihood_bits=4 + log_fraction_bits, trainings=trainings, seed=seed)
    parameters |= dict(capacity=2**formats.sample_bits)
    run_bench(order, "sample_order", "oxmc.tb.blocks.sample_order", simulator, parameters, mutate=mutate)


@SAMPLE_ORDER
@on_simulators("outputs", [1, 3], 3)
def test_sample_order(simulator: str, outputs: int, seed: int) -> None:
    bench(simulator, seed, outputs=outputs)


@SAMPLE_ORDER
def test_larger_memory(seed: int) -> None:
    bench("icarus", seed, outputs=2, train_samples=2000, log_fraction_bits=4)


MISTAKES: dict[str, Change] = {
    "is never ordered": ("ordered", Signal.like),
    "keeps its order over a restart": ("restart", lambda _: Const(0)),
    "goes on where a sweep was cut": ("clear", lambda _: Const(0)),
    "keeps no order": ("keep", lambda _: Const(0)),
    "takes the border for hard": ("hard_above", lambda hard_above: hard_above - 1),
    "files what is not whole": ("last_output", lambda _: Const(1)),
    "files nothing": ("filing", Signal.like),
    "answers nothing": ("index", Signal.like),
    "has one sample less": ("last_sample", lambda last_sample: last_sample - 1),
}


@SAMPLE_ORDER_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_an_order_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, outputs=3, trainings=5, mistake=MISTAKES[mistake])


@SAMPLE_ORDER_BENCH_CAN_FAIL
def test_bench_catches_an_order_by_the_last_output(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, outputs=3, trainings=5, mutate=("hard = was_hard | ", "hard = "))
