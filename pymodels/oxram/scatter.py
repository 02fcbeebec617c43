"""How SETs scatter where a card says more than a normal law: the table that bends a normal variate, and what goes on.

The scatter of the k-th SET of a device is z, in units of the law's s.d., from the normal n(k) that each SET draws:

    z(1) = n(1),  z(k) = rho z(k - 1) + sqrt(1 - rho^2) n(k)        `cycle_correlation` rho, an AR1 of s.d. 1
    g    = device's median + s.d. h(z)                              `set_distribution`

h is z itself for a normal law. With that of the card it is a table over z, one a gate code, straight between knots:
log-normal with the law's median and s.d., or the card's quantiles, which end where the card's do. A share `set_failure`
of SETs, by the second word of the SET's own block, leaves the device in the LCS instead.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.bulk_draws import ONE
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.devices import GateTable

KNOT_BITS = 13
"""Knots are 2^13 / 2^16 = 1/8 s.d. apart."""
REACH = 76
"""Knots from the middle to either end, 9.5 s.d.: two tails of 6.34 s.d. correlated at 0.7 end at 8.97."""
KNOTS = 2 * REACH + 1
PLAIN = np.zeros((1, 1), np.int64)
"""Stands for no table."""


def scatter_table(card: Card, gates: GateTable, distribution: str) -> np.ndarray:
    """h in Q16 at the knots of each gate code, int64 [gate_codes, KNOTS], or `PLAIN` for a normal law.

    Raises `InputError` where the card's distribution is asked for and it has none.
    """
    if distribution == "normal":
        return PLAIN
    if card.distribution is None:
        raise InputError(
            f"set_distribution must be normal with card {card.name}, which has no distribution, not 'card'"
        )
    z = (np.arange(KNOTS) - REACH) / (1 << 16 - KNOT_BITS)
    if card.distribution.kind == "normal":
        return PLAIN
    if card.distribution.kind == "lognormal":
        bent = np.array([_lognormal(z, sd / median) for median, sd in zip(gates.median_ns, gates.sd_ns, strict=True)])
    else:
        quantiles, exact = np.array(card.distribution.quantiles), NormalDist()
        at = [exact.inv_cdf((i + 0.5) / len(quantiles)) for i in range(len(quantiles))]
        bent = np.tile(np.interp(z, at, quantiles), (len(gates.median_ns), 1))
    return np.rint(bent * ONE).astype(np.int64)


def _lognormal(z: np.ndarray, relative_sd: float) -> np.ndarray:
    """Scatter in s.d. of a log-normal law of median 1 and s.d. s, whose e^(sigma^2) is (1 + sqrt(1 + 4 s^2)) / 2."""
    sigma = np.sqrt(np.log((1 + np.sqrt(1 + 4 * relative_sd**2)) / 2))
    return np.asarray(np.expm1(sigma * z) / relative_sd)
