"""The figures: each well-formed, with parts that exist, and its text."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from oxmc.paper.entries import ENTRIES, chosen
from oxmc.paper.entry import MEASURE, Entry, Part, Size, joined, texts
from oxmc.paper.record import others, parts_of, place_of
from oxmc.pymodels.config import KEYS, PRESETS, TASKS
from oxmc.pymodels.errors import InputError

pytestmark = pytest.mark.testpoint(
    "figures of the paper",
    "numbers once, in order, each with its text and pages; parts call what is there with arguments that it takes, of "
    "tasks, presets and keys that are there; a quick page asks for no more than a full one; works of others have every "
    "feature",
)
SUPPLEMENT = {f"S{number}" for number in range(2, 18)}


def test_every_figure_is_there_once_with_its_text() -> None:
    ids = [entry.id for entry in ENTRIES]
    assert len(set(ids)) == len(ids) and set(texts()) == set(ids)
    numbers = {number for each in ids for number in re.findall(r"S?\d+", each)}
    assert {"1", "2", "3", "4", "5", "6"} | SUPPLEMENT == numbers
    assert len({place_of(entry) for entry in ENTRIES}) == len(ids)
    for entry in ENTRIES:
        assert {"title", "says", "ours"} == set(entry.text) and all(entry.text.values()), entry.id
        assert re.search(r"p\. 1[56]\d", entry.text["says"]), entry.id


def arguments(part: Part) -> dict[str, object]:
    found: dict[str, object] = json.loads(part.arguments)
    return found


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])
def test_parts_are_calls_that_can_be_made(entry: Entry) -> None:
    quick, full = (entry.plan(Size(quick)) for quick in (True, False))
    assert quick and all(quick.values()) and set(quick) <= set(full)
    for part in parts_of(quick) + parts_of(full):
        module, _, name = part.function.partition(":")
        given = arguments(part)
        inspect.signature(getattr(importlib.import_module(f"{MEASURE}.{module}"), name)).bind(**given)
        assert given.get("task", "toy") in TASKS and given.get("preset", "paper") in PRESETS
        assert set(given.get("settings", {})) <= set(KEYS)  # type: ignore[call-overload]
    trainings = [sum(int(str(arguments(part).get("count", 1))) for part in parts_of(plan)) for plan in (quick, full)]
    assert trainings[0] <= trainings[1]


def test_figures_are_chosen_by_number() -> None:
    assert [entry.id for entry in chosen(["s16", "5B"])] == ["5a, 5b", "S16"]
    assert chosen([]) == list(ENTRIES)
    with pytest.raises(InputError, match="--figure must be one of 1, 2, .* not '7'"):
        chosen(["7"])


def test_a_size_is_checked(tmp_path: Path) -> None:
    assert Size.asked(True, None, None) == Size(True) and Size(True).of(1, 2) == 1 and Size(False).of(1, 2) == 2
    assert Size.asked(False, tmp_path, "119").subject == 119
    with pytest.raises(InputError, match="--subject must come with --data"):
        Size.asked(True, None, "119")
    with pytest.raises(InputError, match="--data must be a file or folder"):
        Size.asked(True, tmp_path / "none", None)


def test_results_of_a_name_are_joined() -> None:
    assert joined([{"a": [1], "n": 3}, {"a": [2, 3], "n": 3}]) == {"a": [1, 2, 3], "n": 3}


def test_works_of_others_have_every_feature_and_a_source() -> None:
    features, works = others()["features"], others()["works"]
    assert len({work["name"] for work in works}) == len(works) > 5
    for work in works:
        assert {work[key] for key in features} <= {"yes", "no", "?"}, work["name"]
        assert all(work[key] for key in ("what", "figures", "comparable", "read", "source")), work["name"]
