"""Does a chain draw from the target that it is built for? Simulation-based calibration and Geweke's joint test.

Small logistic regressions in ideal conditions. Weights come from the prior, classes from the chip's own likelihood
table (`oxmc.studies.references.joint_draws`), so that nothing but the chain is tested.

Ranks: a whole training of the twin on these classes, as the chip starts it. Among its thinned draws the true weight has
a rank that is even from 0 to their number (S. Talts et al., arXiv:1804.06788), and so has the likelihood of the true
weights, which sees what weights alone do not: a chain that never looked at its data has even ranks of weights
(M. Modrak et al., arXiv:2211.02383). Chi-square over `BINS` bins, and Kolmogorov-Smirnov.

Joint: chains that begin at a draw of the joint distribution and redraw their classes after every few proposals stay in
it (J. Geweke, J. Am. Stat. Assoc. 99, 2004). Their means are held against those of independent draws.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome
from oxmc.studies.records import Progress
from oxmc.studies.references.joint_draws import Joint, alternated
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import run_job

BINS = 16
DRAWS, THIN, BURN_IN = 63, 64, 256
"""Draws of a training that the truth is ranked among, proposals from one to the next, and proposals ahead of them."""
ROUNDS, PROPOSALS = 24, 8
"""Geweke's test: how often classes are redrawn, and after how many proposals."""
ALIKE = {"d2d_spread": 0.0}
PAIRS: dict[str, Any] = {"verify": "pair", "reject_limit": 31}
BEST = PAIRS | {"verify_window_us": 20.0, "verify_tries": 4, "common_mode_us": 45.0}
POSTERIOR = PAIRS | {"verify_window_us": 5.0, "verify_tries": 6, "common_mode_us": 50.0, "reject_limit": 255}
HASTINGS = ALIKE | {"hastings": True}
CHAINS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain, devices alike": ALIKE,
    "Hastings, devices alike": HASTINGS,
    "Hastings": {"hastings": True},
    "verified, as best": BEST,
    "verified, as posterior": POSTERIOR,
    "verified, as posterior, middle 60": POSTERIOR | {"common_mode_us": 60.0},
}
"""What is tested, by name: keys of the chain."""
BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "no prior": ("verified, as posterior", {"prior_sigma_us": 1000.0}),
    "half the likelihood": ("verified, as posterior", {"temper": 1}),
    "Hastings' term left out": ("Hastings, devices alike", {"hastings": False}),
}
"""Chains that must fail: whose target they are held against, and what is wrong with them."""


def config_of(pairs: int, keys: dict[str, Any]) -> Config:
    """A regression of `pairs` weights and 12 points a weight, whose posterior pairs of 40 to 80 uS can reach."""
    base = Config(
        features=pairs, rows=BURN_IN + DRAWS * THIN + 1, max_proposals=BURN_IN + DRAWS * THIN, burn_in=0,
        train_samples=12 * pairs, test_samples=1, scale_per_us=0.1, prior_sigma_us=8.0, eval_range=8.0, counter_bits=16,
        common_mode_us=60.0,
    )  # fmt: skip
    return base.replace(**keys)


@dataclasses.dataclass(frozen=True)
class Case:
    """A chain under test: what it is, and the joint distribution that it should keep."""

    config: Config
    joint: Joint

    @classmethod
    def of(cls, pairs: int, name: str) -> Case:
        """The chain `name` of `CHAINS` or `BROKEN` with models of `pairs` weights."""
        right, wrong = BROKEN.get(name, (name, {}))
        config = config_of(pairs, CHAINS[right])
        return cls(config.replace(**wrong), Joint.of(config, pairs))


def ranks(case: Case, seeds: Sequence[int]) -> np.ndarray:
    """Ranks, float64 [seeds, pairs + 1] within (0, 1): of each true weight, and of the likelihood under all of them."""
    return np.stack([_ranked(case, seed) for seed in seeds])


