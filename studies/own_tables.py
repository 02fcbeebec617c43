"""Tables as a user brings them, `oxmc train table` with no option but data and label, beside logistic regression.

Tables are the CSV files of `--data`, the label in a column `label`. Each seed has its own split, and its own keys by
the rule of `pymodels/tasks/auto.py`. Logistic regression is scikit-learn's with its defaults on the scaled features;
above two classes it is fitted to all classes together, and one class against the rest, as the chip is. The exact
posterior is that of the chip's own features, prior and S on the first `--exact` splits (`oxmc.quality.hamiltonian`).
Joules are those of the training at 28 nm; R-hat and effective draws those of one chain. `warn` are splits of which a
run warns, `silent` those more than 0.02 below one-versus-rest of which it does not.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from threadpoolctl import threadpool_limits

from oxmc.pymodels.config import Config, parse_setting
from oxmc.pymodels.tasks import Dataset, DataSource
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.uncertainty import class_probabilities
from oxmc.quality.measures import Draws, probabilities
from oxmc.quality.sampler import scores
from oxmc.quality.target import exact, target_of
from oxmc.run.cautions import mixing_record, warnings_of
from oxmc.run.own_counters import voting_totals
from oxmc.run.request import configured
from oxmc.run.result import counted_record, ledger_of, phases_of
from oxmc.studies.estimates import estimate
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, run_job, seeds_of, split_of

RULE = ("preprocessing", "components", "scale_per_us", "prior_sigma_us", "verify_window_us", "rows", "burn_in")
BELOW = 0.02
"""Accuracy below one-versus-rest from which a run that warns of nothing is a silent failure."""


def measure(config: Config, seed: int, source: DataSource, with_exact: bool) -> Row:
    """One training, beside regression and, where asked for, the exact posterior on the same split."""
    dataset, _ = split_of(config, seed, "table", source)
    outcome = run_job(make_job(config, dataset, seed))
    p = class_probabilities(config, outcome.sums, voting_totals(config, outcome.counters))
    record = counted_record(config, outcome, dataset.test_t) | {"mixing": mixing_record(config, outcome)}
    found: Row = {
        "accuracy": float((outcome.classes == dataset.test_t).mean()),
        "log score": scores(p, dataset.test_t)["log_score"],
        **_regressions(config, seed, source),
        "uj": 1e6 * ledger_of(config, phases_of(outcome), NODE).by_phase()["train"],
        "rhat": record["mixing"]["rhat_max"] or math.inf, "ess": record["mixing"]["ess_bulk_min"] or 0.0,
        "warnings": warnings_of(config, record),
        "rule": [getattr(config, name) for name in RULE],
    }  # fmt: skip
    return found | (_exact(config, dataset) if with_exact else {})


def _exact(config: Config, dataset: Dataset) -> Row:
    """What 4,000 draws from the exact posterior say of the test points."""
    target = target_of(config, dataset)
    p = probabilities(target, [Draws(w, np.ones(len(w))) for w in exact(target)])
    return {
        "exact": float((p.argmax(axis=1) == dataset.test_t).mean()),
        "exact log score": scores(p, dataset.test_t)["log_score"],
    }


def _regressions(config: Config, seed: int, source: DataSource) -> Row:
    """Accuracy on the same split of logistic regression of all classes together, and of one class against the rest."""
    plain = configured("table", "wide", "twin", source, seed=seed)  # its features are the scaled columns
    data, together = split_of(plain, seed, "table", source)
    with threadpool_limits(1):
        apart = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(data.train_x[:, :-1], data.train_t)
        return {"together": together, "apart": float(apart.score(data.test_x[:, :-1], data.test_t))}


def line(name: str, config: Config, runs: Sequence[Row]) -> Row:
    """A line of the table: a table's means over its splits, and the keys of the first."""

    def of(key: str) -> list[float]:
        return [float(run[key]) for run in runs]

    exact_runs = [run for run in runs if "exact" in run]
    apart = [run["log score"] - run["exact log score"] for run in exact_runs]
    right = [run["accuracy"] - run["exact"] for run in exact_runs]
    return {
        "table": name, "points": config.train_samples + config.test_samples, "classes": max(2, config.outputs),
        "columns": config.raw_features or config.features - config.bias,
        **dict(zip(("scaling", "components", "S", "sigma, uS", "window, uS", "rows"), runs[0]["rule"], strict=False)),
        "accuracy": estimate(of("accuracy")), "regression": estimate(of("together")),
        "one against the rest": estimate(of("apart")),
        "to it": estimate(list(np.subtract(of("accuracy"), of("apart")))),
        "log score": estimate(of("log score")),
        "to the exact": float(np.mean(apart)) if apart else math.nan,
        "accuracy to the exact": float(np.mean(right)) if right else math.nan,
        f"uJ, {NODE}": float(np.median(of("uj"))), "R-hat": float(np.median(of("rhat"))),
        "ESS": float(np.median(of("ess"))), "warn": sum(bool(run["warnings"]) for run in runs),
        "silent": sum(run["accuracy"] < run["apart"] - BELOW and not run["warnings"] for run in runs),
    }  # fmt: skip


def summary(rows: Sequence[Row]) -> str:
    """What all tables say together, a line each."""

    def gaps(key: str) -> np.ndarray:
        return np.array([row["accuracy"].mean - row[key].mean for row in rows])

    apart = np.array([row["to the exact"] for row in rows])
    lines = [
        f"{len(rows)} tables, {what}: mean {gap.mean():+.4f} +- {gap.std(ddof=1) / math.sqrt(len(gap)):.4f}, worst "
        f"{gap.min():+.4f} ({rows[int(gap.argmin())]['table']}), {(gap < -0.02).sum()} more than 0.02 below"
        for what, gap in (("to one against the rest", gaps("one against the rest")), ("to all", gaps("regression")))
    ]
    lines.append(f"log score to the exact posterior: mean {np.nanmean(apart):+.4f}, worst {np.nanmin(apart):+.4f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=60000, repeats=6)
    options.add_argument("--data", type=Path, required=True, help="folder of CSV files, the label in column label")
    options.add_argument("--table", action="append", help="only this file, by its name without .csv")
    options.add_argument("--exact", type=int, default=2, help="splits held against the exact posterior (default 2)")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of all trainings")
    given = options.parse_args(arguments)
    fixed, records = dict(parse_setting(text) for text in given.set), Records(given.out)
    files = [file for file in sorted(given.data.glob("*.csv")) if not given.table or file.stem in given.table]
    progress, rows = Progress(len(files)), []
    for file in files:
        rows.append(_line_of(file, fixed, given, records))
        progress.step(file.stem)
    finish(rows, given)
    if len(rows) > 1:
        print(summary(rows), file=sys.stderr)


def _line_of(file: Path, fixed: dict[str, Any], given: argparse.Namespace, records: Records) -> Row:
    """A table's line, from records or measured."""
    source, runs = DataSource(data=file, label="label"), []
    for repeat, seed in enumerate(seeds_of(given.seed, given.repeats)):
        config = configured("table", "best", "twin", source, settings=fixed, seed=seed)
        with_exact = repeat < given.exact
        key = (file.stem, source.identity()["sha256"], digest(config), seed, with_exact)
        runs.append(records.of(key, measure, config, seed, source, with_exact))
    return line(file.stem, config, runs)


if __name__ == "__main__":
    main()
