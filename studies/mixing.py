"""How well chains mix, and how near they are to the exact posterior: raw features against components, presets.

Several chains a split, each with its own devices and noise. R-hat and effective draws are those of the worst weight,
and of the worst output where outputs are chains of their own. Joules are those of one chain's training and test;
effective draws a microjoule those of all chains over their training. With one output the posterior is held against the
exact one of the same quantised features, prior and S (`oxmc.quality.hamiltonian`). Tables are the CSV files of
`--data`/tables with a column `label`; heartbeats those of `--data`/mitbih_beats.npz.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.draws import plain_draws, stored_models, stride_of, weights_us
from oxmc.posterior.mixing import mixing
from oxmc.posterior.row_accuracy import chain_parts
from oxmc.pymodels.config import PRESETS, Config, parse_setting, presets_of
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import chain_seeds
from oxmc.pymodels.tasks import NO_SOURCE, Dataset, DataSource, quantise
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.uncertainty import class_probabilities
from oxmc.quality.hamiltonian import exact_draws
from oxmc.run.own_counters import voting_totals
from oxmc.run.request import configured
from oxmc.run.result import ledger_of, phases_of
from oxmc.studies.estimates import estimate
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, run_job, seeds_of, split_of

STEPS = {"scale_per_us": "auto", "prior_sigma_us": "auto", "verify_window_us": "auto"}
ON_CARD = {
    "extrapolate": False, "lut_low_us": 0.0, "lut_high_us": 0.0, "gate_codes": 21, "read_range_us": 128.0,
    "common_mode_us": 50.0, "reject_limit": 63, "rows": 512, "burn_in": 32, "eval_range": 6.0,
}  # fmt: skip
"""The card's own range, and rows enough."""
VARIANTS: dict[str, dict[str, Any]] = {
    "wide": {},
    "wide, steps": STEPS,
    "wide, components": {**STEPS, "components": "auto"},
    "components on card, 512 rows": {**STEPS, **ON_CARD, "components": "auto"},
}
EXACT_DRAWS, FLOOR = 2000, 1e-4
"""Draws from the exact posterior, and the least probability that a log score counts."""
Models = tuple[np.ndarray, np.ndarray]
"""Weights float64 [models, pairs] in uS of one chain, and their counters int64 [models]."""


@dataclasses.dataclass(frozen=True)
class Case:
    """Something to learn: a name for the table, a task, its data, and keys of its own."""

    name: str
    task: str
    source: DataSource = NO_SOURCE
    keys: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def cases(data: Path | None, subject: int) -> Iterator[Case]:
    """The tasks of the project, and those of a folder of data."""
    yield from (Case(name, name) for name in ("cancer", "wine", "digits"))
    beats = NO_SOURCE if data is None else DataSource(data=data / "mitbih_beats.npz", subject=subject)
    yield Case("ecg, 10 features", "ecg", beats, {"hidden": 0})
    for path in sorted((data / "tables").glob("*.csv")) if data else ():
        yield Case(path.stem, "table", DataSource(data=path, label="label"))


def measure(config: Config, seed: int, chains: int, task: str, source: DataSource) -> Row:
    """Chains on the split of `seed`: their mixing, price and test; with one output their distance to the exact one."""
    dataset, reference = split_of(config, seed, task, source)
    outcomes = [run_job(make_job(config, dataset, each)) for each in chain_seeds(seed, chains)]
    models = [[_models(config, part) for part in chain_parts(config, outcome)] for outcome in outcomes]
    rhat, ess = zip(*(mixed(config, of_output) for of_output in zip(*models, strict=True)), strict=True)
    ledgers = [ledger_of(config, phases_of(outcome), NODE) for outcome in outcomes]
    votes = [_votes(config, dataset, outcome) for outcome in outcomes]
    found = {
        "accuracy": float(np.mean([right for right, _ in votes])),
        "log score": float(np.mean([score for _, score in votes])),
        "reference": reference,
        "rhat": float(max(rhat)),
        "ess": float(min(ess)),
        "uj": 1e6 * float(np.mean([ledger.total_j for ledger in ledgers])),
        "ess_per_uj": float(min(ess)) / (1e6 * sum(ledger.by_phase()["train"] for ledger in ledgers)),
        "proposals": float(np.mean([outcome.proposals for outcome in outcomes])),
    }
    if config.outputs == 1 and not config.hidden:
        found |= exactness(config, dataset, [of_chain[0] for of_chain in models], seed)
    return found


def _models(config: Config, part: tuple[np.ndarray, np.ndarray]) -> Models:
    conductance_ns, counters = part
    rows = stored_models(config, counters)
    return weights_us(conductance_ns[rows]), counters[rows]


def mixed(config: Config, chains: Sequence[Models]) -> tuple[float, float]:
    """R-hat and effective draws of the worst pair of several chains; infinite and 0 where one never moved."""
    counters = [counts for _, counts in chains]
    starts = np.cumsum([0, *(len(counts) for counts in counters[:-1])])
    draws = plain_draws(counters, stride_of(config, counters)) + starts[:, None]
    found = mixing(np.concatenate([w for w, _ in chains]), draws)
    worst = float(found.rhat.max()), float(found.ess_bulk.min())
    return worst if np.isfinite(worst).all() else (np.inf, 0.0)


