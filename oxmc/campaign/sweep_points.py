"""The points of a sweep: which keys take which values, together, in all combinations or one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oxmc.pymodels.config import Config, parse_setting
from oxmc.pymodels.errors import InputError

MAX_POINTS = 10_000

Axis = dict[str, list[Any]]
"""Keys that move together and the values of each, as many for one as for another."""
Settings = dict[str, Any]
Point = tuple[Settings, Config]
Resolve = Callable[[Mapping[str, Any]], Config]


def parse_vary(texts: Sequence[str], *, again: bool = False) -> list[Axis]:
    """An axis for each `--vary`: key=v1,v2,..., or key,key=v1,v2,... for keys that move together.

    Keys that move together take the same value, or values of their own: key,key=v1:w1,v2:w2. A key that is on another
    axis is refused unless `again`. Raises `InputError` for what is no such list.
    """
    axes: list[Axis] = []
    for text in texts:
        axes.append(_parse_axis(text))
        known = [name for axis in axes[:-1] for name in axis]
        for name in axes[-1]:
            if name in known and not again:
                raise InputError(f"--vary must name a key once, not {name} twice")
    return axes


def _parse_axis(text: str) -> Axis:
    left, equals, right = text.partition("=")
    names, steps = left.split(","), right.split(",")
    if not (equals and all(names) and all(steps)):
        raise InputError(f"--vary must be key=value,value,..., not {text!r}")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--vary must name a key once, not {name} twice")
    axis: Axis = {name: [] for name in names}
    for step in steps:
        values = step.split(":")
        if len(values) == 1:
            values *= len(names)
        if len(values) != len(names) or not all(values):
            each = f" or {len(names)} with colons" if len(names) > 1 else ""
            raise InputError(f"--vary must give {left} one value{each}, not {step!r}")
        for name, value in zip(names, values, strict=True):
            axis[name].append(parse_setting(f"{name}={value}")[1])
    if len({described(settings) for settings in along(axis)}) < len(steps):
        raise InputError(f"--vary must give a value once, not {text!r}")
    return axis


def along(axis: Axis) -> list[Settings]:
    """The settings of each step of one axis."""
    return [dict(zip(axis, values, strict=True)) for values in zip(*axis.values(), strict=True)]


def all_points(axes: Sequence[Axis], resolve: Resolve) -> list[Point]:
    """Settings and configuration of every combination, the last axis fastest.

    Raises `InputError` for one that cannot be, and says which.
    """
    combinations = list(itertools.islice(itertools.product(*map(along, axes)), MAX_POINTS + 1))
    return _resolved([{k: v for step in steps for k, v in step.items()} for steps in combinations], resolve)


def points_around(axes: Sequence[Axis], resolve: Resolve) -> list[Point]:
    """The centre, which changes nothing, then each step of each axis alone; steps that change nothing are left out.

    Raises `InputError` for one that cannot be, and says which.
    """
    centre, *points = _resolved([{}, *(step for axis in axes for step in along(axis))], resolve)
    return [centre, *(point for point in points if point[1] != centre[1])]


def _resolved(steps: Sequence[Settings], resolve: Resolve) -> list[Point]:
    if len(steps) > MAX_POINTS:
        raise InputError(f"--vary must make at most {MAX_POINTS} points")
    points = []
    for settings in steps:
        try:
            points.append((settings, resolve(settings)))
        except InputError as error:
            raise InputError(f"point {described(settings)}: {error}" if settings else str(error)) from error
    return points


def described(settings: Mapping[str, Any]) -> str:
    """A point in a few words, as `--set` takes them; nothing for one that changes nothing."""
    return " ".join(f"{name}={value_text(value)}" for name, value in settings.items())


def value_text(value: Any) -> str:
    """A value as `--vary` takes it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
