"""Readings and devices that no law of the others covers: stuck devices, failed SETs, outliers. All are named."""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.correlation import in_sequence
from oxmc.cards.estimate import normal_quantile
from oxmc.cards.groups import Cycles, Groups

MAD = 1.4826
"""S.d. of a normal over the median of its absolute values."""
FAILED = 1 / 3
"""A SET failed where it leaves less than this share of the median, if no LCS is known."""
STUCK = 5.0
"""A device is stuck whose readings are on average so many times below or above those of all."""
CHANCE = 0.005
"""Chance that any reading of a file without outliers is taken for one."""
TOO_MANY = 0.002
"""Above this share of the readings outliers are taken for a wide distribution, and kept."""
ENOUGH = 8
"""Devices from which on one may be told from all others."""


@dataclasses.dataclass(frozen=True)
class Odd:
    """A device or, with a cycle, one of its readings; what it is and its conductance in uS beside the usual one."""

    kind: str
    device: str
    cycle: int | None
    x: float
    g_us: float
    usual_us: float

    def __str__(self) -> str:
        where = f"device {self.device}" + ("" if self.cycle is None else f" cycle {self.cycle} at {self.x:g}")
        return f"{where}: {self.g_us:.3g} uS where {self.usual_us:.3g} uS are usual"


@dataclasses.dataclass(frozen=True)
class Sorted:
    """Readings that follow a law, in sequence; devices and readings that do not; the number of SETs and of failed."""

    cycles: Cycles
    odd: tuple[Odd, ...]
    sets: int
    failed: int
    telling: float
    """Share of failed SETs that can be told from others."""
    outliers_kept: int


def sort_out(cycles: Cycles) -> Sorted:
    """Leave out stuck devices, failed SETs, outlying readings, and outlying devices where there are enough devices."""
    cycles = cycles.in_order()
    rest, stuck = _without_devices(cycles, _stuck(cycles), "stuck device")
    failed, telling = _failures(rest)
    odd = [*stuck, *_named(rest, failed, "failed SET")]
    good = rest.kept(~failed)
    out = _outlying(good)
    kept = int(out.sum()) if out.sum() > max(3, TOO_MANY * out.size) else 0
    if not kept:
        odd += _named(good, out, "outlier")
        good = good.kept(~out)
    good, devices = _without_devices(good, _outlying_devices(good), "outlying device")
    return Sorted(in_sequence(good), (*odd, *devices), rest.g_us.size, int(failed.sum()), telling, kept)


def _without_devices(cycles: Cycles, bad: np.ndarray, kind: str) -> tuple[Cycles, list[Odd]]:
    if not bad.any() or bad.all():
        return cycles, []
    medians = Groups(cycles, cycles.g_us).medians()
    usual = np.nanmedian(medians, axis=0)
    odd = []
    for device in np.flatnonzero(bad):
        level = int(np.flatnonzero(np.isfinite(medians[device]))[-1])
        value = float(medians[device, level])
        odd.append(Odd(kind, cycles.names[device], None, float(cycles.x[level]), value, float(usual[level])))
    left = np.cumsum(~bad) - 1
    rest = cycles.kept(~bad[cycles.device])
    names = tuple(name for name, is_bad in zip(cycles.names, bad, strict=True) if not is_bad)
    return dataclasses.replace(rest, device=left[rest.device], names=names), odd


def _stuck(cycles: Cycles) -> np.ndarray:
    """Devices whose readings never differ, or lie far from all others at each level, bool [devices]."""
    groups = Groups(cycles, cycles.g_us)
    medians = groups.medians()
    ratio = np.nanmedian(medians / np.nanmedian(medians, axis=0), axis=1)
    varied = (groups.squares > 0).any(axis=1)
    constant = ~varied & (groups.count.max(axis=1) > 2)
    far = (ratio > STUCK) | (ratio < 1 / STUCK) if len(cycles.names) > 2 else np.zeros(ratio.size, bool)
    return constant & varied.any() | far


