"""The plan that `make plan` prints: no test outside of it, each testpoint says once what it checks."""

from __future__ import annotations

import pytest
from plan import Planned, mistakes, page, planned

pytestmark = pytest.mark.testpoint(
    "testplan", "each test has one testpoint, which says what it checks; mistakes in markers are found"
)


def test_each_test_is_in_the_plan(request: pytest.FixtureRequest) -> None:
    """Of those that run; collection refuses the others, too."""
    tests = planned(request.session.items)
    assert tests and mistakes(tests) == []


def test_a_mistake_is_found() -> None:
    said, again, other = ("a", "adds"), ("a",), ("a", "subtracts")
    assert mistakes([Planned("x", (said,)), Planned("y", (again,)), Planned("z", (said,))]) == []
    assert mistakes([Planned("x", ())]) == ["x must have one testpoint, not 0"]
    assert mistakes([Planned("x", (said, ("b", "c")))]) == ["x must have one testpoint, not 2"]
    assert mistakes([Planned("x", (said,)), Planned("y", (other,))]) == ["y must not say anew what 'a' checks"]


def test_the_plan_is_printed() -> None:
    tests = [Planned("x", (("a",),)), Planned("y", (("a", "adds"),)), Planned("z", (("b", "c"),))]
    assert page(tests) == "a: adds\n    x\n    y\n\nb: c\n    z\n"
