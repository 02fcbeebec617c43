"""How far the chain's posterior is from the exact one, where that can be computed on a grid: one pair, two pairs.

Total variation, half the sum over a grid's bins of |share of the chain - exact mass|, of many independent chains of
the twin together, each row weighted by its counter. Exact is the real-valued posterior: logistic likelihood of the
unquantised features with the same S (Eq 7), normal prior (Eq 4), mass integrated over each bin. A finite sample of the
exact posterior itself has a total variation above 0: `noise` is that of as many independent draws as the chains'
effective sample size. The standard error is a jackknife over chains.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from arviz_stats.base import array_stats

from oxmc.posterior.draws import stored_models
from oxmc.posterior.likelihood import log_likelihood
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import quantise
from oxmc.studies.estimates import Estimate
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import run_job

SCALE_PER_US, PRIOR_SIGMA_US = 0.05, 15.0
REACH_US, BIN_US = 80.0, 4.0
"""The grid spans +-REACH_US in each weight, more than 5 s.d. of the prior."""
FINE = 8
"""Points of the exact density a bin and weight."""
WIDE = {"extrapolate": True, "lut_low_us": 10.0, "lut_high_us": 200.0, "gate_codes": 48, "read_range_us": 256.0}
"""Preset wide's LUT."""
VERIFIED = WIDE | {"verify_tries": 6, "reject_limit": 31}
PAIRS = [(30.0, 7.0, "row")] + [(35.0, window, "row") for window in (7.0, 10.0, 20.0)]
PAIRS += [(60.0, window, memory) for memory in ("row", "proposal") for window in (7.0, 10.0, 20.0)]
PAIRS += [(90.0, 10.0, "row"), (90.0, 20.0, "row")]
"""Verified pairs to compare: common mode and window in uS, and how long a learned offset lasts."""


def variants() -> dict[str, dict[str, Any]]:
    """What is compared, by name: changes to the plain chain."""
    found: dict[str, dict[str, Any]] = {
        "plain, card's LUT": {},
        "plain, wide LUT": WIDE,
        "cell, window 5": VERIFIED | {"verify": "cell", "verify_window_us": 5.0},
    }
    for middle, window, memory in PAIRS:
        found[f"pair, middle {middle:g}, window {window:g}, {memory}"] = VERIFIED | {
            "verify": "pair", "common_mode_us": middle, "verify_window_us": window, "verify_memory": memory,
        }  # fmt: skip
    return found


