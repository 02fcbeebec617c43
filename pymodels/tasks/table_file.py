"""The text of a table: its encoding, separator and header, and the fields of each row with the line it starts on."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import MOST_TEXT, read_bytes, understood

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
UNNAMED = ("Unnamed: 0", "Unnamed: 0.1")
"""What pandas calls a first column without a name, its index; the second where a file was read and written again."""
GIVEN = re.compile(r"sep=([,;|\t])\r?\n?")
"""A first line by which a spreadsheet is told the separator."""

Row = tuple[int, list[str]]
"""The line that a row starts on, and its fields without blanks around them."""


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A file that was read: a name a column, and rows of as many fields."""

    path: Path
    separator: str
    names: list[str]
    rows: list[Row]

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self.separator == "," else (f"fields are separated by {SEPARATORS[self.separator]}",)


def read_sheet(path: Path, label: str) -> Sheet:
    """The table in `path`; `label` helps to tell which character separates its fields. Raises `InputError`."""
    separator, rows = _separated(path, _text(path), label)
    if len(rows) < 2:
        raise InputError(f"--data must have a header and rows below it, but {str(path)!r} has {len(rows)} lines")
    names, rows = _header(rows), rows[1:]
    for line, fields in rows:
        if len(fields) != len(names):
            rule = f"must have {len(names)} fields as the header, not {len(fields)}"
            raise InputError(f"{str(path)!r} line {line} {rule}")
    nothing = {place for place, name in enumerate(names) if not name and not any(row[1][place] for row in rows)}
    if nothing:  # lines that end with a separator
        names = [name for place, name in enumerate(names) if place not in nothing]
        rows = [(line, [f for place, f in enumerate(fields) if place not in nothing]) for line, fields in rows]
    _check_names(path, names, label)
    return Sheet(path, separator, names, rows)


def _text(path: Path) -> str:
    """UTF-8, or UTF-16 where the file begins with its mark, as that of a spreadsheet does."""
    rule = "--data must be a readable CSV file in UTF-8"
    data = read_bytes(path, rule, MOST_TEXT)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    with understood(rule, path):
        return data.decode("utf-16" if wide else "utf-8-sig")


def _records(text: str, separator: str) -> Iterator[Row]:
    """Rows with anything in them; a quoted field may go over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    before = 0
    for fields in reader:
        line, before = before + 1, reader.line_num
        stripped = [field.strip() for field in fields]
        if any(stripped):
            yield line, stripped


def _separated(path: Path, text: str, label: str) -> tuple[str, list[Row]]:
    """The separator with which all rows have the same fields, two or more; of several the one that finds the label.

    Where there is none, the one that comes nearest, whose rows then say what is wrong. Raises `InputError`.
    """
    if given := GIVEN.match(text):
        text = "\n" + text[given.end() :]  # lines keep their numbers
    best: tuple[tuple[bool, bool, int], str, list[Row]] | None = None
    first_error: csv.Error | None = None
    for separator in given[1] if given else SEPARATORS:
        try:
            rows = list(_records(text, separator))
        except csv.Error as error:
            first_error = first_error or error
            continue
        names = _header(rows) if rows else []
        alike = len(names) > 1 and all(len(fields) == len(names) for _, fields in rows[1:])
        score = (alike, label in names, len(names))
        if best is None or score > best[0]:
            best = score, separator, rows
    if best is None or (first_error and best[0][:2] == (False, False)):
        raise InputError(f"--data must be a CSV file in UTF-8; {str(path)!r} is not ({first_error})") from first_error
    return best[1:]


def _header(rows: list[Row]) -> list[str]:
    """The names of the columns; a first column without one, or one that R leaves out of the header, gets `UNNAMED`."""
    names = rows[0][1]
    if len(rows) > 1 and all(len(fields) == len(names) + 1 for _, fields in rows[1:]):
        names = ["", *names]
    if len(names) < 2 or names[0]:
        return names
    return [next((name for name in UNNAMED if name not in names), ""), *names[1:]]


def _check_names(path: Path, names: list[str], label: str) -> None:
    """Raises `InputError` unless the first line names each column once."""
    if len(names) == 1 and label != names[0] and label in names[0].split():
        raise InputError(f"--data must separate its fields by comma, semicolon, tab or |, but {str(path)!r} has spaces")
    if "" in names or len(set(names)) < len(names):
        wrong = "one without a name" if "" in names else repr(next(name for name in names if names.count(name) > 1))
        raise InputError(f"--data must name each column once in its first line, but {str(path)!r} has {wrong}")
    if None not in map(number_in, names) and names not in ([*map(str, range(k, k + len(names)))] for k in (0, 1)):
        raise InputError(f"--data must name its columns in its first line, but {str(path)!r} has numbers there")


def number_in(text: str) -> float | None:
    """The finite number that a text is, None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
