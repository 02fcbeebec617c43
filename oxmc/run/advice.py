"""What a run on a user's own table tells beside its result: what falls short of it, and the setting that helps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from threadpoolctl import threadpool_limits

from oxmc.pymodels.config import KEYS, Config
from oxmc.pymodels.tasks import Dataset
from oxmc.pymodels.tasks.auto import MOVES_US, posterior_shape
from oxmc.pymodels.tasks.regression import network_gain
from oxmc.run.cautions import ESS_LEAST

HIDDEN = 8
"""Neurons of the network that is offered."""
SURE = 2.0
"""Standard errors that a gain must have: at one, a sixth of all tables without any would be told of one."""
COARSE = 1.5
"""How much larger than the best step the least step of a pair may be: one in forty proposals is still accepted."""
ROWS_STEP = 32


@threadpool_limits.wrap(limits=1)
def advice(config: Config, plain: Dataset, seen: Dataset, record: Mapping[str, Any]) -> list[str]:
    """Sentences, each with its setting; `plain` are the scaled columns, `seen` what the chip saw of them."""
    return [*_on_rows(config, record["mixing"]), *_on_steps(config, seen), *_on_a_network(config, plain)]


def _on_rows(config: Config, mixing: Mapping[str, Any]) -> Iterator[str]:
    """How many rows would hold draws enough, if the chain goes on as it did."""
    ess, most = mixing["ess_bulk_min"], KEYS["rows"].metadata["high"]
    if ess is None or ess >= ESS_LEAST:
        return
    kept = (config.rows - config.burn_in) * ESS_LEAST / max(ess, 1.0)
    rows = min(most, ROWS_STEP * -(-round(config.burn_in + kept) // ROWS_STEP))
    yield f"The chain has not converged: more rows help (--rows {rows}; at this pace they hold {ESS_LEAST} draws)."


def _on_steps(config: Config, seen: Dataset) -> Iterator[str]:
    """Whether a posterior of so many points is narrower than the least that a pair can move by."""
    if config.hidden or config.verify == "off":
        return
    scale = config.scale_per_us
    ratio = MOVES_US[0] * scale / posterior_shape(config, seen, scale * config.prior_sigma_us).step
    if ratio > COARSE:
        fewer = max(config.outputs, round(config.train_samples / ratio**2))
        yield (
            f"The points are too many for the array: the least step of a pair is {ratio:.1f} times the best one, and "
            f"most proposals are rejected (--set train_samples={fewer} takes fewer points)."
        )


def _on_a_network(config: Config, plain: Dataset) -> Iterator[str]:
    """Whether a small network is right more often than a linear model, by cross-validation."""
    if config.hidden:
        return
    linear, network, gain, error = network_gain(plain.train_x, plain.train_t, max(2, config.outputs), HIDDEN)
    if gain > SURE * error:
        yield (
            f"A linear model is not enough: cross-validated on training points, a network of {HIDDEN} hidden neurons "
            f"has an accuracy of {network:.3f}, regression {linear:.3f}, {gain:.3f} +- {error:.3f} less "
            f"(--set hidden={HIDDEN} trains one)."
        )
