"""The Hastings correction: against normal densities, the chip's block against integers, a chain against a posterior."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benches import on_each_simulator
from scipy import stats

from oxmc.hdl.hastings import Hastings
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram.devices import load_card, lut_table
from oxmc.pymodels.twin.chain import nearest_gates, run_twin
from oxmc.pymodels.twin.hastings import hastings_cost, law_of
from oxmc.tb.blocks.run_bench import run_bench
from oxmc.tb.cosim.program import lut_codes

HASTINGS_CORRECTION = pytest.mark.testpoint(
    "Hastings correction",
    "the ratio against scipy's normal densities; the block against integers on both simulators, other "
    "geometries; a corrected chain against a flat posterior; what it refuses",
)
HASTINGS_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "Hastings bench can fail", "a wrong correction, a sum that wraps, a silent design"
)

PAPER = resolve("cancer", "paper").replace(hastings=True)
WIDE = PAPER.replace(extrapolate=True, lut_low_us=10.0, lut_high_us=200.0, gate_codes=48, read_range_us=256.0)
FINE = PAPER.replace(card="4k", read_bits=12, log_fraction_bits=12)
ODD = Config(hastings=True, outputs=3, features=5, read_bits=5, log_fraction_bits=5)
SMALLEST = Config(hastings=True, features=1, read_bits=3, log_fraction_bits=4, gate_codes=2)


@HASTINGS_CORRECTION
@pytest.mark.parametrize("config", [PAPER, WIDE, FINE], ids=["paper", "wide", "fine"])
def test_ratio_of_normal_densities(config: Config, seed: int) -> None:
    """scipy's densities at the middles of the read codes, a row of 40 cells at a time.

    Off by rounding: of a median, a quarter of a code at most, in 2 * 40 deviations z: 0.25 step / sd * |z| / ln 2 each,
    of a precision 1 in 2^12 * (smallest s.d. / s.d.)^2 of its exponent, and 80 logs and one floor of a unit each.
    """
    gates, formats = lut_table(load_card(config.card), config), Formats(config)
    gate_map, _ = nearest_gates(np.array(lut_codes(formats)), 2**config.read_bits)
    rng, step = np.random.default_rng(seed), formats.read_step_ns
    for _ in range(50):
        codes = rng.integers(gates.median_ns[0] // step, gates.median_ns[-1] // step, 40)
        there, sd = gate_map[codes], gates.sd_ns
        drawn = rng.normal(gates.median_ns[there], sd[there]) // step
        nexts = np.clip(drawn, 0, 2**config.read_bits - 1).astype(np.int64)
        back = gate_map[nexts]
        g, next_g = (codes + 0.5) * step, (nexts + 0.5) * step
        exact = stats.norm.logpdf(next_g, gates.median_ns[there], sd[there]).sum()
        exact -= stats.norm.logpdf(g, gates.median_ns[back], sd[back]).sum()
        gate = np.concatenate([there, back])
        sds, z = sd[gate], np.abs(np.concatenate([next_g, g]) - gates.median_ns[gate]) / sd[gate]
        bound = (step / 4 / sds * z).sum() / np.log(2) + (step / 4 / sds).sum() ** 2
        bound += (z**2 / 2 / np.log(2) / 2**12 * (sds / sd.min()) ** 2).sum() + 81 / 2**config.log_fraction_bits
        found = hastings_cost(law_of(config), gate_map, codes, nexts) / 2**config.log_fraction_bits
        assert abs(found - exact / np.log(2)) <= bound


@HASTINGS_CORRECTION
def test_needs_plain_programming_and_a_fine_step() -> None:
    with pytest.raises(InputError, match=r"hastings must be false with verified programming \(verify = cell\)"):
        PAPER.replace(verify="cell")
    with pytest.raises(InputError, match="hastings must have a read step below 125 uS to resolve its s.d."):
        law_of(PAPER.replace(read_bits=3, read_range_us=1000.0, log_fraction_bits=12))


FLAT = Config(
    hastings=True, rows=16384, features=1, train_samples=1, test_samples=1, burn_in=0, scale_per_us=1e-6,
    prior_sigma_us=1000.0, counter_bits=16, d2d_spread=0.0,
)  # fmt: skip
"""A posterior that is flat in both cells of its one pair, on devices that are alike."""


def lower_half(config: Config, seed: int) -> float:
    """Share of visits in the lower half of 45 to 75 uS, over both cells, while both are within.

    The visits with a cell outside, where a flat posterior has no end, are left out: the rest is flat all the same.
    """
    one = np.ones((2, 1), np.int64)
    run = run_twin(config, seed, one, one[:, 0], np.array(lut_codes(Formats(config))), 0)
    g = run.conductance_ns[: len(run.counters)]
    visits = np.where(((g >= 45_000) & (g < 75_000)).all(axis=1), run.counters, 0)[:, None]
    return float((visits * (g < 60_000)).sum() / (2 * visits.sum()))


@HASTINGS_CORRECTION
def test_the_corrected_chain_meets_a_flat_posterior(seed: int) -> None:
    """The plain chain gathers where the spread is small: 0.65 of its visits, seeds 0 to 5, each within 0.02 of that.

    Corrected shares scatter by 0.01 about a half over seeds, the mean of six by 0.004; 0.03 is seven times that.
    """
    seeds = range(seed, seed + 6)
    assert abs(np.mean([lower_half(FLAT, s) for s in seeds]) - 0.5) < 0.03
    assert np.mean([lower_half(FLAT.replace(hastings=False), s) for s in seeds]) > 0.6


def bench(simulator: str, config: Config, seed: int, *, design: Hastings | None = None, **options: Any) -> None:
    formats = Formats(config)
    parameters = dict(
        cells=formats.cells,
        gates=config.gate_codes,
        read_bits=config.read_bits,
        median_bits=config.read_bits + 1,
        sd_bits=5 + config.log_fraction_bits,
        seed=seed,
    )
    run_bench(design or Hastings(formats), "hastings", "oxmc.tb.blocks.hastings", simulator, parameters, **options)


@HASTINGS_CORRECTION
@pytest.mark.cosim
@on_each_simulator
def test_hastings(simulator: str, seed: int) -> None:
    bench(simulator, PAPER, seed)


@HASTINGS_CORRECTION
@pytest.mark.cosim
@pytest.mark.parametrize("config", [ODD, SMALLEST], ids=["odd", "smallest"])
def test_hastings_of_other_geometries(config: Config, seed: int) -> None:
    bench("icarus", config, seed)


@HASTINGS_BENCH_CAN_FAIL
@pytest.mark.cosim
@pytest.mark.parametrize(
    "mutate",
    [
        ("if (clear) begin", "if (1'b0) begin"),
        ("if (ready) begin", "if (1'b1) begin"),  # the operands are not isolated
        ("kept, 1'h1 }", "kept, 1'h0 }"),  # the lower edge of a code, not its middle
        (">>> shift", ">> shift"),  # a negative sum becomes a large one
        ("busy = valid", "busy = 1'b0"),
    ],
)
def test_bench_catches_a_wrong_correction(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", ODD, seed, mutate=mutate)


class Narrow(Formats):
    """One bit too few for the exponents of a full-scale row."""

    @property
    def law_sum_bits(self) -> int:
        return super().law_sum_bits - 1


@HASTINGS_BENCH_CAN_FAIL
@pytest.mark.cosim
def test_bench_catches_a_sum_that_wraps(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", ODD, seed, design=Hastings(Narrow(ODD)))


@HASTINGS_BENCH_CAN_FAIL
@pytest.mark.cosim
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", ODD, seed, mutate=("if (ready) begin", "if (1'b0) begin"))
