"""The checklist as data: the rows of checklist.toml, which `make signoff` judges."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

from oxmc.pymodels.errors import InputError

STAGES = ("D2", "D3", "V2", "V3", "S2", "beyond")
"""OpenTitan's stages, and what it does not ask for."""
LISTS = ("testpoints", "documents", "commands")


@dataclass(frozen=True)
class Row:
    """An item of a stage: what it asks, its evidence, and why it is waived or what is missing where that is known."""

    stage: str
    item: str
    asks: str
    testpoints: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    waived: str = ""
    open: str = ""


@dataclass(frozen=True)
class Checklist:
    """The rows, and the cheap commands that `make signoff` runs, a shell line each by name."""

    rows: tuple[Row, ...]
    run: dict[str, str]


def shipped() -> Checklist:
    return read((resources.files("oxmc.signoff") / "checklist.toml").read_text(encoding="utf-8"))


def read(text: str) -> Checklist:
    """Raises `InputError` for a row that is not well-formed."""
    table = tomllib.loads(text)
    found = Checklist(tuple(map(row_of, table["row"])), table.get("run", {}))
    names = [(row.stage, row.item) for row in found.rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"an item must stand once in its stage, not {twice[0]}")
    return found


def row_of(entry: dict[str, Any]) -> Row:
    """A row of its table. Raises `InputError`."""
    name = f"{entry.get('stage')} {entry.get('item')}"
    if unknown := sorted(set(entry) - {field.name for field in fields(Row)}):
        raise InputError(f"row {name}: no key {unknown[0]!r}")
    values: dict[str, Any] = {key: tuple(value) if key in LISTS else value for key, value in entry.items()}
    row = Row(**values)
    if row.stage not in STAGES:
        raise InputError(f"row {name}: stage must be one of {', '.join(STAGES)}, not {row.stage!r}")
    if not row.item.replace("_", "").isalnum() or not row.item.isupper() or not row.asks:
        raise InputError(f"row {name}: item must be a name in capitals, and asks must say what it asks")
    if row.waived and row.open:
        raise InputError(f"row {name}: must be waived or open, not both")
    if not (row.waived or row.open or row.testpoints or row.documents or row.commands):
        raise InputError(f"row {name}: must have evidence, or say why it is waived or what is missing")
    return row
