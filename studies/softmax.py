"""Several classes: one class against the rest in chains of their own or in one model, and a softmax, on one chip each.

S, the prior and the window follow from the training points, by the rule that holds for each way. Several chains a
split, each with its own devices and noise; what is measured of them is said in `oxmc.studies.mixing`. The tables are
scikit-learn's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oxmc.pymodels.config import parse_setting
from oxmc.pymodels.tasks import NO_SOURCE, DataSource
from oxmc.pymodels.whole import write_file
from oxmc.run.request import configured
from oxmc.studies.estimates import estimate
from oxmc.studies.mixing import STEPS, Case, measure
from oxmc.studies.records import Records, digest
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, seeds_of

WAYS: dict[str, dict[str, Any]] = {
    "one class against the rest, own counters": {"counters": "own"},
    "one class against the rest, one model": {"counters": "shared"},
    "softmax": {"counters": "shared", "likelihood": "softmax"},
    "one class against the rest, own counters, components": {"counters": "own", "components": "auto"},
    "softmax, components": {"counters": "shared", "likelihood": "softmax", "components": "auto"},
    "softmax, twice the rows": {"counters": "shared", "likelihood": "softmax", "rows": 512},
}


def cases(folder: Path) -> list[Case]:
    """Iris as a file in `folder`, and tasks of the project."""
    from sklearn.datasets import load_iris

    points = load_iris(as_frame=True)
    write_file(folder / "iris.csv", points.frame.to_csv(index=False))
    iris = DataSource(data=folder / "iris.csv", label="target")
    return [Case("iris", "table", iris), *(Case(name, name, NO_SOURCE, {"rows": 256}) for name in ("wine", "digits"))]


def line(case: Case, way: str, runs: Sequence[Row]) -> Row:
    """Means over the splits, and the worst R-hat."""

    def mean(key: str) -> float:
        return estimate(float(run[key]) for run in runs).mean

    return {
        "data": case.name, "way": way,
        **{key: estimate(float(run[key]) for run in runs) for key in ("accuracy", "log score")},
        "logistic regression": mean("reference"), f"uJ, {NODE}": mean("uj"), "proposals": round(mean("proposals")),
        "R-hat": max(float(run["rhat"]) for run in runs), "ESS": round(mean("ess"), 1), "ESS a uJ": mean("ess_per_uj"),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20310, repeats=4)
    options.add_argument("--chains", type=int, default=2, help="chains a split (default 2)")
    options.add_argument("--case", action="append", help="only this data")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of all trainings")
    given = options.parse_args(arguments)
    rows, records = [], Records(given.out)
    fixed = dict(parse_setting(text) for text in given.set)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            for way, keys in WAYS.items() if not given.case or case.name in given.case else ():
                settings, runs = {**STEPS, **case.keys, **keys, **fixed}, []
                for seed in seeds_of(given.seed, given.repeats):
                    config = configured(case.task, "wide", "twin", case.source, settings=settings, seed=seed)
                    key = (case.name, digest(config), given.chains, seed)
                    runs.append(records.of(key, measure, config, seed, given.chains, case.task, case.source))
                rows.append(line(case, way, runs))
    finish(rows, given)


if __name__ == "__main__":
    main()
