"""`oxmc data iris`: a table that scikit-learn ships, as the CSV file that task table takes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from oxmc.pymodels.whole import write_file

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width", "species")


def write_iris(path: Path) -> int:
    """Write Fisher's irises, lengths in cm; the number of rows. Raises `InputError` if `path` cannot be written."""
    from sklearn.datasets import load_iris

    table = load_iris()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lengths, species in zip(table.data, table.target, strict=True):
        writer.writerow([*(f"{length:.1f}" for length in lengths), table.target_names[species]])
    write_file(path, text.getvalue())
    return len(table.target)
