"""ECG: normal (t = 0) or not (t = 1), a heartbeat of one subject, learned from beats of others.

A beat is 700 ms of two channels around its R peak; its features are the magnitudes of the five lowest bins of each
channel's spectrum, DC among them, scaled by the training beats of others. t = 1 is any symbol but N. Train on
`train_samples` beats drawn from all other subjects, test on those of the subject (`--subject`). With `own_beats` the
subject's first beats are training points, too. `beat_classes`, `beat_features` and `beat_split` are for the field's own
rules (`oxmc.pymodels.tasks.ecg_aami`). Data: `--data FILE.npz` holds features
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
from oxmc.pymodels.tasks import ecg_aami as aami
from oxmc.pymodels.tasks.ecg_beats import BINS, Beats, read_beats
from oxmc.pymodels.tasks.ecg_synthetic import synthetic_beats
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.splits import check, clipping_note, split_rng

NORMAL = "N"
ONE_PERSON = ((201, 202),)
"""Records of the same subject. Source: the directory of the database."""
SPECTRUM = tuple(f"channel {c} bin {b}" for c in range(2) for b in range(BINS))


def names_of(beat_features: str) -> tuple[str, ...]:
    """Names of the features that `beat_features` stands for."""
    return (*SPECTRUM, *aami.INTERVALS) if beat_features == "spectrum_rr" else SPECTRUM


def width(beat_features: str) -> int:
    """How many features `beat_features` stands for."""
    return len(names_of(beat_features))


def load(config: Config, seed: int, source: DataSource) -> Dataset:
    """Drawn training beats, the subject's test beats, scaled. Raises `InputError` for what data or config lack."""
    _check(config)
    beats, subject = _beats(source, config.beat_split)
    x, t = _features(config, beats), _targets(config, beats)
    rng = split_rng(config, seed)
    left_out, among, tested = _records(config.beat_split, beats.record, subject)
    own = _own(config, beats, subject)
    others = _draw(rng, config, t, among)
    test = _tested(rng, config, tested[_after(config, beats)[tested]], subject)
    train = np.concatenate([np.repeat(own, config.own_copies), others])
    spread = x[others].std(axis=0)
    scaling = Scaling.of(x[others].mean(axis=0), np.where(spread > 0, spread, 1.0), x[train])
    train_x, test_x = (scaling.features(x[chosen], bias=False) for chosen in (train, test))
    notes = (
        beats.origin,
        _test_note(config, subject, t[test]),
        f"training beats from {len(np.unique(beats.record[others]))} records, record {_listed(left_out)} left out, "
        f"scaling by the training beats",
        *_own_note(config, subject, t[own]),
        clipping_note(config, np.concatenate([train_x, test_x])),
    )
    return Dataset(
        train_x=train_x, train_t=t[train], test_x=test_x, test_t=t[test],
        feature_names=names_of(config.beat_features), class_names=_class_names(config),
        notes=notes, remarks=beats.remarks, scaling=scaling,
    )  # fmt: skip


def fit(keys: Mapping[str, Any], given: Collection[str], source: DataSource) -> dict[str, Any]:
    """All beats of the subject are tested, and its own beats join the others. Raises `InputError` as `load`."""
    split = keys["beat_split"]
    beats, subject = _beats(source, split)
    *_, tested = _records(split, beats.record, subject)
    if keys["test_after_s"]:
        tested = tested[_times_s(beats, "test_after_s")[tested] >= keys["test_after_s"]]
    found = {
        "test_samples": max(1, min(len(tested), KEYS["test_samples"].metadata["high"])),
        "features": width(keys["beat_features"]),
        "train_samples": keys["train_samples"]
        + ("train_samples" not in given) * keys["own_beats"] * keys["own_copies"],
    }
    return found | ({"outputs": len(aami.CLASSES), "counters": "own"} if keys["beat_classes"] == "aami" else {})


def subjects(source: DataSource) -> list[int]:
    """The records of the data, in order."""
    beats, _ = _beats(dataclasses.replace(source, subject=None), any_subject=True)
    return [int(record) for record in np.unique(beats.record)]