def _robust(cycles: Cycles, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median of each value's group and robust s.d. of its level, float64 [n] each; infinite where groups are small."""
    groups = Groups(cycles, values)
    usual = groups.medians().ravel()[groups.code]
    count = groups.count.ravel()[groups.code]
    off, sd = np.abs(values - usual), np.full(cycles.x.size, np.inf)
    for level in range(sd.size):
        own = off[(cycles.level == level) & (count > 2)]
        if own.size:
            sd[level] = max(MAD * float(np.median(own)) * (1 + 3 / np.sqrt(own.size)), 1e-12)
    return usual, sd[cycles.level] * (1 + 1 / count)


def _failures(cycles: Cycles) -> tuple[np.ndarray, float]:
    """SETs after which a device is still in the LCS, bool [n], and the share of such SETs that can be told so.

    A reading is one where it is below the middle of median and LCS (a third of the median where no LCS is known), and
    so far below the median that no normal or log-normal distribution would hold it. Of the LCS only what lies below
    counts: where it overlaps with the SETs, the share says how much of it does.
    """
    usual, sd = _robust(cycles, cycles.g_us)
    sd_ln = _robust(cycles, np.log(cycles.g_us))[1]
    far = -normal_quantile(CHANCE / max(cycles.g_us.size, 1))
    bound = np.minimum(usual - far * sd, usual * np.exp(-far * sd_ln))
    lcs = np.zeros(0) if cycles.lcs_us is None else cycles.lcs_us[np.isfinite(cycles.lcs_us)]
    if not lcs.size:
        return cycles.g_us < np.minimum(bound, FAILED * usual), 1.0
    middle = np.median(np.log(lcs))
    wide = max(MAD * float(np.median(np.abs(np.log(lcs) - middle))), 1e-6)
    bound = np.minimum(bound, np.sqrt(usual * np.exp(middle)))
    return cycles.g_us < bound, float(_normal_share((np.log(np.maximum(bound, 1e-9)) - middle) / wide).mean())


def _normal_share(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _outlying(cycles: Cycles) -> np.ndarray:
    """Readings that neither a normal nor a log-normal distribution would hold, bool [n]."""
    far = -normal_quantile(CHANCE / 2 / max(cycles.g_us.size, 1))
    found = np.ones(cycles.g_us.size, bool)
    for values in (cycles.g_us, np.log(cycles.g_us)):
        usual, sd = _robust(cycles, values)
        found &= np.abs(values - usual) > far * sd
    return found


def _outlying_devices(cycles: Cycles) -> np.ndarray:
    """Devices whose factor is far from all others', bool [devices]."""
    devices = len(cycles.names)
    if devices < ENOUGH:
        return np.zeros(devices, bool)
    medians = Groups(cycles, cycles.g_us).medians()
    factor = np.nanmedian(medians / np.nanmedian(medians, axis=0), axis=1)
    far = -normal_quantile(CHANCE / 2 / devices) * (1 + 3 / np.sqrt(devices))
    off = np.array([np.abs(values - np.nanmedian(values)) for values in (factor, np.log(factor))])
    spread = MAD * np.nanmedian(off, axis=1, keepdims=True)
    found: np.ndarray = (off / np.maximum(spread, 1e-9)).min(axis=0) > far
    return found


def _named(cycles: Cycles, which: np.ndarray, kind: str) -> list[Odd]:
    if not which.any():
        return []
    groups = Groups(cycles, cycles.g_us)
    usual = groups.medians().ravel()[groups.code]
    return [
        Odd(
            kind, cycles.names[cycles.device[row]], int(cycles.cycle[row]), float(cycles.x[cycles.level[row]]),
            float(cycles.g_us[row]), float(usual[row]),
        )
        for row in np.flatnonzero(which)
    ]  # fmt: skip
