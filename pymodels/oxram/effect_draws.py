"""Faults, read noise and relaxation draw by draw, compiled; what each is keyed by stands in `effects`."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.kernels import njit
from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.effects import POWER_SHIFT, Effects
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.oxram.scatter import KNOT_BITS, KNOTS, REACH


@njit(cache=True, nogil=True, inline="always")
def faulty_ns(effects: Effects, u0: int, ns: int, lcs_table: np.ndarray) -> int:
    """`ns`, unless uint32 `u0` says that the cell fails."""
    word = np.int64(u0)
    if word < effects.lcs_below:
        return lcs_table[word & 255]
    return effects.hcs_ns if word < effects.hcs_below else ns


@njit(cache=True, nogil=True)
def bent_q16(bends: np.ndarray, z_q16: int) -> int:
    """h(z) of int64 `bends` [KNOTS], straight between knots and flat beyond them."""
    place = z_q16 + (REACH << KNOT_BITS)
    index = min(max(place >> KNOT_BITS, 0), KNOTS - 2)
    rest = min(max(place - (index << KNOT_BITS), 0), 1 << KNOT_BITS)
    return bends[index] + (((bends[index + 1] - bends[index]) * rest + (1 << KNOT_BITS >> 1)) >> KNOT_BITS)


@njit(cache=True, nogil=True)
def set_ns(
    effects: Effects, k0: int, k1: int, cell: int, k: int, gate: int, median_ns: int, sd_ns: int, device_q16: int,
    scatter_q16: np.ndarray, place: int, lcs_table: np.ndarray,
) -> int:  # fmt: skip
    """What the `k`-th SET of global cell index `cell` leaves, at gate code `gate` of that median and s.d.

    `scatter_q16` int64 [cells] holds z of the row's cells, this one's at `place`, and is changed.
    """
    word, second, _, _ = philox4x32(cell, k, 0, draws.SET, k0, k1)
    z = draws.normal_q16(word)
    if effects.rho_q16:
        if k > 1:
            z = draws.scaled_q16(scatter_q16[place], effects.rho_q16) + draws.scaled_q16(z, effects.rest_q16)
        scatter_q16[place] = z
    if effects.bends.size > 1:
        z = bent_q16(effects.bends[gate], z)
    ns = max(draws.MIN_NS, draws.scaled_q16(median_ns, device_q16) + draws.scaled_q16(sd_ns, z))
    if np.int64(second) < effects.fail_below:
        ns = lcs_table[np.int64(second) & 255]
    if effects.at_set:
        ns = faulty_ns(effects, philox4x32(cell, k, 0, draws.FAULT_SET, k0, k1)[0], ns, lcs_table)
    return ns


@njit(cache=True, nogil=True)
def read_ns(effects: Effects, k0: int, k1: int, cell: int, k: int, r: int, ns: int, lcs_table: np.ndarray) -> int:
    """What READ number `r` since the `k`-th SET senses of a cell at `ns`; never below 0."""
    if not effects.sensing:
        return ns
    noise, fault, _, _ = philox4x32(cell, k, r, draws.READ, k0, k1)
    if not effects.at_set:
        ns = faulty_ns(effects, fault, ns, lcs_table)
    return max(0, ns + draws.scaled_q16(draws.scaled_q16(ns, effects.noise_q16), draws.normal_q16(noise)))


@njit(cache=True, nogil=True)
def relaxed_ns(effects: Effects, k0: int, k1: int, cell: int, k: int, ns: int) -> int:
    """Where a cell SET to `ns` by its `k`-th SET ends, never below `draws.MIN_NS`."""
    return relaxed_by(effects, philox4x32(cell, k, 0, draws.RELAX, k0, k1)[0], ns)


@njit(cache=True, nogil=True, inline="always")
def relaxed_by(effects: Effects, u0: int, ns: int) -> int:
    """The same by the uint32 `u0` of that draw."""
    normal = draws.normal_q16(u0)
    return max(draws.MIN_NS, ns + draws.scaled_q16(draws.scaled_q16(ns, effects.relax_q16), normal))


@njit(cache=True, nogil=True)
def root(value: int) -> int:
    """floor(sqrt(value)), exact for 0 to 2^62."""
    guess = np.int64(np.sqrt(np.float64(value)))
    while guess * guess > value:
        guess -= 1
    while (guess + 1) * (guess + 1) <= value:
        guess += 1
    return int(guess)


@njit(cache=True, nogil=True)
def evaluation_noise(noise_q16: int, power: int, word: int) -> int:
    """Noise of an evaluation whose sum of squares is `power`, by the uint32 `word` of its draw."""
    spread = draws.scaled_q16(root(int(power)) << POWER_SHIFT, noise_q16)
    return draws.scaled_q16(spread, draws.normal_q16(word))


@njit(cache=True, nogil=True)
def sensed_dot(
    effects: Effects, k0: int, k1: int, cells_ns: np.ndarray, base: int, first: int, codes: np.ndarray, sets: int,
    evaluation: int, lcs_table: np.ndarray,
) -> int:  # fmt: skip
    """V.w as evaluation number `evaluation` since SET number `sets` of a row senses it, in nS times codes.

    `cells_ns` int64 [cells] is the row, `base` the global index of its first cell; `codes` int64 drive its pairs from
    cell `first` on.
    """
    dot, power, block, faults = np.int64(0), np.int64(0), np.int64(-1), (0, 0, 0, 0)
    failing = effects.hcs_below > 0 and not effects.at_set
    for i in range(2 * len(codes)):
        cell, ns, code = base + first + i, cells_ns[first + i], codes[i >> 1]
        if failing:
            if cell >> 2 != block:
                block = np.int64(cell >> 2)
                faults = philox4x32(cell >> 2, sets, evaluation, draws.FAULT_EVAL, k0, k1)
            ns = faulty_ns(effects, faults[cell & 3], ns, lcs_table)
        dot += -ns * code if i & 1 else ns * code
        power += ((ns * abs(code)) >> POWER_SHIFT) ** 2
    if effects.noise_q16 and power:
        word = philox4x32(base, sets, evaluation, draws.EVAL, k0, k1)[0]
        dot += evaluation_noise(effects.noise_q16, power, word)
    return int(dot)
