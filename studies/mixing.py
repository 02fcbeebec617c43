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

from oxmc.posterior.row_accuracy import chain_parts
from oxmc.pymodels.config import PRESETS, Config, parse_setting, presets_of
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import chain_seeds
from oxmc.pymodels.tasks import NO_SOURCE, Dataset, DataSource
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.uncertainty import class_probabilities
from oxmc.quality.chip import models_of
from oxmc.quality.measures import distances
from oxmc.quality.sampler import Chains, scores
from oxmc.quality.target import exact, target_of
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
    parts = [chain_parts(config, outcome) for outcome in outcomes]
    outputs = [chains for of_output in zip(*parts, strict=True) for chains in models_of(config, of_output)]
    rhat, ess = zip(*(chains.mixed() for chains in outputs), strict=True)
    ledgers = [ledger_of(config, phases_of(outcome), NODE) for outcome in outcomes]
    found = {
        "accuracy": float(np.mean([(outcome.classes == dataset.test_t).mean() for outcome in outcomes])),
        "log score": float(np.mean([_log_score(config, dataset, outcome) for outcome in outcomes])),
        "reference": reference,
        "rhat": float(max(rhat)),
        "ess": float(min(ess)),
        "uj": 1e6 * float(np.mean([ledger.total_j for ledger in ledgers])),
        "ess_per_uj": float(min(ess)) / (1e6 * sum(ledger.by_phase()["train"] for ledger in ledgers)),
        "proposals": float(np.mean([outcome.proposals for outcome in outcomes])),
    }
    return found | (exactness(config, dataset, outputs) if config.outputs == 1 and not config.hidden else {})


def _log_score(config: Config, dataset: Dataset, outcome: Outcome) -> float:
    """The mean log probability that the chip gives the true class."""
    p = class_probabilities(config, outcome.sums, voting_totals(config, outcome.counters))
    return scores(p, dataset.test_t)["log_score"]


def exactness(config: Config, dataset: Dataset, outputs: Sequence[Chains]) -> Row:
    """How far the chains' s.d. and test probabilities are from those of the exact posterior."""
    target = target_of(config, dataset)
    found = distances(target, [chains.weighted() for chains in outputs], exact(target))
    return {"sd_low": found["sd_low"], "sd_high": found["sd_high"], "p_mean": found["p_mean"], "p_max": found["p_most"]}


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
