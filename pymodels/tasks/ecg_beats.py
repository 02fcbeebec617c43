"""Heartbeats as features, from a file of features or from records of the MIT-BIH Arrhythmia Database."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import MOST_DATA, open_plain, read_arrays, understood
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.tasks import Stamp, stamp_of
from oxmc.pymodels.tasks.ecg_leads import Leads, leads_of, millivolts, remarks

WINDOW_S = 0.7
BINS = 5
"""Lowest bins of a channel's spectrum, from DC on."""
FILE_BINS = 6
"""Bins a channel in a file of features."""
SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotations that are beats, but for '!', waves of a ventricular flutter. Source: PhysioBank annotation codes."""
LARGEST_MV = 1e6
"""No heart beats at a kilovolt; beyond it something is wrong with the file."""
MOST_RECORD = 2**53 - 1
"""Highest number of a record; readers of JSON that only know double precision keep it exact."""
RATES_HZ = (20, 100_000)
MOST_HEAD, MOST_SAMPLES, MOST_SKEW = 1 << 26, 1 << 28, 1 << 20
"""Bytes of header and annotations, samples of all channels, samples by which one channel may be late: 24 hours fit."""
FILE_HZ = 360.0
"""Samples a second that a file of features counts its beats' positions in, those of the database."""
KINDS = {"feat": ("fiu", "numbers"), "rec": ("iu", "integers"), "sym": ("US", "letters"), "sample": ("iu", "integers")}
"""Kinds of numpy types that an array of a file may have, and what a user calls them."""
EXTRA = "ecg"


@dataclasses.dataclass(frozen=True)
class Beats:
    """Beats of all subjects: record int64 [n], symbol of one letter [n], x float64 [n, 2 BINS] in mV.

    `origin` says in a few words where they come from, `remarks` in what their records differ. `time_s` float64 [n] is
    when each was, from the start of its recording; None where that is not known.
    """

    record: np.ndarray
    symbol: np.ndarray
    x: np.ndarray
    origin: str
    remarks: tuple[str, ...] = ()
    time_s: np.ndarray | None = None


