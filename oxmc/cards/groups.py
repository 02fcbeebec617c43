"""Readings of cycled devices in groups of one device at one level, and the sums over groups that the rest needs."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np


@dataclasses.dataclass(frozen=True)
class Cycles:
    """Readings after SETs: for each, int64 [n] device and level by index and the cycle; float64 [n] conductance in uS.

    `names` are the devices, `x` float64 [levels] rising the levels' SET current in uA or gate voltage in V (`axis` is
    "current" or "gate"), `lcs_us` float64 [n] the conductance after the RESET before, nan where it is not known.
    """

    device: np.ndarray
    level: np.ndarray
    cycle: np.ndarray
    g_us: np.ndarray
    names: tuple[str, ...]
    x: np.ndarray
    axis: str = "current"
    lcs_us: np.ndarray | None = None

    def kept(self, keep: np.ndarray) -> Cycles:
        """Those readings for which bool [n] `keep` says so; devices and levels stay the same."""
        lcs = None if self.lcs_us is None else self.lcs_us[keep]
        return dataclasses.replace(
            self, device=self.device[keep], level=self.level[keep], cycle=self.cycle[keep], g_us=self.g_us[keep],
            lcs_us=lcs,
        )  # fmt: skip

    @cached_property
    def through(self) -> bool:
        """Whether cycles are counted through all levels: no device has a cycle number twice."""
        ordered = self.in_order(through=True)
        return not bool(((np.diff(ordered.cycle) == 0) & (np.diff(ordered.device) == 0)).any())

    def in_order(self, *, through: bool = False) -> Cycles:
        """The same readings by device, level and cycle, or `through` all levels by device and cycle."""
        cycle = self.cycle - self.cycle.min(initial=0)
        group = self.device if through else self.device * self.x.size + self.level
        key = group * (int(cycle.max(initial=0)) + 1) + cycle
        return self if (np.diff(key) >= 0).all() else self.kept(np.argsort(key, kind="stable"))


class Groups:
    """Values by device and level: float64 or int64 [devices, levels] `count`, `mean`, `squares` about the mean.

    `mean` and `squares` are nan and 0 where a device was never SET at a level.
    """

    def __init__(self, cycles: Cycles, values: np.ndarray) -> None:
        self.cycles, self.values = cycles, values
        self.shape = (len(cycles.names), cycles.x.size)
        self.code = cycles.device * cycles.x.size + cycles.level
        self.count = np.bincount(self.code, minlength=self.shape[0] * self.shape[1]).reshape(self.shape)
        total = self._sum(values)
        self.mean = np.divide(total, self.count, where=self.count > 0, out=np.full(self.shape, np.nan))
        self.rest = values - self.mean.ravel()[self.code]
        """Each value less its group's mean."""
        self.squares = self._sum(self.rest**2)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.code, values, minlength=self.shape[0] * self.shape[1]).reshape(self.shape)

    def sum_of(self, values: np.ndarray) -> np.ndarray:
        """Sums over groups, float64 [devices, levels]."""
        return self._sum(values)

    @cached_property
    def freedom(self) -> np.ndarray:
        """Degrees of freedom within devices, int64 [levels]."""
        return np.maximum(self.count - 1, 0).sum(axis=0)

    def medians(self) -> np.ndarray:
        """Median of each group, float64 [devices, levels], nan where it is empty."""
        values = self.values
        if not (np.diff(self.code) >= 0).all():
            values = values[np.argsort(self.code, kind="stable")]
        count = self.count.ravel()
        starts = np.cumsum(count) - count
        found = np.full(count.size, np.nan)
        for size in np.unique(count[count > 0]):  # those of one size at once
            same = np.flatnonzero(count == size)
            found[same] = np.median(values[starts[same, None] + np.arange(size)], axis=1)
        return found.reshape(self.shape)
