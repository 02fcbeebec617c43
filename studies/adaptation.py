"""The patient's array goes on: a general model adapts to a patient's first beats, beside a training with them.

Each record in turn is the patient. An array is trained on beats of others. It then adapts, warm, to the patient's first
`--own` labelled beats, each learned `--copies` times, beside the beats that it was trained on or without them, in so
many rows as a line says. Beside it stands a training from an empty array with the same points (`oxmc train ecg --own`).
Tested are the beats after the fifth minute. Errors are those of records, each the mean of its repeats.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oxmc.energy.life import days_on_cell
from oxmc.energy.parts import parts_of, per_prediction_j
from oxmc.pymodels.config import Config, parse_setting, preset
from oxmc.pymodels.job import Job, Stored
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import DataSource, fit_config, quantise
from oxmc.pymodels.tasks.ecg import own_points, subjects
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.adapt_points import OWN_S
from oxmc.run.result import ledger_of, phases_of
from oxmc.studies.estimates import estimate, median, paired
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, run_job, seeds_of, split_of

TASK = "ecg"
IMPLANT = {
    "hidden": 0, "components": 6, "raw_features": 10, "bias": True, "features": 7, "train_samples": 64,
    "conditions": "real",
}  # fmt: skip
"""The implant of docs/measurements/ecg_patient.md."""


def priced(config: Config, outcome: Outcome, t: np.ndarray) -> Row:
    """Accuracy, joules of the training or adaptation, and of a beat."""
    ledger = ledger_of(config, phases_of(outcome), NODE)
    training = parts_of(ledger, outcome.counts, config.clock_hz)["training"].ledger
    accuracy = float((outcome.classes == t).mean())
    return {"accuracy": accuracy, "training_j": training.total_j, "beat_j": per_prediction_j(ledger, outcome.counts)}


def one(config: Config, seed: int, source: DataSource, own: int, copies: int, lines: Sequence[tuple[int, bool]]) -> Row:
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


def of_records(base: Config, given: argparse.Namespace, records: Records) -> list[list[Row]]:
    """The runs of each record."""
    chosen = (
        [int(text) for text in given.subjects.split(",")] if given.subjects else subjects(DataSource(data=given.data))
    )
    progress, found = Progress(len(chosen)), []
    lines = [(int(text), extended) for text in given.rows.split(",") for extended in (True, False)]
    for subject in chosen:
        source = DataSource(data=given.data, subject=subject)
        config = fit_config(TASK, base.replace(test_after_s=base.test_after_s or OWN_S), (), source)
        found.append([
            records.of(("adapt", subject, digest(config), seed, given.own, given.copies, tuple(lines)), one, config,
                       seed, source, given.own, given.copies, lines)
            for seed in seeds_of(given.seed, given.repeats)
        ])  # fmt: skip
        progress.step(f"record {subject}")
    return found


def table(runs: list[list[Row]]) -> list[Row]:
    """A line each for the general model, the training anew, and the adaptations."""

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


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=1)
    options.add_argument("--data", type=Path, help="folder or file of recordings; made-up ones without it")
    options.add_argument("--preset", default="best", help="preset of the chip (default best)")
    options.add_argument("--set", action="append", metavar="KEY=VALUE", default=[], help="a key of the chip")
    options.add_argument("--subjects", help="only these records, by comma")
    options.add_argument("--own", type=int, default=100, help="own beats (default 100)")
    options.add_argument("--copies", type=int, default=2, help="training points an own beat makes (default 2)")
    options.add_argument("--rows", default="12,20", help="rows of an adaptation, by comma (default 12,20)")
    given = options.parse_args(arguments)
    settings = IMPLANT | dict(parse_setting(text) for text in given.set)
    base, records = preset(TASK, given.preset).replace(**settings), Records(given.out)
    finish(table(of_records(base, given, records)), given)


if __name__ == "__main__":
    main()
