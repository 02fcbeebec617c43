"""Correlation of successive cycles of one device (autoregressive, order 1), without the bias of short series.

The correlation r of residuals about group means is too low: with n cycles a group by about (1 + 4 rho) / n (M. G.
Kendall, Biometrika 41, 403, 1954; S. Nickell, Econometrica 49, 1417, 1981). What r is to be expected for a rho follows
exactly from which cycles were measured at which level, for the sums that r is the ratio of. So rho is the one for which
r is as expected, whatever the number of devices; the same expectation corrects the s.d. and the variance of means.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from oxmc.cards.estimate import REACH, Estimate
from oxmc.cards.groups import Cycles, Groups

LOOKED_AT, MOST_DESIGNS = 600, 12
"""Devices whose patterns of cycles and levels are compared, and the commonest of these, which stand for all."""
LONGEST = 2048
"""Cycles of a pattern that are looked at; the bias of longer ones falls as 1 / n."""
GRID = np.linspace(-0.9, 0.98, 48)
SERIES = 400
"""Series that are simulated for the scatter of r."""


@dataclasses.dataclass(frozen=True)
class Design:
    """The cycles of one device: int64 [n] `place` in the sequence, rising, and `group`, its level by index from 0."""

    place: np.ndarray
    group: np.ndarray
    share: float
    """Of the device's cycles that it holds."""
    weight: int = 1
    """Devices that have this pattern, of those looked at."""

    @property
    def span(self) -> int:
        return int(self.place[-1]) + 1

    @property
    def pairs(self) -> np.ndarray:
        """First of each two successive cycles, int64 [pairs]."""
        return np.flatnonzero(np.diff(self.place) == 1)

    def indicators(self) -> np.ndarray:
        """Which group each place is of, float64 [span, groups]."""
        found = np.zeros((self.span, int(self.group.max()) + 1))
        found[self.place, self.group] = 1.0
        return found


@dataclasses.dataclass(frozen=True)
class Expected:
    """Of a design, in units of the variance of a cycle: sum of products of successive residuals, sum of squares
    float64 [groups], and n times the variance of a group's mean, float64 [groups]."""

    products: float
    squares: np.ndarray
    mean_factor: np.ndarray


def _correlated(rho: float, values: np.ndarray) -> np.ndarray:
    """The matrix rho^|i - j| times `values`, float64 [span, columns]."""
    from scipy.signal import lfilter

    there = lfilter([1.0], [1.0, -rho], values, axis=0)
    back = lfilter([1.0], [1.0, -rho], values[::-1], axis=0)[::-1]
    found: np.ndarray = there + back - values
    return found


def expected(rho: float, design: Design) -> Expected:
    """What a process of correlation `rho` makes of residuals about group means."""
    members = design.indicators()
    count = members.sum(axis=0)
    spread = _correlated(rho, members)[design.place]  # [n, groups]
    within = members[design.place].T @ spread  # [groups, groups]
    first, second = design.pairs, design.pairs + 1
    g, h = design.group[first], design.group[second]
    products = rho - spread[first, h] / count[h] - spread[second, g] / count[g] + within[g, h] / (count[g] * count[h])
    own = np.diag(within) / count
    return Expected(float(products.sum()), count - own, own)


def designs_of(cycles: Cycles) -> list[Design]:
    """The commonest patterns of devices, or of their levels where the numbers of cycles start anew at each."""
    chain = chains_of(cycles)
    starts = np.flatnonzero(np.diff(chain, prepend=-1))
    ends = np.append(starts[1:], chain.size)
    found: dict[bytes, Design] = {}
    for k in np.unique(np.linspace(0, starts.size - 1, LOOKED_AT).astype(int)):
        rows = slice(int(starts[k]), int(min(ends[k], starts[k] + LONGEST)))
        place, group = _places(cycles.cycle[rows]), np.unique(cycles.level[rows], return_inverse=True)[1]
        new = Design(place, group, place.size / int(ends[k] - starts[k]))
        key = place.tobytes() + group.tobytes()
        known = found.get(key, dataclasses.replace(new, weight=0))
        found[key] = dataclasses.replace(known, weight=known.weight + 1)
    return sorted(found.values(), key=lambda design: -design.weight)[:MOST_DESIGNS]


def _places(cycle: np.ndarray) -> np.ndarray:
    """Cycles from 0 on; those far apart are moved together, two places apart, which keeps them no neighbours."""
    steps = np.minimum(np.maximum(np.diff(cycle), 1), 8)
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)


def chains_of(cycles: Cycles) -> np.ndarray:
    """The chain of each reading, int64 [n]: a device where its cycles are counted through all levels, else one a level.

    The readings must be in the order of their chains (`in_sequence`).
    """
    if cycles.x.size == 1 or cycles.through:
        return cycles.device
    found: np.ndarray = cycles.device * cycles.x.size + cycles.level
    return found


def in_sequence(cycles: Cycles) -> Cycles:
    """The readings in the order in which they were made."""
    return cycles.in_order(through=cycles.through)


