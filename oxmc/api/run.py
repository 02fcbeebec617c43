"""A training that is done: what came of it, what it makes of new data, its posterior, joules and pictures."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from oxmc.api.arguments import place_of
from oxmc.api.data import columns_of, named_classes
from oxmc.api.energy import Energy
from oxmc.api.page import html, text
from oxmc.api.plot import Plots
from oxmc.pymodels.ahead import Ahead
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome

if TYPE_CHECKING:
    import xarray as xr

    from oxmc.energy.ledger import Ledger
    from oxmc.pymodels.tasks.scaling import Scaling
    from oxmc.run.inference import Prediction
    from oxmc.run.train import Training


def open_run(path: str | os.PathLike[str]) -> Run:
    """The run in a run directory, whoever made it; of repeats, repeat 0 is the run. Raises `OxmcError` unless whole."""
    from oxmc.run.checked import checked_run

    found = checked_run(place := place_of("RUN", path))
    if found.state is None:
        raise InputError(f"RUN must be a run directory, not {str(path)!r}")
    return Run(found.run, found.config, found.state, place=lambda: place)


class Run:
    """A finished training. `oxmc.train` and `oxmc.open_run` make it.

    `record` is run.json (docs/reference/run-directory.md), `config` the configuration. A run of several chains predicts
    by the first; its posterior holds them all.
    """

    def __init__(
        self, record: dict[str, Any], config: Config, state: Outcome, *, place: Callable[[], Path],
        training: Training | None = None, baseline: Ahead[float] | None = None,
    ):  # fmt: skip
        self.record = record
        """run.json: `result`, `chain`, `events`, `time`, `energy_j`, `notes` (docs/reference/run-directory.md)."""
        self.config = config
        self._state, self._place, self._training, self._baseline = state, place, training, baseline

    @functools.cached_property
    def path(self) -> Path:
        """The run directory; of a run without `out` it is written now, into a folder that ends with the program."""
        return self._place()

    @property
    def baseline(self) -> float:
        """What to compare the result with, on the same split.

        Of points, the accuracy of a logistic regression with the defaults of scikit-learn. Of episodes, the mean reward
        of random actions (Fig 6 of the paper has the task).

        Raises `OxmcError` for a run that was opened and keeps no training points: one with an environment of its own,
        or with data of one's own and without posterior.nc.
        """
        if self._baseline is not None:
            return self._baseline.value()
        from oxmc.run.baseline import baseline_of
        from oxmc.run.checked import checked_run

        return baseline_of(self.path, checked_run(self.path))

    @property
    def state(self) -> Outcome:
        """What the engine left: stored conductances in nS, counters, the inference's sums, and all that was counted."""
        return self._state

    @property
    def job(self) -> Job:
        """What the engine was given: configuration, seed, and the points as input codes, training points first.

        `oxmc.cocotb.Host` loads it into a chip. Raises `OxmcError` for a run that was opened, which does not keep it.
        """
        if self._training is None:
            raise InputError("job needs the run's training points, which a run directory does not keep")
        return self._training.chains[0].job

    @functools.cached_property
    def classes(self) -> np.ndarray:
        """The classes, [classes], in the order of their numbers, of the kind that the labels were."""
        data = self.record["data"]
        names = data["classes"] or [str(number) for number in range(max(2, self.config.outputs))]
        return named_classes(names, data.get("labels", "text"))

    @property
    def classes_(self) -> np.ndarray:
        """`classes`, [classes], as scikit-learn calls them."""
        return self.classes

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns that `predict` takes, [columns], in order, without the bias that oxmc appends itself."""
        return np.array(self._columns, object)

    @property
    def n_features_in_(self) -> int:
        """How many columns `predict` takes."""
        return len(self._columns)

    @property
    def _columns(self) -> list[str]:
        from oxmc.run.inference import kept_columns

        return kept_columns(self.record, self._scaling)

    @functools.cached_property
    def _scaling(self) -> Scaling:
        from oxmc.run.inference import kept_scaling

        return kept_scaling(self.record, "this run")

    def predict(self, X: ArrayLike, *, engine: str = "twin") -> np.ndarray:
        """The class of each new point, [n], one of `classes`.

        `X` is [n, columns] of raw values as trained on, which are scaled and quantised as then: columns of a data frame
        are found by their names, extra ones ignored; those of an array are all, in order. The stored rows vote with
        their counters (Eq 8 of the paper); `engine` is twin, icarus or verilator, which give the same. Rows vote by the
        conductances that were stored, in whole nS, without the array's read noise.

        Raises `OxmcError` for other columns, values that are no numbers, a run without classes, or of before oxmc kept
        the scaling.
        """
        chosen: np.ndarray = self.classes[self._infer(X, engine).classes]
        return chosen

    def predict_proba(self, X: ArrayLike, *, engine: str = "twin") -> np.ndarray:
        """The probability of each class for each new point, float64 [n, classes], in the order of `classes`.

        Arguments as for `predict`. Raises as `predict`. Several outputs, each one class against the rest or its share
        of a softmax, are divided by their sum, while `predict` takes the largest: with counters of their own both agree
        but for ties.
        """
        return self._infer(X, engine).probability

    def _infer(self, X: ArrayLike, engine: str) -> Prediction:
        from oxmc.run.inference import infer

        raw, _ = columns_of(X, self._columns)
        bias = self._scaling.width < self.config.features
        return infer(self.config, self._state, self._scaling.features(raw, bias=bias), engine)

    @functools.cached_property
    def posterior(self) -> xr.DataTree:
        """The posterior as ArviZ and xarray have it: weights `w` [chain, draw, pair] in uS, and more.

        It is that of posterior.nc; docs/reference/posterior.md has every group and variable.

        Raises `OxmcError` without the packages of extra `analysis`, and for outputs with counters of their own.
        """
        from oxmc.posterior.posterior import EXTRA, available, tree_of
        from oxmc.pymodels.machine import not_installed
        from oxmc.run.checked import checked_posterior

        if self.config.counters == "own":
            raise InputError("counters must be shared for a posterior, not 'own'")
        if not available():
            raise InputError(f"posterior needs {not_installed(EXTRA)}")
        if self._training is not None and self._training.groups is not None:
            return tree_of(self._training.groups)
        return checked_posterior(self.path, self.config)

    def energy(self, node: str = "28nm") -> Energy:
        """The joules of the run at `node`: 28nm, 130nm or the file of a cost table. Raises `OxmcError` for another.

        They are counts of events times the costs of the table (docs/reference/energy.md).
        """
        from oxmc.run.result import ledger_of

        return Energy.of(node, ledger_of(self.config, self.record["phases"], str(place_of("node", node))))

    def ledgers(self) -> dict[str, Ledger]:
        """The ledger of joules at each node, by name: counts times costs (docs/reference/energy.md)."""
        from oxmc.run.result import NODES, ledger_of

        return {node: ledger_of(self.config, self.record["phases"], node) for node in NODES}

    def report(self, out: str | os.PathLike[str] | None = None) -> Path:
        """Write the run as one page for a browser, that of `oxmc report`; the file's name.

        `out` is a file; without it report.html in the run directory. Raises `OxmcError` where it cannot be written.
        """
        from oxmc.pymodels.whole import write_file
        from oxmc.reports.run_page import run_page

        place = self.path / "report.html" if out is None else place_of("out", out)
        write_file(place, run_page(self.path))
        return place

    @property
    def plot(self) -> Plots:
        """Pictures: `run.plot.trace()`, `.array()`, `.accuracy()` and so on, each a matplotlib figure."""
        return Plots(self)

    def __repr__(self) -> str:
        return text(self.record)

    def _repr_html_(self) -> str:
        return html(self.record)
