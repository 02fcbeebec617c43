"""Options and arguments that several commands share, and what their values must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oxmc.pymodels.config import KEYS, PRESETS, TASKS, load_toml, parse_setting
from oxmc.pymodels.errors import InputError, shown
from oxmc.run.engine import ENGINES

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Plan
    from oxmc.pymodels.tasks import DataSource

DEFAULT_PRESET = "best"
"""The best we have measured; `paper` is what the paper did."""

MOST_SEED, MOST_SUBJECT, MOST_REPEATS, MOST_JOBS = 2**128 - 1, 10**9, 1_000_000, 1024
"""More randomness than numpy's generator has, records than a database has, and work or processes than a machine has."""

ENGINE_HELP = "; ".join(f"{name}: {engine.help}" for name, engine in ENGINES.items()) + "."


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell offers for a word that is begun."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


_KEYS = one_of([f"{name}=" for name in KEYS])
Task = Annotated[str, typer.Argument(help=f"What to learn: {', '.join(TASKS)}.", autocompletion=one_of(TASKS))]
Preset = Annotated[
    str,
    typer.Option(help=f"Named configuration of the task: {', '.join(PRESETS)}.", autocompletion=one_of(PRESETS)),
]
Config = Annotated[Path | None, typer.Option(help="TOML file of configuration keys, over the preset.")]
Data = Annotated[Path | None, typer.Option(help="File or folder with the data of table or ecg.")]
Subject = Annotated[str | None, typer.Option(metavar="R", help="The record that ecg is tested on.")]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that table learns.")]
OtherCode = Annotated[bool, typer.Option("--other-code", help="Let --resume go on with what other code did.")]
Keep = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="A column that table uses although it looks like an index.")
]
Drop = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column that table leaves out.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One key, over the file.", autocompletion=_KEYS),
]
Seed = Annotated[str, typer.Option(metavar="N", help="All randomness comes from it; an integer >= 0.")]
Rows = Annotated[str | None, typer.Option(metavar="N", help="Array rows; also caps burn_in at N/8.")]
Engine = Annotated[str, typer.Option(help=ENGINE_HELP, autocompletion=one_of(ENGINES))]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and run and write nothing.")]
Cluster = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to run the repeats.")]


def seed_value(text: str) -> int:
    """The value of --seed."""
    return integer("--seed", text, 0, MOST_SEED)


def keys_of(config: Path | None, settings: list[str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keys of the file --config, and those of --set. Raises `InputError` for what is no key and value."""
    return load_toml(config) if config else {}, dict(parse_setting(text) for text in settings or [])


def integer(option: str, text: str, low: int, high: int) -> int:
    """The value of an option. Raises `InputError` if it is no integer from `low` to `high`."""
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if value < low:
        raise InputError(f"{option} must be an integer >= {low}, not {shown(text)}")
    if value > high:
        raise InputError(f"{option} must be an integer of at most {high}, not {shown(text)}")
    return value


def row_count(rows: str | None, settings: Mapping[str, Any]) -> Any:
    """The value of --rows. Raises `InputError` where --set says it, too."""
    if rows is not None and "rows" in settings:
        raise InputError(f"--rows {rows} must be left out with --set rows={settings['rows']}")
    return None if rows is None else parse_setting(f"rows={rows}")[1]


def data_source(
    data: Path | None, subject: str | None, label: str | None, keep: list[str] | None, drop: list[str] | None
) -> DataSource:
    """What a user gave of the data. Raises `InputError` for a subject that is no number."""
    from oxmc.pymodels.tasks import DataSource

    number = None if subject is None else integer("--subject", subject, 0, MOST_SUBJECT)
    return DataSource(data=data, subject=number, label=label, keep=tuple(keep or ()), drop=tuple(drop or ()))


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
    from oxmc.campaign.repeats import Plan

    if jobs is not None and cluster is not None:
        raise InputError("--jobs must be left out with --cluster, where each worker does one repeat at a time")
    count = integer("--repeats", repeats, 1, MOST_REPEATS)
    processes = integer("--jobs", "1" if jobs is None else jobs, 1, MOST_JOBS)
    return Plan(repeats=count, jobs=processes, cluster=cluster, resume=resume, other_code=other_code)
