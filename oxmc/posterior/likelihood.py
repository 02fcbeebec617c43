"""What the stored models say in real numbers: likelihood, prior and probabilities, without converters or tables."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.real.network import output_sums, softmax

BLOCK = 1 << 22
"""Responses that are computed at a time."""


def point_log_likelihood(config: Config, w_us: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Natural log-likelihood (Eq 7) of each point by weights float64 [rows, pairs] in uS, float64 [rows, samples].

    Features `x` float64 [samples, features] as the task has them and class numbers `t` int64 [samples]. The outputs of
    a point are independent, a class each against the others, or one softmax.
    """
    if config.likelihood == "softmax":
        y = config.scale_per_us * output_sums(config, w_us, x)
        largest = y.max(axis=2)
        own = np.take_along_axis(y, np.broadcast_to(t[None, :, None], (len(y), len(t), 1)), axis=2)[:, :, 0]
        of_label: np.ndarray = own - largest - np.log(np.exp(y - largest[:, :, None]).sum(axis=2))
        return of_label
    classes = np.arange(config.outputs) if config.outputs > 1 else np.ones(1, np.int64)
    signs = np.where(t[None, :] == classes[:, None], 1.0, -1.0)
    y = config.scale_per_us * output_sums(config, w_us, x) * signs.T
    each: np.ndarray = (np.minimum(y, 0.0) - np.log1p(np.exp(-np.abs(y)))).sum(axis=2)  # -log(1 + exp(-y))
    return each


def log_likelihood(config: Config, w_us: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The same of all points together, float64 [rows]."""
    rows = max(1, BLOCK // (config.outputs * max(1, len(x))))
    starts = range(0, len(w_us), rows)
    parts = [point_log_likelihood(config, w_us[start : start + rows], x, t).sum(axis=1) for start in starts]
    return np.concatenate(parts) if parts else np.zeros(0)


def log_prior(config: Config, w_us: np.ndarray) -> np.ndarray:
    """Log density of weights float64 [rows, pairs] in uS by the normal prior, without its constant, float64 [rows]."""
    density: np.ndarray = -(w_us**2).sum(axis=1) / (2 * config.prior_sigma_us**2)
    return density


def response(config: Config, w_us: np.ndarray, x: np.ndarray) -> np.ndarray:
    """f (Eq 8) of each output by weights float64 [rows, pairs] in uS, float64 [rows, n, outputs].

    Of one output it is the probability of class 1; of several each says its class against all others, or, of a
    softmax, beside the others. It is as steep as `vote_sharpness` makes the chip's.
    """
    y = config.vote_sharpness * config.scale_per_us * output_sums(config, w_us, x)
    if config.likelihood == "softmax":
        return softmax(y)
    f: np.ndarray = 0.5 + 0.5 * np.tanh(y / 2)  # the logistic function, without overflow
    return f
