"""All figures that are built, in the paper's order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oxmc.paper.entry import Entry
from oxmc.paper.figures import (
    accuracy,
    backprop,
    classes,
    control,
    devices,
    heartbeats,
    joules,
    plane,
    rows,
    varied,
    worn,
)
from oxmc.pymodels.errors import InputError

ROOMS = (plane, devices, rows, accuracy, worn, heartbeats, control, backprop, varied, joules, classes)


def _order(entry: Entry) -> tuple[bool, int, str]:
    number = re.search(r"\d+", entry.id)
    assert number is not None
    return entry.id.startswith("S"), int(number[0]), entry.id


ENTRIES: tuple[Entry, ...] = tuple(sorted((entry for room in ROOMS for entry in room.ENTRIES), key=_order))


def chosen(ids: Sequence[str]) -> list[Entry]:
    """Those figures that are named, in any case and without spaces; all where none is. Raises `InputError`."""
    names = {name: entry for entry in ENTRIES for name in _names(entry)}
    wrong = [name for name in ids if name.lower() not in names]
    if wrong:
        raise InputError(f"--figure must be one of {', '.join(entry.id for entry in ENTRIES)}, not {wrong[0]!r}")
    wanted = {names[name.lower()].id for name in ids}
    return [entry for entry in ENTRIES if not ids or entry.id in wanted]


def _names(entry: Entry) -> list[str]:
    """An entry may show two figures, such as 5a and 5b."""
    return [entry.id.lower(), *entry.id.lower().split(", ")]
