"""`oxmc card`: what a device card says."""

from __future__ import annotations

import json
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
