"""`docs/testplan.toml` and the tests match both ways: no test outside the plan, no testpoint without its tests."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "docs" / "testplan.toml"
FIELDS = {"name", "checks", "tests"}


def functions(source: str, file: str) -> list[str]:
    """Test functions of one file as `file::name`; their parameters are not told apart."""
    body = ast.parse(source).body
    defined = [node.name for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return [f"{file}::{name}" for name in defined if name.startswith("test_")]


def all_tests() -> list[str]:
    paths = sorted((ROOT / "tests").glob("test_*.py"))
    return [name for path in paths for name in functions(path.read_text(), f"tests/{path.name}")]


def planned_points() -> list[dict[str, Any]]:
    return tomllib.loads(PLAN.read_text())["testpoint"]


def mismatches(points: list[dict[str, Any]], tests: list[str]) -> list[str]:
    """One line for each test that is not planned, planned but not there, or planned twice."""
    planned = [name for point in points for name in point["tests"]]
    return [
        *(f"not in the plan: {name}" for name in tests if name not in planned),
        *(f"no such test: {name}" for name in planned if name not in tests),
        *(f"planned twice: {name}" for name in sorted(set(planned)) if planned.count(name) > 1),
    ]


def test_plan_and_tests_match() -> None:
    assert mismatches(planned_points(), all_tests()) == []


def test_every_testpoint_is_whole() -> None:
    points = planned_points()
    assert [point for point in points if set(point) != FIELDS or not all(point.values())] == []
    names = [point["name"] for point in points]
    assert sorted(set(names)) == sorted(names)


def test_a_mismatch_is_found() -> None:
    points = [{"name": "a", "checks": "b", "tests": ["tests/test_x.py::test_y", "tests/test_x.py::test_gone"]}] * 2
    tests = functions("def test_y(): ...\nasync def test_z(): ...\ndef helper(): ...", "tests/test_x.py")
    assert mismatches(points[:1], tests) == [
        "not in the plan: tests/test_x.py::test_z",
        "no such test: tests/test_x.py::test_gone",
    ]
    assert [line for line in mismatches(points, tests) if "twice" in line] == [
        "planned twice: tests/test_x.py::test_gone",
        "planned twice: tests/test_x.py::test_y",
    ]
