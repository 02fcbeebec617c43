"""The spectrum of noise: made-up series whose truth is known, and measured ones."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from measured import noise_series
from scipy import signal

from oxmc.cards.noise import decibels, fit_noise, spectrum
from oxmc.pymodels.errors import InputError

pytestmark = pytest.mark.testpoint(
    "card fit: noise",
    "white, 1/f and telegraph noise lie in their 95 % intervals for 17 of 20 seeds; the spectrum is scipy's; five "
    "measured cells' is met within 2 dB in each octave from 0.1 to 100 Hz",
)
SIZE, RATE = 60_000, 400.0


def test_the_spectrum_is_that_of_scipy() -> None:
    series = noise_series(0, 4096, RATE, 0.01, 0.02, 0.0, 1.0)
    hz, density = signal.periodogram(series, RATE, window=np.hanning(4096), detrend="constant")
    found = spectrum(series, RATE, bands=1, low_hz=1.0, high_hz=64.0)
    for k in range(6):
        inside = (hz >= 2.0**k) & (hz < 2.0 ** (k + 1))
        assert found.density[k] == pytest.approx(density[inside].mean(), rel=1e-6)


@pytest.mark.parametrize("step", (0.0, 0.05))
def test_truth_lies_in_the_intervals(step: float) -> None:
    inside, telegraphs = Counter[str](), 0
    for seed in range(20):
        fit = fit_noise(noise_series(seed, SIZE, RATE, 0.01, 0.02, step, 5.0), RATE)
        inside["white"] += fit.white.holds(0.01 * 50 / fit.level_us)
        inside["flicker"] += fit.flicker.holds(0.02 * 50 / fit.level_us)
        if fit.step is not None and fit.switches_hz is not None:
            telegraphs += 1
            inside["step"] += fit.step.holds(step * 50 / fit.level_us)
            inside["switches"] += fit.switches_hz.holds(5.0)
    assert telegraphs == (20 if step else 0)
    assert {name: count for name, count in inside.items() if count < 17} == {}


@pytest.mark.parametrize(
    ("series", "found"), ((np.ones(1000), "1 uS all along"), (-np.arange(1000.0), "-0 uS all along"))
)
def test_series_without_noise_are_refused(series: np.ndarray, found: str) -> None:
    with pytest.raises(InputError) as error:
        fit_noise(series, RATE)
    assert str(error.value) == f"FILE must have series of a level above 0 that vary, not {found}"


def test_short_series_are_refused() -> None:
    with pytest.raises(InputError) as error:
        fit_noise(np.ones(100), RATE)
    assert str(error.value) == "FILE must have 512 samples or more of a series, not 100"


@pytest.mark.parametrize("row", range(5))
def test_measured_spectra_are_met_within_2_db(data_dir: Path, row: int) -> None:
    with gzip.open(data_dir / "rram" / "techA_noise.tsv.gz") as file:
        series = 1e6 * np.loadtxt(file, skiprows=row, max_rows=1)[2:]
    off = decibels(fit_noise(series, RATE), series, 0.1, 100.0)
    assert off.size == 10 and np.abs(off).max() <= 2.0
