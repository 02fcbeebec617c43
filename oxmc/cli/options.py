"""Options and arguments that several commands share, and what their values must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oxmc.pymodels.config import CARDS, KEYS, PRESETS, TASKS, parse_setting
from oxmc.pymodels.errors import InputError
from oxmc.run.engine import ENGINES

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Plan

ENGINE_HELP = "; ".join(f"{name}: {engine.help}" for name, engine in ENGINES.items()) + "."


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell offers for a word that is begun."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def _nodes(incomplete: str) -> list[str]:
    """Nodes that a shell offers; only one that asks reads the costs."""
    from oxmc.energy.costs import NODES

    return one_of(NODES)(incomplete)


_KEYS = one_of([f"{name}=" for name in KEYS])
Task = Annotated[str, typer.Argument(help=f"What to learn: {', '.join(TASKS)}.", autocompletion=one_of(TASKS))]
Preset = Annotated[
    str,
    typer.Option(help=f"Named configuration of the task: {', '.join(PRESETS)}.", autocompletion=one_of(PRESETS)),
]
Config = Annotated[Path | None, typer.Option(help="TOML file of configuration keys; they replace the preset's.")]
Data = Annotated[Path | None, typer.Option(help="File or folder with the data of table or ecg.")]
Subject = Annotated[str | None, typer.Option(metavar="R", help="The record that ecg is tested on.")]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that table learns.")]
OtherCode = Annotated[
    bool, typer.Option("--other-code", help="Let --resume go on with work of another version of oxmc.")
]
Keep = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="A column that table uses although it looks like an index.")
]
Drop = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column that table leaves out.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One key; replaces that of file and preset.", autocompletion=_KEYS),
]
VARY_HELP = "Values of a key; may be given more than once."
Vary = Annotated[list[str], typer.Option(metavar="KEY=V1,V2,...", help=VARY_HELP, autocompletion=_KEYS)]
NODE_HELP = "28nm, 130nm, 28nm:ASSUMPTION or a cost table; may be given twice."
Node = Annotated[list[str] | None, typer.Option(metavar="NODE|FILE", help=NODE_HELP, autocompletion=_nodes)]
CARD_HELP = f"Device card: {', '.join(CARDS)}, or a TOML file of your own (docs/reference/cards.md)."
Card = Annotated[str | None, typer.Option(metavar="NAME|FILE", help=CARD_HELP, autocompletion=one_of(CARDS))]
Seed = Annotated[str, typer.Option(metavar="N", help="All randomness comes from it; an integer >= 0.")]
Rows = Annotated[str | None, typer.Option(metavar="N", help="Array rows; burn_in becomes at most N/8.")]
Engine = Annotated[str, typer.Option(help=ENGINE_HELP, autocompletion=one_of(ENGINES))]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be run. Run and write nothing.")]
Cluster = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to run the repeats.")]


def keys(settings: list[str] | None, card: str | None = None) -> dict[str, Any]:
    """Keys of --set, and of --card. Raises `InputError` for what is no key and value, and for two cards."""
    found = dict(parse_setting(text) for text in settings or [])
    if card is not None and "card" in found:
        raise InputError(f"--card {card} must be left out with --set card={found['card']}")
    return found if card is None else found | {"card": card}


def row_value(rows: str | None) -> Any:
    """The value of --rows."""
    return None if rows is None else parse_setting(f"rows={rows}")[1]


def repeat_plan(
    repeats: str | None, jobs: str | None, cluster: str | None, resume: bool, other_code: bool
) -> Plan | None:
    """How to repeat, None for one training. Raises `InputError` for options that do not go together."""
    if other_code and not resume:
        raise InputError("--other-code must come with --resume, which is not there")
    if repeats is None:
        for option, given in (("--jobs", jobs is not None), ("--cluster", cluster is not None), ("--resume", resume)):
            if given:
                raise InputError(f"{option} must come with --repeats, which is not there")
        return None
    from oxmc.api.many import plan_of

    if jobs is not None and cluster is not None:
        raise InputError("--jobs must be left out with --cluster, where each worker does one repeat at a time")
    return plan_of(repeats, "1" if jobs is None else jobs, cluster, resume, other_code)


def above_zero(option: str, text: str | None) -> float | None:
    """The number above 0 that an option gives, None without it. Raises `InputError`."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise InputError(f"{option} must be a number above 0, not {text!r}")
    return value