def _beats(source: DataSource, split: str = "subject", *, any_subject: bool = False) -> tuple[Beats, int]:
    """All beats and the number of the test record, 0 for a split that has several. Raises `InputError`."""
    beats = synthetic_beats() if source.data is None else read_beats(source.data)
    records = np.unique(beats.record)
    subject = source.subject
    if split != "subject":
        if subject is not None:
            raise InputError(f"--subject must be left out with beat_split = {split}, not {subject}")
        return beats, 0
    if subject is None:
        if source.data is not None and not any_subject:
            raise InputError(f"task ecg needs --subject with --data, one of {_listed(records.tolist())}")
        subject = int(records[-1])
    if subject not in records:
        raise InputError(f"--subject must be one of {_listed(records.tolist())}, not {subject}")
    return beats, subject


def _records(split: str, record: np.ndarray, subject: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
    """Records that are not trained on, and indices of beats to draw the training points and the test from.

    Raises `InputError` for a split whose records are not in the data.
    """
    if split == "subject":
        left_out: tuple[int, ...] = next((pair for pair in ONE_PERSON if subject in pair), (subject,))
        return left_out, np.flatnonzero(~np.isin(record, left_out)), np.flatnonzero(record == subject)
    trained, tested = (aami.DS1, aami.DS2) if split == "ds1_ds2" else (tuple({*aami.DS1} - {*aami.WITHIN}), aami.WITHIN)
    among, test = (np.flatnonzero(np.isin(record, kind)) for kind in (trained, tested))
    if not len(among) or not len(test):
        raise InputError(f"beat_split must be subject where --data lacks records of the database, not {split}")
    return tuple(sorted({*np.unique(record).tolist()} - {*trained})), among, test


def _times_s(beats: Beats, key: str) -> np.ndarray:
    """When each beat was. Raises `InputError` where the data do not say."""
    if beats.time_s is None:
        raise InputError(f"--data must hold sample, the beats' positions, for {key}")
    return beats.time_s


def _features(config: Config, beats: Beats) -> np.ndarray:
    if config.beat_features == "spectrum":
        return beats.x
    return np.column_stack([beats.x, aami.intervals(beats.record, _times_s(beats, "beat_features = spectrum_rr"))])


def _targets(config: Config, beats: Beats) -> np.ndarray:
    """Class numbers, int64 [n]."""
    return aami.classes_of(beats.symbol) if config.beat_classes == "aami" else (beats.symbol != NORMAL).astype(np.int64)


def _class_names(config: Config) -> tuple[str, ...]:
    return aami.CLASSES if config.beat_classes == "aami" else ("normal", "not normal")


def _after(config: Config, beats: Beats) -> np.ndarray:
    """Whether each beat is late enough to be tested, bool [n]."""
    if not config.test_after_s:
        return np.ones(len(beats.record), bool)
    late: np.ndarray = _times_s(beats, "test_after_s") >= config.test_after_s
    return late


def _own(config: Config, beats: Beats, subject: int) -> np.ndarray:
    """Indices of the subject's first beats. Raises `InputError` where it has fewer ahead of the test."""
    if not config.own_beats:
        return np.zeros(0, np.int64)
    early = np.flatnonzero((beats.record == subject) & ~_after(config, beats))
    if config.own_beats > len(early):
        rule = f"own_beats must be at most {len(early)}, the beats of record {subject} before {config.test_after_s:g} s"
        raise InputError(f"{rule}, not {config.own_beats}")
    return early[: config.own_beats]


def _own_note(config: Config, subject: int, own: np.ndarray) -> list[str]:
    if not len(own):
        return []
    odd = "of them not normal" if config.beat_classes == "normal" else "of them not of class N"
    points = f"make {config.own_copies} training points each"
    return [f"the first {len(own)} beats of record {subject}, {np.count_nonzero(own)} {odd}, {points}"]


def _test_note(config: Config, subject: int, t: np.ndarray) -> str:
    """What is tested, and what of it the always usual answer would miss."""
    odd = "normal" if config.beat_classes == "normal" else "of class N"
    share = f"{100 * np.mean(t > 0):.1f} % of its {len(t)} beats are not {odd}"
    later = f" from {config.test_after_s:g} s on" if config.test_after_s else ""
    return f"tested on {f'record {subject}' if subject else SPLITS[config.beat_split]}{later}: {share}"


SPLITS = {"ds1_ds2": "the records of DS2", "within_ds1": f"records {', '.join(map(str, aami.WITHIN))} of DS1"}
"""What a split of several records tests."""


def _check(config: Config) -> None:
    check("ecg", "features", config.features, width(config.beat_features))
    check("ecg", "outputs", config.outputs, len(aami.CLASSES) if config.beat_classes == "aami" else 1)
    if config.preprocessing != "train":
        raise InputError(f"preprocessing must be 'train' for task ecg, not {config.preprocessing!r}")


def _draw(rng: np.random.Generator, config: Config, t: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Indices of the training beats of others, in random order: as many of each class, or as they come."""
    wanted = config.train_samples - config.own_beats * config.own_copies
    if wanted < 1:
        least = config.own_beats * config.own_copies + 1
        raise InputError(f"train_samples must be at least {least}, own beats and others, not {config.train_samples}")
    if config.balance == "drawn":
        return _as_drawn(rng, config, t, among, wanted)
    if config.beat_classes == "aami":
        return _of_each_class(rng, t, among, wanted)
    kinds = _normal_and_not(t, among)
    counts = [wanted - wanted // 2, wanted // 2]
    if any(count > len(kind) for count, kind in zip(counts, kinds, strict=True)):
        fewest, name = min(zip(map(len, kinds), ("normal beats", "beats other than N"), strict=True))
        raise InputError(f"train_samples must be at most {2 * fewest} with {fewest} {name}, not {wanted}")
    return rng.permutation(np.concatenate([rng.permutation(k)[:n] for k, n in zip(kinds, counts, strict=True)]))


def _normal_and_not(t: np.ndarray, among: np.ndarray) -> list[np.ndarray]:
    """Indices of both kinds of beats. Raises `InputError` where there is none of one."""
    kinds = [among[(t[among] > 0) == kind] for kind in (False, True)]
    for name, kind in zip(("normal beats (N)", "beats other than N"), kinds, strict=True):
        if not len(kind):
            raise InputError(f"--data must have {name} in other records than the subject's, but there are none")
    return kinds


def _as_drawn(rng: np.random.Generator, config: Config, t: np.ndarray, among: np.ndarray, wanted: int) -> np.ndarray:
    """Beats as they come. Raises `InputError` for too many, or too few for two classes."""
    _normal_and_not(t, among)
    if wanted > len(among):
        raise InputError(f"train_samples must be at most {len(among)}, the beats of other records, not {wanted}")
    chosen = rng.permutation(among)[:wanted]
    if len(np.unique(t[chosen])) < 2:
        raise InputError(f"train_samples must be so many that both classes are drawn, not {config.train_samples}")
    return chosen


def _of_each_class(rng: np.random.Generator, t: np.ndarray, among: np.ndarray, wanted: int) -> np.ndarray:
    """As many beats of each class; one that has fewer gives all, and the others share what is left."""
    kinds = sorted((among[t[among] == kind] for kind in range(len(aami.CLASSES))), key=len)
    if wanted > len(among):
        raise InputError(f"train_samples must be at most {len(among)}, the beats of other records, not {wanted}")
    chosen: list[np.ndarray] = []
    for place, kind in enumerate(kinds):
        left = wanted - sum(map(len, chosen))
        chosen.append(rng.permutation(kind)[: left // (len(kinds) - place)])
    if (most := sum(map(len, chosen))) < wanted:
        raise InputError(f"train_samples must be at most {most}, as many of each class as there are, not {wanted}")
    return rng.permutation(np.concatenate(chosen))


def _tested(rng: np.random.Generator, config: Config, beats: np.ndarray, subject: int) -> np.ndarray:
    """Indices of the test beats in the order of the recording: all of them, or some drawn at random."""
    wanted = config.test_samples
    if wanted > len(beats):
        whose = f"record {subject}" if subject else SPLITS[config.beat_split]
        late = f" from {config.test_after_s:g} s on" if config.test_after_s else ""
        raise InputError(f"test_samples must be at most {len(beats)}, the beats of {whose}{late}, not {wanted}")
    return np.sort(rng.permutation(beats)[:wanted])


def _listed(records: Collection[int]) -> str:
    return ", ".join(map(str, records))


def own_points(
    config: Config, source: DataSource, own: int, after_s: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Raw features float64 [n, columns] and targets int64 [n] of the subject's first `own` beats before `after_s`, and
    of all its beats from then on. Raises `InputError` where it has fewer."""
    beats, subject = _beats(source, "subject")
    config = config.replace(own_beats=own, test_after_s=after_s, beat_split="subject")
    x, t = _features(config, beats), _targets(config, beats)
    early = _own(config, beats, subject)
    late = np.flatnonzero((beats.record == subject) & _after(config, beats))
    if not len(late):
        raise InputError(f"--data must have beats of record {subject} from {after_s:g} s on to test, but has none")
    most = KEYS["test_samples"].metadata["high"]
    return x[early], t[early], x[late[:most]], t[late[:most]]
