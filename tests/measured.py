"""Devices whose truth is known, made up for tests of `oxmc card fit`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy.signal import lfilter

from oxmc.cards.cycles import CyclesFit
from oxmc.cards.estimate import Estimate
from oxmc.cards.groups import Cycles


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """What devices do; the median's law is that of the project's 16k card."""

    offset: float = 13.33
    gain: float = 0.667
    exponent: float = 1.0
    sd_gain: float = 0.93
    sd_exponent: float = 0.48
    d2d: float = 0.08
    rho: float = 0.3
    drift: float = 0.0
    lcs_us: float = 5.0
    lcs_sigma: float = 0.5
    failure: float = 0.0
    logarithmic: bool = False
    x: tuple[float, ...] = (40.0, 52.0, 64.0, 76.0, 88.0, 100.0)

    def cycles(self, seed: int, devices: int, cycles: int) -> Cycles:
        """Readings of `devices`, SET `cycles` times at each level."""
        rng, x = np.random.default_rng(seed), np.array(self.x)
        median, sd = self.offset + self.gain * x**self.exponent, self.sd_gain * x**self.sd_exponent
        noise = rng.standard_normal((devices, x.size, cycles)) * np.sqrt(1 - self.rho**2)
        noise[..., 0] /= np.sqrt(1 - self.rho**2)
        noise = lfilter([1.0], [1.0, -self.rho], noise, axis=-1)
        factor = self.d2d * rng.standard_normal((devices, 1, 1))
        relative = sd[:, None] / median[:, None] * noise
        g = median[:, None] * (np.exp(factor + relative) if self.logarithmic else 1 + factor + relative)
        device, level, cycle = (index.ravel() for index in np.indices(g.shape))
        g = np.maximum(g, 0.5).ravel() * (1 + self.drift * (cycle - cycles / 2))
        lcs = self.lcs_us * np.exp(self.lcs_sigma * rng.standard_normal(g.size))
        g = np.where(rng.random(g.size) < self.failure, lcs, g)
        return Cycles(device, level, cycle, g, tuple(f"d{k}" for k in range(devices)), x, lcs_us=lcs)

    def compared(self, fit: CyclesFit) -> Iterator[tuple[str, Estimate, float]]:
        """Each parameter that was found, by name, beside the truth."""
        assert fit.median_law and fit.sd_law and fit.median_law.offset and fit.lcs and fit.d2d and fit.correlation
        yield "median_offset_us", fit.median_law.offset, self.offset
        yield "median_gain_us", fit.median_law.gain, self.gain
        yield "median_exponent", fit.median_law.exponent, self.exponent
        yield "sd_gain_us", fit.sd_law.gain, self.sd_gain
        yield "sd_exponent", fit.sd_law.exponent, self.sd_exponent
        yield "d2d_spread", fit.d2d, self.d2d
        yield "cycle_correlation", fit.correlation, self.rho
        if fit.drift:
            yield "drift", fit.drift, self.drift
        yield "lcs_median_us", fit.lcs.median, self.lcs_us
        yield "lcs_sigma_ln", fit.lcs.sigma_ln, self.lcs_sigma
        if fit.set_failure:
            yield "set_failure", fit.set_failure, self.failure
        for k, x in enumerate(self.x):
            yield f"median {k}", fit.median[k], self.offset + self.gain * x**self.exponent
            yield f"sd {k}", fit.sd[k], self.sd_gain * x**self.sd_exponent


def noise_series(
    seed: int, size: int, rate_hz: float, white: float, flicker: float, step: float, hz: float
) -> np.ndarray:
    """Readings about 50 uS with noise of given shares: s.d. of white and (from 4 periods a series to half the rate) 1/f
    noise, and a telegraph process of a step and of so many switches a second, 0 for none."""
    rng, low = np.random.default_rng(seed), 4 * rate_hz / size
    f = np.fft.rfftfreq(size, 1 / rate_hz)
    density = flicker**2 / np.log(rate_hz / 2 / low) / np.maximum(f, rate_hz / size)
    bins = rng.standard_normal((2, f.size)) * np.sqrt(density * rate_hz * size / 4)
    bins[:, 0] = 0
    pink = np.fft.irfft(bins[0] + 1j * bins[1], size)
    switched = np.cumsum(rng.random(size) < (1 - np.exp(-2 * hz / rate_hz)) / 2) % 2
    return 50 * (1 + white * rng.standard_normal(size) + pink + step * switched)
