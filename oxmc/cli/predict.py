"""`oxmc predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from oxmc.pymodels.errors import printable
from oxmc.pymodels.whole import write_file


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory of a task with classes.")],
    data: Annotated[Path, typer.Option(help="CSV file of new points, with the columns trained on.")],
    out: Annotated[Path | None, typer.Option(help="File to write in place of standard output.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a row in place of a line of CSV.")
    ] = False,
    engine: Annotated[str, typer.Option(help="twin, verilator or icarus, which give the same bits.")] = "twin",
) -> None:
    """Classify new points by what a run learned. A line a row: class, probability of each class, entropy in bits.

    Columns are found by name and scaled as in training. Notes on them go to standard error."""
    from oxmc.run.predict import predict_table

    found = predict_table(run, data, engine)
    text = found.as_json() if as_json else found.as_csv()
    for note in found.notes:
        print("oxmc: note:", printable(" ".join(note.split())), file=sys.stderr)
    if out is None:
        print(printable(text), end="")
        return
    write_file(out, text)
