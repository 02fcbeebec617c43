"""What a table's columns mean: classes of the label, numbers, and what is left out because nothing is learned from it.

Nothing is guessed in silence: what a file leaves open is refused with line and column, what is decided here is noted.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NoReturn

import numpy as np

from oxmc.pymodels.config import KEYS
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks.table_file import Sheet, number_in

MISSING = frozenset(("", "?", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "+nan", "nat", "null", "none"))
"""What a missing value looks like, in lower case. A class may be called so, but for the empty one."""
TRUTH = {"true": 1.0, "false": 0.0}
IDENTIFIERS = re.compile(
    r"(?i:unnamed: ?\d+(\.\d+)?|index|id|uuid|guid|key|row|row[ _]?(id|no|nr|names?)|nr|#|.*[ _.-]id)|.*[a-z]I[dD]"
)
"""Names of columns that name or count the rows."""
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""A decimal comma or one between thousands: 1,234."""
LARGEST = 1e100
"""So large that no measurement is, and so small that squares and their sums are finite."""
DISTINCT_SHARE = 0.5
"""Above this share of different values a label is taken for a measurement, if it has more classes than outputs."""
LABELS = ("text", "integer", "number", "boolean")
SHOWN = 40
"""Characters of a name or value in a message."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A file that was read: x float64 [n, features], t int64 [n], the names of both, and what a reader should know.

    Of arrays that a program gave, `labels` says what the classes' names stand for (`LABELS`), and the first
    `train_rows` are to be trained on, all others tested, unless it is 0.
    """

    x: np.ndarray
    t: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    labels: str = "text"
    train_rows: int = 0

    @functools.cached_property
    def sha256(self) -> str:
        """Digest of all that is in it."""
        digest = hashlib.sha256(repr((self.features, self.classes, self.train_rows)).encode())
        for array in (self.x, self.t):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def counts(self) -> tuple[int, ...]:
        """Rows of each class."""
        return tuple(np.bincount(self.t, minlength=len(self.classes)).tolist())


