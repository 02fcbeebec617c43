"""Errors that carry a message for the user; the command line prints them as one line.

`OxmcError` is whatever oxmc raises on purpose: `InputError` where what it was given is wrong, `RunError` where a run or
a check failed. Python's own errors of the kind, `ValueError` and `RuntimeError`, catch them, too.
"""

from __future__ import annotations

import re

CONTROL = re.compile(
    r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]|\r(?!\n)"
)
LONGEST_SHOWN = 200
"""Characters of a value that a message shows."""


class OxmcError(Exception):
    """What oxmc raises on purpose; its message says in one line what is wrong."""


class InputError(OxmcError, ValueError):
    """Bad usage or input: exit code 2. The message names the parameter, the rule and the value."""


class RunError(OxmcError, RuntimeError):
    """The run or a check failed: exit code 1."""


def shown(value: object) -> str:
    """The repr of a value that came from outside, of bounded length whatever it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, tables in tables in tables
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def printable(text: str) -> str:
    """`text` with what a terminal would obey as escapes: control characters but ends of lines, marks of direction."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
