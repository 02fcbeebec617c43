"""The plan of verification, read from the tests: a testpoint a test, and what each testpoint checks said once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pytest


class Planned(NamedTuple):
    """A test function, and the arguments of each of its markers `testpoint`: a name, or a name and what it checks."""

    test: str
    marks: tuple[tuple[str, ...], ...]


def planned(items: Iterable[pytest.Item]) -> list[Planned]:
    """The tests among `items` in their order; one entry a function, whatever its parameters."""
    found: dict[str, Planned] = {}
    for item in items:
        name = item.nodeid.split("[")[0]
        if name not in found:
            found[name] = Planned(name, tuple(mark.args for mark in item.iter_markers("testpoint")))
    return list(found.values())


def mistakes(tests: Iterable[Planned]) -> list[str]:
    """One line for each test without exactly one testpoint, and each testpoint that says twice what it checks."""
    wrong, checks = [], {}
    for test, marks in tests:
        if len(marks) != 1:
            wrong.append(f"{test} must have one testpoint, not {len(marks)}")
        for name, *said in marks:
            if said and checks.setdefault(name, said) != said:
                wrong.append(f"{test} must not say anew what '{name}' checks")
    return wrong


def points(tests: Iterable[Planned]) -> dict[str, tuple[str, list[str]]]:
    """What each testpoint checks, and its tests."""
    found: dict[str, tuple[str, list[str]]] = {}
    for test, marks in tests:
        for name, *said in marks:
            checks, names = found.get(name, ("", []))
            found[name] = (" ".join(said) or checks, [*names, test])
    return found


def page(tests: Iterable[Planned]) -> str:
    """The plan as text: each testpoint, what it checks, and its tests."""
    return "\n".join(
        f"{name}: {checks}\n" + "".join(f"    {test}\n" for test in names)
        for name, (checks, names) in points(tests).items()
    )
