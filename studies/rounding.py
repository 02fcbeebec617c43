"""Logistic regression on features as the input DACs give them, clipped and rounded, against that on real ones.

Splits of a data set are splits of the same points: what a rounding does to these shows in every split, also in those
that took no part in its choice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.tasks import quantise, reference_accuracy
from oxmc.studies.estimates import estimate, paired
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import TASK, seeds_of, split_of

INPUTS = ((8, 4.0), (4, 2.75), (5, 2.75), (6, 2.75), (8, 2.75), (5, 2.5), (5, 3.0), (5, 4.0))
"""Bits and range in standard deviations of a feature: `paper`'s first, `wide`'s third."""


def line(config: Config, seeds: Sequence[int]) -> Row:
    """Both fits on the splits of the seeds."""
    scale = config.input_range / Formats(config).input_max
    rounded, plain = [], []
    for seed in seeds:
        data, reference = split_of(config, seed)
        train, test = (np.asarray(quantise(config, x)) * scale for x in (data.train_x, data.test_x))
        rounded.append(reference_accuracy(dataclasses.replace(data, train_x=train, test_x=test)))
        plain.append(reference)
    return {
        "input_bits": config.input_bits,
        "input_range": config.input_range,
        "logistic regression on rounded features": estimate(rounded),
        "to that on real ones": paired(rounded, plain),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, seed=20000, repeats=1000).parse_args(arguments)
    seeds, base = seeds_of(given.seed, given.repeats), preset(TASK, "wide")
    show([line(base.replace(input_bits=bits, input_range=top), seeds) for bits, top in INPUTS], given.json)


if __name__ == "__main__":
    main()
