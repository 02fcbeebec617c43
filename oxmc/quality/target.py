"""What a chain should draw from: logistic regressions of the points as the chip sees them, and their exact posterior.

Weights are those of the logit of a point whose features are the chip's quantised ones: S times the pair's conductance
difference. Several outputs are a logistic regression each, one class against the rest, and independent of each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.digests import say_damaged
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.machine import cache_root
from oxmc.pymodels.tasks import Dataset, quantise
from oxmc.pymodels.whole import write_file
from oxmc.quality.hamiltonian import exact_draws

EXACT_DRAWS = 4000
"""Of each output, nearly independent."""


@dataclasses.dataclass(frozen=True)
class Target:
    """Points `x` float64 [n, features] with classes `t` int64 [n], as `train_` and `test_`, and the prior N(0, sd)."""

    train_x: np.ndarray
    train_t: np.ndarray
    test_x: np.ndarray
    test_t: np.ndarray
    outputs: int
    prior_sd: float

    def train_of(self, output: int) -> np.ndarray:
        """Classes 0 and 1 of the training points for one output, int64 [n]."""
        if self.outputs == 1:
            return self.train_t
        found: np.ndarray = (self.train_t == output).astype(np.int64)
        return found

    @property
    def sha256(self) -> str:
        """Tells it from others, and what is kept of it from what is not."""
        digest = hashlib.sha256(f"{self.outputs} {self.prior_sd!r} {EXACT_DRAWS} {_source()}".encode())
        for array in (self.train_x, self.train_t):
            digest.update(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def target_of(config: Config, data: Dataset) -> Target:
    """What the chains of a training should draw from. Raises `InputError` where no exact posterior is known."""
    if config.acceptance == "reward":
        raise InputError("TASK must have classes to be held against an exact posterior, not rewards")
    if config.hidden:
        raise InputError(f"hidden must be 0 for an exact posterior, which a network does not have, not {config.hidden}")
    if config.likelihood == "softmax":
        raise InputError(
            "likelihood must be one_versus_rest for an exact posterior, which is not worked out of a softmax yet, "
            "not softmax"
        )
    step = config.input_range / Formats(config).input_max
    train, test = (quantise(config, x) * step for x in (data.train_x, data.test_x))
    sd = config.scale_per_us * config.prior_sigma_us
    return Target(train, data.train_t, test, data.test_t, config.outputs, sd)


def exact(target: Target) -> np.ndarray:
    """Draws from the exact posterior, float64 [outputs, `EXACT_DRAWS`, features], kept in the user's cache."""
    path = cache_root() / "oxmc" / "exact" / f"{target.sha256[:32]}.npy"
    kept = _kept(path)
    if kept is not None:
        return kept
    draws = np.stack([_drawn(target, output) for output in range(target.outputs)])
    _keep(path, draws)
    return draws


def _drawn(target: Target, output: int) -> np.ndarray:
    rng = np.random.default_rng([int(target.sha256[:16], 16), output])
    return exact_draws(target.train_x, target.train_of(output), target.prior_sd, EXACT_DRAWS, rng)


def _source() -> str:
    """Digest of the sampler: another one has other draws."""
    return hashlib.sha256(Path(exact_draws.__code__.co_filename).read_bytes()).hexdigest()


def _keep(path: Path, draws: np.ndarray) -> None:
    """Store draws with their digest; a cache that takes nothing is none."""
    buffer = io.BytesIO()
    np.save(buffer, draws)
    content = buffer.getvalue()
    with contextlib.suppress(InputError, RunError):
        write_file(path, hashlib.sha256(content).digest() + content)


def _kept(path: Path) -> np.ndarray | None:
    """What was stored; None, and a line on stderr, if it has changed since."""
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(stored[32:]).digest() != stored[:32]:
        say_damaged(path)
        return None
    found: np.ndarray = np.load(io.BytesIO(stored[32:]), allow_pickle=False)
    return found
