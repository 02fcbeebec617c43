"""The float engine against the twin: what fixed point does to the accuracy, over the same splits.

Welch's t test of the two means, and the paired test, which knows that both engines saw the same splits.
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy import stats

from oxmc.pymodels.config import preset
from oxmc.studies.estimates import estimate, paired
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import TASK, accuracies, seeds_of, trainings

PRESETS = ("paper", "wide")


def compare(name: str, seeds: Sequence[int]) -> Row:
    """The line of one preset."""
    twin, real = (accuracies(trainings(preset(TASK, name), seeds, engine)) for engine in ("twin", "float"))
    return {
        "preset": name,
        "twin": estimate(twin),
        "float": estimate(real),
        "twin less float, paired": paired(twin, real),
        "p, Welch": float(stats.ttest_ind(twin, real, equal_var=False).pvalue),
        "p, paired": float(stats.ttest_rel(twin, real).pvalue),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, seed=20000, repeats=200).parse_args(arguments)
    seeds = seeds_of(given.seed, given.repeats)
    show([compare(name, seeds) for name in PRESETS], given.json)


if __name__ == "__main__":
    main()
