"""Draws from the exact posterior of a logistic regression with a normal prior, by Hamiltonian Monte Carlo.

R. Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte Carlo (2011), section 5. The posterior is
log-concave, so that its mode and the curvature there are found first. Chains move in coordinates in which that
curvature, and after each round of the burn-in the chains' own covariance, is 1: a trajectory of a quarter turn leaves a
draw nearly independent of the one before. Each is accepted
or rejected, so that nothing is approximate but the number of draws; the chains' own R-hat and effective draws are
checked. Polya-Gamma sampling (`polya_gamma`) is exact, too, but takes hundreds of steps a draw where classes are all
but separable.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from oxmc.posterior.mixing import mixing
from oxmc.pymodels.errors import RunError

CHAINS = 50
ROUNDS = (40, 40, 60)
"""Burn-in: trajectories ahead of each new choice of coordinates, and behind the last."""
TURN, LEAST_STEPS = math.pi / 2, 4
"""Length of a trajectory, and the fewest steps that it is cut into."""
WANTED = 0.97
"""Share of accepted trajectories that the step is chosen for in the burn-in."""
THINNED = (2, 8)
"""Trajectories to a draw: more where the draws do not agree."""
RHAT_MOST, ESS_LEAST, LEAST_CHECKED = 1.03, 0.4, 1000
"""Of the draws: what their own R-hat may be, and effective draws a draw at least; fewer draws tell nothing of it."""


class _Posterior(NamedTuple):
    """Points float64 [n, features] times their sign, and the prior's s.d."""

    signed: np.ndarray
    sd: float

    def log_density(self, w: np.ndarray) -> np.ndarray:
        """Of weights float64 [chains, features], without the constant."""
        fit: np.ndarray = -np.logaddexp(0.0, -w @ self.signed.T).sum(axis=1) - (w**2).sum(axis=1) / (2 * self.sd**2)
        return fit

    def gradient(self, w: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.wrong(w) @ self.signed - w / self.sd**2
        return found

    def wrong(self, w: np.ndarray) -> np.ndarray:
        """Probability of the other class at each point."""
        found: np.ndarray = 0.5 - 0.5 * np.tanh(w @ self.signed.T / 2)
        return found

    def curvature(self, w: np.ndarray) -> np.ndarray:
        """Second derivatives of the negative log density at weights float64 [features]."""
        p = self.wrong(w[None])[0]
        found: np.ndarray = (self.signed.T * (p * (1 - p))) @ self.signed + np.eye(len(w)) / self.sd**2
        return found


def exact_draws(x: np.ndarray, t: np.ndarray, sd: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Weights float64 [draws, features] of points `x` [n, features], classes `t` [n] of 0 and 1, prior N(0, sd).

    Raises `RunError` if the chains disagree.
    """
    posterior = _Posterior(np.where(t[:, None] == 1, x, -x), sd)
    mode = _mode(posterior, x.shape[1])
    scale = np.linalg.inv(np.linalg.cholesky(posterior.curvature(mode))).T
    w = mode + rng.normal(size=(CHAINS, x.shape[1])) @ scale.T
    with threadpool_limits(1):  # matrices this small only wait for threads
        for count in ROUNDS:
            w, step, seen = _adapted(posterior, w, scale, count, rng)
            if count != ROUNDS[-1]:
                scale = np.linalg.cholesky(np.cov(np.concatenate(seen[len(seen) // 2 :]).T).reshape(2 * w.shape[1:]))
        for thin in THINNED:
            found = []
            for number in range(1, thin * -(-draws // CHAINS) + 1):
                w, _ = _move(posterior, w, scale, step, rng)
                if number % thin == 0:
                    found.append(w)
            chains = np.stack(found, axis=1)
            if draws < LEAST_CHECKED or _agree(chains, last=thin == THINNED[-1]):
                break
    kept: np.ndarray = chains.transpose(1, 0, 2).reshape(-1, x.shape[1])[:draws]
    return kept


def _mode(posterior: _Posterior, features: int) -> np.ndarray:
    """The weights of the highest density, by damped Newton steps."""
    w: np.ndarray = np.zeros(features)
    for _ in range(100):
        way = np.linalg.solve(posterior.curvature(w), posterior.gradient(w[None])[0])
        size = 1.0
        while size > 1e-6 and posterior.log_density((w + size * way)[None])[0] < posterior.log_density(w[None])[0]:
            size /= 2
        w = w + size * way
        if np.abs(way).max() < 1e-9:
            break
    return w


def _adapted(
    posterior: _Posterior, w: np.ndarray, scale: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, float, list[np.ndarray]]:
    """A round of the burn-in: where the chains are, the step that is accepted as often as wanted, where they were."""
    step, seen = TURN / LEAST_STEPS, []
    for number in range(count):
        w, accepted = _move(posterior, w, scale, step, rng)
        step = min(TURN / LEAST_STEPS, step * math.exp((accepted - WANTED) / (1 + number) ** 0.5))
        seen.append(w)
    return w, step, seen


def _move(
    posterior: _Posterior, w: np.ndarray, scale: np.ndarray, step: float, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """One trajectory of each chain, length and step drawn anew, and the share that was accepted.

    Short steps get a chain out of a corner where the curvature is far above that of the coordinates.
    """
    step = step * rng.uniform(0.2, 1.0)
    steps = max(1, round(TURN * rng.uniform(0.5, 1.2) / step))
    speed = rng.normal(size=w.shape)
    before = posterior.log_density(w) - (speed**2).sum(axis=1) / 2
    place, push = w, posterior.gradient(w) @ scale
    for _ in range(steps):
        speed = speed + step / 2 * push
        place = place + step * speed @ scale.T
        push = posterior.gradient(place) @ scale
        speed = speed + step / 2 * push
    after = posterior.log_density(place) - (speed**2).sum(axis=1) / 2
    taken = np.log(rng.random(len(w))) < after - before
    return np.where(taken[:, None], place, w), float(taken.mean())


def _agree(chains: np.ndarray, *, last: bool) -> bool:
    """Whether chains float64 [chains, draws, features] agree. Raises `RunError` if they do not at `last`."""
    count, draws, features = chains.shape
    found = mixing(chains.reshape(-1, features), np.arange(count * draws).reshape(count, draws))
    rhat, share = float(found.rhat.max()), float(found.ess_bulk.min()) / (count * draws)
    agree = rhat <= RHAT_MOST and share >= ESS_LEAST
    if last and not agree:
        raise RunError(
            f"the exact posterior's own chains must agree (R-hat {RHAT_MOST:g}, {ESS_LEAST:g} effective draws a draw), "
            f"not have R-hat {rhat:.3g} and {share:.2g}"
        )
    return agree
