"""A training's posterior by groups and variables, as ArviZ lays them out; docs/reference/posterior.md has the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from oxmc.posterior.draws import acceptance, plain_draws, stored_models, stride_of, weights_us
from oxmc.posterior.likelihood import log_likelihood, log_prior, point_log_likelihood, response
from oxmc.posterior.names import output_names, pair_labels, pair_names
from oxmc.posterior.original import original_labels, original_weights
from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import stream_rng
from oxmc.pymodels.tasks import Dataset

SCHEMA = "oxmc.posterior/2"
SOURCE = "w = g+ - g- of the differential pairs of each stored row"
PRIOR_DRAWS = 500
DIGITS = 12
"""Of a point's log-likelihood in nat. Of what is smaller ArviZ fits a tail, and `az.loo` would be NaN."""


class Values(NamedTuple):
    """A variable or coordinate: its dimensions, its values, what they are in and what they are."""

    dims: tuple[str, ...]
    values: np.ndarray
    units: str = ""
    long_name: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        return {"units": self.units, "long_name": self.long_name} if self.units else {}


class Group(NamedTuple):
    """A group of the file: its variables, their coordinates and what is said of it."""

    variables: dict[str, Values]
    coords: dict[str, Values]
    attributes: dict[str, Any] = {"inference_library": "oxmc"}


Coords = dict[str, Values]


@dataclasses.dataclass(frozen=True)
class Chains:
    """The stored models of each chain, [chains, models, ...], and which of them each draw is, int64 [chains, draws].

    Chains with fewer models than the longest end in models of counter 0 and row -1, whose other values are NaN.
    """

    w_us: np.ndarray
    counter: np.ndarray
    row: np.ndarray
    likelihood: np.ndarray
    acceptance: np.ndarray
    draws: np.ndarray
    stride: int

    def of_draws(self, values: np.ndarray) -> np.ndarray:
        """What each draw has of `values` [chains, models, ...]."""
        return np.stack([of_chain[draws] for of_chain, draws in zip(values, self.draws, strict=True)])

    def drawn(self, compute: Any, dtype: type = np.float64) -> np.ndarray:
        """What `compute` makes of the weights of each draw, [chains, draws, ...]; each model is worked out once."""
        chains = []
        for w_us, draws in zip(self.w_us, self.draws, strict=True):
            models, places = np.unique(draws, return_inverse=True)
            chains.append(compute(w_us[models]).astype(dtype)[places])
        return np.stack(chains)


def chains_of(config: Config, dataset: Dataset, outcomes: Sequence[Outcome]) -> Chains:
    """The stored models of one outcome a chain, and their draws."""
    models = [stored_models(config, outcome.counters) for outcome in outcomes]
    counters = [outcome.counters[rows] for outcome, rows in zip(outcomes, models, strict=True)]
    shape = (len(outcomes), max(map(len, models)))
    w_us = np.full((*shape, config.pairs), np.nan)
    counter, row = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    likelihood, accepted = np.full(shape, np.nan), np.full(shape, np.nan)
    for chain, (outcome, rows) in enumerate(zip(outcomes, models, strict=True)):
        here = chain, slice(len(rows))
        row[here], counter[here] = rows, counters[chain]
        w_us[here] = weights_us(outcome.conductance_ns[rows])
        likelihood[here] = model_likelihood(config, dataset.train_x, dataset.train_t, outcome, rows)
        accepted[here] = acceptance(counters[chain])
    stride = stride_of(config, counters)
    return Chains(w_us, counter, row, likelihood, accepted, plain_draws(counters, stride), stride)


def model_likelihood(config: Config, x: np.ndarray, t: np.ndarray, outcome: Outcome, rows: np.ndarray) -> np.ndarray:
    """Log-likelihood of stored rows, or what stands for it: the log of the power of rewards that the chain compares."""
    if config.acceptance == "reward":
        logs: np.ndarray = config.reward_exponent * np.log(outcome.row_rewards[rows])
        return logs
    return log_likelihood(config, weights_us(outcome.conductance_ns[rows]), x, t)


def posterior_groups(
    config: Config, dataset: Dataset, outcomes: Sequence[Outcome], seed: int, attributes: dict[str, str]
) -> dict[str, Group]:
    """The posterior of one outcome a chain by groups, the root as "/"; `attributes` say where it comes from.

    `seed` draws the prior.
    """
    chains = chains_of(config, dataset, outcomes)
    inputs, neurons = pair_names(config, dataset.feature_names, dataset.class_names)
    pairs = {
        "pair": _texts("pair", pair_labels(inputs, neurons)),
        "pair_feature": _texts("pair", inputs),
        "pair_output": _texts("pair", neurons),
    }
    chain = {"chain": Values(("chain",), np.arange(len(outcomes)))}
    proposals = chains.stride * np.arange(chains.draws.shape[1])
    draw = {"draw": Values(("draw",), proposals, "1", "proposals after the burn-in")}
    w = Values(("chain", "draw", "pair"), chains.of_draws(chains.w_us), "uS", SOURCE)
    model = {name: getattr(config, name) for name in ("scale_per_us", "prior_sigma_us", "outputs", "burn_in", "temper")}
    model |= {"likelihood": config.likelihood} if config.likelihood == "softmax" else {}
    model |= {"target": config.target} if config.target else {}
    groups = {
        "/": Group({}, {}, {"schema": SCHEMA, **model, "stride": chains.stride, **attributes}),
        "posterior": Group({"w": w}, chain | draw | pairs),
        "sample_stats": _sample_stats(config, chains, chain | draw),
        "stored_models": _stored_models(config, chains, chain | pairs),
        "prior": _prior(config, seed, pairs),
    }
    if config.acceptance == "reward":
        return groups
    if config.components:
        groups["original_features"] = _original(config, dataset, chains, chain | draw)
    return groups | _of_points(config, dataset, chains, chain | draw)


