"""Runs the Acceptance bench on two geometries, and proves that it can fail."""

from __future__ import annotations

from typing import Any

import pytest
from benches import on_each_simulator

from oxmc.hdl.acceptance import Acceptance
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import run_bench

ACCEPTANCE_DECIDES = pytest.mark.testpoint(
    "acceptance decides",
    "accept iff likelihood + prior - current cost <= -log2 u, in exact integers and against a >= u in floats; "
    "the current cost follows; hopeless and partial sums; both simulators, other widths",
)
ACCEPTANCE_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "acceptance bench can fail",
    "a wrong decision, a cost or threshold that wraps, a silent design",
)

PAPER = Formats(resolve("cancer", "paper"))
PRIOR_WIDER = Formats(Config(outputs=3, features=5, read_bits=12, log_fraction_bits=5))
SUM_WIDER = Formats(Config(outputs=3, features=2, read_bits=3, log_fraction_bits=9, lfsr_bits=64))
EQUAL = Formats(Config(features=16, read_bits=5))
"""Likelihood and prior as wide as each other: the current cost fills its width, u carries the threshold beyond it."""

TEMPERED = Formats(Config(temper=1))
EARLY = Formats(Config(outputs=2, features=2, read_bits=5, early_rejection=True))
REWARDS = Formats(resolve("cartpole", "paper"))

pytestmark = pytest.mark.cosim


def bench(simulator: str, formats: Formats, seed: int, *, design: Acceptance | None = None, **options: Any) -> None:
    parameters = dict(
        sum_bits=formats.sum_bits,
        prior_bits=formats.prior_bits,
        log_u_bits=formats.log_u_bits,
        fraction_bits=formats.config.log_fraction_bits,
        kappa_bits=formats.kappa_bits if formats.rewards else 0,
        tempers=formats.config.temper > 0,
        early=formats.config.early_rejection,
        seed=seed,
    )
    run_bench(
        design or Acceptance(formats), "acceptance", "oxmc.tb.blocks.acceptance", simulator, parameters, **options
    )


@ACCEPTANCE_DECIDES
@on_each_simulator
def test_acceptance(simulator: str, seed: int) -> None:
    bench(simulator, PAPER, seed)


@ACCEPTANCE_DECIDES
@pytest.mark.parametrize("formats", [PRIOR_WIDER, SUM_WIDER, EQUAL], ids=["prior wider", "sum wider", "equal"])
def test_acceptance_of_other_widths(formats: Formats, seed: int) -> None:
    bench("icarus", formats, seed)


@ACCEPTANCE_DECIDES
def test_acceptance_of_rewards(seed: int) -> None:
    bench("icarus", REWARDS, seed)


@ACCEPTANCE_DECIDES
def test_acceptance_of_a_tempered_likelihood(seed: int) -> None:
    bench("icarus", TEMPERED, seed)


@ACCEPTANCE_BENCH_CAN_FAIL
@pytest.mark.parametrize("mutate", [("likelihood >> temper", "likelihood"), (">> temper", ">> temper[1:0]")])
def test_bench_catches_a_shift_that_is_wrong(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", TEMPERED, seed, mutate=mutate)


@ACCEPTANCE_DECIDES
def test_acceptance_of_sums_on_the_way(seed: int) -> None:
    bench("icarus", EARLY, seed)


@ACCEPTANCE_BENCH_CAN_FAIL
@pytest.mark.parametrize("mutate", [("assign exceeds = ", "assign exceeds = 1'b0 & "), ("| partial", "")])
def test_bench_catches_a_sum_on_the_way_that_is_not_compared(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", EARLY, seed, mutate=mutate)


@ACCEPTANCE_BENCH_CAN_FAIL
@pytest.mark.parametrize("mutate", [("prior + handicap", "prior"), ("operand + prior", "operand + prior + handicap")])
def test_bench_catches_a_handicap_that_is(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", REWARDS, seed, mutate=mutate)


@ACCEPTANCE_DECIDES
def test_widths_are_as_named() -> None:
    differences = [formats.prior_bits - formats.sum_bits for formats in (PRIOR_WIDER, SUM_WIDER, EQUAL)]
    assert differences[0] > 0 > differences[1] and differences[2] == 0


@ACCEPTANCE_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("<= $signed(threshold)", "< $signed(threshold)"),  # equality rejects
        ("$signed(threshold)", "$unsigned(threshold)"),  # a negative threshold is a huge one
        ("current_cost + neg_log2_u", "current_cost"),  # ignores u
        ("if (keep) begin", "if (compare) begin"),  # keeps what was only compared
        ("assign hopeless = ", "assign hopeless = compare & "),  # asked ahead of the first comparison
        ("assign hopeless = ", "assign hopeless = threshold == 0 | "),  # a likelihood of 0 is accepted there
    ],
)
def test_bench_catches_a_wrong_decision(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, mutate=mutate)


class NarrowCost(Formats):
    """A current cost without the bit for the carry of its two addends."""

    @property
    def cost_bits(self) -> int:
        return max(self.prior_bits, self.sum_bits)


@ACCEPTANCE_BENCH_CAN_FAIL
def test_bench_catches_a_cost_that_wraps(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, design=Acceptance(NarrowCost(PAPER.config)))


@ACCEPTANCE_BENCH_CAN_FAIL
def test_bench_catches_a_threshold_that_wraps(seed: int) -> None:
    width = EQUAL.cost_bits + 2  # a sign, and a bit for u on top of the current cost
    mutate = (f"[{width - 1}:0] threshold", f"[{width - 2}:0] threshold")
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", EQUAL, seed, mutate=mutate)


@ACCEPTANCE_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", PAPER, seed, mutate=("if (compare) begin", "if (1'b0) begin"))
