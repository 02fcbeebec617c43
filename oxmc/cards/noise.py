"""The noise of a conductance that is read again and again: white, 1/f, and one telegraph process, from its spectrum.

    S(f) = w + k / f + a / (1 + (f / fc)^2)

A two-level process that leaves either level at a rate v has fc = v / pi and a = step^2 / (2 v) (S. Machlup, J. Appl.
Phys. 25, 341, 1954). The periodogram's means over bands of equal ratio are fitted in the logarithm, each by as many
independent values as it holds.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.estimate import REACH, Estimate
from oxmc.pymodels.errors import InputError

BANDS_AN_OCTAVE = 3
LEAST_SAMPLES = 512
FIRST = 4
"""Lowest frequency over that of one period a series: below, the window and the trend decide."""
LAST = 0.45
"""Highest frequency over the sampling rate."""
WINDOW_LOSS = 1.94
"""Periodogram values under a Hann window that say as much as one independent value."""
MOST_WEIGHT = 16.0
"""Independent values that a band is weighted by at most: no real spectrum follows the law as closely as its highest
bands, of thousands of values, would force it to."""
UNKNOWN = 1.0
"""Standard error of a logarithm from which on a part may be 0; it is then at most what the spectrum leaves for it."""
CORNERS = (0.3, 3.0, 30.0)
"""Corners of the telegraph process from which the fit starts, over the lowest frequency."""


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """Means over bands of a one-sided power density: float64 [bands] frequency in Hz, density in uS^2/Hz, and the
    independent values of each."""

    hz: np.ndarray
    density: np.ndarray
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class NoiseFit:
    """Of one series: `level_us`, s.d. of the white part from reading to reading and of the 1/f part from `low_hz` to
    `high_hz`, step and switches a second of the telegraph process (None where it has none); s.d. and step as shares."""

    level_us: float
    white: Estimate
    flicker: Estimate
    step: Estimate | None
    switches_hz: Estimate | None
    low_hz: float
    high_hz: float
    rate_hz: float
    spectrum: Spectrum

    def density(self, hz: np.ndarray) -> np.ndarray:
        """The fitted density in uS^2/Hz at frequencies, float64 of their shape."""
        found = (
            self.white.value**2 / (self.rate_hz / 2) + self.flicker.value**2 / np.log(self.high_hz / self.low_hz) / hz
        )
        if self.step is not None and self.switches_hz is not None:
            rate = self.switches_hz.value
            found = found + self.step.value**2 / (2 * rate) / (1 + (np.pi * hz / rate) ** 2)
        return found * self.level_us**2


def spectrum(
    series: np.ndarray, rate_hz: float, bands: float = BANDS_AN_OCTAVE, low_hz: float = 0.0, high_hz: float = np.inf
) -> Spectrum:
    """Of readings at equal intervals, float64 [n], `bands` an octave from `low_hz` or the lowest that is known."""
    size = series.size
    window = np.hanning(size)
    power = np.abs(np.fft.rfft((series - series.mean()) * window)) ** 2 * 2 / (rate_hz * (window**2).sum())
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    use = (hz >= max(low_hz, FIRST * rate_hz / size)) & (hz <= min(high_hz, LAST * rate_hz))
    hz, power = hz[use], power[use]
    band = np.unique(np.floor(bands * np.log2(hz / (low_hz or hz[0]))), return_inverse=True)[1]
    count = np.bincount(band)
    log_hz = np.bincount(band, np.log(hz)) / count
    return Spectrum(np.exp(log_hz), np.bincount(band, power) / count, np.maximum(count / WINDOW_LOSS, 1.0))


def fit_noise(series: np.ndarray, rate_hz: float) -> NoiseFit:
    """Of one cell's readings, float64 [n] in uS. Raises `InputError` for too few of them, or none that differ."""
    if series.size < LEAST_SAMPLES:
        raise InputError(f"FILE must have {LEAST_SAMPLES} samples or more of a series, not {series.size}")
    level = float(series.mean())
    if level <= 0 or not np.ptp(series) > 0:
        raise InputError(f"FILE must have series of a level above 0 that vary, not {series[0]:g} uS all along")
    found = spectrum(series / level, rate_hz)
    plain, telegraph = _solve(found, corners=()), _solve(found, CORNERS)
    use = telegraph if plain[1] - telegraph[1] > 2 * np.log(found.hz.size) + 6 else plain
    return _fit(found, use[0], use[2], level, rate_hz)


