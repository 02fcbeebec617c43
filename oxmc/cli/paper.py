"""`oxmc paper`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oxmc.cli import options
from oxmc.pymodels.whole import write_files

if TYPE_CHECKING:
    from rich.table import Table

DEFAULT_OUT = Path("build/paper")


def paper(
    quick: Annotated[bool, typer.Option("--quick", help="Few trainings: minutes in place of hours.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what the folder keeps.")] = False,
    jobs: Annotated[str, typer.Option(metavar="N", help="Processes.")] = "1",
    out: Annotated[Path, typer.Option(help="Folder for page, record, pictures and what was measured.")] = DEFAULT_OUT,
    data: options.Data = None,
    subject: options.Subject = None,
    figure: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this figure, such as 5c; may be given more than once.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record.")] = False,
) -> None:
    """Measure every figure of the paper anew. A page holds each against what the text says, with a verdict.

    Without --data heartbeats are made up, and what they show is not comparable."""
    from oxmc.api import progress
    from oxmc.paper.entries import chosen
    from oxmc.paper.entry import Size
    from oxmc.paper.record import Work, embedded, record_of
    from oxmc.reports.paper_page import paper_page
    from oxmc.run.request import MOST_JOBS, integer
    from oxmc.run.rundir import check_out

    work = Work.of(chosen(figure or ()), Size.asked(quick, data, subject))
    processes = integer("--jobs", jobs, 1, MOST_JOBS)
    if not resume:
        check_out(out)
    with progress.parts(len(work.parts), plain=True) as watcher:
        made = work.make(out / "parts", processes, watcher)
    record = record_of(made, work.size)
    text = json.dumps(record, indent=1) + "\n"
    files: dict[Path, str | bytes] = {out / "paper.json": text, out / "paper.html": paper_page(record, embedded(made))}
    write_files(files | {out / name: content for one in made for name, content in one.pictures.items()}, out)
    if as_json:
        print(text, end="")
    else:
        _print(record, out)


def _print(record: dict[str, Any], out: Path) -> None:
    """Verdicts on standard output."""
    from oxmc.cli.console import pairs, wide

    terminal = wide()
    terminal.print(verdicts(record))
    counts = ", ".join(f"{verdict} {count}" for verdict, count in record["counts"].items())
    terminal.print(pairs([("figures", counts), ("as a page", str(out / "paper.html"))]))


def verdicts(record: dict[str, Any]) -> Table:
    """A line a figure."""
    from rich.table import Table

    table = Table("figure", "what it shows", "verdict", *next(iter(record["figures"]))["verdicts"])
    for figure in record["figures"]:
        table.add_row(figure["id"], figure["title"], figure["verdict"], *figure["verdicts"].values())
    return table