@dataclasses.dataclass(frozen=True)
class Correlation:
    """`rho` (None where no two successive cycles are known) and what it does to the sums over groups.

    `square_factors`: expected sum of squares of a group over (n - 1) s^2; `mean_factors`: n times the variance of a
    group's mean over s^2; each for rho and the ends of its interval. `square_spread`: variance of the sum of squares of
    a group over its squared expectation.
    """

    rho: Estimate | None
    square_factors: tuple[float, float, float]
    mean_factors: tuple[float, float, float]
    square_spread: float

    @property
    def square_factor(self) -> float:
        return self.square_factors[0]

    @property
    def mean_factor(self) -> float:
        return self.mean_factors[0]

    def factor_draws(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Both factors over their values, float64 [count] each, as rho is not known better than it is."""
        z = rng.standard_normal(count) / REACH
        return _drawn(z, self.square_factors), _drawn(z, self.mean_factors)


def _drawn(z: np.ndarray, factors: tuple[float, float, float]) -> np.ndarray:
    """Factors over the first at -1, 0 and 1 to all `z`, straight in the logarithm."""
    at, low, high = np.log(np.maximum(factors, 1e-6))
    found: np.ndarray = np.exp(np.where(z < 0, -z * (low - at), z * (high - at)))
    return found


def correlation(cycles: Cycles, groups: Groups, sd: np.ndarray) -> Correlation:
    """Of readings in sequence, their groups and the s.d. of each level, float64 [levels]."""
    designs = designs_of(cycles)
    z = groups.rest / sd[cycles.level]
    chain = chains_of(cycles)
    pairs = np.flatnonzero((np.diff(cycles.cycle) == 1) & (np.diff(chain) == 0))
    if pairs.size < 3:
        return _factors(None, 0.0, designs)
    products = z[pairs] * z[pairs + 1]
    seen = products.sum() / (z**2).sum()
    ratios = np.array([_ratio(rho, designs) for rho in GRID])
    rho = float(np.interp(seen, ratios, GRID))
    error = max(_simulated_error(rho, designs, cycles.g_us.size), _devices_error(cycles, pairs, products, z, seen))
    reach = REACH * error * (1 + 2.5 / pairs.size)
    low, high = np.interp([seen - reach, seen + reach], ratios, GRID)
    return _factors(Estimate(rho, float(low), float(high)), rho, designs)


def _ratio(rho: float, designs: list[Design]) -> float:
    """The expected r; the bias of a pattern that was cut falls with the part that was looked at."""
    each = [(design.weight, expected(rho, design)) for design in designs]
    found = sum(weight * e.products for weight, e in each) / sum(weight * e.squares.sum() for weight, e in each)
    whole = sum(d.weight * d.pairs.size for d in designs) / sum(d.weight * d.place.size for d in designs)
    share = float(np.average([d.share for d in designs], weights=[d.weight for d in designs]))
    return float(whole * rho + (found - whole * rho) * share)


def _simulated(rho: float, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Products float64 [series] and squares float64 [series, groups] of residuals of simulated series."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(1)
    series = max(100, min(SERIES, 400_000 // design.span))
    noise = rng.standard_normal((design.span, series)) * np.sqrt(1 - rho**2)
    noise[0] /= np.sqrt(1 - rho**2)
    z = lfilter([1.0], [1.0, -rho], noise, axis=0)[design.place]
    members = design.indicators()[design.place]
    z -= members @ (members.T @ z / members.sum(axis=0)[:, None])
    first = design.pairs
    return (z[first] * z[first + 1]).sum(axis=0), (members.T @ z**2).T


def _simulated_error(rho: float, designs: list[Design], readings: int) -> float:
    """Standard error of r if cycles are normal."""
    variance, squares, size = 0.0, 0.0, 0
    for design in designs:
        products, own = _simulated(rho, design)
        total = own.sum(axis=1)
        variance += design.weight * float(np.var(products - products.mean() / total.mean() * total))
        squares += design.weight * float(total.mean())
        size += design.weight * design.place.size
    return float(np.sqrt(variance * readings / size) / (squares * readings / size))


def _devices_error(cycles: Cycles, pairs: np.ndarray, products: np.ndarray, z: np.ndarray, seen: float) -> float:
    """Standard error of r by how devices differ, 0 where they are few."""
    devices = len(cycles.names)
    if devices < 10:
        return 0.0
    off = np.bincount(cycles.device[pairs], products, minlength=devices)
    off = off - seen * np.bincount(cycles.device, z**2, minlength=devices)
    return float(np.sqrt((off**2).sum()) / (z**2).sum())


def _factors(rho: Estimate | None, value: float, designs: list[Design]) -> Correlation:
    ends = (value, value, value) if rho is None else (value, rho.low, rho.high)
    square, mean = zip(*(_both_factors(each, designs) for each in ends), strict=True)
    spreads, weights = [], []
    for design in designs:
        own = _simulated(value, design)[1][:, np.bincount(design.group) > 1]
        spreads.append(own.var(axis=0) / own.mean(axis=0) ** 2)
        weights.append(np.full(own.shape[1], design.weight))
    spread, weight = np.concatenate(spreads), np.concatenate(weights)
    return Correlation(rho, square, mean, float(np.average(spread, weights=weight)) if spread.size else np.inf)


def _both_factors(rho: float, designs: list[Design]) -> tuple[float, float]:
    """`square_factors` and `mean_factors` of one rho, over the groups of all designs."""
    each = [expected(rho, design) for design in designs]
    count = [np.bincount(design.group) for design in designs]
    weight = [np.full(own.size, design.weight) for own, design in zip(count, designs, strict=True)]
    n, w, squares, means = (
        np.concatenate(part) for part in (count, weight, [e.squares for e in each], [e.mean_factor for e in each])
    )
    spare = float((w * (n - 1)).sum())
    return float((w * squares)[n > 1].sum()) / spare if spare else 1.0, float(np.average(means, weights=w))
