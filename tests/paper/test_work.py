"""Parts are measured once and kept: stopped and resumed, damaged, failed, by processes; then a page of figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from browser import Nesting, in_browser, text_of, widths
from commands import oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.paper import entry as entry_module
from oxmc.paper.claim import Claim, Found, apart, beside
from oxmc.paper.entry import Entry, Part, Size
from oxmc.paper.record import SCHEMA
from oxmc.paper.work import key_of, measure_all, named, place_of, read_part, sources_of
from oxmc.pymodels.errors import InputError, RunError
from oxmc.reports.paper_page import paper_page

KEPT = pytest.mark.testpoint(
    "oxmc paper: parts",
    "each measured once, kept whole, taken again by --resume; other arguments or sources have another key; Ctrl-C and "
    "failures keep what is done; a damaged file is measured anew",
)
PAGE = pytest.mark.testpoint(
    "oxmc paper: page",
    "a real figure by the command line, and resumed; JSON and page have its verdicts; text is escaped, elements "
    "nested, nothing loaded; phone width in a browser; bad input is one line",
)


class Stub(ModuleType):
    """A module of measurements that counts its calls."""

    def __init__(self) -> None:
        super().__init__("stubs.stub")
        self.calls: list[int] = []

    def square(self, n: int) -> dict[str, Any]:
        self.calls.append(n)
        if n < 0:
            raise InputError(f"n must be >= 0, not {n}")
        if n == 99:
            raise KeyboardInterrupt
        return {"result": [n * n]}


@pytest.fixture
def stub(monkeypatch: MonkeyPatch) -> Stub:
    module = Stub()
    monkeypatch.setattr(entry_module, "MEASURE", "stubs")
    monkeypatch.setitem(sys.modules, "stubs.stub", module)
    return module


def parts(*numbers: int) -> list[Part]:
    return [Part.of("stub:square", n=n) for n in numbers]


def quiet(done: int, wanted: int, text: str) -> None:
    assert 0 <= done <= wanted and text == "square"


@KEPT
def test_a_part_is_measured_once(stub: Stub, tmp_path: Path) -> None:
    found = measure_all(parts(3, 4, 3), tmp_path, 1, quiet)
    assert stub.calls == [3, 4] and [found[part]["value"] for part in parts(3, 4)] == [
        {"result": [9]},
        {"result": [16]},
    ]
    assert measure_all(parts(4, 5), tmp_path, 1, quiet)[parts(4)[0]] == found[parts(4)[0]]
    assert stub.calls == [3, 4, 5]


@KEPT
def test_a_key_is_of_all_that_a_result_follows_from() -> None:
    one, other = parts(3, 4)
    keys = {key_of(one), key_of(other), key_of(one, "other sources"), key_of(Part.of("stub:cube", n=3))}
    assert len(keys) == 4 and key_of(one) == key_of(*parts(3)) and named(one) == "square"
    assert len({sources_of(module) for module in ("toy", "trainings", "stub")}) == 3


@KEPT
def test_what_was_stopped_goes_on(stub: Stub, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="2 of 4 parts are done and kept, .* --resume goes on") as stopped:
        measure_all(parts(1, 2, 99, 3), tmp_path, 1, quiet)
    assert isinstance(stopped.value.__cause__, KeyboardInterrupt)
    stub.calls.clear()
    measure_all(parts(1, 2, 3), tmp_path, 1, quiet)
    assert stub.calls == [3]


@KEPT
def test_ctrl_c_ends_the_command_with_130(
    stub: Stub, tmp_path: Path, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    def plan(size: Size) -> dict[str, list[Part]]:
        return {"one": parts(1), "two": parts(99)}

    entry = Entry("1", plan=plan, judge=lambda results: (), draw=lambda results: pytest.fail("nothing to draw"))
    monkeypatch.setattr("oxmc.paper.entries.chosen", lambda ids: [entry])
    answer = oxmc(capsys, "paper", "--out", tmp_path / "out")
    assert answer.code == 130 and "interrupted; 1 of 2 parts are done and kept" in answer.err
    assert not (tmp_path / "out" / "paper.html").exists() and len(list((tmp_path / "out" / "parts").iterdir())) == 1


@KEPT
def test_a_failure_ends_no_other_part(stub: Stub, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="square: InputError: n must be >= 0, not -1; 2 of 3 parts are done"):
        measure_all(parts(1, -1, 2), tmp_path, 1, quiet)
    assert stub.calls == [1, -1, 2]


@KEPT
@pytest.mark.parametrize("text", ["", "{", '{"part": ["stub:square", "{}"], "cpu_s": 1, "value": {}}'])
def test_a_damaged_file_is_measured_anew(stub: Stub, tmp_path: Path, text: str, capsys: CaptureFixture[str]) -> None:
    (part,) = parts(7)
    place_of(part, tmp_path).write_text(text)
    assert read_part(part, tmp_path) is None and "made anew" in capsys.readouterr().err
    assert measure_all([part], tmp_path, 1, quiet)[part]["value"] == {"result": [49]}


def tiny(tmp_path: Path, *more: object) -> tuple[object, ...]:
    return ("paper", "--quick", "--figure", "S9", "--out", tmp_path / "out", *more)


@PAGE
def test_a_real_figure(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    answer = oxmc(capsys, *tiny(tmp_path))
    assert answer.code == 0 and "not comparable 1" in answer.out
    record = json.loads((tmp_path / "out" / "paper.json").read_text())
    (figure,) = record["figures"]
    assert record["schema"] == SCHEMA and record["quick"] and figure["verdict"] == "not comparable"
    assert figure["lines"][0]["found"]["value"] == pytest.approx(0.006)  # the 16k card's stuck shares after 1e5 cycles
    assert (tmp_path / "out" / "figure-s9.svg").exists() and (tmp_path / "out" / "figure-s9.png").exists()
    assert "must be a new or empty folder" in refusal(capsys, *tiny(tmp_path))
    again = oxmc(capsys, *tiny(tmp_path, "--resume", "--json"))
    assert again.code == 0 and json.loads(again.out)["figures"] == record["figures"]
    assert "--jobs must be an integer >= 1" in refusal(capsys, *tiny(tmp_path, "--jobs", "0"))


def record() -> dict[str, Any]:
    met = beside(Claim("a <b> & c", "p. 1", 0.9, "µS", "higher"), "paper, ideal", Found(0.95, 0.94, 0.96, 20, "splits"))
    missed = beside(met.claim, "best, real", Found(0.5, 0.4, 0.6), "it has 0.5 of 1")
    none = apart(Claim("no number", "p. 2"), "a model", "the text has none")
    figure = {
        "id": "5a, 5b", "title": "A <title>", "says": "The text", "ours": "Ours", "verdict": "missed",
        "verdicts": {"paper, ideal": "better", "best, real": "missed"}, "notes": ["a note"], "cpu_s": 1.5,
        "lines": [line.as_json() for line in (met, missed, none)],
    }  # fmt: skip
    work = {
        "name": "A work",
        "what": "w",
        "figures": "f",
        "comparable": "no",
        "read": "all",
        "source": "s",
        "trains": "?",
    }
    return {
        "schema": SCHEMA, "quick": True, "source": "doi:10.1038/s41928-020-00523-3", "data": None,
        "versions": {"a": "1"}, "counts": {"met": 0, "better": 0, "missed": 1, "not comparable": 0},
        "cpu_s": 1.5, "figures": [figure],
        "others": {"features": {"trains": "trains in place"}, "works": [work]},
    }  # fmt: skip


PICTURE = "data:image/svg+xml;base64,PHN2Zy8+"


@PAGE
def test_the_page_says_what_the_record_has() -> None:
    page = paper_page(record(), [PICTURE])
    nesting, text = Nesting(page), text_of(page)
    assert nesting.wrong == [] and nesting.loads == [PICTURE]
    assert "A <title>" in text and "a <b> & c p. 1: 0.9\u202fµS".replace("\u202f", " ") in text.replace("\u202f", " ")
    assert "it has 0.5 of 1." in text and "0.95 µS (0.94 to 0.96) 20 splits better" in text.replace("\u202f", " ")
    assert "no number in the text" in text and "the text has none." in text and "a note" in text


@PAGE
@in_browser
def test_the_page_fits_a_phone(tmp_path: Path) -> None:
    page, window = widths(paper_page(record(), [PICTURE]), tmp_path, 390)
    assert page == window == 390
