"""Made-up two-channel ECG: no recording of a person, and no stand-in for one where accuracy matters.

A beat is a sum of Gaussian waves P, Q, R, S, T, as in P. McSharry, G. Clifford, L. Tarassenko, L. Smith, "A dynamical
model for generating synthetic electrocardiogram signals", IEEE Trans. Biomed. Eng. 50 (2003), laid out in time instead
of on its limit cycle. Each subject has waves of his own, seen by two leads. Beats that are not normal come from wide
QRS complexes without P (V), early ones with another P (A), and, in some subjects, bundle branch blocks (L).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from oxmc.pymodels.tasks.ecg_beats import Beats, spectrum

SEED = 360
"""The recordings are the same for every training."""
SUBJECTS, BEATS, RATE_HZ = 24, 300, 360.0
ORIGIN = f"synthetic: {SUBJECTS} made-up recordings, not of any person"

KINDS = {
    "N": ((-0.20, 0.040, 0.12), (-0.035, 0.012, -0.12), (0.0, 0.012, 1.1), (0.035, 0.012, -0.25), (0.27, 0.06, 0.3)),
    "V": ((-0.20, 0.040, 0.0), (-0.06, 0.03, -0.1), (0.0, 0.045, 1.4), (0.08, 0.04, -0.6), (0.28, 0.08, -0.45)),
    "A": ((-0.13, 0.030, -0.1), (-0.035, 0.012, -0.1), (0.0, 0.012, 1.0), (0.035, 0.012, -0.25), (0.25, 0.05, 0.25)),
    "L": ((-0.22, 0.040, 0.1), (-0.04, 0.02, 0.1), (0.0, 0.030, 0.9), (0.06, 0.03, 0.5), (0.28, 0.07, -0.3)),
}
"""Place in s, s.d. in s and height in mV of the waves P, Q, R, S, T by kind of beat. Assumed: N as textbooks draw
a beat at 60 a minute, the others by what their names say; only the shape of the task depends on them."""
EARLY = {"V": 0.65, "A": 0.75}
"""Share of the usual interval ahead of a premature beat."""


@cache
def synthetic_beats() -> Beats:
    """Beats of records 1 to SUBJECTS."""
    parts = [_subject(np.random.default_rng([SEED, subject])) for subject in range(1, SUBJECTS + 1)]
    record = np.repeat(np.arange(1, SUBJECTS + 1), [len(symbol) for symbol, *_ in parts])
    symbol, x, time_s = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Beats(record, symbol, x, ORIGIN, time_s=time_s)


def _subject(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Symbols [n], features [n, 10] and times in s [n] of one recording."""
    usual = "L" if rng.random() < 0.1 else "N"
    odd = rng.dirichlet((6.0, 1.5, 1.0))
    symbols = rng.choice([usual, "V", "A"], BEATS, p=odd)
    interval_s = rng.uniform(0.65, 1.0)
    early = np.array([EARLY.get(symbol, 1.0) for symbol in symbols])
    steps = interval_s * early * rng.normal(1.0, 0.03, BEATS)
    peaks = np.rint((0.5 + np.cumsum(steps)) * RATE_HZ).astype(np.int64)
    signal = np.stack([_channel(rng, symbols, peaks, lead) for lead in (1.0, 0.5)], axis=1)
    x, kept = spectrum(signal, peaks, RATE_HZ)
    return symbols[kept], x, peaks[kept] / RATE_HZ


def _channel(rng: np.random.Generator, symbols: np.ndarray, peaks: np.ndarray, lead: float) -> np.ndarray:
    """One lead's voltage in mV: the beats as it sees them, breathing, and the amplifier's noise."""
    t = np.arange(-0.5, 0.6, 1 / RATE_HZ)
    seen = lead * rng.uniform(0.7, 1.3) * np.exp(rng.normal(0.0, 0.2, 5))  # a lead's view of each wave
    shapes = {kind: _wave(t, np.array(waves), seen) for kind, waves in KINDS.items()}
    first = peaks - round(0.5 * RATE_HZ)
    signal = np.zeros(peaks[-1] + len(t))
    for symbol, start in zip(symbols, first, strict=True):
        signal[start : start + len(t)] += rng.normal(1.0, 0.06) * shapes[symbol]
    seconds = np.arange(len(signal)) / RATE_HZ
    breathing = 0.05 * np.sin(2 * np.pi * rng.uniform(0.15, 0.3) * seconds + rng.uniform(0, 2 * np.pi))
    return signal + breathing + rng.normal(0.0, 0.02, len(signal))


def _wave(t: np.ndarray, waves: np.ndarray, seen: np.ndarray) -> np.ndarray:
    place, width, height = waves.T
    total: np.ndarray = (height * seen * np.exp(-0.5 * ((t[:, None] - place) / width) ** 2)).sum(axis=1)
    return total