def _original(config: Config, dataset: Dataset, chains: Chains, coords: Coords) -> Group:
    """The weights of the features that components are made of. They are no parameters of the model, of which there are
    fewer, so that tools that take all of the posterior do not take them."""
    assert dataset.scaling is not None
    w = chains.of_draws(original_weights(config, dataset.scaling, chains.w_us))
    values = Values(("chain", "draw", "original_pair"), w, "uS", "w mapped back to the scaled and centred raw features")
    pairs = {"original_pair": _texts("original_pair", original_labels(config, dataset))}
    return Group({"w": values}, coords | pairs)


def _texts(dim: str, texts: Sequence[str]) -> Values:
    return Values((dim,), np.array(texts, object))


def _likelihood_values(config: Config, dims: tuple[str, ...], values: np.ndarray) -> Values:
    if config.acceptance == "reward":
        return Values(dims, values, "nat", "log of the reward's power, which the chain compares")
    return Values(dims, values, "nat", "log-likelihood of all training points, recomputed from the stored state")


def _stored_models(config: Config, chains: Chains, coords: Coords) -> Group:
    """A model a row of the array, with its weight."""
    each = ("chain", "model")
    variables = {
        "w": Values((*each, "pair"), chains.w_us, "uS", SOURCE),
        "counter": Values(each, chains.counter, "1", "proposals the chain stayed"),
        "row": Values(each, chains.row, "1", "row of the array, -1 for none"),
        "log_likelihood": _likelihood_values(config, each, chains.likelihood),
        "acceptance": Values(each, chains.acceptance, "1", "accepted share of a row's proposals"),
    }
    return Group(variables, coords | {"model": Values(("model",), np.arange(chains.row.shape[1]))})


def _sample_stats(config: Config, chains: Chains, coords: Coords) -> Group:
    """What is known of each draw beside its weights."""
    each = ("chain", "draw")
    prior = np.stack([log_prior(config, w_us) for w_us in chains.w_us])
    density = chains.likelihood / 2**config.temper + prior
    is_new = np.diff(chains.draws, axis=1, prepend=-1) != 0
    variables = {
        "lp": Values(each, chains.of_draws(density), "nat", "log posterior density, without its constant"),
        "log_likelihood": _likelihood_values(config, each, chains.of_draws(chains.likelihood)),
        "accepted": Values(each, is_new, "1", "whether the draw is the first of its model"),
        "acceptance": Values(each, chains.of_draws(chains.acceptance), "1", "accepted share of its model's proposals"),
        "counter": Values(each, chains.of_draws(chains.counter), "1", "proposals at its model; no weight of the draw"),
        "row": Values(each, chains.of_draws(chains.row), "1", "row of the array"),
        "model": Values(each, chains.draws, "1", "its model in stored_models"),
    }
    return Group(variables, coords)


def _prior(config: Config, seed: int, pairs: Coords) -> Group:
    """Draws from the normal prior, which knows nothing of what conductances a device takes."""
    w = stream_rng(seed, "prior").normal(0.0, config.prior_sigma_us, (1, PRIOR_DRAWS, config.pairs))
    coords = {name: Values((name,), np.arange(n)) for name, n in (("chain", 1), ("draw", PRIOR_DRAWS))}
    return Group({"w": Values(("chain", "draw", "pair"), w, "uS", "draws of the prior")}, coords | pairs)


def _of_points(config: Config, dataset: Dataset, chains: Chains, coords: Coords) -> dict[str, Group]:
    """What there is of training and test points, of which a task with rewards has none."""
    x, t, test_x, test_t = dataset.train_x, dataset.train_t, dataset.test_x, dataset.test_t
    each = ("chain", "draw")
    points = chains.drawn(lambda w_us: np.round(point_log_likelihood(config, w_us, x, t), DIGITS))
    p = chains.drawn(lambda w_us: response(config, w_us, test_x), np.float32)
    feature = {"feature": _texts("feature", dataset.feature_names)}
    classes = {"class": _texts("class", dataset.class_names)} if dataset.class_names else {}
    output = {"output": _texts("output", output_names(config, dataset.class_names))}
    constants = {"x": Values(("point", "feature"), x, "1", "scaled features")}
    if config.components:
        assert dataset.scaling is not None and dataset.scaling.components is not None
        made, dims = dataset.scaling.components, ("original_feature", "component")
        constants["components"] = Values(dims, made, "1", "what makes components of scaled and centred raw features")
        feature["original_feature"] = _texts("original_feature", dataset.columns)
    likelihood = Values((*each, "point"), points, "nat", "log-likelihood of a training point")
    others = "beside" if config.likelihood == "softmax" else "against"
    probability = Values((*each, "test_point", "output"), p, "1", f"probability of the class {others} all others")
    return {
        "log_likelihood": Group({"t": likelihood}, coords),
        "observed_data": Group({"t": Values(("point",), t, "1", "class of a training point")}, classes),
        "constant_data": Group(constants, feature),
        "predictions": Group({"p": probability}, coords | output),
        "predictions_constant_data": Group(
            {
                "x": Values(("test_point", "feature"), test_x, "1", "scaled features"),
                "t": Values(("test_point",), test_t, "1", "class of a test point"),
            },
            {"feature": feature["feature"]},
        ),
    }
