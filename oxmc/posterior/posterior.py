"""The stored posterior as data: `posterior.nc`, a netCDF file in ArviZ's layout.

Groups and variables (dims): `posterior` w in uS (chain, draw, pair); `sample_stats` counter, row, log_likelihood and
acceptance (chain, draw); `observed_data` t (sample); `constant_data` x (sample, feature). A draw is one stored model:
a row from the burn-in on that was not skipped, or the last row if that leaves none, as in the chip's inference. Chains
with fewer of them than the longest end in draws of counter 0, whose w is NaN.

Rows are weighted: the chain stayed at row n for `counter` proposals, so any mean over the posterior is weighted by it.
`expand` repeats each row that often, which makes plain draws of it, in the chain's order, for tools that know no
weights. Counters of the chip saturate; what that lost is in run.json (`counters_saturated`).

Diagnostics are ArviZ's, of the expanded chain (A. Vehtari et al., "Rank-normalization, folding, and localization",
Bayesian Analysis 16, 2021).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import MOST_DATA, open_plain, understood
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.real.network import output_sums
from oxmc.pymodels.tasks import Dataset

if TYPE_CHECKING:
    import xarray as xr

FILE = "posterior.nc"
SCHEMA = "oxmc.posterior/1"
EXTRA = "analysis"
NOT_WRITTEN = f"{FILE} is missing: it needs the packages of the extra {EXTRA!r}"
"""The note in run.json of a run whose posterior could not be written."""
SOURCE = "w = g+ - g- of the differential pairs of each stored row"


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


def available() -> bool:
    """Whether the packages that write and read `posterior.nc` are installed (extra `analysis`)."""
    return all(importlib.util.find_spec(name) for name in ("xarray", "h5netcdf", "h5py"))


def stored_models(config: Config, outcome: Outcome) -> np.ndarray:
    """Rows that hold the posterior, int64: from burn_in on, those of the chain (a skipped row's counter is 0)."""
    first = min(config.burn_in, outcome.last_row)
    rows: np.ndarray = first + np.flatnonzero(outcome.counters[first:])
    return rows


def log_likelihood(config: Config, w_us: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Natural log-likelihood (Eq 7) of weights float64 [rows, pairs] in uS, float64 [rows]: no converters, no tables.

    Features `x` float64 [samples, features] as the task has them and class numbers `t` int64 [samples].
    """
    classes = np.arange(config.outputs) if config.outputs > 1 else np.ones(1, np.int64)
    signs = np.where(t[None, :] == classes[:, None], 1.0, -1.0)
    y = config.scale_per_us * output_sums(config, w_us, x) * signs.T
    total: np.ndarray = -np.logaddexp(0.0, -y).sum(axis=(1, 2))
    return total


def _log_likelihood(
    config: Config, dataset: Dataset, outcome: Outcome, rows: np.ndarray, w_us: np.ndarray
) -> np.ndarray:
    """The same of stored rows, or what stands for it: the log of the power of their rewards that the chain compares."""
    if config.acceptance == "reward":
        logs: np.ndarray = config.reward_exponent * np.log(outcome.row_rewards[rows])
        return logs
    return log_likelihood(config, w_us, dataset.train_x, dataset.train_t)


def acceptance(counters: np.ndarray) -> np.ndarray:
    """Share of the proposals made from each stored model that were accepted, float64 [rows]; NaN where none was made.

    A row left for another had one accepted of `counter` proposals. From the last one all were rejected, if any.
    """
    share = 1.0 / counters
    share[-1] = 0.0 if counters[-1] > 1 else np.nan
    return share


def pair_inputs(config: Config, names: np.ndarray) -> np.ndarray:
    """What feeds each pair of a row: a feature, or behind a hidden layer one of its neurons."""
    hidden = np.array([f"hidden {neuron}" for neuron in range(config.hidden)], object)
    return np.concatenate(
        [np.tile(names, config.hidden or config.outputs), *([np.tile(hidden, config.outputs)] if config.hidden else [])]
    )


def pair_neurons(config: Config) -> np.ndarray:
    """The output that each pair of a row feeds, int64; hidden neurons count on behind the outputs."""
    outputs, neurons = np.arange(config.outputs), config.outputs + np.arange(config.hidden)
    if not config.hidden:
        return np.repeat(outputs, config.features)
    return np.concatenate([np.repeat(neurons, config.features), np.repeat(outputs, config.hidden)])


def posterior_groups(
    config: Config, dataset: Dataset, outcomes: Sequence[Outcome], attributes: dict[str, str]
) -> dict[str, Group]:
    """The posterior of one outcome a chain by groups, the root as "/"; `attributes` say where it comes from."""
    models = [stored_models(config, outcome) for outcome in outcomes]
    draws = max(len(rows) for rows in models)
    shape = (len(outcomes), draws)
    w = np.full((*shape, config.pairs), np.nan)
    counter, row = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    likelihood, accepted = np.full(shape, np.nan), np.full(shape, np.nan)
    for chain, (outcome, rows) in enumerate(zip(outcomes, models, strict=True)):
        here = chain, slice(len(rows))
        stored_ns = outcome.conductance_ns[rows]
        row[here], counter[here] = rows, outcome.counters[rows]
        w[here] = (stored_ns[:, 0::2] - stored_ns[:, 1::2]) / 1000
        likelihood[here] = _log_likelihood(config, dataset, outcome, rows, w[here])
        accepted[here] = acceptance(outcome.counters[rows])
    names, each = np.array(dataset.feature_names), ("chain", "draw")
    coords = {"chain": Values(("chain",), np.arange(shape[0])), "draw": Values(("draw",), np.arange(draws))}
    pairs = {
        "pair": Values(("pair",), np.arange(w.shape[2])),
        "pair_feature": Values(("pair",), pair_inputs(config, names)),
        "pair_output": Values(("pair",), pair_neurons(config)),
    }
    statistics = {
        "counter": Values(each, counter, "1", "proposals the chain stayed"),
        "row": Values(each, row, "1", "row of the array, -1 for none"),
        "log_likelihood": Values(each, likelihood, "nat", "recomputed from the stored state"),
        "acceptance": Values(each, accepted, "1", "accepted share of a row's proposals"),
    }
    observed = Values(("sample",), dataset.train_t, "1", "class of a training point")
    constant = Values(("sample", "feature"), dataset.train_x, "1", "scaled features")
    model = {"scale_per_us": config.scale_per_us, "prior_sigma_us": config.prior_sigma_us, "outputs": config.outputs}
    return {
        "/": Group({}, {}, {"schema": SCHEMA, **model, **attributes}),
        "posterior": Group({"w": Values((*each, "pair"), w, "uS", SOURCE)}, coords | pairs),
        "sample_stats": Group(statistics, coords),
        "observed_data": Group({"t": observed}, {}),
        "constant_data": Group({"x": constant}, {"feature": Values(("feature",), names)}),
    }


def tree_of(groups: dict[str, Group]) -> xr.DataTree:
    """The groups as xarray has them."""
    import xarray as xr  # half a second to import

    def variables(values: dict[str, Values]) -> dict[str, Any]:
        return {name: (each.dims, each.values, each.attributes) for name, each in values.items()}

    return xr.DataTree.from_dict(
        {
            name: xr.Dataset(variables(group.variables), variables(group.coords), group.attributes)
            for name, group in groups.items()
        }
    )


def read_posterior(run: Path) -> xr.DataTree:
    """The posterior of a run directory, in memory. Raises `InputError` if it has none or the extra is missing."""
    if not available():
        raise InputError(f"RUN needs {not_installed(EXTRA)}")
    import xarray as xr

    path = run / FILE
    with understood(f"RUN must be a run directory with a {FILE}", run):
        open_plain(path, MOST_DATA).close()
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            if sum(group.dataset.nbytes for group in tree.subtree) > MOST_DATA:
                raise ValueError(f"it holds more than the {MOST_DATA} bytes that are read")
            tree = tree.load()
    if tree.attrs.get("schema") != SCHEMA:
        raise InputError(f"{FILE} must have schema {SCHEMA!r}, not {tree.attrs.get('schema')!r} ({str(path)!r})")
    return tree


def values_of(tree: xr.DataTree, group: str, name: str) -> np.ndarray:
    """A variable's values."""
    variable: Any = tree[group][name]
    return np.asarray(variable.values)


def expand(tree: xr.DataTree) -> xr.Dataset:
    """Plain draws: each row of `posterior` repeated by its counter; w in uS (chain, draw, pair).

    Chains stayed for different numbers of proposals; all are cut to the shortest one's, at their ends.
    """
    import xarray as xr

    counter, w = values_of(tree, "sample_stats", "counter"), values_of(tree, "posterior", "w")
    draws = counter.sum(axis=1).min()
    places = np.arange(counter.shape[1])
    kept = np.stack([np.repeat(places, counts)[:draws] for counts in counter])
    pairs = {name: ("pair", values_of(tree, "posterior", name)) for name in ("pair", "pair_feature", "pair_output")}
    coords = {"chain": np.arange(len(counter)), "draw": np.arange(draws), **pairs}
    data = np.take_along_axis(w, kept[:, :, None], axis=1)
    return xr.Dataset({"w": (("chain", "draw", "pair"), data, {"units": "uS", "long_name": SOURCE})}, coords)


def diagnostics(tree: xr.DataTree) -> xr.Dataset:
    """R-hat, bulk effective sample size and integrated autocorrelation time in proposals of the expanded chains (pair).

    The autocorrelation time is draws over the effective sample size for the mean. NaN where a chain is too short (four
    draws) or never moved.
    """
    import xarray as xr
    from arviz_stats.base import array_stats  # a second to import

    expanded = expand(tree)["w"]
    w = expanded.values
    axes = {"chain_axis": 0, "draw_axis": 1}
    with np.errstate(all="ignore"):
        values = {
            "rhat": array_stats.rhat(w, **axes),
            "ess_bulk": array_stats.ess(w, **axes, method="bulk"),
            "autocorrelation_time": w.shape[0] * w.shape[1] / array_stats.ess(w, **axes, method="mean"),
        }
    data = {name: ("pair", np.atleast_1d(value)) for name, value in values.items()}
    return xr.Dataset(data, {"pair": expanded["pair"]})
