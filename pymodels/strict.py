"""JSON that holds finite numbers and names each key once. Python's own reader takes NaN, Infinity and 1e999."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MOST = 1e300
"""Numbers above are no doubles, or nearly none."""


def is_number(value: Any, low: float = -MOST) -> bool:
    """Whether `value` is an integer or a real number from `low` to below `MOST`: no bool, no NaN."""
    return type(value) in (int, float) and low <= value < MOST


def loads(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError` for what is none, for a number not below `MOST`, a key twice.

    Bytes must be UTF-8 without a mark ahead: Python's reader would guess an encoding, and take bytes that it refuses
    as text.
    """
    text = text if isinstance(text, str) else text.decode()
    return json.loads(
        text, parse_constant=_refuse, parse_float=_finite, parse_int=_integer, object_pairs_hook=_named_once
    )


def first_difference(found: Any, due: Any, where: str = "") -> str | None:
    """Where and how two values of JSON differ, None where they do not.

    Real numbers may be a rounding apart (1e-9); integers, texts, keys and types may not: 1, 1.0 and true are three.
    """
    if type(found) is not type(due):
        return f"{where} must be {_short(due)}, not {_short(found)}"
    if isinstance(due, dict):
        if found.keys() != due.keys():
            return f"{where} must have {_short(list(due))}, not {_short(list(found))}"
        pairs = ((found[key], due[key], f"{where}.{key}".lstrip(".")) for key in due)
        return next(filter(None, (first_difference(*pair) for pair in pairs)), None)
    if isinstance(due, list):
        if len(found) != len(due):
            return f"{where} must have {len(due)} values, not {len(found)}"
        items = enumerate(zip(found, due, strict=True))
        return next(filter(None, (first_difference(*pair, f"{where}[{index}]") for index, pair in items)), None)
    same = math.isclose(found, due, rel_tol=1e-9) if isinstance(due, float) else found == due
    return None if same else f"{where} must be {_short(due)}, not {_short(found)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no finite number")


def _finite(text: str) -> float:
    value = float(text)
    return value if abs(value) < MOST else _refuse(text[:20])


def _integer(text: str) -> int:
    value = int(text)
    return value if abs(value) < MOST else _refuse(f"{text[:20]}...")


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return found
