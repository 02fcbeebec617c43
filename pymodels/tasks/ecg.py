"""ECG: normal (t = 0) or not (t = 1), a heartbeat of one subject, learned from beats of others.

A beat is 700 ms of two channels around its R peak; its features are the magnitudes of the five lowest bins of each
channel's spectrum, DC among them, scaled by the training beats. t = 1 is any symbol but N. Train on `train_samples`
beats drawn from all other subjects, test on those of the subject (`--subject`). Data: `--data FILE.npz` holds features
of beats, `--data DIR` records of the MIT-BIH Arrhythmia Database (G. Moody, R. Mark, 2001; A. Goldberger et al., 2000);
without `--data` made-up recordings stand in (`oxmc.pymodels.tasks.ecg_synthetic`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from oxmc.pymodels.config import KEYS, Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import Dataset, DataSource
from oxmc.pymodels.tasks.ecg_beats import BINS, Beats, read_beats
from oxmc.pymodels.tasks.ecg_synthetic import synthetic_beats
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.splits import check, clipping_note, split_rng

FEATURES = 2 * BINS
NORMAL = "N"
ONE_PERSON = ((201, 202),)
"""Records of the same subject. Source: the directory of the database."""


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """Drawn training beats, the subject's test beats, scaled. Raises `InputError` for what data or config lack."""
    _check(config)
    beats, subject = _beats(source)
    t = (beats.symbol != NORMAL).astype(np.int64)
    rng = split_rng(config, seed)
    left_out = next((pair for pair in ONE_PERSON if subject in pair), (subject,))
    train = _draw(rng, config, t, np.flatnonzero(~np.isin(beats.record, left_out)))
    test = _of_subject(rng, config, np.flatnonzero(beats.record == subject), subject)
    seen = beats.x[train]
    spread = seen.std(axis=0)
    scaling = Scaling.of(seen.mean(axis=0), np.where(spread > 0, spread, 1.0), seen)
    train_x, test_x = (scaling.features(raw, bias=False) for raw in (seen, beats.x[test]))
    share = f"{100 * t[test].mean():.1f} % of its {len(test)} beats are not normal"
    notes = (
        beats.origin,
        f"tested on record {subject}: {share}",
        f"training beats from {len(np.unique(beats.record[train]))} records, record {_listed(left_out)} left out, "
        f"scaling by the training beats",
        clipping_note(config, np.concatenate([train_x, test_x])),
    )
    return Dataset(
        train_x=train_x, train_t=t[train], test_x=test_x, test_t=t[test],
        feature_names=tuple(f"channel {c} bin {b}" for c in range(2) for b in range(BINS)),
        class_names=("normal", "not normal"), notes=notes, remarks=beats.remarks, scaling=scaling,
    )  # fmt: skip


def fit(keys: Mapping[str, Any], given: Collection[str], source: DataSource) -> dict[str, Any]:
    """All beats of the subject are tested. Raises `InputError` as `load`."""
    beats, subject = _beats(source)
    count = np.count_nonzero(beats.record == subject)
    return {"test_samples": min(int(count), KEYS["test_samples"].metadata["high"])}


def subjects(source: DataSource) -> list[int]:
    """The records of the data, in order."""
    beats, _ = _beats(dataclasses.replace(source, subject=None), any_subject=True)
    return [int(record) for record in np.unique(beats.record)]


def _beats(source: DataSource, *, any_subject: bool = False) -> tuple[Beats, int]:
    """All beats and the number of the test record. Raises `InputError`."""
    beats = synthetic_beats() if source.data is None else read_beats(source.data)
    records = np.unique(beats.record)
    subject = source.subject
    if subject is None:
        if source.data is not None and not any_subject:
            raise InputError(f"task ecg needs --subject with --data, one of {_listed(records.tolist())}")
        subject = int(records[-1])
    if subject not in records:
        raise InputError(f"--subject must be one of {_listed(records.tolist())}, not {subject}")
    return beats, subject


def _check(config: Config) -> None:
    check("ecg", "features", config.features, FEATURES)
    check("ecg", "outputs", config.outputs, 1)
    if config.preprocessing != "train":
        raise InputError(f"preprocessing must be 'train' for task ecg, not {config.preprocessing!r}")


def _draw(rng: np.random.Generator, config: Config, t: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Indices of the training beats, in random order: as many of each class, or as they come."""
    kinds = [among[t[among] == kind] for kind in (0, 1)]
    for name, kind in zip(("normal beats (N)", "beats other than N"), kinds, strict=True):
        if not len(kind):
            raise InputError(f"--data must have {name} in other records than the subject's, but there are none")
    wanted = config.train_samples
    if config.balance == "drawn":
        if wanted > len(among):
            raise InputError(f"train_samples must be at most {len(among)}, the beats of other records, not {wanted}")
        chosen = rng.permutation(among)[:wanted]
        if len(np.unique(t[chosen])) < 2:
            raise InputError(f"train_samples must be so many that both classes are drawn, not {wanted}")
        return chosen
    counts = [wanted - wanted // 2, wanted // 2]
    if any(count > len(kind) for kind, count in zip(kinds, counts, strict=True)):
        fewest, name = min(zip(map(len, kinds), ("normal beats", "beats other than N"), strict=True))
        raise InputError(f"train_samples must be at most {2 * fewest} with {fewest} {name}, not {wanted}")
    return rng.permutation(np.concatenate([rng.permutation(k)[:n] for k, n in zip(kinds, counts, strict=True)]))


def _of_subject(rng: np.random.Generator, config: Config, own: np.ndarray, subject: int) -> np.ndarray:
    """Indices of the test beats in the order of the recording: all of them, or some drawn at random."""
    wanted = config.test_samples
    if wanted > len(own):
        raise InputError(f"test_samples must be at most {len(own)}, the beats of record {subject}, not {wanted}")
    return np.sort(rng.permutation(own)[:wanted])


def _listed(records: Collection[int]) -> str:
    return ", ".join(map(str, records))
