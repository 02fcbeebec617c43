"""`oxmc card`: what a device card says, and one of your own devices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oxmc.cli import options

card = typer.Typer(invoke_without_command=True)


@card.callback()
def about(context: typer.Context) -> None:
    """Show what device cards say, the project's and your own."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@card.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="CARD", help=options.CARD_HELP, autocompletion=options.one_of(options.CARDS))
    ],
    others: Annotated[list[str] | None, typer.Argument(metavar="[CARD]...", help="Cards to put beside it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, of several a list.")] = False,
) -> None:
    """Show a card: its law with intervals, the range it is known for, its sources, what was not measured."""
    from oxmc.cli import console, terminal
    from oxmc.pymodels.oxram.card_file import load_card
    from oxmc.reports.card_page import card_entry, card_facts, law_table

    cards = [load_card(each) for each in (name, *(others or ()))]
    if as_json:
        entries = [card_entry(each) for each in cards]
        print(json.dumps(entries if others else entries[0], indent=2))
        return
    for each in cards:
        terminal.show(console.pairs(card_facts(each)))
    terminal.show(law_table(cards))


@card.command()
def fit(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV of cycles, relaxation or noise, one a kind.")
    ],
    out: Annotated[Path, typer.Option(help="Card to write; pictures lie beside it.")],
    device: Annotated[str, typer.Option(metavar="COLUMN", help="Names the device.")] = "device",
    cycle: Annotated[str, typer.Option(metavar="COLUMN", help="Counts its cycles.")] = "cycle",
    gate: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Gate voltage in V, in the place of --current.")
    ] = None,
    current: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="SET current in uA; current_ua by default.")
    ] = None,
    g_us: Annotated[str, typer.Option("--g-us", metavar="COLUMN", help="Conductance in uS.")] = "g_us",
    lcs_us: Annotated[
        str | None,
        typer.Option("--lcs-us", metavar="COLUMN", help="Conductance after the RESET; lcs_us if it is there."),
    ] = None,
    rate: Annotated[str | None, typer.Option(metavar="HZ", help="Samples a second of a file of noise.")] = None,
    base: Annotated[str, typer.Option(metavar="CARD", help="Where figures come from that no file has.")] = "16k",
    source: Annotated[str, typer.Option(help="Who measured it; whom to credit.")] = "measured by the card's owner",
    licence: Annotated[str | None, typer.Option(help="Licence of the figures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a card to measurements of your own devices: medians, s.d., c2c and d2d, relaxation, noise; with intervals.

    What the files cannot say is said, and taken from --base."""
    from oxmc.cards.learn import learn
    from oxmc.cards.page import page, record
    from oxmc.cards.readings import names_of
    from oxmc.cli import terminal
    from oxmc.plots.card_fit import fit_pictures
    from oxmc.pymodels.errors import printable
    from oxmc.pymodels.oxram.card_file import card_text, load_card
    from oxmc.pymodels.whole import FILE_RULE, check_writable, write_files

    if out.parent.is_dir():  # the fit of a large file takes half a minute
        check_writable(out)
    names = names_of(device=device, cycle=cycle, gate=gate, current=current, g_us=g_us, lcs_us=lcs_us)
    texts = {"source": source} | ({"licence": licence} if licence else {})
    found = learn(files, out.stem, names, load_card(base), rate_hz=options.above_zero("--rate", rate), texts=texts)
    pictures, notes = fit_pictures(found, out)
    written = write_files({out: card_text(found.card), **pictures}, out, FILE_RULE)
    terminal.say(notes)
    if as_json:
        print(json.dumps(record(found) | {"files": [str(path) for path in written]}, indent=2))
        return
    for line in page(found):
        print(printable(line))
    for path in written:
        print(printable(f"written     {path}"))


@card.command()
def verdict(
    name: Annotated[
        str, typer.Argument(metavar="CARD", help=options.CARD_HELP, autocompletion=options.one_of(options.CARDS))
    ],
    engine: options.Engine = "twin",
    repeats: Annotated[str, typer.Option(metavar="R", help="Trainings in all, 26 or more.")] = "100",
    jobs: Annotated[str, typer.Option(metavar="N", help="Processes.")] = "1",
    seed: options.Seed = "0",
    settings: options.Set = None,
    out: Annotated[Path | None, typer.Option(help="Folder; an unfinished one goes on.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print verdict.json.")] = False,
) -> None:
    """Can a device train this chip? Trainings of cancer over c2c and d2d scatter, the device as a star.

    Constants are those of preset wide on the card's own range. --set is over them."""
    from oxmc.api.verdict import stem_of_card
    from oxmc.api.verdict import verdict as judge
    from oxmc.cli import terminal
    from oxmc.plots.verdict import draw
    from oxmc.pymodels.errors import InputError, printable
    from oxmc.run.rundir import DEFAULT_PARENT, free_name

    place = out or free_name(stem_of_card(name), DEFAULT_PARENT)
    found = judge(
        name, place, engine=engine, repeats=repeats, jobs=jobs, seed=seed, settings=options.keys(settings, None),
        plain=True,
    )  # fmt: skip
    try:
        draw(found.record, found.path / "verdict")
    except InputError as error:
        terminal.say([f"no picture: {error}"])
    if as_json:
        print(json.dumps(found.record, indent=2))
        return
    for line in [found.record["sentence"], *found.record["warnings"], *found.record["notes"], f"written {place}"]:
        print(printable(line))
