"""Samplers of the field on this processor, on the same target: what the chip's joules and draws are set beside.

Joules are those of the processor's own counter (RAPL) where it can be read, which counts all that ran meanwhile, else
CPU time at `--watts` a core. Adaptation and burn-in are paid, compiling is not.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.machine import not_installed
from oxmc.quality.foreign import sampler_of
from oxmc.quality.polya_gamma import gibbs_draws
from oxmc.quality.sampler import Cost, Sampler
from oxmc.quality.target import Target

EXTRA = "bench"
CHAINS, DRAWS, WARM_UP = 4, 1000, 500
WALK = 10
"""Steps of the random walk to a draw of NUTS."""
WATTS = 10.0
"""Of one busy core, an estimate: server processors have 150 to 300 W for 16 to 32 cores."""
RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")

Drawn = Callable[[int], np.ndarray]
"""Draws float64 [chains, draws, outputs * features] by a seed."""


def gibbs(target: Target) -> Drawn:
    """Polya-Gamma Gibbs sampling in numpy (N. Polson et al., doi:10.1080/01621459.2013.829001)."""

    def draw(seed: int) -> np.ndarray:
        return np.stack([
            np.concatenate([
                gibbs_draws(target.train_x, target.train_of(output), target.prior_sd, DRAWS,
                            np.random.default_rng([seed, chain, output]))
                for output in range(target.outputs)
            ], axis=1)
            for chain in range(CHAINS)
        ])  # fmt: skip

    return draw


def nuts(target: Target) -> Drawn:
    """blackjax's NUTS with its window adaptation."""
    import blackjax
    import jax

    density, start = _density(target)

    def chain(key: Any) -> Any:
        warm, sample = jax.random.split(key)
        adapt = blackjax.window_adaptation(blackjax.nuts, density)
        (state, parameters), _ = adapt.run(warm, start, num_steps=WARM_UP)
        step = blackjax.nuts(density, **parameters).step
        return _scanned(step, state, sample, DRAWS)

    return _compiled(chain)


def random_walk(target: Target) -> Drawn:
    """blackjax's random walk from the middle, each weight's step 2.4 / sqrt(d) times its s.d. by the curvature there.

    The scale is that of A. Gelman, G. Roberts and W. Gilks, "Efficient Metropolis jumping rules" (1996).
    """
    import blackjax
    import jax
    import jax.numpy as jnp

    density, start = _density(target)
    step_sd = 2.4 / np.sqrt(start.size) / jnp.sqrt(-jnp.diag(jax.hessian(density)(start)))
    walk = blackjax.normal_random_walk(density, step_sd)

    def chain(key: Any) -> Any:
        return _scanned(walk.step, walk.init(start), key, (DRAWS + WARM_UP) * WALK)[WARM_UP * WALK :: WALK]

    return _compiled(chain)


def _density(target: Target) -> tuple[Any, Any]:
    """Log posterior density of the weights of all outputs, and where to start."""
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(target.train_x)
    signs = jnp.asarray(np.stack([2.0 * target.train_of(k) - 1.0 for k in range(target.outputs)]))

    def density(w: Any) -> Any:
        logits = w.reshape(target.outputs, -1) @ x.T
        return jax.nn.log_sigmoid(signs * logits).sum() - (w @ w) / (2 * target.prior_sd**2)

    return density, jnp.zeros(target.outputs * x.shape[1])


def _scanned(step: Any, state: Any, key: Any, count: int) -> Any:
    import jax

    def one(state: Any, key: Any) -> Any:
        state, _ = step(key, state)
        return state, state.position

    return jax.lax.scan(one, state, jax.random.split(key, count))[1]


def _compiled(chain: Any) -> Drawn:
    import jax

    chains = jax.jit(jax.vmap(chain))

    def draw(seed: int) -> np.ndarray:
        keys = jax.random.split(jax.random.key(seed), CHAINS)
        return np.asarray(jax.block_until_ready(chains(keys)), float)

    draw(0)
    return draw


SAMPLERS: dict[str, Callable[[Target], Drawn]] = {"gibbs": gibbs, "nuts": nuts, "random-walk": random_walk}


def on_processor(name: str, target: Target, watts: float, seed: int = 1) -> Sampler:
    """One of `SAMPLERS`, run and timed here. Raises `InputError` for another name or a missing package."""
    if name not in SAMPLERS:
        raise InputError(f"--sampler must be one of {', '.join(SAMPLERS)}, not {name!r}")
    if name != "gibbs" and not all(importlib.util.find_spec(package) for package in ("jax", "blackjax")):
        raise InputError(f"--sampler {name} needs {not_installed(EXTRA)}")
    draw = SAMPLERS[name](target)
    before, started = _rapl_uj(), time.process_time()
    draws = draw(seed)
    seconds, after = time.process_time() - started, _rapl_uj()
    if before is not None and after is not None and after > before:
        cost = Cost(1e-6 * (after - before), seconds, None, "RAPL of the package; CPU seconds")
    else:
        cost = Cost(watts * seconds, seconds, None, f"CPU seconds at {watts:g} W a core, an assumption")
    note = () if name == "gibbs" else ("in single precision, as JAX computes",)
    return sampler_of(f"{name} on this processor", target, draws, cost, note)


def _rapl_uj() -> int | None:
    try:
        return int(RAPL.read_text())
    except (OSError, ValueError):
        return None
