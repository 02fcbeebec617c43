"""Where the points of an adaptation are from: a table, or the beats of a subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import DataSource, sha256_of
from oxmc.pymodels.tasks.ecg import own_points
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.table_columns import new_points, shown, shown_names
from oxmc.pymodels.tasks.table_file import number_in, read_sheet
from oxmc.run.adapt import Points
from oxmc.run.inference import kept_columns, kept_scaling

OWN_S = 300.0
"""The first five minutes of a recording are the patient's own to learn from (ANSI/AAMI EC57)."""


def table_points(run: dict[str, Any], config: Config, data: Path, label: str | None) -> Points:
    """The rows of a table with the run's columns, by name, and the column of its label. Raises `InputError`."""
    scaling: Scaling = kept_scaling(run, "RUN")
    columns, name = kept_columns(run, scaling), label or run["data"]["label"]
    if name is None:
        raise InputError("--label must name the column of the classes, since RUN has no label of its own")
    sheet = read_sheet(data, name)
    if name not in sheet.names:
        raise InputError(f"--label must name a column of {str(data)!r}, not {name!r}")
    place = sheet.names.index(name)
    return Points(new_points(sheet, columns), class_numbers(run, config, [fields[place] for _, fields in sheet.rows]))


def class_numbers(run: dict[str, Any], config: Config, names: Sequence[str]) -> np.ndarray:
    """Class numbers int64 [n] of the names that a run's classes have, or of numbers that say the same."""
    classes = run["data"]["classes"] or [str(number) for number in range(max(2, config.outputs))]
    known = {name: number for number, name in enumerate(classes)}
    values = {number_in(name): number for name, number in known.items() if number_in(name) is not None}
    found = [known.get(name, values.get(number_in(name), -1)) for name in names]
    if -1 in found:
        wrong = names[found.index(-1)]
        raise InputError(f"--label must hold classes of RUN, {shown_names(classes)}, not {shown(wrong)}")
    return np.array(found, np.int64)


def own_beats(run: dict[str, Any], config: Config, data: Path | None, subject: int | None, own: int) -> list[Points]:
    """The first beats of the subject, and those after the fifth minute to test. Raises `InputError`."""
    if run["task"] != "ecg":
        raise InputError(f"--own must be left out for task {run['task']}, which does not take it, not {own}")
    file = run["data"]["file"]
    source = DataSource(
        data=data or (None if file is None else Path(file)),
        subject=run["data"]["subject"] if subject is None else subject,
    )
    raw, t, test_raw, test_t = own_points(config, source, own, OWN_S)
    return [Points(raw, t), Points(test_raw, test_t)]


def origin(data: Path | None) -> dict[str, Any]:
    """What run.json says of a file."""
    return {"file": None if data is None else str(data), "sha256": None if data is None else sha256_of(data)}
