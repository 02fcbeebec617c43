"""Does the posterior doubt heartbeats of a kind it never saw? Beats of some symbols are left out of the training.

The training beats, half of them normal, come from all records or, with `--apart`, from half of the records, drawn anew
each repeat, and the tested ones from the others. Tested are beats of the kinds that were trained (`known`) and those
left out. Two measures of doubt: the entropy of
the predictive probability (Eq 8), and the disagreement between rows, which is that entropy less the rows' mean own
entropy (mutual information, N. Houlsby et al., Bayesian active learning, 2011). AUROC is the chance that a left-out
beat is doubted more than a known one, 0.5 is none. Logistic regression and a network of as many neurons beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.circuit import circuit_of, from_row
from oxmc.pymodels.streams import stream_rng
from oxmc.pymodels.tasks import Dataset, quantise
from oxmc.pymodels.tasks.ecg import NORMAL, ONE_PERSON
from oxmc.pymodels.tasks.ecg_beats import Beats, read_beats
from oxmc.pymodels.tasks.ecg_synthetic import synthetic_beats
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.twin.inference import predict
from oxmc.pymodels.uncertainty import calibration_curve, class_probabilities, entropy_bits, expected_calibration_error
from oxmc.studies.estimates import estimate
from oxmc.studies.records import Progress
from oxmc.studies.references.models import fitted_logistic, fitted_network
from oxmc.studies.tables import Row, finish, save_figure, study_parser
from oxmc.studies.trainings import run_job, seeds_of

KINDS = ("V", "LR", "A", "/")
"""Symbols left out together: ventricular beats, bundle branch blocks, atrial beats, paced ones."""
TESTED = 2000
"""At most so many beats of each are tested."""
TRIES = 100
"""Draws of the records until some of the tested ones have beats to leave out."""
SHARES = np.linspace(0.0, 0.5, 11)
"""Shares of the most doubtful beats that are rejected."""


def chosen(beats: Beats, kind: str, config: Config, seed: int, apart: bool) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training beats, none of `kind`, and of the test beats, those of `kind` last.

    The test beats are of other records if `apart`, else other beats. Raises `InputError` where the data have too few.
    """
    rng, t = stream_rng(seed, "split"), beats.symbol != NORMAL
    person = np.where(beats.record == ONE_PERSON[0][1], ONE_PERSON[0][0], beats.record)
    people, left_out = np.unique(person), np.isin(beats.symbol, list(kind))
    counts = config.train_samples - config.train_samples // 2, config.train_samples // 2
    for _ in range(TRIES):
        trained = np.isin(person, rng.permutation(people)[: len(people) // 2] if apart else people)
        pools = [np.flatnonzero(trained & ~left_out & (t == which)) for which in (0, 1)]
        tested = ~trained if apart else np.full(len(t), True)
        if (tested & left_out).any() and min(map(len, pools)) >= counts[0]:
            break
    else:
        raise InputError(f"--left-out must be beats of the data, and not all but the normal ones, not {kind!r}")
    drawn = [rng.permutation(pool)[:count] for pool, count in zip(pools, counts, strict=True)]
    train = rng.permutation(np.concatenate(drawn))
    tested[train] = False
    known, others = (rng.permutation(np.flatnonzero(tested & part))[:TESTED] for part in (~left_out, left_out))
    return train, np.concatenate([known, others])


def split(beats: Beats, kind: str, config: Config, seed: int, apart: bool) -> tuple[Dataset, np.ndarray]:
    """The beats of `chosen`, scaled by the training beats, and which of the tested are of `kind`, bool [test]."""
    train, test = chosen(beats, kind, config, seed, apart)
    t = (beats.symbol != NORMAL).astype(np.int64)
    mean, spread = beats.x[train].mean(axis=0), beats.x[train].std(axis=0)
    data = Dataset(
        train_x=(beats.x[train] - mean) / spread, train_t=t[train],
        test_x=(beats.x[test] - mean) / spread, test_t=t[test], feature_names=(), notes=(),
    )  # fmt: skip
    return data, np.isin(beats.symbol[test], list(kind))


def disagreement_bits(config: Config, outcome: Outcome, codes: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    """Entropy less the rows' mean own, float64 [n] in bits; `codes` int64 [n, features]."""
    first, alone, own = min(config.burn_in, outcome.last_row), config.replace(burn_in=0), np.zeros(len(codes))
    counters, one = outcome.counters[first:], np.ones(1, np.int64)
    for row in np.flatnonzero(counters):
        circuit = from_row(circuit_of(config, outcome.seeds[0]), first + int(row))
        sums = predict(alone, outcome.conductance_ns[first + row][None], one, codes, circuit=circuit)[1]
        own += counters[row] * entropy_bits(class_probabilities(config, sums, 1))
    found: np.ndarray = entropy - own / counters.sum()
    return found


def rejection(doubt: np.ndarray, right: np.ndarray) -> list[float]:
    """Accuracy on what is left at each of `SHARES`."""
    order = np.argsort(doubt, kind="stable")
    return [float(right[order[: round((1 - share) * len(order))]].mean()) for share in SHARES]


def measure(beats: Beats, kind: str, config: Config, seed: int, apart: bool) -> dict[str, Any]:
    """One training without `kind` and what it makes of the test beats."""
    data, unseen = split(beats, kind, config, seed, apart)
    config = config.replace(test_samples=len(data.test_t))
    outcome = run_job(make_job(config, data, seed))
    first = min(config.burn_in, outcome.last_row)
    p = class_probabilities(config, outcome.sums, int(outcome.counters[first:].sum()))
    entropy, right = entropy_bits(p), outcome.classes == data.test_t
    rows = disagreement_bits(config, outcome, quantise(config, data.test_x), entropy)
    known = calibration_curve(p[~unseen], data.test_t[~unseen])
    found: dict[str, Any] = {
        "known": right[~unseen].mean(), "left out": right[unseen].mean(),
        "entropy known": entropy[~unseen].mean(), "entropy left out": entropy[unseen].mean(),
        "auroc entropy": roc_auc_score(unseen, entropy), "auroc rows": roc_auc_score(unseen, rows),
        "ece": expected_calibration_error(known), "curve": known, "entropies": (entropy[~unseen], entropy[unseen]),
        "rejected entropy": rejection(entropy, right), "rejected rows": rejection(rows, right),
    }  # fmt: skip
    for name, model in (("logistic", fitted_logistic(data)), ("network", fitted_network(data, config.hidden, seed))):
        q = model.predict_proba(data.test_x)
        found[f"{name} known"] = (q.argmax(axis=1) == data.test_t)[~unseen].mean()
        found[f"{name} left out"] = (q.argmax(axis=1) == data.test_t)[unseen].mean()
        found[f"{name} auroc"] = roc_auc_score(unseen, entropy_bits(q))
        found[f"{name} ece"] = expected_calibration_error(calibration_curve(q[~unseen], data.test_t[~unseen]))
        found[f"rejected {name}"] = rejection(entropy_bits(q), q.argmax(axis=1) == data.test_t)
    return found


def lines(kind: str, name: str, runs: Sequence[dict[str, Any]]) -> list[Row]:
    """A line a learner: accuracy, calibration and doubt of known and left-out beats."""

    def row(learner: str, **keys: str) -> Row:
        columns = {column: estimate(float(run[key]) for run in runs) if key else "-" for column, key in keys.items()}
        return {"left out": kind, "learner": learner} | {key.replace("_", " "): value for key, value in columns.items()}

    chip = row(
        name, accuracy_known="known", accuracy_left_out="left out", AUROC_entropy="auroc entropy",
        AUROC_disagreement="auroc rows", ECE_known="ece",
    )  # fmt: skip
    others = [
        row(
            title,
            accuracy_known=f"{key} known",
            accuracy_left_out=f"{key} left out",
            AUROC_entropy=f"{key} auroc",
            AUROC_disagreement="",
            ECE_known=f"{key} ece",
        )  # fmt: skip
        for key, title in (("logistic", "logistic regression"), ("network", "network"))
    ]
    return [chip, *others]


def draw(kind: str, name: str, runs: Sequence[dict[str, Any]], folder: Path) -> None:
    """Entropies, calibration and accuracy against the share rejected, of all repeats of one kind."""
    from oxmc.plots.style import CHAIN_COLOURS, grid, plot_style

    with plot_style():
        figure, axes = grid(1, 3, height_in=2.4)
        doubt, curve, left = axes[0]
        for which, title, colour in zip((0, 1), ("known", f"left out: {kind}"), CHAIN_COLOURS, strict=False):
            values = np.concatenate([run["entropies"][which] for run in runs])
            doubt.hist(values, bins=25, range=(0, 1), density=True, histtype="step", color=colour, label=title)
        doubt.set(xlabel="entropy, bit", ylabel="density", title=f"{name}, {len(runs)} trainings")
        points = [entry for run in runs for entry in run["curve"]]
        lows = sorted({entry["low"] for entry in points})
        bins = [[entry for entry in points if entry["low"] == low] for low in lows]
        x, y = (
            [np.average([e[key] for e in part], weights=[e["n"] for e in part]) for part in bins]
            for key in ("confidence", "accuracy")
        )
        curve.plot([0.5, 1], [0.5, 1], color="0.7")
        curve.plot(x, y, marker="o", ms=3, color=CHAIN_COLOURS[0])
        curve.set(xlabel="confidence", ylabel="accuracy", title="calibration, known beats")
        titles = ("entropy", "rows", "logistic", "network")
        for key, colour in zip(titles, CHAIN_COLOURS, strict=False):
            left.plot(100 * SHARES, np.mean([run[f"rejected {key}"] for run in runs], axis=0), color=colour, label=key)
        left.set(xlabel="rejected, %", ylabel="accuracy on the rest", title="known and left out together")
        doubt.legend(frameon=False)
        left.legend(frameon=False, loc=(0.5, 0.2))
        save_figure(figure, folder, "unseen")


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=20)
    options.add_argument("--data", type=Path, help="folder or file of recordings; made-up ones without it")
    options.add_argument("--preset", default="wide", help="preset of the chip (default wide)")
    options.add_argument("--left-out", action="append", metavar="SYMBOLS", help=f"default {', '.join(KINDS)}, in turn")
    options.add_argument("--apart", action="store_true", help="test other records than those that were trained")
    given = options.parse_args(arguments)
    beats = synthetic_beats() if given.data is None else read_beats(given.data)
    kinds, config = given.left_out or KINDS, preset("ecg", given.preset)
    progress, rows = Progress(len(kinds) * given.repeats), []
    for place, kind in enumerate(kinds):
        runs = []
        for seed in seeds_of(given.seed, given.repeats):
            runs.append(measure(beats, kind, config, seed, given.apart))
            progress.step(f"without {kind}")
        rows += lines(kind, given.preset, runs)
        if given.out is not None and place == 0:
            given.out.mkdir(parents=True, exist_ok=True)
            draw(kind, given.preset, runs, given.out)
    finish(rows, given)


if __name__ == "__main__":
    main()
