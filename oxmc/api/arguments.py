"""Arguments of the API as the rest of the program has them, whatever kind a program in Python gives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.errors import InputError, shown

Place = str | os.PathLike[str]


def place_of(name: str, place: object) -> Path:
    """A file or folder. Raises `InputError` for what names none."""
    if not isinstance(place, (str, os.PathLike)):
        raise InputError(f"{name} must be the name of a file or folder, not {shown(place)}")
    return Path(place)


def settings_of(settings: object) -> dict[str, Any]:
    """Keys of a configuration and their values, those of numpy as Python's. Raises `InputError` for no such mapping."""
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        raise InputError(f"settings must be a dict of keys and their values, not {shown(settings)}")
    return {name: plain(value) for name, value in settings.items()}


def plain(value: Any) -> Any:
    """A number of numpy as one of Python; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def listed(values: object) -> list[Any]:
    """Several values, those of numpy as Python's; of a text or of one value alone, none."""
    return [plain(value) for value in values] if isinstance(values, Iterable) and not isinstance(values, str) else []


def texts_of(name: str, texts: object) -> tuple[str, ...]:
    """Several texts. Raises `InputError` for a single one, whose letters Python would take, and for others."""
    found = listed(texts)
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable) or not all(isinstance(x, str) for x in found):
        raise InputError(f"{name} must be a list of texts, not {shown(texts)}")
    return tuple(found)
