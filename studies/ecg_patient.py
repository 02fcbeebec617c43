"""The patient: beats of one's own beside those of others, a line a number of them; or the five classes of the field.

`own` takes each record in turn as the patient. Its first beats, labelled, join the training points, and all beats after
the fifth minute are tested (`--set test_after_s=S`: after S s), without own beats, too. Errors are those of records,
each the mean of its repeats. The last columns are what an implant would pay (assumptions: `energy/life.py`).
`adapt` trains an array on beats of others, and lets it go on, warm, with the patient's first `--own` beats, in so many
rows as a line says, with the beats of others or without them; beside it stands a training from an empty array.
`aami` trains on the records DS1 and counts classes on DS2, or within DS1 where constants are chosen (`--within`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.energy.life import days_on_cell
from oxmc.energy.parts import parts_of, per_prediction_j
from oxmc.pymodels.config import Config, parse_setting, preset
from oxmc.pymodels.job import Job, Stored
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import DataSource, fit_config, quantise
from oxmc.pymodels.tasks import ecg_aami as aami
from oxmc.pymodels.tasks.ecg import own_points, subjects
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.result import ledger_of, phases_of
from oxmc.studies.estimates import estimate, median, paired
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.references.models import fitted_logistic
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, run_job, seeds_of, split_of

TASK = "ecg"
OWN, OWN_S = (0, 25, 100), 300.0


def one(config: Config, seed: int, source: DataSource) -> Row:
    """One training: accuracy of the chip, of logistic regression and of the usual answer, and joules."""
    data, logistic = split_of(config, seed, TASK, source)
    outcome = run_job(make_job(config, data, seed))
    ledger = ledger_of(config, phases_of(outcome), NODE)
    training = parts_of(ledger, outcome.counts, config.clock_hz)["training"].ledger
    share = float(data.test_t.mean())
    return {
        "chip": float((outcome.classes == data.test_t).mean()),
        "logistic": logistic,
        "usual": max(share, 1 - share),
        "training_j": training.total_j,
        "beat_j": per_prediction_j(ledger, outcome.counts),
    }


def of_records(base: Config, own: int, given: argparse.Namespace, records: Records, progress: Progress) -> list[Row]:
    """For each record the means over its repeats."""
    after_s = base.test_after_s or OWN_S
    base, found = base.replace(own_beats=own, own_copies=given.copies if own else 1, test_after_s=after_s), []
    for subject in _chosen(given):
        source = DataSource(data=given.data, subject=subject)
        config = fit_config(TASK, base, (), source)
        runs = [
            records.of(("own", subject, digest(config), seed), one, config, seed, source)
            for seed in seeds_of(given.seed, given.repeats)
        ]
        found.append({name: float(np.mean([run[name] for run in runs])) for name in runs[0]})
        progress.step(f"{own} own beats, record {subject}: {found[-1]['chip']:.4f}")
    return found


def own_line(own: int, found: Sequence[Row], without: Sequence[Row]) -> Row:
    """A line: means and medians of records, what own beats gain, and what it costs."""
    column = {name: [row[name] for row in found] for name in found[0]}
    training_j, beat_j = (float(np.mean(column[name])) for name in ("training_j", "beat_j"))
    return {
        "own beats": own,
        "mean": estimate(column["chip"]),
        "median": median(column["chip"]),
        "lowest": min(column["chip"]),
        "logistic regression": estimate(column["logistic"]),
        "its median": median(column["logistic"]),
        "usual answer": estimate(column["usual"]),
        "gain by own beats": paired(column["chip"], [row["chip"] for row in without]),
        "to logistic regression": paired(column["chip"], column["logistic"]),
        f"uJ a training, {NODE}": 1e6 * training_j,
        "nJ a beat": 1e9 * beat_j,
        "days on 1 mAh": days_on_cell(beat_j, training_j),
    }


def own_table(base: Config, given: argparse.Namespace, records: Records) -> list[Row]:
    progress = Progress(len(OWN) * len(_chosen(given)))
    found = [of_records(base, own, given, records, progress) for own in OWN]
    return [own_line(own, rows, found[0]) for own, rows in zip(OWN, found, strict=True)]


def _chosen(given: argparse.Namespace) -> list[int]:
    return (
        [int(text) for text in given.subjects.split(",")] if given.subjects else subjects(DataSource(data=given.data))
    )


def priced(config: Config, outcome: Outcome, t: np.ndarray) -> Row:
    """Accuracy, joules of the training or adaptation, and of a beat."""
    ledger = ledger_of(config, phases_of(outcome), NODE)
    training = parts_of(ledger, outcome.counts, config.clock_hz)["training"].ledger
    accuracy = float((outcome.classes == t).mean())
    return {"accuracy": accuracy, "training_j": training.total_j, "beat_j": per_prediction_j(ledger, outcome.counts)}


def adaptations(
    config: Config, seed: int, source: DataSource, own: int, copies: int, lines: Sequence[tuple[int, bool]]
) -> Row:
    """A general training, one with own beats, and adaptations of the first, a line each of rows and whether the beats
    of others stay."""
    data, _ = split_of(config, seed, TASK, source)
    assert data.scaling is not None
    before = run_job(make_job(config, data, seed))
    raw, t, _, _ = own_points(config, source, own, config.test_after_s)
    x = np.repeat(data.scaling.features(raw, bias=config.bias), copies, axis=0)
    t = np.repeat(t, copies)
    found: Row = {"general": priced(config, before, data.test_t)}
    again = fit_config(TASK, config.replace(own_beats=own, own_copies=copies), (), source)
    anew, _ = split_of(again, seed, TASK, source)
    found["anew"] = priced(again, run_job(make_job(again, anew, seed)), anew.test_t)
    counters = np.pad(before.counters, (0, config.rows - len(before.counters)))
    for rows, extended in lines:
        others = (data.train_x, data.train_t) if extended else (data.train_x[:0], data.train_t[:0])
        train_x, train_t = np.concatenate([x, others[0]]), np.concatenate([t, others[1]])
        job_config = config.replace(
            ring=True, start_row=before.last_row, adapt_rows=rows, train_samples=len(train_t)
        )  # fmt: skip
        codes = quantise(config, np.concatenate([train_x, data.test_x]))
        stored = Stored(before.conductance_ns, counters, number=1)
        outcome = run_job(Job(job_config, seed, codes, np.concatenate([train_t, data.test_t]), stored=stored))
        found[f"{rows} {extended}"] = priced(job_config, outcome, data.test_t)
    return found


def adapted_records(base: Config, given: argparse.Namespace, records: Records) -> list[list[Row]]:
    """The adaptations of each record."""
    chosen = _chosen(given)
    progress, found = Progress(len(chosen)), []
    lines = [(int(text), extended) for text in given.rows.split(",") for extended in (True, False)]
    for subject in chosen:
        source = DataSource(data=given.data, subject=subject)
        config = fit_config(TASK, base.replace(test_after_s=base.test_after_s or OWN_S), (), source)
        found.append([
            records.of(("adapt", subject, digest(config), seed, given.own, given.copies, tuple(lines)), adaptations,
                       config, seed, source, given.own, given.copies, lines)
            for seed in seeds_of(given.seed, given.repeats)
        ])  # fmt: skip
        progress.step(f"record {subject}")
    return found


def adapt_table(base: Config, given: argparse.Namespace, records: Records) -> list[Row]:
    """A line each for the general model, the training anew, and the adaptations."""
    runs = adapted_records(base, given, records)

    def of(name: str, figure: str) -> list[float]:
        return [float(np.mean([run[name][figure] for run in repeats])) for repeats in runs]

    found = []
    for name in runs[0][0]:
        accuracy, training, beat = of(name, "accuracy"), np.mean(of(name, "training_j")), np.mean(of(name, "beat_j"))
        rows, _, extended = name.partition(" ")
        title = {"general": "general model", "anew": "trained anew with own beats"}.get(
            name,
            f"adapted in {rows} rows, {'own beats and those of others' if extended == 'True' else 'own beats alone'}",
        )
        found.append({
            "": title, "mean": estimate(accuracy), "median": median(accuracy), "lowest": min(accuracy),
            "gain": paired(accuracy, of("general", "accuracy")), "to anew": paired(accuracy, of("anew", "accuracy")),
            f"uJ, {NODE}": 1e6 * training, "highest uJ": 1e6 * max(of(name, "training_j")), "nJ a beat": 1e9 * beat,
            "days on 1 mAh": days_on_cell(float(beat), float(training)),
        })  # fmt: skip
    return found


def confusion(config: Config, seed: int, source: DataSource) -> Row:
    """Beats by class and answer, of the chip and of logistic regression: each [5][5], class first."""
    data, _ = split_of(config, seed, TASK, source)
    outcome = run_job(make_job(config, data, seed))
    answers = {"chip": outcome.classes, "logistic": fitted_logistic(data).predict(data.test_x)}
    counts = {name: np.zeros((len(aami.CLASSES),) * 2, int) for name in answers}
    for name, answer in answers.items():
        np.add.at(counts[name], (data.test_t, answer), 1)
    joules = ledger_of(config, phases_of(outcome), NODE).by_phase()
    return {name: table.tolist() for name, table in counts.items()} | {"training_uj": 1e6 * joules["train"]}


def class_line(kind: int, runs: Sequence[Row]) -> Row:
    """Sensitivity and positive predictivity of a class, over repeats that have them."""
    line: Row = {"class": aami.CLASSES[kind], "beats": int(np.mean([np.sum(run["chip"][kind]) for run in runs]))}
    for name, title in (("chip", ""), ("logistic", " of logistic regression")):
        tables = np.array([run[name] for run in runs], float)
        line |= {f"Se{title}": _share(tables, kind, axis=2), f"+P{title}": _share(tables, kind, axis=1)}
    return line


def _share(tables: np.ndarray, kind: int, axis: int) -> Any:
    """Right answers over all of a class (axis 2) or over all that were given (axis 1)."""
    all_of = tables.sum(axis=axis)[:, kind]
    shares = tables[all_of > 0, kind, kind] / all_of[all_of > 0]
    return estimate(shares) if len(shares) else "none"


def aami_table(base: Config, given: argparse.Namespace, records: Records) -> list[Row]:
    source, split = DataSource(data=given.data), "within_ds1" if given.within else "ds1_ds2"
    config = fit_config(
        TASK, base.replace(beat_split=split, outputs=5, counters="own", beat_classes="aami"), (), source
    )
    runs = [
        records.of(("aami", digest(config), seed), confusion, config, seed, source)
        for seed in seeds_of(given.seed, given.repeats)
    ]
    right = [np.trace(np.array(run["chip"])) / np.sum(run["chip"]) for run in runs]
    reference = [np.trace(np.array(run["logistic"])) / np.sum(run["logistic"]) for run in runs]
    lines = [class_line(kind, runs) for kind in range(len(aami.CLASSES))]
    last = {name: "" for name in lines[0]} | {"class": "all, accuracy", "beats": config.test_samples}
    return [*lines, last | {"Se": estimate(right), "Se of logistic regression": estimate(reference)}]


TABLES = {"own": own_table, "adapt": adapt_table, "aami": aami_table}


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=4)
    options.add_argument("table", choices=TABLES, help="own beats, adaptation, or classes of AAMI")
    options.add_argument("--data", type=Path, help="folder or file of recordings; made-up ones without it")
    options.add_argument("--preset", default="best", help="preset of the chip (default best)")
    options.add_argument("--set", action="append", metavar="KEY=VALUE", default=[], help="a key of the chip")
    options.add_argument("--subjects", help="only these records, by comma")
    options.add_argument("--copies", type=int, default=4, help="training points an own beat makes (default 4)")
    options.add_argument("--own", type=int, default=100, help="own beats of an adaptation (default 100)")
    options.add_argument("--rows", default="12,20", help="rows of an adaptation, by comma (default 12,20)")
    options.add_argument("--within", action="store_true", help="test within DS1, to choose constants by")
    given = options.parse_args(arguments)
    settings = dict(parse_setting(text) for text in given.set)
    base, records = preset(TASK, given.preset).replace(**settings), Records(given.out)
    finish(TABLES[given.table](base, given, records), given)


if __name__ == "__main__":
    main()
