"""Trainings a second on one core: the twin, a plain numpy loop, and blackjax's random walk on the same posterior.

The chain is that of cancer `paper`: 16 weights, 369 points, as many proposals as the twin took. Times are CPU time of
all threads, so that a figure is one core's whatever else the machine does.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.tasks import Dataset, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.twin.chain import run_twin
from oxmc.speed.figures import Raw, figure, in_turns
from oxmc.tb.cosim.program import lut_codes

BATCH = 10
"""Trainings timed at once, each under a seed of its own."""
STEP_US = 12.0
"""Standard deviation of a proposal's step in w: a fifth of the proposals is accepted, as on the chip."""
EXTRA = "bench"


def cpu_seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of `action` and what it returned."""
    started = time.process_time()
    result = action()
    return time.process_time() - started, result


def twin_batch(config: Config) -> Callable[[], int]:
    """Trains and infers `BATCH` times, data made ready ahead; returns the proposals. The kernels are warm."""
    lut = np.array(lut_codes(Formats(config)))
    jobs = [make_job(config, load_task("cancer", config, seed), seed) for seed in range(BATCH)]

    def train() -> int:
        return sum(run_twin(config, job.seed, job.codes, job.labels, lut, 0).proposals for job in jobs)

    train()
    return train


def log_posterior(config: Config, x: np.ndarray, t: np.ndarray, w: np.ndarray) -> float:
    """Log likelihood of the logistic response (Eq 1) plus log prior (Eq 4) of weights `w` [features] in uS."""
    sign = 2.0 * t - 1.0
    return -np.logaddexp(0.0, -sign * (config.scale_per_us * (x @ w))).sum() - (w @ w) / (2 * config.prior_sigma_us**2)


def numpy_chain(config: Config, data: Dataset, proposals: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random-walk Metropolis in floating point, a proposal at a time.

    Returns the accepted weights float64 [rows, features] and how long the chain stayed at each, int64 [rows].
    """
    rng = np.random.default_rng(seed)
    w = np.zeros(config.features)
    current = log_posterior(config, data.train_x, data.train_t, w)
    rows, counts = [w], [1]
    for _ in range(proposals):
        candidate = w + STEP_US * rng.standard_normal(config.features)
        proposed = log_posterior(config, data.train_x, data.train_t, candidate)
        if proposed - current >= np.log(rng.random()):
            w, current = candidate, proposed
            rows.append(w)
            counts.append(1)
        else:
            counts[-1] += 1
    return np.array(rows), np.array(counts)


def blackjax_chain(config: Config, data: Dataset, proposals: int) -> Callable[[], float]:
    """The same chain by `blackjax.normal_random_walk`, compiled as one scan; returns the acceptance."""
    import blackjax
    import jax
    import jax.numpy as jnp

    x, sign = jnp.asarray(data.train_x), jnp.asarray(2.0 * data.train_t - 1.0)

    def log_density(w: Any) -> Any:
        fit = -jnp.logaddexp(0.0, -sign * (config.scale_per_us * (x @ w))).sum()
        return fit - (w @ w) / (2 * config.prior_sigma_us**2)

    walk = blackjax.normal_random_walk(log_density, STEP_US * jnp.ones(config.features))

    @jax.jit
    def chain(key: Any) -> Any:
        def step(state: Any, key: Any) -> Any:
            state, info = walk.step(key, state)
            return state, (state.position, info.is_accepted)

        start = walk.init(jnp.zeros(config.features))
        return jax.lax.scan(step, start, jax.random.split(key, proposals))[1]

    keys = iter(jax.random.split(jax.random.key(0), 10_000))

    def run() -> float:
        _, accepted = jax.block_until_ready(chain(next(keys)))
        return float(accepted.mean())

    run()  # compiles
    return run


def measure_samplers(rounds: int, limit_s: float) -> tuple[Raw, dict[str, str]]:
    """The raw figures, and why a comparison was left out."""
    config = preset("cancer", "paper")
    train, data = twin_batch(config), load_task("cancer", config, 0)
    proposals = train() // BATCH
    accepted: dict[str, float] = {}

    def by_numpy() -> None:
        accepted["numpy"] = (len(numpy_chain(config, data, proposals, 0)[0]) - 1) / proposals

    actions = {"twin": lambda: cpu_seconds(train), "numpy": lambda: cpu_seconds(by_numpy)}
    skipped = {}
    if all(importlib.util.find_spec(name) for name in ("jax", "blackjax")):
        chain = blackjax_chain(config, data, proposals)
        actions["blackjax"] = lambda: cpu_seconds(chain)
    else:
        skipped["blackjax"] = f"needs {not_installed(EXTRA)}"
    runs = in_turns(actions, rounds, limit_s)
    raw: Raw = {"proposals_a_training": figure([proposals], "")}
    for name, results in runs.items():
        trainings = BATCH if name == "twin" else 1
        raw[f"{name}_trainings_per_s_core"] = figure([trainings / seconds for seconds, _ in results], "1/s")
        raw[f"{name}_proposals_per_s_core"] = figure([trainings * proposals / s for s, _ in results], "1/s")
    if "blackjax" in runs:
        accepted["blackjax"] = runs["blackjax"][-1][1]
    for name, share in accepted.items():
        raw[f"{name}_acceptance"] = figure([share], "")
    return raw, skipped
