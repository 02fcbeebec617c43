"""Every record of the heartbeat data in turn as the unseen subject: accuracy beside logistic regression and a network.

The network is scikit-learn's, with as many neurons and as many weights as the chip's but for its biases, on the same
training beats. The last lines are the mean over records and over all beats; their errors are those over repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config, parse_setting, preset
from oxmc.pymodels.tasks import DataSource, fit_config
from oxmc.pymodels.tasks.ecg import subjects
from oxmc.studies.estimates import estimate, median, paired
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.references.models import network_accuracy
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import seeds_of, split_of, training

TASK = "ecg"
LEARNERS = ("chip", "logistic", "network")


def chip(config: Config, seed: int, source: DataSource) -> Row:
    """One training of the chip."""
    return {"chip": training(config, seed, task=TASK, source=source).accuracy}


def references(config: Config, seed: int, source: DataSource) -> Row:
    """Logistic regression and network on one split."""
    data, logistic = split_of(config, seed, TASK, source)
    return {"logistic": logistic, "network": network_accuracy(data, config.hidden or 9, seed)}


def of_record(base: Config, source: DataSource, seeds: Sequence[int], records: Records, classical: bool) -> Row:
    """One record: beats, share of t = 1, and accuracy of each learner over the seeds."""
    config = fit_config(TASK, base, (), source)
    share = float(split_of(config, seeds[0], TASK, source)[0].test_t.mean())
    runs = []
    for seed in seeds:
        run = records.of(("chip", source.subject, digest(config), seed), chip, config, seed, source)
        if classical:
            data = config.train_samples, config.balance  # all that the references depend on
            run = run | records.of(("classical", source.subject, *data, seed), references, config, seed, source)
        runs.append(run)
    learners = {name: [run[name] for run in runs] for name in LEARNERS if name in runs[0]}
    return {"record": source.subject, "beats": config.test_samples, "share": share, **learners}


def line(found: Row, preset_name: str) -> Row:
    """The table's line of what `of_record` or `together` found."""
    row = {
        "record": found["record"],
        "beats": found["beats"],
        "not normal": round(found["share"], 3),
        f"{preset_name}, mean": estimate(found["chip"]),
        f"{preset_name}, median": median(found["chip"]),
    }
    if "logistic" in found:
        row |= {"logistic regression": estimate(found["logistic"]), "network": estimate(found["network"])}
        row["to logistic regression"] = paired(found["chip"], found["logistic"])
        row["to network"] = paired(found["chip"], found["network"])
    return row


def together(found: Sequence[Row], weights: np.ndarray, name: str) -> Row:
    """The mean over records in each repeat, with a weight each."""
    mean = {
        key: np.average([row[key] for row in found], axis=0, weights=weights) for key in LEARNERS if key in found[0]
    }
    share = float(np.average([row["share"] for row in found], weights=weights))
    return {"record": name, "beats": sum(row["beats"] for row in found), "share": share, **mean}


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=20)
    options.add_argument("--data", type=Path, help="folder or file of recordings; made-up ones without it")
    options.add_argument("--preset", default="wide", help="preset of the chip (default wide)")
    options.add_argument("--set", action="append", metavar="KEY=VALUE", default=[], help="a key of the chip")
    options.add_argument("--subjects", help="only these records, by comma")
    options.add_argument("--chip-only", action="store_true", help="leave out the references")
    given = options.parse_args(arguments)
    chosen = (
        [int(text) for text in given.subjects.split(",")] if given.subjects else subjects(DataSource(data=given.data))
    )
    base = preset(TASK, given.preset).replace(**dict(parse_setting(text) for text in given.set))
    seeds, records, progress = seeds_of(given.seed, given.repeats), Records(given.out), Progress(len(chosen))
    found = []
    for subject in chosen:
        source = DataSource(data=given.data, subject=subject)
        found.append(of_record(base, source, seeds, records, not given.chip_only))
        progress.step(f"record {subject}: {estimate(found[-1]['chip'])}")
    beats = np.array([row["beats"] for row in found])
    found += [together(found, np.ones(len(beats)), "mean of records"), together(found, beats, "mean of beats")]
    finish([line(row, given.preset) for row in found], given)


if __name__ == "__main__":
    main()