def shown(text: str) -> str:
    """A name or value in quotes, on one line and not too long."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def shown_names(names: Iterable[str]) -> str:
    """Names in a list; in quotes where they could be mistaken for more than one."""
    return ", ".join(name if re.fullmatch(r"[^\W,](?:[ .\w-]{0,39}[^\W,])?", name) else shown(name) for name in names)


def table_of(sheet: Sheet, label: str, keep: Sequence[str], drop: Sequence[str]) -> Table:
    """The label's classes and the numbers of the other columns, but for those in `drop`.

    Columns that name or count the rows are left out unless they are in `keep`. Raises `InputError`.
    """
    _check_options(sheet, label, keep, drop)
    classes, t, notes = _labels(sheet, label)
    columns = {name: _column(sheet, name) for name in sheet.names if name != label and name not in drop}
    if not columns:
        raise InputError(f"--data must have a column beside the label {label!r}, but {str(sheet.path)!r} has none")
    named = [name for name, values in columns.items() if name not in keep and _names_rows(name, values)]
    empty = [name for name, values in columns.items() if all(map(_is_missing, values)) and name not in named]
    same = [name for name, values in columns.items() if len(set(values)) == 1 and name not in (*named, *empty)]
    read = {name: values for name, values in columns.items() if name not in (*named, *empty, *same)}
    decimal_comma = _decimal_comma(sheet, read)
    numbers = {name: _numbers(sheet, name, values, decimal_comma) for name, values in read.items()}
    varying = [name for name, values in numbers.items() if values.min() < values.max()]
    if not varying:
        raise InputError(f"--data must have a column that is not constant, but {str(sheet.path)!r} has none")
    constant = [name for name in columns if name in same or name in numbers and name not in varying]
    truths = [name for name in varying if read[name][0].lower() in TRUTH]
    counting = [name for name in varying if name not in keep and _counts_rows(numbers[name])]
    said = (
        (decimal_comma, "decimal commas are read as points"),
        (truths, f"True and False are read as 1 and 0: {shown_names(truths)}"),
        (drop, f"columns left out by --drop: {shown_names(drop)}"),
        (named, f"columns that name the rows left out: {shown_names(named)} (--keep NAME takes one)"),
        (counting, f"columns that only count the rows: {shown_names(counting)} (--drop NAME leaves one out)"),
        (empty, f"columns without any value left out: {shown_names(empty)}"),
        (constant, f"constant columns left out: {shown_names(constant)}"),
    )
    x = np.stack([numbers[name] for name in varying], axis=1)
    return Table(x, t, tuple(varying), classes, (*sheet.notes, *notes, *(text for true, text in said if true)))


def _check_options(sheet: Sheet, label: str, keep: Sequence[str], drop: Sequence[str]) -> None:
    """Raises `InputError` for a column that is not there, or is both wanted and not."""
    for option, names in (("--label", [label]), ("--keep", keep), ("--drop", drop)):
        for name in names:
            if name not in sheet.names:
                folded = {known.casefold(): known for known in sheet.names}
                near = folded[difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.0)[0]]
                where = f"{str(sheet.path)!r}, not {name!r}; did you mean {shown(near)}?"
                raise InputError(f"{option} must name a column of {where}")
    for name in drop:
        if name == label or name in keep:
            other = "--label" if name == label else "--keep"
            raise InputError(f"--drop must name another column than {other}, not {name!r}")


def _column(sheet: Sheet, name: str) -> list[str]:
    place = sheet.names.index(name)
    return [fields[place] for _, fields in sheet.rows]


def _is_missing(text: str) -> bool:
    return text.lower() in MISSING


def _labels(sheet: Sheet, label: str) -> tuple[tuple[str, ...], np.ndarray, list[str]]:
    """Names of the classes in order, the class of each row, int64 [n], and notes."""
    values = _column(sheet, label)
    if "" in values:
        _refuse_missing(sheet, label, [not value for value in values], "fill it in or take the line out")
    classes = _ordered(set(values))
    counts = Counter(values)
    if len(classes) < 2:
        raise InputError(f"--label must have two classes or more, but column {label!r} holds {shown(classes[0])} alone")
    high = KEYS["outputs"].metadata["high"]
    if len(classes) > high:
        many = len(classes) > DISTINCT_SHARE * len(values)
        hint = "; it looks like a measurement or a name, not a class" if many else ""
        raise InputError(f"--label must have at most {high} classes, not {len(classes)}{hint}")
    _check_apart(label, classes, counts)
    number = {name: index for index, name in enumerate(classes)}
    odd, single = [name for name in classes if _is_missing(name)], [name for name in classes if counts[name] == 1]
    said = (
        (odd, f"taken as a class, not as a missing value: {shown_names(odd)}"),
        (single, f"classes of one row, which is trained on and never tested: {shown_names(single)}"),
    )
    return classes, np.array([number[value] for value in values], np.int64), [text for true, text in said if true]


def _ordered(different: set[str]) -> tuple[str, ...]:
    """By number where all are numbers, else by text; the same whatever the order of the set."""
    numbers = {value: number_in(value) for value in different}
    if None in numbers.values():
        return tuple(sorted(different))
    return tuple(sorted(different, key=lambda value: (numbers[value], value)))


def _check_apart(label: str, classes: Sequence[str], counts: Counter[str]) -> None:
    """Raises `InputError` for two classes that a reader would take for one, as yes and Yes, or 1 and 1.0."""
    seen: dict[object, str] = {}
    for name in classes:
        number = number_in(name)
        alike = " ".join(unicodedata.normalize("NFKC", name).casefold().split()) if number is None else number
        other = seen.setdefault(alike, name)
        if other != name:
            both = " and ".join(f"{shown(value)} ({counts[value]} rows)" for value in (other, name))
            raise InputError(
                f"--label must have classes that differ in more than case, blanks or how a number is written, but "
                f"column {label!r} has {both}: write them alike, or rename one"
            )


def _names_rows(name: str, values: Sequence[str]) -> bool:
    """Whether a column is an index or an identifier: by its name, all values different, none of them a fraction."""
    if not IDENTIFIERS.fullmatch(name) or len(set(values)) < len(values):
        return False
    numbers = map(number_in, values)
    return all(number is None or number == int(number) for number in numbers)


def _counts_rows(values: np.ndarray) -> bool:
    """Whether a column holds k, k + 1, ... once each, in any order."""
    return bool(np.array_equal(np.sort(values), values.min() + np.arange(len(values))))


def _decimal_comma(sheet: Sheet, columns: dict[str, list[str]]) -> bool:
    """Whether numbers have decimal commas, which a file may have whose fields are not separated by commas."""
    if sheet.separator == ",":
        return False
    with_comma = [value for values in columns.values() for value in values if "," in value]
    if with_comma and all(map(THOUSANDS.fullmatch, with_comma)):
        value = with_comma[0]
        name = next(name for name, values in columns.items() if value in values)
        _refuse(
            sheet, columns[name].index(value), name,
            f"may be {value.replace(',', '.')} or {value.replace(',', '')}, not {value!r}: write decimal points and no "
            f"separators of thousands",
        )  # fmt: skip
    return bool(with_comma)


def new_points(sheet: Sheet, features: Sequence[str]) -> np.ndarray:
    """The columns `features` of a table as float64 [n, features], to predict from. Raises `InputError`."""
    missing = [name for name in features if name not in sheet.names]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"--data must have the columns trained on, but {str(sheet.path)!r} lacks {shown_names(missing[:3])}{more}"
        )
    columns = {name: _column(sheet, name) for name in features}
    decimal_comma = _decimal_comma(sheet, columns)
    found = [_numbers(sheet, name, values, decimal_comma, needed=True) for name, values in columns.items()]
    return np.stack(found, axis=1)


def _numbers(
    sheet: Sheet, name: str, values: Sequence[str], decimal_comma: bool, *, needed: bool = False
) -> np.ndarray:
    """A column as float64 [n]; one that is `needed` cannot be left out. Raises `InputError` for what is no number."""
    missing = [_is_missing(value) for value in values]
    if any(missing):
        dropped = f", take the line out, or leave the column out (--drop {shlex.quote(name)})"
        _refuse_missing(sheet, name, missing, f"fill it in{' or take the line out' if needed else dropped}")
    if all(value.lower() in TRUTH for value in values):
        return np.array([TRUTH[value.lower()] for value in values])
    found = np.empty(len(values))
    for row, text in enumerate(values):
        plain = text
        if decimal_comma:
            if "." in text:
                _refuse(sheet, row, name, f"must have a decimal comma as others do, not {shown(text)}")
            plain = text.replace(",", ".")
        try:
            found[row] = float(plain.replace("_", "?"))  # Python would take 1_0 for ten
        except ValueError:
            advice = "" if needed else f": {_advice(name, text, values)}"
            _refuse(sheet, row, name, f"must be a number, not {shown(text)}{advice}")
        if not abs(found[row]) <= LARGEST:
            rule = f"at most {LARGEST:g} in size" if np.isfinite(found[row]) else "a finite number"
            _refuse(sheet, row, name, f"must be {rule}, not {shown(text)}")
    return found


def _advice(name: str, text: str, values: Sequence[str]) -> str:
    """What to do about a value that is no number."""
    if re.fullmatch(r"[+-]?\d[\d.,'_\s\u2019]*", text):
        return "write decimal points and no separators of thousands"
    different = len(set(values))
    left_out = f"leave the column out (--drop {shlex.quote(name)})"
    return f"encode text as numbers first ({different} different values), or {left_out}"


def _refuse_missing(sheet: Sheet, column: str, missing: Sequence[bool], advice: str) -> NoReturn:
    more = f", as {sum(missing) - 1} more in this column" if sum(missing) > 1 else ""
    _refuse(sheet, list(missing).index(True), column, f"holds no value{more}: {advice}")


def _refuse(sheet: Sheet, row: int, column: str, rule: str) -> NoReturn:
    raise InputError(f"{str(sheet.path)!r} line {sheet.rows[row][0]} column {shown(column)} {rule}")
