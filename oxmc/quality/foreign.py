"""Samplers of others: the target that they should draw from, as a file, and what they drew, as another.

An entry is a TOML file beside an .npz file of its draws:

    schema = "oxmc.sampler/1"
    name = "my sampler"
    target = "..."          # sha256 of the target's file
    draws = "draws.npz"     # array `draws` float64 [chains, draws, outputs * features], output 0's weights first
    joules = 1e-6           # of all chains; joules, seconds and area_mm2 may be left out
    seconds = 0.01
    area_mm2 = 0.1
    source = "measured with ..."
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.posterior.mixing import FEWEST
from oxmc.pymodels import strict
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import read_arrays, read_toml
from oxmc.quality.sampler import Chains, Cost, Sampler
from oxmc.quality.target import Target

SCHEMA = "oxmc.sampler/1"
TEXTS = ("name", "target", "draws", "source")
COSTS = ("joules", "seconds", "area_mm2")


def target_file(target: Target) -> bytes:
    """A target as an .npz file: points, classes, `outputs`, `prior_sd` and `sha256`."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, train_x=target.train_x, train_t=target.train_t, test_x=target.test_x, test_t=target.test_t,
        outputs=target.outputs, prior_sd=target.prior_sd, sha256=target.sha256,
    )  # fmt: skip
    return buffer.getvalue()


def of_entry(path: Path, target: Target) -> Sampler:
    """The sampler of an entry file. Raises `InputError` for one that is none, or that drew from another target."""
    rule = f"--entry must name a TOML file of schema {SCHEMA!r}"
    table = read_toml(path, rule, rule)

    def check(holds: bool, message: str) -> None:
        if not holds:
            raise InputError(f"{rule}, not {str(path)!r} ({message})")

    check(table.get("schema") == SCHEMA, f"schema must be {SCHEMA!r}, not {table.get('schema')!r}")
    odd = sorted(table.keys() - {"schema", *TEXTS, *COSTS})
    check(not odd, f"no key is called {', '.join(odd)}")
    for name in TEXTS:
        check(isinstance(table.get(name), str) and table[name] != "", f"{name} must be a text")
    for name in COSTS:
        value = table.get(name)
        check(value is None or (strict.is_number(value, 0) and value > 0), f"{name} must be a number above 0")
    check(table["target"] == target.sha256, f"target must be {target.sha256}, that of the first chip that is judged")
    check(Path(table["draws"]).name == table["draws"], "draws must be the name of a file beside it")
    cost = Cost(table.get("joules"), table.get("seconds"), table.get("area_mm2"), table["source"])
    return sampler_of(table["name"], target, _draws(path.parent / table["draws"], target), cost)


def _draws(path: Path, target: Target) -> np.ndarray:
    rule = "draws of --entry must be an .npz file with an array draws"
    draws = read_arrays(path, rule, ("draws",))["draws"]
    width = target.outputs * target.train_x.shape[1]
    due = f"[chains, {FEWEST} or more draws, {width}]"
    fits = draws.ndim == 3 and draws.shape[0] >= 1 and draws.shape[1] >= FEWEST and draws.shape[2] == width
    if draws.dtype.kind != "f" or not fits:
        raise InputError(f"{rule} of real numbers {due}, not {draws.dtype} {list(draws.shape)} ({str(path)!r})")
    if not np.isfinite(draws).all():
        raise InputError(f"{rule} of finite numbers ({str(path)!r})")
    found: np.ndarray = draws.astype(float)
    return found


def sampler_of(name: str, target: Target, draws: np.ndarray, cost: Cost, notes: tuple[str, ...] = ()) -> Sampler:
    """A sampler of draws float64 [chains, draws, outputs * features]."""
    chains, count, _ = draws.shape
    features = target.train_x.shape[1]
    places = np.arange(chains * count).reshape(chains, count)
    flat: Any = draws.reshape(chains * count, target.outputs, features)
    return Sampler(name, target, [Chains(flat[:, k], places) for k in range(target.outputs)], cost, notes)
