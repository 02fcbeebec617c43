"""`oxmc adapt`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oxmc.cli import options, terminal
from oxmc.pymodels.errors import InputError

if TYPE_CHECKING:
    from oxmc.run.adapt import Points
    from oxmc.run.checked import CheckedRun


def _of_tables(
    checked: CheckedRun, data: Path | None, test: Path | None, label: str | None
) -> tuple[Points, Points | None]:
    """New points, and others to test on. Raises `InputError`."""
    from oxmc.run.adapt_points import table_points

    if data is None:
        raise InputError("--data must name a CSV file of new points, or --own the beats of ecg's subject")
    tested = None if test is None else table_points(checked.run, checked.config, test, label)
    return table_points(checked.run, checked.config, data, label), tested


def _own(
    checked: CheckedRun, data: Path | None, test: Path | None, subject: str | None, own: str
) -> tuple[Points, Points]:
    """The subject's first beats, and its later ones. Raises `InputError`."""
    from oxmc.run.adapt_points import own_beats
    from oxmc.run.request import MOST_SUBJECT, integer

    if test is not None:
        raise InputError("--test must be left out with --own, which tests beats after the fifth minute")
    record = None if subject is None else integer("--subject", subject, 0, MOST_SUBJECT)
    new, late = own_beats(checked.run, checked.config, data, record, integer("--own", own, 1, 16384))
    return new, late


def adapt(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory whose array goes on.")],
    data: Annotated[
        Path | None, typer.Option(help="CSV file of new points with their classes; of ecg the recordings.")
    ] = None,
    label: options.Label = None,
    test: Annotated[Path | None, typer.Option(help="CSV file of points to test on, in place of RUN's.")] = None,
    own: Annotated[str | None, typer.Option(metavar="N", help="First beats of ecg's subject to learn.")] = None,
    subject: options.Subject = None,
    copies: Annotated[str, typer.Option(metavar="N", help="How often each new point is learned.")] = "1",
    extend: Annotated[bool, typer.Option(help="Learn from RUN's training points, too.")] = False,
    rows: Annotated[
        str | None, typer.Option(metavar="N", help="Rows to fill, oldest first; all but the newest without it.")
    ] = None,
    settings: options.Set = None,
    engine: Annotated[str, typer.Option(help="twin, verilator or icarus, which give the same bits.")] = "twin",
    coupling: Annotated[str, typer.Option(help="Where the array's model runs: python or compiled.")] = "python",
    lockstep: Annotated[bool, typer.Option(help="Run the twin beside the RTL; stop at the first difference.")] = False,
    out: Annotated[Path | None, typer.Option(help="Run directory; by default a new one in build/runs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json and nothing else.")] = False,
) -> None:
    """Train the array of a run on with new points.

    It goes on from its newest row, in the rows that are oldest.

    Columns, scaling, prior and devices are those of RUN. The result is a run directory of its own."""
    from oxmc.api import progress
    from oxmc.run.adapt import Asked
    from oxmc.run.adapt import adapt as adapt_into
    from oxmc.run.adapt_points import origin
    from oxmc.run.checked import checked_run
    from oxmc.run.request import integer
    from oxmc.run.rundir import DEFAULT_PARENT, free_name

    checked = checked_run(run)
    if own is None:
        new, tested = _of_tables(checked, data, test, label)
    else:
        new, tested = _own(checked, data, test, subject, own)
    asked = Asked(
        new=new, test=tested, copies=integer("--copies", copies, 1, 64), extend=extend,
        rows=None if rows is None else integer("--rows", rows, 0, 16383), settings=options.keys(settings),
        engine=engine, coupling=coupling, lockstep=lockstep, data=origin(data),
    )  # fmt: skip
    place = out or free_name(f"{checked.run['task']}-adapted-{engine}-s{checked.run['seed']}", DEFAULT_PARENT)
    with progress.training(checked.config.rows, plain=True) as watcher:
        training = adapt_into(run, checked, asked, place, watcher)
    if as_json:
        print(json.dumps(training.record))
        return
    from oxmc.cli import console

    terminal.show(console.adapted(training.record, training.request.config), console.ending(training.record, place))
