"""Runs the LFSR bench: whole period at small widths, published taps at large ones, and a bench that can fail."""

from __future__ import annotations

import random

import galois
import numpy as np
import pytest
from benches import on_simulators

from oxmc.hdl import lfsr
from oxmc.hdl.lfsr import Lfsr
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import LFSR_SHIFT, LFSR_TAPS, formats_of, lfsr_state, lfsr_sum
from oxmc.pymodels.twin.chain import arithmetic
from oxmc.pymodels.twin.lfsr import drawn_bits, neg_log2_u
from oxmc.tb.blocks.run_bench import run_bench

LFSR = pytest.mark.testpoint(
    "LFSR",
    "whole period, published taps, fresh bits a draw, still between draws; both simulators",
)
LFSR_BENCH_CAN_FAIL = pytest.mark.testpoint("LFSR bench can fail", "wrong taps; a silent design")

# from the table in Xilinx XAPP 052, typed in again here
PUBLISHED_TAPS = {8: [8, 6, 5, 4], 11: [11, 9], 32: [32, 22, 2, 1], 64: [64, 63, 61, 60]}

pytestmark = pytest.mark.cosim


def bench(
    simulator: str, width: int, step_bits: int, seed: int, taps: list[int], *, summed: bool = False, **options
) -> None:
    whole = step_bits == 1 and not summed
    parameters = dict(width=width, step_bits=step_bits, taps=taps, seed=seed, whole_period=whole, summed=summed)
    run_bench(
        Lfsr(width=width, step_bits=step_bits, summed=summed),
        "lfsr",
        "oxmc.tb.blocks.lfsr",
        simulator,
        parameters,
        **options,
    )


@LFSR
@on_simulators("width, step_bits", [(8, 1), (32, 8), (64, 16), (64, 64)], (64, 64))
def test_lfsr(simulator: str, width: int, step_bits: int, seed: int) -> None:
    bench(simulator, width, step_bits, seed, PUBLISHED_TAPS[width])


@LFSR
@pytest.mark.parametrize("width", [8, 40])
def test_sum_of_the_state_with_itself(width: int, seed: int) -> None:
    bench("icarus", width, 8, seed, LFSR_TAPS[width], summed=True)


@LFSR
@pytest.mark.parametrize("width", [8, 32, 64])
def test_twin_draws_the_sums(width: int, seed: int) -> None:
    """The compiled draw against the formula, and -log2 u of its bits."""
    formats = formats_of(Config(lfsr_output="sum", lfsr_bits=width))
    chip = arithmetic(formats, np.arange(formats.config.gate_codes))
    rng = random.Random(seed)
    for state in (1 + rng.getrandbits(width - 1) for _ in range(50)):
        assert int(drawn_bits(np.uint64(state), chip)) == lfsr_sum(state, width)
        assert neg_log2_u(np.uint64(state), chip) == formats.neg_log2_u(lfsr_sum(state, width))


@LFSR_BENCH_CAN_FAIL
def test_bench_catches_a_sum_of_another_shift(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(lfsr, "LFSR_SHIFT", 6)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", 8, 8, seed, LFSR_TAPS[8], summed=True)


@LFSR
def test_lfsr_period_at_width_11(seed: int) -> None:
    bench("icarus", 11, 1, seed, PUBLISHED_TAPS[11])


@LFSR_BENCH_CAN_FAIL
def test_bench_catches_wrong_taps(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setitem(LFSR_TAPS, 8, (8, 6, 5, 3))
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", 8, 1, seed, PUBLISHED_TAPS[8])


@LFSR_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", 8, 4, seed, PUBLISHED_TAPS[8], mutate=("assign busy =", "assign busy = 1'b0 &"))


@LFSR_BENCH_CAN_FAIL
def test_bench_catches_a_seed_of_zero(seed: int) -> None:
    """The high word alone brings the state to zero where the low one is."""
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", 64, 16, seed, PUBLISHED_TAPS[64], mutate=("! state[31:0]", "1'b0 & state[0]"))


@LFSR
@pytest.mark.parametrize(("width", "seed_value", "state"), [(8, 0, 1), (8, 255, 255), (40, 1 << 35, 1 << 35 | 1)])
def test_loaded_state(width: int, seed_value: int, state: int) -> None:
    assert lfsr_state(seed_value, width) == state


@LFSR
def test_a_sum_is_another_one_for_each_state_and_less_linear() -> None:
    """Linear complexity by Berlekamp and Massey, of another package: a bit of the state has the LFSR's length.

    Over a whole period each word but zero comes once, as the state does: no residue is left out.
    """
    width, state, words = 11, 1, []
    taps = sum(1 << tap - 1 for tap in PUBLISHED_TAPS[width])
    for _ in range(2**width - 1):
        words.append(lfsr_sum(state, width))
        state = (state << 1 | (state & taps).bit_count() & 1) & (2**width - 1)
    assert sorted(words) == list(range(1, 2**width))
    complexity = [
        galois.berlekamp_massey(galois.GF2([word >> bit & 1 for word in words[:400]])).degree for bit in range(width)
    ]
    assert complexity[: LFSR_SHIFT + 1] == [width] * (LFSR_SHIFT + 1)  # sums of two bits of the state, without a carry
    assert min(complexity[LFSR_SHIFT + 1 :]) > 2 * width
