"""Runs the LogUniform bench: paper's width, all states of small ones, extreme splits, and a bench that can fail."""

from __future__ import annotations

from typing import Any

import pytest
from benches import on_each_simulator

from oxmc.hdl.log_uniform import LogUniform
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import run_bench

LOG2_U = pytest.mark.testpoint(
    "-log2 u",
    "every octave and bin against the logarithm itself; both simulators, other splits of the bits",
)
LOG_UNIFORM_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "log-uniform bench can fail", "an entry off by one, a wrong octave, a silent design"
)

pytestmark = pytest.mark.cosim


def sized(lfsr_bits: int = 32, index_bits: int = 5, fraction_bits: int = 8) -> Formats:
    return Formats(
        Config(lfsr_bits=lfsr_bits, lfsr_step_bits=1, log_u_index_bits=index_bits, log_fraction_bits=fraction_bits)
    )


def bench(simulator: str, formats: Formats, seed: int, **options: Any) -> None:
    c = formats.config
    parameters = dict(
        lfsr_bits=c.lfsr_bits, index_bits=c.log_u_index_bits, fraction_bits=c.log_fraction_bits, seed=seed
    )
    run_bench(LogUniform(formats), "log_uniform", "oxmc.tb.blocks.log_uniform", simulator, parameters, **options)


@LOG2_U
@on_each_simulator
def test_log_uniform(simulator: str, seed: int) -> None:
    bench(simulator, sized(), seed)


@LOG2_U
@pytest.mark.parametrize(
    ("lfsr_bits", "index_bits", "fraction_bits"),
    [(10, 3, 8), (8, 7, 4), (17, 3, 5), (64, 8, 12), (64, 2, 12), (9, 8, 12)],
)
def test_log_uniform_of_other_splits(lfsr_bits: int, index_bits: int, fraction_bits: int, seed: int) -> None:
    bench("icarus", sized(lfsr_bits, index_bits, fraction_bits), seed)


@LOG_UNIFORM_BENCH_CAN_FAIL
@pytest.mark.parametrize("entry", [0, 17, 31])
def test_bench_catches_an_entry_off_by_one(entry: int, seed: int) -> None:
    formats = sized()
    table = list(formats.log_u_table)
    table[entry] += 1
    formats.__dict__["log_u_table"] = tuple(table)  # where the cached property keeps its value
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", formats, seed)


@LOG_UNIFORM_BENCH_CAN_FAIL
@pytest.mark.parametrize("octave", ["zeros = 5'h00;", "zeros = 5'h0d;", "zeros = 5'h1a;", "zeros = 5'h1b;"])
def test_bench_catches_a_wrong_octave(octave: str, seed: int) -> None:
    """The highest bit's, a middle one's, the lowest bit's, and the octave of no bit at all."""
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", sized(), seed, mutate=(octave, "zeros = 5'h01;"))


@LOG_UNIFORM_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", sized(), seed, mutate=("assign neg_log2 =", "wire [63:0] nowhere ="))
