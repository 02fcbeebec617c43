"""Cost against rows, pairs and samples, two decades each: seconds on the twin, clock cycles by the budget's formulas.

Exponents are slopes in a log-log plot, 1 where cost is proportional to size; `top_` ones are those of the upper decade
alone, where what does not grow with the size counts least. Data are random codes, so there is nothing to learn. Along
rows a wide prior accepts next to every proposal, and their number is that of the rows; along pairs and samples a sharp
prior rejects next to all, and their number is `max_proposals`, large enough for a training's fixed milliseconds.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.twin.chain import run_twin
from oxmc.speed.figures import Raw, exponent, figure, in_turns
from oxmc.tb.cosim.program import lut_codes

ROWS = Config(burn_in=1, test_samples=1, prior_sigma_us=1000.0)
"""A prior so wide that most proposals are accepted."""
PROPOSALS = Config(burn_in=1, test_samples=1, prior_sigma_us=0.5)
"""A prior so sharp that next to none is."""
DECADE = 10


@dataclasses.dataclass(frozen=True)
class Axis:
    """Sizes along one axis and the configuration of each."""

    sizes: tuple[int, ...]
    config: Callable[[int], Config]


def _pairs(pairs: int) -> Config:
    """Up to 128 pairs are features of one output, more of them are further outputs."""
    features = min(pairs, 128)
    outputs = pairs // features
    return PROPOSALS.replace(max_proposals=2000, train_samples=16, features=features, outputs=outputs)


def _samples(samples: int) -> Config:
    """Few features: programming a row does not grow with the samples."""
    return PROPOSALS.replace(max_proposals=20_000, train_samples=samples, features=2)


AXES = {
    "rows": Axis((160, 500, 1600, 5000, 16000), lambda rows: ROWS.replace(rows=rows)),
    "pairs": Axis((16, 64, 256, 768, 2048), _pairs),
    "samples": Axis((160, 500, 1600, 5000, 16000), _samples),
}


def training(config: Config, seed: int = 0) -> Callable[[], tuple[float, int]]:
    """A training on random codes, ready to run; it returns its seconds and clock cycles."""
    formats = Formats(config)
    rng = np.random.default_rng(seed)
    points, top = config.train_samples + config.test_samples, formats.input_max
    codes = rng.integers(-top, top + 1, (points, config.features))
    labels = rng.integers(0, max(2, config.outputs), points)
    lut = np.array(lut_codes(formats))

    def run() -> tuple[float, int]:
        started = time.process_time()
        outcome = run_twin(config, seed, codes, labels, lut, 0)
        return time.process_time() - started, outcome.cycles

    return run


def fitted(axis: str, sizes: Sequence[int], raw: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Exponents of time and cycles along an axis, from the raw figures of its sizes, and those of the upper decade."""
    top = [size for size in sizes if size * DECADE >= max(sizes)]
    answer: dict[str, Any] = {"sizes": list(sizes)}
    for prefix, chosen in (("", sizes), ("top_", top)):
        for name, unit in (("time", "s"), ("cycles", "cycles")):
            costs = [raw[f"{axis}_{size}_{unit}"]["value"] for size in chosen]
            answer[f"{prefix}{name}_exponent"] = exponent(chosen, costs)
    return answer


def measure_scaling(rounds: int, limit_s: float) -> tuple[Raw, dict[str, dict[str, Any]]]:
    """The raw figures of all axes and their exponents."""
    actions = {f"{name}_{size}": training(axis.config(size)) for name, axis in AXES.items() for size in axis.sizes}
    training(ROWS.replace(rows=2))()  # compiles, or loads, the kernels
    runs = in_turns(actions, rounds, limit_s)
    raw: Raw = {}
    for name, results in runs.items():
        raw[f"{name}_s"] = figure([seconds for seconds, _ in results], "s")
        raw[f"{name}_cycles"] = figure([cycles for _, cycles in results], "cycles")
    return raw, {name: fitted(name, axis.sizes, raw) for name, axis in AXES.items()}