def _votes(config: Config, dataset: Dataset, outcome: Outcome) -> tuple[float, float]:
    """Accuracy of the chip, and the mean log probability that it gives the true class."""
    p = class_probabilities(config, outcome.sums, voting_totals(config, outcome.counters))
    true = p[np.arange(len(dataset.test_t)), dataset.test_t]
    return float((outcome.classes == dataset.test_t).mean()), float(np.log(np.maximum(true, FLOOR)).mean())


def exactness(config: Config, dataset: Dataset, chains: Sequence[Models], seed: int) -> Row:
    """How far the chains' s.d. and test probabilities are from those of the exact posterior."""
    w, counters = (np.concatenate(each) for each in zip(*chains, strict=True))
    step = config.input_range / Formats(config).input_max
    train, test = (quantise(config, x) * step for x in (dataset.train_x, dataset.test_x))
    prior, rng = config.scale_per_us * config.prior_sigma_us, np.random.default_rng(seed % 2**32)
    exact, scaled = exact_draws(train, dataset.train_t, prior, EXACT_DRAWS, rng), config.scale_per_us * w
    mean = np.average(scaled, axis=0, weights=counters)
    ratio = np.sqrt(np.average((scaled - mean) ** 2, axis=0, weights=counters)) / exact.std(axis=0)
    p, due = np.average(_logistic(scaled @ test.T), axis=0, weights=counters), _logistic(exact @ test.T).mean(axis=0)
    apart = np.abs(p - due)
    ends = {"sd_low": float(ratio.min()), "sd_high": float(ratio.max())}
    return ends | {"p_mean": float(apart.mean()), "p_max": float(apart.max())}


def _logistic(z: np.ndarray) -> np.ndarray:
    found: np.ndarray = 1 / (1 + np.exp(-z))
    return found


def line(case: Case, name: str, config: Config, runs: Sequence[Row]) -> Row:
    """A line of the table: means of accuracies, medians and the worst of the rest."""

    def of(key: str) -> list[float]:
        return [float(run[key]) for run in runs]

    median = {key: float(np.median(of(key))) for key in ("rhat", "ess", "uj", "ess_per_uj", "proposals")}
    row = {
        "data": case.name, "variant": name, "features": config.features, "S": config.scale_per_us,
        "sigma, uS": config.prior_sigma_us, "window, uS": config.verify_window_us, "rows": config.rows,
        "accuracy": estimate(of("accuracy")), "logistic regression": estimate(of("reference")),
        "log score": estimate(of("log score")), "R-hat": median["rhat"], "worst R-hat": max(of("rhat")),
        "ESS": round(median["ess"], 1), "fewest ESS": round(min(of("ess")), 1), f"uJ a chain, {NODE}": median["uj"],
        "ESS a uJ": median["ess_per_uj"], "proposals": round(median["proposals"]),
    }  # fmt: skip
    has_exact = "p_max" in runs[0]
    row["s.d. ratio"] = f"{min(of('sd_low')):.2f} to {max(of('sd_high')):.2f}" if has_exact else ""
    row["P apart, mean"] = float(np.mean(of("p_mean"))) if has_exact else ""
    row["P apart, most"] = max(of("p_max")) if has_exact else ""
    return row


def variants(case: Case, presets: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, preset and keys of what is tried of a case."""
    yield from ((name, "wide", keys) for name, keys in VARIANTS.items())
    yield from ((name, name, {}) for name in presets if name in presets_of(case.task) and name != "wide")


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20270, repeats=4)
    options.add_argument("--data", type=Path, help="folder with tables/*.csv and mitbih_beats.npz")
    options.add_argument("--subject", type=int, default=208, help="record that ecg tests (default 208)")
    options.add_argument("--chains", type=int, default=4, help="chains a split (default 4)")
    options.add_argument("--case", action="append", help="only this line of data")
    options.add_argument("--variant", action="append", help="only this variant or preset")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of all trainings")
    given = options.parse_args(arguments)
    rows, records = [], Records(given.out)
    print(f"seeds {seeds_of(given.seed, given.repeats)}", file=sys.stderr)
    fixed = dict(parse_setting(text) for text in given.set)
    chosen = [case for case in cases(given.data, given.subject) if not given.case or case.name in given.case]
    tried = [(case, *variant) for case in chosen for variant in variants(case, PRESETS)]
    tried = [each for each in tried if not given.variant or each[1] in given.variant]
    progress = Progress(len(tried))
    for case, name, preset, keys in tried:
        rows.append(_line_of(case, name, preset, {**case.keys, **keys, **fixed}, given, records))
        progress.step(f"{case.name}, {name}")
    finish([row for row in rows if row], given)


def _line_of(
    case: Case, name: str, preset: str, keys: dict[str, Any], given: argparse.Namespace, records: Records
) -> Row | None:
    """A line, from records or measured; None for a variant that the data does not have, and stderr says so."""
    runs = []
    for seed in seeds_of(given.seed, given.repeats):
        try:
            config = configured(case.task, preset, "twin", case.source, settings=keys, seed=seed)
        except InputError as error:
            print(f"{case.name}, {name}: left out, {error}", file=sys.stderr)
            return None
        key = (case.name, case.source.subject, digest(config), given.chains, seed)
        runs.append(records.of(key, measure, config, seed, given.chains, case.task, case.source))
    return line(case, name, config, runs)


if __name__ == "__main__":
    main()