def _model(logs: np.ndarray, hz: np.ndarray) -> np.ndarray:
    density: np.ndarray = np.exp(logs[0]) + np.exp(logs[1]) / hz
    if logs.size > 2:
        density = density + np.exp(logs[2]) / (1 + (hz / np.exp(logs[3])) ** 2)
    return density


def _solve(found: Spectrum, corners: tuple[float, ...]) -> tuple[np.ndarray, float, np.ndarray]:
    """Logarithms of w, k and, with corners to start from, a and fc; chi-squared; their standard errors."""
    from scipy.optimize import least_squares

    target, weight = np.log(found.density) + 1 / (2 * found.values), np.sqrt(np.minimum(found.values, MOST_WEIGHT))
    low, high = found.hz[0], found.hz[-1]
    floor = target.min() - 12
    starts = [[target[-3:].mean(), target[:3].mean() + np.log(low)]]
    bounds = [[floor] * 2, [target.max() + 3] * 2]
    if corners:
        starts = [[*starts[0], target[:3].mean(), np.log(low * corner)] for corner in corners]
        bounds = [[*bounds[0], floor, np.log(low / 4)], [*bounds[1], target.max() + 3, np.log(high)]]
    starts = [np.clip(start, np.array(bounds[0]) + 1e-6, np.array(bounds[1]) - 1e-6).tolist() for start in starts]
    tried = [least_squares(lambda p: weight * (np.log(_model(p, found.hz)) - target), s, bounds=bounds) for s in starts]
    best = min(tried, key=lambda each: each.cost)
    chi = 2 * float(best.cost)
    spread = max(1.0, chi / max(1, target.size - best.x.size))
    inverse = np.linalg.pinv(best.jac.T @ best.jac) @ best.jac.T
    return best.x, chi, np.sqrt(spread * (inverse**2 @ (weight**2 / found.values)))


def _fit(found: Spectrum, logs: np.ndarray, errors: np.ndarray, level: float, rate_hz: float) -> NoiseFit:
    low, high = float(found.hz[0]), rate_hz / 2

    def of(log: float, error: float, factor: float, unit: str = "1", most: float = np.inf) -> Estimate:
        value, low, high = (float(factor * np.exp(log + k * REACH * min(error, 20.0))) for k in (0, -1, 1))
        return Estimate(value, *((low, high) if error < UNKNOWN else (0.0, max(value, min(high, most)))), unit)

    per_white, per_flicker = np.sqrt(rate_hz / 2), np.sqrt(np.log(high / low))
    most_white, most_flicker = np.sqrt(found.density.min()), np.sqrt((found.density * found.hz).min())
    white = of(logs[0] / 2, errors[0] / 2, per_white, most=per_white * most_white)
    flicker = of(logs[1] / 2, errors[1] / 2, per_flicker, most=per_flicker * most_flicker)
    step = switches = None
    if logs.size > 2:
        step = of((logs[2] + logs[3]) / 2, (errors[2] + errors[3]) / 2, np.sqrt(2 * np.pi))
        switches = of(logs[3], errors[3], np.pi, "Hz")
    density = dataclasses.replace(found, density=found.density * level**2)
    return NoiseFit(level, white, flicker, step, switches, low, high, rate_hz, density)


def decibels(fit: NoiseFit, series: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """How far the fit is above the spectrum of a series in each octave that lies in the band, float64 [octaves]."""
    seen = spectrum(series, fit.rate_hz, 1, low_hz, high_hz)
    ends = low_hz * 2.0 ** np.arange(seen.hz.size + 1)
    fine = ends[:-1, None] * np.geomspace(1.0, np.minimum(2.0, high_hz / ends[:-1]), 17).T
    density = np.trapezoid(fit.density(fine), fine) / np.ptp(fine, axis=1)
    return np.asarray(10 * np.log10(density / seen.density))
