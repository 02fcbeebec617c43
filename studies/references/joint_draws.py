"""Weights, classes and chains whose joint distribution is known: what tests of a chain against its own target need.

The target is the chip's own, in its integers: the likelihood table behind the ADC, and the normal prior. Classes are
drawn from that table. Its two entries for a sample are rounded and need not add up to a probability of 1. So weights
are drawn from the prior times the product of these sums: the joint distribution is then prior times table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import formats_of
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card, lut_table
from oxmc.pymodels.tasks import quantise
from oxmc.pymodels.twin.chain import arithmetic, devices_of, new_chain, training_data
from oxmc.pymodels.twin.kernel import propose, settle
from oxmc.pymodels.twin.programming import clear_array
from oxmc.pymodels.twin.state import (
    ACCEPTED,
    COST,
    CURRENT,
    CURRENT_COST,
    PRIOR,
    Arithmetic,
    Chain,
    Devices,
)
from oxmc.tb.cosim.program import lut_codes

TAIL_SD = 6.34
"""Where the array model's normal draws end."""


@dataclasses.dataclass(frozen=True)
class Joint:
    """Prior, likelihood and the fixed points `codes` int64 [n, pairs] of a configuration without its chain."""

    config: Config
    codes: np.ndarray

    @classmethod
    def of(cls, config: Config, seed: int) -> Joint:
        """Points drawn from a standard normal distribution."""
        x = np.random.default_rng(seed).normal(size=(config.train_samples, config.features))
        return cls(config, quantise(config, x))

    def entries(self, cells_ns: np.ndarray) -> np.ndarray:
        """-log2 likelihood of both classes of each point, int64 [2, models, n], of cells int64 [models, 2 pairs]."""
        config, formats = self.config, formats_of(self.config)
        half = 2 ** (config.adc_bits - 1)
        sums = (cells_ns[:, 0::2] - cells_ns[:, 1::2]) @ self.codes.T // formats.eval_step
        adc = np.clip(sums, -half, half - 1)
        table, shift = np.array(formats.likelihood_table), config.adc_bits - config.table_bits
        return np.stack([table[(~adc + half) >> shift], table[(adc + half) >> shift]])

    def cost(self, cells_ns: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """-log2 likelihood of classes int64 [n], int64 [models], as the chip sums it."""
        first, second = self.entries(cells_ns)
        found: np.ndarray = np.where(labels == 1, second, first).sum(axis=1)
        return found

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Cells int64 [2 pairs] in nS and classes int64 [n] of the joint distribution."""
        while True:
            cells_ns = self._prior(rng)
            whole = self._whole(self.entries(cells_ns[None]))
            if rng.random() < np.exp(whole.sum() - len(self.codes) * self._most):
                return cells_ns, self.labels(cells_ns, rng)

    def labels(self, cells_ns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Classes int64 [n] under cells int64 [2 pairs]."""
        first, second = self.entries(cells_ns[None])[:, 0] * 2.0**-self.config.log_fraction_bits
        found: np.ndarray = (rng.random(len(first)) < 1 / (1 + 2.0 ** (second - first))).astype(np.int64)
        return found

    def _whole(self, entries: np.ndarray) -> np.ndarray:
        """Natural logarithm of the sum of both classes' likelihoods."""
        found: np.ndarray = np.logaddexp(*(-np.log(2) * 2.0**-self.config.log_fraction_bits * entries))
        return found

    @property
    def _most(self) -> float:
        table = np.array(formats_of(self.config).likelihood_table)
        return float(self._whole(np.stack([table, table[::-1]])).max())

    def _prior(self, rng: np.random.Generator) -> np.ndarray:
        """Cells of the prior: w normal; the pair's middle even over what cells can be for a chain with Hastings' term.

        That chain's target is of both cells of a pair. It is flat along their sum, so that a larger |w| has less room.
        Other chains know w alone: its middle is then `common_mode_us`.
        """
        config, w_ns = self.config, np.empty(self.config.features)
        low, high = self._span()
        for pair in range(len(w_ns)):
            w_ns[pair] = 1000 * config.prior_sigma_us * rng.normal()
            while config.hastings and rng.random() > 1 - abs(w_ns[pair]) / (high - low):
                w_ns[pair] = 1000 * config.prior_sigma_us * rng.normal()
        lowest = 1000 * config.common_mode_us - np.abs(w_ns) / 2
        if config.hastings:
            lowest = low + (high - low - np.abs(w_ns)) * rng.random(len(w_ns))
        pairs = np.stack([lowest + np.maximum(w_ns, 0), lowest + np.maximum(-w_ns, 0)], axis=1)
        return np.rint(pairs.ravel()).astype(np.int64)

    def _span(self) -> tuple[float, float]:
        """The lowest and the highest conductance that a SET can leave, in nS."""
        gates = lut_table(load_card(self.config.card), self.config)
        low, high = gates.median_ns - TAIL_SD * gates.sd_ns, gates.median_ns + TAIL_SD * gates.sd_ns
        return float(max(low.min(), 1)), float(high.max())

    def job(self, labels: np.ndarray, seed: int) -> Job:
        """A training on classes int64 [n], with a test point that means nothing."""
        codes = np.concatenate([self.codes, np.zeros((1, self.codes.shape[1]), np.int64)])
        return Job(self.config, seed, codes, np.append(labels, 0))


def alternated(
    joint: Joint, config: Config, rounds: int, proposals: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Geweke's successive-conditional draws: `proposals` of the twin under fixed classes, then new classes under its
    model, `rounds` times. Yields the model's cells int64 [2 pairs] in nS, which change later, and its new classes.

    The chain is that of `config`. It begins at a draw of the joint distribution in the place of what is in row 0.
    """
    rng = np.random.default_rng(seed)
    config = config.replace(rows=rounds * proposals + 1, max_proposals=rounds * proposals)
    cells_ns, labels = joint.draw(rng)
    formats, array = formats_of(config), OxramArray(config, load_card(config.card), seed)
    chip, devices = arithmetic(formats, np.array(lut_codes(formats))), devices_of(array)
    chain, data = new_chain(config, config.rows, seed), training_data(config, joint.codes, labels)
    clear_array(devices, chain)
    propose(chip, devices, chain, data)
    prior = _begin(chip, devices, chain, cells_ns, int(joint.cost(cells_ns[None], labels)[0]))
    settle(chip, devices, chain)
    for _ in range(rounds):
        for _ in range(proposals):
            propose(chip, devices, chain, data)
            prior = int(chain.seen_last[PRIOR]) if chain.seen_last[ACCEPTED] else prior
            settle(chip, devices, chain)
        cells_ns = devices.conductance_ns[chain.place[CURRENT]]
        labels = joint.labels(cells_ns, rng)
        data.flips[:] = np.where(labels == 1, 0, -1)
        chain.place[CURRENT_COST] = (int(joint.cost(cells_ns[None], labels)[0]) >> config.temper) + prior
        yield cells_ns, labels


def _begin(chip: Arithmetic, devices: Devices, chain: Chain, cells_ns: np.ndarray, cost: int) -> int:
    """Put a model of known cost where row 0 was programmed; its prior in fixed point."""
    devices.conductance_ns[0] = cells_ns
    chain.read[:] = np.minimum(cells_ns // chip.read_step_ns, chip.read_top)
    codes = chain.read[0::2] - chain.read[1::2]
    chain.seen_last[PRIOR] = int((codes**2).sum()) * chip.prior_multiplier >> chip.prior_shift
    chain.seen_last[COST] = cost
    return int(chain.seen_last[PRIOR])