@dataclasses.dataclass(frozen=True)
class Problem:
    """A logistic regression of one or two weights: features float64 [n, pairs] and classes int64 [n]."""

    x: np.ndarray
    t: np.ndarray

    @property
    def pairs(self) -> int:
        return self.x.shape[1]

    def config(self, rows: int, changes: dict[str, Any]) -> Config:
        base = Config(
            features=self.pairs, rows=rows, burn_in=min(64, rows // 4), train_samples=len(self.t), test_samples=1,
            scale_per_us=SCALE_PER_US, prior_sigma_us=PRIOR_SIGMA_US, eval_range=8.0, counter_bits=16,
            max_proposals=2**24 - 1,
        )  # fmt: skip
        return base.replace(**changes)


def problem(pairs: int) -> Problem:
    """Points whose posterior lies well inside the LUT's reach: weights within +-40 uS."""
    rng, w = np.random.default_rng(pairs), np.array([12.0, -8.0])[:pairs]
    x = rng.normal(size=(20 * pairs, pairs))
    return Problem(x, (rng.random(len(x)) < 1 / (1 + np.exp(-SCALE_PER_US * x @ w))).astype(np.int64))


def edges(reach_us: float = REACH_US) -> np.ndarray:
    return np.linspace(-reach_us, reach_us, round(2 * reach_us / BIN_US) + 1)


def grid(pairs: int, fine: int, reach_us: float = REACH_US) -> np.ndarray:
    """Weights [points, pairs] at the middles of `fine` equal parts of each bin and weight, the last weight fastest."""
    step = BIN_US / fine
    axis = -reach_us + step * (np.arange(round(2 * reach_us / step)) + 0.5)
    return np.stack(np.meshgrid(*[axis] * pairs, indexing="ij"), axis=-1).reshape(-1, pairs)


def binned(density: np.ndarray, pairs: int, fine: int) -> np.ndarray:
    """Mass a bin, summing to 1, from log densities on `grid`; [bins] * pairs."""
    bins = round(len(density) ** (1 / pairs)) // fine
    mass = np.exp(density - density.max()).reshape([bins, fine] * pairs)
    summed: np.ndarray = mass.sum(axis=tuple(range(1, 2 * pairs, 2)))
    return summed / summed.sum()


def exact_mass(case: Problem) -> np.ndarray:
    """The exact posterior's mass a bin."""
    w = grid(case.pairs, FINE)
    density = log_likelihood(case.config(2, {}), w, case.x, case.t) - (w**2).sum(axis=1) / (2 * PRIOR_SIGMA_US**2)
    return binned(density, case.pairs, FINE)


def quantised_mass(case: Problem) -> np.ndarray:
    """The same with the chip's converters and likelihood table: what fixed point alone changes."""
    config, w = case.config(2, {}), grid(case.pairs, FINE)
    formats, codes = Formats(config), quantise(config, case.x)
    sums = np.floor(1000 * w @ codes.T / formats.eval_step).astype(np.int64)
    top = 2 ** (config.adc_bits - 1)
    signed = np.where(case.t == 1, np.clip(sums, -top, top - 1), ~np.clip(sums, -top, top - 1))
    bits = np.array(formats.likelihood_table)[(signed + top) >> (config.adc_bits - config.table_bits)].sum(axis=1)
    cost = math.log(2) * bits / 2**config.log_fraction_bits
    return binned(-cost - (w**2).sum(axis=1) / (2 * PRIOR_SIGMA_US**2), case.pairs, FINE)


def total_variation(share: np.ndarray, mass: np.ndarray) -> float:
    """Half the summed difference; what of `share` lies outside the grid is missing from it and counts."""
    return float((np.abs(share - mass).sum() + max(0.0, 1 - share.sum())) / 2)


def train(case: Problem, config: Config, seed: int) -> Outcome:
    """One chain on the twin; the test point is a dummy."""
    codes = np.concatenate([quantise(config, case.x), np.zeros((1, case.pairs), np.int64)])
    return run_job(Job(config, seed, codes, np.append(case.t, 0)))


def weighted_rows(config: Config, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Weights w in uS [rows, pairs] and counters of the stored models after the burn-in."""
    rows = stored_models(config, outcome.counters)
    stored_ns = outcome.conductance_ns[rows]
    return (stored_ns[:, 0::2] - stored_ns[:, 1::2]) / 1000, outcome.counters[rows]


def effective_size(w: np.ndarray, counters: np.ndarray) -> float:
    """Effective sample size of one chain for the mean of the pair that mixes worst; by ArviZ, on the expanded chain."""
    draws = np.repeat(w, counters, axis=0)
    return min(float(array_stats.ess(draws[None, :, pair], method="mean")) for pair in range(w.shape[1]))


def noise_level(mass: np.ndarray, size: int, rng: np.random.Generator, tries: int = 20) -> float:
    """Mean total variation of `size` independent draws of `mass` to itself."""
    flat = mass.ravel()
    return float(np.mean([total_variation(draws / size, flat) for draws in rng.multinomial(size, flat, tries)]))


def jackknife(histograms: np.ndarray, mass: np.ndarray) -> Estimate:
    """Total variation of all chains' counts [chains, bins..., and one beyond the grid] together, and its error."""
    n, total = len(histograms), histograms.sum(axis=0)

    def variation(counts: np.ndarray) -> float:
        return total_variation(counts[:-1] / counts.sum(), mass.ravel())

    left_out = np.array([variation(total - one) for one in histograms])
    error = math.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    return Estimate(variation(total), error)


def compare(case: Problem, name: str, changes: dict[str, Any], seeds: Sequence[int], rows: int) -> Row:
    """One line of the table."""
    config, mass = case.config(rows, changes), exact_mass(case)
    histograms, sizes, draws, sets = [], 0.0, 0, 0
    for seed in seeds:
        outcome = train(case, config, seed)
        w, counters = weighted_rows(config, outcome)
        inside = np.histogramdd(w, [edges()] * case.pairs, weights=counters)[0].ravel()
        histograms.append(np.append(inside, counters.sum() - inside.sum()))
        sizes += effective_size(w, counters)
        draws += int(counters.sum())
        sets += outcome.counts["train"]["set"]
    found = jackknife(np.array(histograms), mass)
    return {
        "pairs": case.pairs,
        "chain": name,
        "total variation": found,
        "noise": round(noise_level(mass, round(sizes), np.random.default_rng(0)), 4),
        "autocorrelation, proposals": round(draws / sizes, 1),
        "SETs an effective draw": round(sets / sizes, 1),
        "effective draws": round(sizes),
    }


def measure(seed: int, chains: int, rows: int) -> list[Row]:
    """All lines: each problem, each variant."""
    cases = [problem(1), problem(2)]
    seeds = range(seed, seed + chains)
    return [compare(case, name, changes, seeds, rows) for case in cases for name, changes in variants().items()]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__, seed=30000, repeats=100)
    options.add_argument("--rows", type=int, default=4096, help="rows of a chain (default 4096)")
    chosen = options.parse_args(arguments)
    rows = measure(chosen.seed, chosen.repeats, chosen.rows)
    show(rows, chosen.json)
    if not chosen.json:
        for case in (problem(1), problem(2)):
            print(f"fixed point alone, {case.pairs}: {total_variation(quantised_mass(case), exact_mass(case)):.4f}")


if __name__ == "__main__":
    main()
