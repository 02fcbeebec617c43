"""Arrays and data frames that a program gives, by scikit-learn's conventions.

`X` is 2-D, a row a point, and of numbers; the names of a data frame's columns are the features', if all are texts. `y`
has a label a point, of any kind; its different values, sorted, are the classes.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from oxmc.pymodels.config import KEYS
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.tasks.table_columns import DISTINCT_SHARE, LARGEST, Table

OTHERS = {"c": "complex numbers", "M": "dates", "m": "durations"}
"""Kinds of values that numpy would make real numbers of, whatever they mean."""


def names_of(X: ArrayLike, name: str = "X") -> list[str] | None:
    """The columns of a data frame whose names are texts; None for anything else.

    Raises `InputError` where only some are texts, as scikit-learn does.
    """
    columns = list(getattr(X, "columns", ()))
    texts = [isinstance(column, str) for column in columns]
    if any(texts) and not all(texts):
        raise InputError(f"{name} must name all its columns by texts or none, not {shown(columns)}")
    return columns if columns and all(texts) else None


def unnamed(count: int) -> tuple[str, ...]:
    """Names for the columns of an array, which has none."""
    return tuple(f"x{column}" for column in range(count))


def numbers_of(X: ArrayLike, name: str = "X") -> np.ndarray:
    """`X` as float64 [n, columns]. Raises `InputError` naming row and column of what is no finite number."""
    columns = names_of(X, name)
    if columns is not None:
        frame: Any = X
        if len(set(columns)) < len(columns):
            raise InputError(f"{name} must name each column once, not {shown(columns)}")
        parts = [_floats(frame[column], f"{name} column {column!r}") for column in columns]
        values = np.stack(parts, axis=1) if parts else np.empty((len(frame), 0))
    else:
        values = _floats(X, name)
    if values.ndim != 2:
        raise InputError(f"{name} must be 2-D, a row a point, not {values.ndim}-D")
    if not (np.abs(values) <= LARGEST).all():  # false for NaN, too
        row, column = np.argwhere(~(np.abs(values) <= LARGEST))[0]
        where = f"row {row} column {columns[column]!r}" if columns else f"row {row} column {column}"
        rule = f"{name} must be of finite numbers up to {LARGEST:g}"
        raise InputError(f"{rule}, not {values[row, column]} ({where})")
    return values


def _floats(values: Any, name: str) -> np.ndarray:
    """An array of anything as float64. Raises `InputError` for what is not made of real numbers."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "USO" and found.size and any(isinstance(value, str) for value in found.flat):
            raise TypeError("it holds text")
        if found.dtype.kind in OTHERS:
            raise TypeError(f"it holds {OTHERS[found.dtype.kind]}")
        if np.ma.is_masked(values):
            raise TypeError("it holds masked values")
        return np.asarray(found, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be of numbers ({' '.join(str(error).split())})") from error


def labels_of(y: ArrayLike, points: int, name: str = "y") -> np.ndarray:
    """`y` as a 1-D array [points]. Raises `InputError` for another shape, a missing label or texts among others."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (points,):
        raise InputError(f"{name} must have a label for each of {points} points, not the shape {labels.shape}")
    missing = np.array([_is_missing(label) for label in labels.tolist()], bool)
    if isinstance(y, np.ma.MaskedArray):
        missing |= np.ma.getmaskarray(y).reshape(-1)
    if missing.any():
        raise InputError(f"{name} must have a label for each point, which point {int(np.argmax(missing))} lacks")
    if labels.dtype.kind == "U" and isinstance(y, (list, tuple)):  # numpy has made texts of all
        others = [label for label in y if isinstance(label, numbers.Number)]
        if others:
            raise InputError(f"{name} must have labels of one kind, not texts and {shown(others[0])}")
    return labels


def _is_missing(label: Any) -> bool:
    """Whether a label is None, NaN or NaT, or pandas' NA, of which nobody may ask whether it equals itself."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        return True


def classes_of(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different labels, sorted, and the number of each point's class, int64 [n].

    Raises `InputError` where there are less than two, more than a chip has outputs, or some that cannot be compared.
    """
    try:
        classes, t = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise InputError(f"y must have labels of one kind ({error})") from error
    if len(classes) < 2:
        raise InputError(f"y must have two classes or more, not {len(classes)}")
    high = KEYS["outputs"].metadata["high"]
    if len(classes) > high:
        hint = "; it looks like a measurement, not a class" if len(classes) > DISTINCT_SHARE * len(labels) else ""
        raise InputError(f"y must have at most {high} classes, not {len(classes)}{hint}")
    return classes, t.astype(np.int64)


def kind_of(classes: np.ndarray) -> str:
    """What the classes are, one of `table_columns.LABELS`."""
    kinds = {"i": "integer", "u": "integer", "f": "number", "b": "boolean"}
    return kinds.get(classes.dtype.kind, "text")


def named_classes(names: Sequence[str], kind: str) -> np.ndarray:
    """The classes that a run's record names, of the kind that they were."""
    read: dict[str, Any] = {"integer": int, "number": float, "boolean": lambda name: name == "True"}
    return np.array([read.get(kind, str)(name) for name in names])


def table_of_arrays(X: ArrayLike, y: ArrayLike, test: tuple[ArrayLike, ArrayLike] | None = None) -> Table:
    """Points and labels as task table has them; those of `test` apart, never trained on.

    Raises `InputError`.
    """
    x, names = numbers_of(X), names_of(X)
    if x.shape[0] < 1 or x.shape[1] < 1:
        raise InputError(f"X must have points and columns, not the shape {x.shape}")
    labels, train_rows = labels_of(y, len(x)), 0
    if test is not None:
        train_rows = len(x)
        more = columns_of(test[0], names or x.shape[1], "the test's X")[0]
        more_labels = labels_of(test[1], len(more), "the test's y")
        x = np.concatenate([x, more])
        labels = labels_of([*labels.tolist(), *more_labels.tolist()], len(x), "train and test")
        if len(more) < 1:
            raise InputError("the test's X must have points, not none")
    classes, t = classes_of(labels)
    features = tuple(names) if names else unnamed(x.shape[1])
    texts = tuple(str(label) for label in classes.tolist())
    return Table(x, t, features, texts, (), kind_of(classes), train_rows)


def _are_new(names: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether `wanted` are columns that nobody has named, and so none of `names`."""
    return tuple(wanted) == unnamed(len(wanted)) and not {*names} & {*wanted}


def columns_of(X: ArrayLike, wanted: Sequence[str] | int, name: str = "X") -> tuple[np.ndarray, list[str]]:
    """The `wanted` columns of `X`, float64 [n, wanted], and the names of others.

    Those of a data frame are found by name. Those of an array are all there is; so are those of a frame after a
    training on an array, whose columns had no names. Raises `InputError`.
    """
    names = names_of(X, name)
    if isinstance(wanted, int) or names is None or _are_new(names, wanted):
        count = wanted if isinstance(wanted, int) else len(wanted)
        values = numbers_of(X, name)
        if values.shape[1] != count:
            raise InputError(f"{name} must have {count} columns, not {values.shape[1]}")
        return values, []
    missing = [each for each in wanted if each not in names]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(f"{name} must have the columns trained on, but lacks {', '.join(missing[:3])}{more}")
    frame: Any = X
    return numbers_of(frame[list(wanted)], name), [each for each in names if each not in wanted]
