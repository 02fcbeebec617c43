"""`oxmc data`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def data(
    database: Annotated[str, typer.Argument(metavar="NAME", help="mitdb: recordings for ecg; iris: a table.")],
    out: Annotated[Path | None, typer.Option(help="Folder of mitdb or file of iris; by default in build/data.")] = None,
) -> None:
    """Put data where `--data` can read it.

    mitdb fetches the MIT-BIH Arrhythmia Database, some 100 MB, and needs a network; whole files are kept.
    iris writes Fisher's irises, which scikit-learn ships."""
    from oxmc.run.recordings import fetch_database
    from oxmc.run.tables import write_iris

    if database == "iris":
        path = out or Path("build/data/iris.csv")
        print(f"{path} has {write_iris(path)} rows")
        return
    folder = out or Path("build/data/mitdb")
    count = fetch_database(database, folder, lambda text: print(text, file=sys.stderr, flush=True))
    print(f"{folder} is complete, {count} files fetched")
