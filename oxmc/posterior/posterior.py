"""`posterior.nc`, a training's posterior in ArviZ's layout, as xarray reads it (docs/reference/posterior.md)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.posterior.groups import SCHEMA, Group, Values
from oxmc.posterior.mixing import ess_mean, mixing
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import MOST_DATA, open_plain, understood
from oxmc.pymodels.machine import not_installed

if TYPE_CHECKING:
    import xarray as xr

FILE = "posterior.nc"
EXTRA = "analysis"
NOT_WRITTEN = f"{FILE} is missing: it needs the packages of the extra {EXTRA!r}"
"""The note in run.json of a run whose posterior could not be written."""


def available() -> bool:
    """Whether the packages that write and read `posterior.nc` are installed (extra `analysis`)."""
    return all(importlib.util.find_spec(name) for name in ("xarray", "h5netcdf", "h5py"))


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
            datasets = {group.path: group.to_dataset(inherit=False).load() for group in tree.subtree}
            tree = xr.DataTree.from_dict(datasets)  # tree.load() skips variables that are called as a group is
    if tree.attrs.get("schema") != SCHEMA:
        raise InputError(f"{FILE} must have schema {SCHEMA!r}, not {tree.attrs.get('schema')!r} ({str(path)!r})")
    return tree


def values_of(tree: xr.DataTree, group: str, name: str) -> np.ndarray:
    """A variable's values."""
    variable: Any = tree[group][name]
    return np.asarray(variable.values)


def diagnostics(tree: xr.DataTree) -> xr.Dataset:
    """R-hat, bulk effective sample size and autocorrelation time (in proposals) of each pair of all chains' draws.

    The autocorrelation time is proposals over the effective sample size for the mean. NaN where a chain is too short
    (four draws) or never moved.
    """
    import xarray as xr

    w, draws = values_of(tree, "stored_models", "w"), values_of(tree, "sample_stats", "model")
    chains, models, pairs = w.shape
    models_of, draws = w.reshape(-1, pairs), draws + models * np.arange(chains)[:, None]
    found = mixing(models_of, draws)
    proposals = draws.size * tree.attrs["stride"]
    values = {
        "rhat": found.rhat,
        "ess_bulk": found.ess_bulk,
        "autocorrelation_time": proposals / ess_mean(models_of, draws),
    }
    names: Any = tree["posterior"]["pair"]
    return xr.Dataset({name: ("pair", value) for name, value in values.items()}, {"pair": names})
