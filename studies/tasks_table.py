"""Accuracy of each task and preset over many unseen splits, beside what is classical on the same splits.

Task table learns iris, which is written to a file first; ecg needs `--data` and learns all of `--subject`. A network of
as many neurons is compared where the chip's model has hidden ones; elsewhere its model is logistic regression's.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.tasks import DataSource, fit_config
from oxmc.studies.estimates import estimate, median, paired
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.references.models import network_accuracy
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, seeds_of, split_of, training

TASKS = ("toy", "cancer", "wine", "digits", "table", "ecg")
PRESETS = ("paper", "wide")
SUBJECT = 208


def write_iris(folder: Path) -> Path:
    """scikit-learn's iris as a CSV file with the column `species`."""
    from sklearn.datasets import load_iris

    bunch = load_iris()
    path = folder / "iris.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, "species"])
        writer.writerows([*x, bunch.target_names[t]] for x, t in zip(bunch.data, bunch.target, strict=True))
    return path


def source_of(task: str, folder: Path, data: Path | None, subject: int) -> DataSource:
    """Where a task's data come from."""
    if task == "table":
        return DataSource(data=write_iris(folder), label="species")
    return DataSource(data=data, subject=subject) if task == "ecg" and data is not None else DataSource()


def measure(config: Config, seed: int, task: str, source: DataSource) -> Row:
    """One training and what its references have on its split."""
    data, logistic = split_of(config, seed, task, source)
    run = training(config, seed, task=task, source=source)
    names = ("accuracy", "proposals", "sets", "energy_uj", "rows")
    network = network_accuracy(data, config.hidden, seed) if config.hidden else None
    return {name: getattr(run, name) for name in names} | {"logistic": logistic, "network": network}


def line(task: str, name: str, runs: Sequence[Row]) -> Row:
    """The line of one task and preset."""
    column = {key: [run[key] for run in runs] for key in runs[0]}
    mean = {key: sum(column[key]) / len(runs) for key in ("sets", "energy_uj", "rows")}
    network = column["network"][0] is not None
    return {
        "task": task,
        "preset": name,
        "repeats": len(runs),
        "mean": estimate(column["accuracy"]),
        "median": median(column["accuracy"]),
        "lowest": round(min(column["accuracy"]), 4),
        "logistic regression": estimate(column["logistic"]),
        "to it": paired(column["accuracy"], column["logistic"]),
        "network": estimate(column["network"]) if network else "-",
        "rows": round(mean["rows"], 1),
        "SETs": round(mean["sets"]),
        f"uJ, {NODE}": round(mean["energy_uj"], 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=100)
    options.add_argument("--task", action="append", choices=TASKS, help="only this task (may be repeated)")
    options.add_argument("--preset", action="append", choices=(*PRESETS, "plain"), help="only this preset")
    options.add_argument("--data", type=Path, help="recordings for ecg, made-up ones without it")
    options.add_argument("--subject", type=int, default=SUBJECT, help=f"record that ecg tests (default {SUBJECT})")
    given = options.parse_args(arguments)
    tasks, presets = given.task or TASKS, given.preset or PRESETS
    records, progress = Records(given.out), Progress(len(tasks) * len(presets) * given.repeats)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            source = source_of(task, Path(folder), given.data, given.subject)
            for name in presets:
                config, runs = fit_config(task, preset(task, name), (), source), []
                for seed in seeds_of(given.seed, given.repeats):
                    key = (task, given.subject, digest(config), seed)
                    runs.append(records.of(key, measure, config, seed, task, source))
                    progress.step(f"{task}, {name}: {estimate(run['accuracy'] for run in runs)}")
                rows.append(line(task, name, runs))
    finish(rows, given)


if __name__ == "__main__":
    main()