def spectrum(signal: np.ndarray, peaks: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Features float64 [kept, 2 BINS] of beats in a signal float64 [samples, 2], and which of `peaks` were kept.

    |rfft| / n of the n samples from n/2 ahead of the peak on; a beat whose window leaves the recording is not kept.
    """
    n = round(WINDOW_S * rate_hz)
    first = peaks - n // 2
    kept = np.flatnonzero((first >= 0) & (first + n <= len(signal)))
    windows = signal[first[kept, None] + np.arange(n)]
    lowest = np.abs(np.fft.rfft(windows, axis=1))[:, :BINS] / n
    return lowest.transpose(0, 2, 1).reshape(len(kept), 2 * BINS), kept


def read_beats(path: Path) -> Beats:
    """Beats of a file of features or of a folder of records. Raises `InputError`."""
    return _read(path, stamp_of(path))


@cache
def _read(path: Path, stamp: Stamp) -> Beats:
    """Read once a program."""
    return _records(path) if path.is_dir() else _features(path)


def _features(path: Path) -> Beats:
    """A file of features: `feat` [n, 12], bins 0-5 of channel 0 and of channel 1 in mV, `rec` [n], `sym` [n].

    `sample` [n], if there, is where each beat is in its recording.
    """
    rule = "--data must be a whole .npz file of feat, rec and sym"
    arrays = read_arrays(path, rule, ("feat", "rec", "sym"), ("sample",))
    feat, record, symbol = (arrays[name] for name in ("feat", "rec", "sym"))
    for name, array in arrays.items():
        kinds, what = KINDS[name]
        if array.dtype.kind not in kinds:
            raise InputError(f"{name} must hold {what}, not values of type {array.dtype} ({str(path)!r})")
    if feat.ndim != 2 or feat.shape[1] != 2 * FILE_BINS:
        raise InputError(f"feat must be an array of {2 * FILE_BINS} columns, not of shape {feat.shape} ({str(path)!r})")
    if record.shape != feat.shape[:1] or symbol.shape != feat.shape[:1]:
        raise InputError(
            f"rec and sym must be as long as feat ({len(feat)}), not {record.shape} and {symbol.shape} ({str(path)!r})"
        )
    feat = feat.astype(np.float64)  # before the sizes: the lowest of a kind of integers has no positive
    bad = np.flatnonzero(~(np.abs(feat) <= LARGEST_MV).all(axis=1))  # NaN is not, either
    if bad.size:
        rule = f"feat must be finite and at most {LARGEST_MV:g} mV"
        raise InputError(f"{rule}, but beat {bad[0]} of record {record[bad[0]]} is not ({str(path)!r})")
    if not len(feat):
        raise InputError(f"--data must hold beats, but {str(path)!r} has none")
    x = np.concatenate([feat[:, :BINS], feat[:, FILE_BINS : FILE_BINS + BINS]], axis=1)
    numbers, time_s = _record_numbers(record, path), _times_s(arrays.get("sample"), record, path)
    return Beats(numbers, _letters(symbol, path), x, f"features of {len(x)} beats from a file", time_s=time_s)


def _times_s(sample: np.ndarray | None, record: np.ndarray, path: Path) -> np.ndarray | None:
    """When beats were, float64 [n] in s. Raises `InputError` where they do not follow each other in their record."""
    if sample is None:
        return None
    if sample.shape != record.shape:
        raise InputError(f"sample must be as long as rec ({len(record)}), not {sample.shape} ({str(path)!r})")
    time_s = sample / FILE_HZ
    for number in np.unique(record):
        of_record = time_s[record == number]
        if of_record[0] < 0 or (np.diff(of_record) <= 0).any():
            raise InputError(
                f"sample must rise from 0 on in each record, which it does not in {number} ({str(path)!r})"
            )
    return time_s


def _record_numbers(record: np.ndarray, path: Path) -> np.ndarray:
    """Numbers of records, int64. Raises `InputError` for one that no `--subject` can name or that does not fit."""
    low, high = int(record.min()), int(record.max())
    if low < 0 or high > MOST_RECORD:
        wrong = low if low < 0 else high
        raise InputError(f"rec must be numbers from 0 to {MOST_RECORD}, not {wrong} ({str(path)!r})")
    return record.astype(np.int64)


def _letters(symbol: np.ndarray, path: Path) -> np.ndarray:
    """Symbols as text. Raises `InputError` for one that is not a single printable character."""
    for text in np.unique(symbol).tolist():
        letter = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        if len(letter) != 1 or not letter.isascii() or not letter.isprintable() or letter == " ":
            raise InputError(f"sym must be a single character for each beat, not {text!r} ({str(path)!r})")
    return symbol.astype("<U1")


def _records(folder: Path) -> Beats:
    """All records in a folder, each as .hea, .dat and .atr."""
    names = sorted((file.stem for file in folder.glob("*.hea") if file.stem.isdecimal()), key=int)
    if not names:
        raise InputError(f"--data must be a folder of records (.hea, .dat, .atr), but {str(folder)!r} has none")
    parts = [_record(folder, name) for name in names]
    record = np.repeat([int(name) for name in names], [len(symbol) for symbol, *_ in parts])
    symbol, x, time_s = (np.concatenate([part[k] for part in parts]) for k in (0, 1, 2))
    said = remarks({name: leads for name, (*_, leads) in zip(names, parts, strict=True)})
    return Beats(record, symbol, x, f"{len(x)} beats of {len(names)} recordings", said, time_s)


def _check_head(head: Any, folder: Path) -> None:
    """Raises `ValueError` or `OSError` for a head that asks for more than a recording of a heart can be."""
    low, high = RATES_HZ
    if not low <= head.fs <= high:
        raise ValueError(f"its sampling rate must be from {low} to {high} Hz, not {head.fs:g}")
    for name in set(head.file_name):
        if Path(name).name != name:
            raise ValueError(f"its signals must lie beside it, not in {name!r}")
        open_plain(folder / name, MOST_DATA).close()
    frame = sum(head.samps_per_frame)
    late = max((skew or 0 for skew in head.skew), default=0)
    if not (head.sig_len or 0) * frame <= MOST_SAMPLES or late > MOST_SKEW:
        raise ValueError(f"it must have at most {MOST_SAMPLES} samples, not {head.sig_len} times {frame}")


def _record(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, Leads]:
    """Symbols, features, times in s and leads of one record.

    Raises `InputError` unless it has two whole channels and beats.
    """
    try:
        import wfdb  # a second to import
    except ImportError as error:
        raise InputError(f"--data with a folder needs {not_installed(EXTRA)}") from error
    base = str(folder / name)
    with understood(f"record {name} must be whole and readable", base):
        for suffix in (".hea", ".atr"):
            open_plain(Path(base + suffix), MOST_HEAD).close()
        _check_head(wfdb.rdheader(base), folder)
        header, notes = wfdb.rdrecord(base), wfdb.rdann(base, "atr")
    signal = np.asarray(header.p_signal, np.float64)
    if signal.shape[1] != 2:
        raise InputError(f"record {name} must have two channels, not {signal.shape[1]}")
    if not np.isfinite(signal).all():
        sample = int(np.flatnonzero(~np.isfinite(signal).all(axis=1))[0])
        raise InputError(f"record {name} must have a voltage at each sample, but has none at sample {sample}")
    leads = leads_of(header.sig_name, (folder / f"{name}.hea").read_text(errors="replace"))
    signal = millivolts(name, signal, header.units, leads)
    if not (np.abs(signal) <= LARGEST_MV).all():
        raise InputError(f"record {name} must have voltages of at most {LARGEST_MV:g} mV, which it has not")
    symbols = np.array(notes.symbol, "<U1")
    is_beat = np.isin(symbols, sorted(SYMBOLS))
    peaks = np.asarray(notes.sample, np.int64)[is_beat]
    x, kept = spectrum(signal, peaks, float(header.fs))
    if not len(kept):
        raise InputError(f"record {name} must have annotated beats, but has none")
    return symbols[is_beat][kept], x, peaks[kept] / header.fs, leads
