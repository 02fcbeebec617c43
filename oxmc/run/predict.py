"""`oxmc predict`: a run's classes and probabilities for the rows of a table, as CSV or JSON, with notes."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.table_columns import new_points, shown_names
from oxmc.pymodels.tasks.table_file import read_sheet
from oxmc.run.checked import checked_run
from oxmc.run.inference import Prediction, infer, kept_columns, kept_scaling
from oxmc.run.result import is_noisy

NAMED = 3
"""Columns that a note names."""


@dataclasses.dataclass(frozen=True)
class Predicted:
    """Predictions of a table's rows, the names of the classes, and notes."""

    prediction: Prediction
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    def as_csv(self) -> str:
        """A line a row: `row`, `class`, the probability of each class, `entropy` in bits."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["row", "class", *(f"probability {name}" for name in self.classes), "entropy"])
        for entry in self._entries():
            writer.writerow([entry["row"], entry["class"], *entry["probability"].values(), entry["entropy"]])
        return stream.getvalue()

    def as_json(self) -> str:
        """The same as a JSON object a line; `probability` by class."""
        return "".join(f"{json.dumps(entry)}\n" for entry in self._entries())

    def _entries(self) -> list[dict[str, Any]]:
        found = self.prediction
        numbers = zip(found.classes.tolist(), found.probability.tolist(), found.entropy.tolist(), strict=True)
        return [
            {
                "row": row,
                "class": self.classes[winner],
                "probability": dict(zip(self.classes, probability, strict=True)),
                "entropy": entropy,
            }
            for row, (winner, probability, entropy) in enumerate(numbers)
        ]


def predict_table(run: Path, data: Path, engine: str = "twin") -> Predicted:
    """What the run directory `run` makes of the rows of CSV file `data`.

    Its columns are found by name; others are ignored, and noted. Raises `InputError` for a run that cannot predict, or
    a table that lacks a column or holds what is no number.
    """
    checked = checked_run(run)
    if checked.state is None:
        raise InputError(f"RUN must be a run directory, not {str(run)!r}")
    record, config = checked.run, checked.config
    scaling = kept_scaling(record, repr(str(run)))
    columns = kept_columns(record, scaling)
    sheet = read_sheet(data, columns[0])
    raw = new_points(sheet, columns)
    scaled = scaling.features(raw, bias=scaling.width < config.features)
    notes = (
        *_of_several(record),
        *filter(None, [config.target]),
        *record["card"]["extrapolated"],
        *_ignored([name for name in sheet.names if name not in columns]),
        *_beyond(scaling, raw, columns),
        *_clipped(scaled, config.input_range),
        *(("the array's read noise is left out: rows vote by the conductances that were stored",) * is_noisy(config)),
    )
    names = record["data"]["classes"] or [str(number) for number in range(max(2, config.outputs))]
    return Predicted(infer(config, checked.state, scaled, engine), tuple(names), notes)


def _of_several(record: dict[str, Any]) -> list[str]:
    kinds = [f"{kind} 0 of {record[kind + 's']['n']}" for kind in ("repeat", "chain") if kind + "s" in record]
    return [f"the prediction is that of {kind}" for kind in kinds]


def _ignored(names: Sequence[str]) -> list[str]:
    return [f"columns not trained on, ignored: {_listed(names)}"] if names else []


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{shown_names(names[:NAMED])}{more}"


def _beyond(scaling: Scaling, raw: np.ndarray, columns: Sequence[str]) -> list[str]:
    outside = scaling.outside(raw)
    if not outside.any():
        return []
    counts = outside.sum(axis=0)
    worst = [columns[place] for place in np.argsort(-counts, kind="stable") if counts[place]]
    rows = int(outside.any(axis=1).sum())
    return [
        f"{int(counts.sum())} of {raw.size} values, in {rows} of {len(raw)} rows, lie outside the range of the "
        f"training points: {_listed(worst)}"
    ]


def _clipped(scaled: np.ndarray, full_scale: float) -> list[str]:
    count = int((np.abs(scaled) > full_scale).sum())
    return [f"{count} of {scaled.size} feature values clip at the input's full scale"] if count else []
