"""`oxmc.adapt`: the array of a run goes on with new points."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oxmc.api import progress, session
from oxmc.api.data import columns_of, labels_of
from oxmc.api.run import Run
from oxmc.api.training import Place
from oxmc.pymodels.errors import InputError, shown
from oxmc.run.adapt import Asked, Points, adapted
from oxmc.run.adapt import adapt as adapt_into
from oxmc.run.checked import checked_run
from oxmc.run.engine import Watcher
from oxmc.run.rundir import free_name, writing
from oxmc.run.train import Training


def adapt(
    run: Run | Place,
    X: ArrayLike,
    y: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    copies: int = 1,
    extend: bool = False,
    rows: int | None = None,
    settings: Mapping[str, Any] | None = None,
    engine: str = "twin",
    coupling: str = "python",
    lockstep: bool = False,
    out: Place | None = None,
    show_progress: bool | None = None,
) -> Run:
    """Go on with the array of a run, with new points, and return the run that comes of it.

    `run` is a run or its directory. The chain takes up its newest row, judges it by the points X [n, columns] of raw
    values and their classes y [n], each learned `copies` times, and fills `rows` rows, by default all but that one; the
    oldest is forgotten first. With `extend` the run's training points, of its posterior.nc, are learned from as well.
    Columns, scaling, prior and devices are the run's. `test`, a pair X [n, columns] and y [n], takes the place of the
    points that the run was tested on. `settings` are keys that an adaptation may change (docs/reference/tasks.md).
    `engine` is twin, verilator or icarus.

    The run directory is as that of `oxmc.train`; run.json names its parent under `adapted`. Raises `OxmcError`.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    checked = checked_run(path)
    if checked.state is None:
        raise InputError(f"RUN must be a run directory, not {str(path)!r}")
    parent = Run(checked.run, checked.config, checked.state, place=lambda: path)
    asked = Asked(
        new=_points(parent, X, y), test=None if test is None else _points(parent, *test), copies=copies, extend=extend,
        rows=rows, settings=dict(settings or {}), engine=engine, coupling=coupling, lockstep=lockstep,
    )  # fmt: skip
    with progress.training(checked.config.rows, show_progress) as watcher:
        return _run(path, checked, asked, out, watcher)


def _run(path: Path, checked: Any, asked: Asked, out: Place | None, watcher: Watcher | None) -> Run:
    if out is not None:
        place = Path(out)
        return _of(adapt_into(path, checked, asked, place, watcher), lambda: place)
    scratch = session.scratch()
    try:
        training = adapted(path, checked, asked, scratch, watcher)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return _of(training, functools.partial(_written, training, scratch))


def _of(training: Training, place: Any) -> Run:
    return Run(training.record, training.request.config, training.chains[0].outcome, place=place, training=training)


def _written(training: Training, scratch: Path) -> Path:
    """The run directory, in the session's folder, with what the engine left in `scratch`."""
    out = free_name(f"{training.request.task}-adapted-{training.request.engine}", session.folder())
    with writing(out) as folder:
        for path in scratch.iterdir():
            path.rename(folder / path.name)
        training.write(folder)
    scratch.rmdir()
    return out


def _points(run: Run, X: ArrayLike, y: ArrayLike) -> Points:
    """Points of raw values, with the numbers of their classes. Raises `InputError` for a class that the run has not."""
    raw, _ = columns_of(X, list(run.feature_names_in_))
    labels, classes = labels_of(y, len(raw)).tolist(), run.classes.tolist()
    strange = [label for label in labels if label not in classes]
    if strange:
        raise InputError(f"y must be of the run's classes, {shown(classes)}, not {shown(strange[0])}")
    return Points(raw, np.array([classes.index(label) for label in labels], np.int64))