def _ranked(case: Case, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    cells_ns, labels = case.joint.draw(rng)
    outcome = run_job(dataclasses.replace(case.joint.job(labels, seed), config=case.config))
    models_ns = thinned(outcome)
    found = np.column_stack([_weights(models_ns), case.joint.cost(models_ns, labels)])
    truth = np.append(_weights(cells_ns[None])[0], case.joint.cost(cells_ns[None], labels))
    return even_ranks(truth, found, rng)


def even_ranks(truth: np.ndarray, draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where `truth` [figures] lies among `draws` [n, figures], from 0 to 1: even in this range, not on steps of it.

    Among equals its place is drawn, too.
    """
    below, equal = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    place = below + np.floor((equal + 1) * rng.random(len(truth)))
    found: np.ndarray = (place + rng.random(len(truth))) / (len(draws) + 1)
    return found


def thinned(outcome: Outcome) -> np.ndarray:
    """The cells that the chain is at after the burn-in and every `THIN` proposals, int64 [draws, cells]."""
    rows = np.repeat(np.arange(len(outcome.counters)), outcome.counters)
    return outcome.conductance_ns[rows[BURN_IN + THIN :: THIN]]


def _weights(cells_ns: np.ndarray) -> np.ndarray:
    return cells_ns[:, 0::2] - cells_ns[:, 1::2]


def evenness(values: np.ndarray) -> dict[str, float]:
    """p of chi-square and of Kolmogorov-Smirnov that values float64 [n] are even in (0, 1); their s.d. over its due."""
    counts = np.bincount((values * BINS).astype(int), minlength=BINS)
    return {
        "chi2": float(stats.chisquare(counts).pvalue),
        "ks": float(stats.kstest(values, "uniform").pvalue),
        "spread": float(np.sqrt(12 * ((values - 0.5) ** 2).mean())),
    }


def joint_means(case: Case, seeds: Sequence[int]) -> np.ndarray:
    """Figures of Geweke's chains, each its mean over the rounds, float64 [seeds, figures] as `_figures`."""
    found = []
    for seed in seeds:
        draws = alternated(case.joint, case.config, ROUNDS, PROPOSALS, seed)
        found.append(np.mean([_figures(case.joint, *draw) for draw in draws], axis=0))
    return np.array(found)


def independent_means(joint: Joint, count: int, seed: int) -> np.ndarray:
    """The same figures of independent draws of the joint distribution, float64 [count, figures]."""
    rng = np.random.default_rng(seed)
    return np.array([_figures(joint, *joint.draw(rng)) for _ in range(count)])


def _figures(joint: Joint, cells_ns: np.ndarray, labels: np.ndarray) -> tuple[float, ...]:
    """Means of w and of w^2, in s.d. of the prior, and the cost of the classes in bits.

    With Hastings' term the mean conductance in uS, too: the target of other chains says nothing of it.
    """
    w = _weights(cells_ns[None])[0] / (1000 * joint.config.prior_sigma_us)
    cost = float(joint.cost(cells_ns[None], labels)[0]) * 2.0**-joint.config.log_fraction_bits
    middle = (float(cells_ns.mean()) / 1000,) if joint.config.hastings else ()
    return float(w.mean()), float((w**2).mean()), cost, *middle


def agreement(found: np.ndarray, due: np.ndarray) -> dict[str, float]:
    """p of Welch's t-tests, the least of the figures' times their number; mean w^2 and cost over their due."""
    p = stats.ttest_ind(found, due, equal_var=False).pvalue
    ratio = found.mean(axis=0) / due.mean(axis=0)
    return {"p": min(1.0, len(p) * float(p.min())), "w2": float(ratio[1]), "cost": float(ratio[2])}


def line(name: str, pairs: int, seeds: Sequence[int], walks: int) -> Row:
    """A chain's line of the table."""
    case = Case.of(pairs, name)
    places = ranks(case, seeds)
    each = [evenness(column) for column in places[:, :-1].T]
    likelihood = evenness(places[:, -1])
    starts = range(seeds[0], seeds[0] + walks)
    geweke = agreement(joint_means(case, starts), independent_means(case.joint, 20 * walks, seeds[0]))
    return {
        "weights": pairs,
        "chain": f"broken: {name}" if name in BROKEN else name,
        "rank of weights, chi2": _p(pairs * min(one["chi2"] for one in each)),
        "KS": _p(pairs * min(one["ks"] for one in each)),
        "their spread": round(float(np.mean([one["spread"] for one in each])), 3),
        "rank of likelihood, chi2": _p(likelihood["chi2"]),
        "KS ": _p(likelihood["ks"]),
        "Geweke": _p(geweke["p"]),
        "w^2": round(geweke["w2"], 3),
        "cost": round(geweke["cost"], 3),
    }


def _p(value: float) -> str:
    """A p-value, two digits."""
    return "< 1e-9" if value < 1e-9 else f"{min(1.0, value):.2g}"


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=30000, repeats=1000)
    options.add_argument("--walks", type=int, default=400, help="chains of Geweke's test (default 400)")
    options.add_argument("--pairs", type=int, action="append", help="weights of a model (default 2)")
    options.add_argument("--chain", action="append", choices=[*CHAINS, *BROKEN], help="only this chain")
    given = options.parse_args(arguments)
    tried = [(pairs, name) for pairs in given.pairs or (2,) for name in given.chain or [*CHAINS, *BROKEN]]
    progress, rows = Progress(len(tried)), []
    for pairs, name in tried:
        seeds = range(given.seed, given.seed + given.repeats)
        rows.append(line(name, pairs, seeds, given.walks))
        progress.step(f"{pairs} weights, {name}")
    finish(rows, given)


if __name__ == "__main__":
    main()
