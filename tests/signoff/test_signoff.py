"""`make signoff`: the checklist is OpenTitan's; evidence that is not there or of other sources counts for nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser import Nesting, text_of
from commands import ROOT
from pytest import MonkeyPatch

from oxmc.pymodels.errors import InputError
from oxmc.signoff import kept
from oxmc.signoff.__main__ import record
from oxmc.signoff.checklist import Row, read, shipped
from oxmc.signoff.facts import Answer, Facts, cases_of, kept_answer, merged, ran
from oxmc.signoff.judge import document, judge
from oxmc.signoff.page import signoff_page

pytestmark = pytest.mark.testpoint(
    "sign-off",
    "rows are OpenTitan's items, once each, well-formed; broken, failed, missing and stale evidence makes no row met; "
    "what is kept of commands; the page is well nested",
)

OPENTITAN = {
    "D2": "NEW_FEATURES BLOCK_DIAGRAM DOC_INTERFACE DOC_INTEGRATION_D2 MISSING_FUNC FEATURE_FROZEN FEATURE_COMPLETE "
    "PORT_FROZEN ARCHITECTURE_FROZEN REVIEW_TODO STYLE_X CDC_SYNCMACRO LINT_PASS CDC_SETUP RDC_SETUP AREA_CHECK "
    "TIMING_CHECK SEC_CM_DOCUMENTED",
    "D3": "NEW_FEATURES_D3 DOC_INTEGRATION_D3 TODO_COMPLETE LINT_COMPLETE CDC_COMPLETE RDC_COMPLETE REVIEW_RTL "
    "REVIEW_DELETED_FF REVIEW_SW_CHANGE REVIEW_SW_ERRATA",
    "V2": "DESIGN_DELTAS_CAPTURED_V2 DV_DOC_COMPLETED FUNCTIONAL_COVERAGE_IMPLEMENTED ALL_INTERFACES_EXERCISED "
    "ALL_ASSERTION_CHECKS_ADDED SIM_TB_ENV_COMPLETED SIM_ALL_TESTS_PASSING FPV_ALL_ASSERTIONS_WRITTEN "
    "FPV_ALL_ASSUMPTIONS_REVIEWED SIM_FW_SIMULATED SIM_NIGHTLY_REGRESSION_V2 SIM_CODE_COVERAGE_V2 "
    "SIM_FUNCTIONAL_COVERAGE_V2 FPV_CODE_COVERAGE_V2 FPV_COI_COVERAGE_V2 PRE_VERIFIED_SUB_MODULES_V2 SEC_CM_PLANNED "
    "NO_HIGH_PRIORITY_ISSUES_PENDING ALL_LOW_PRIORITY_ISSUES_ROOT_CAUSED DV_DOC_TESTPLAN_REVIEWED "
    "V2S_CHECKLIST_SCOPED V3_FUNCTIONAL_CHECKLIST_SCOPED",
    "V3": "DESIGN_DELTAS_CAPTURED_V3 X_PROP_ANALYSIS_COMPLETED FPV_ASSERTIONS_PROVEN_AT_V3 "
    "SIM_NIGHTLY_REGRESSION_AT_V3 SIM_CODE_COVERAGE_AT_100 SIM_FUNCTIONAL_COVERAGE_AT_100 FPV_CODE_COVERAGE_AT_100 "
    "FPV_COI_COVERAGE_AT_100 ALL_TODOS_RESOLVED NO_TOOL_WARNINGS_THROWN TB_LINT_COMPLETE PRE_VERIFIED_SUB_MODULES_V3 "
    "NO_ISSUES_PENDING",
    "S2": "DIF_HW_FEATURE_COMPLETE DIF_FEATURES",
}
"""Items of the stages, in OpenTitan's order: doc/project_governance/checklist of lowRISC/opentitan."""

PLAN = {"adds": ["tests/a/test_a.py::test_x", "tests/a/test_a.py::TestMore::test_y"]}
PASSED = {"tests.a.test_a::test_x": "passed", "tests.a.test_a.TestMore::test_y": "passed"}


def facts(folder: Path, results: dict[str, str] = PASSED, code: int | None = 0) -> Facts:
    """Of a project of one testpoint, one page and one command."""
    (folder / "page.md").write_text("# A page\n\n## Half (1/2) of it\n")
    return Facts(folder, PLAN, results, {"make": Answer(code, "" if code == 0 else "why")})


def row(**more: str | tuple[str, ...]) -> Row:
    given = {"testpoints": ("adds",), "documents": ("page.md#half-12-of-it",), "commands": ("make",)} | more
    return Row("D2", "ITEM", "what it asks", **given)  # type: ignore[arg-type]


def test_rows_are_opentitans() -> None:
    rows = shipped().rows
    for stage, items in OPENTITAN.items():
        assert [row.item for row in rows if row.stage == stage] == items.split(), stage


def test_evidence_of_the_rows_exists() -> None:
    """Testpoints and commands by their names."""
    checklist = shipped()
    commands = {"plan", *checklist.run, *kept.OF}
    for each in checklist.rows:
        assert set(each.commands) <= commands, each.item
        for name in each.documents:
            assert document(name, Facts(ROOT)).state == "met", name
    texts = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    named = {name for text in texts for name in re.findall(r'testpoint\(\s*"([^"]+)"', text)}
    assert {name for each in checklist.rows for name in each.testpoints} - named == set()


BASE = 'stage = "D2"\nitem = "ITEM"\nasks = "x"\n'


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('stage = "D9"\nitem = "ITEM"\nasks = "x"\nopen = "y"', "stage must be one of"),
        ('stage = "D2"\nitem = "an item"\nasks = "x"\nopen = "y"', "name in capitals"),
        (f'{BASE}open = "y"\nwaived = "z"', "must be waived or open, not both"),
        (BASE, "must have evidence"),
        (f'{BASE}met = "y"', "no key 'met'"),
        (f'{BASE}open = "y"\n[[row]]\n{BASE}open = "y"', "once in its stage"),
    ],
)
def test_a_bad_row_is_refused(row: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(f"[[row]]\n{row}\n")


def test_a_row_whose_evidence_holds_is_met(tmp_path: Path) -> None:
    judged = judge(row(), facts(tmp_path))
    assert (judged.state, judged.broken, len(judged.evidence)) == ("met", False, 3)


@pytest.mark.parametrize("name", ["testpoints", "documents", "commands"])
def test_a_row_whose_evidence_is_not_there_is_open(tmp_path: Path, name: str) -> None:
    gone = {"testpoints": ("subtracts",), "documents": ("page.md#none",), "commands": ("other",)}[name]
    for more in ({}, {"waived": "why"}):
        judged = judge(row(**{name: gone}, **more), facts(tmp_path))
        assert judged.state == "open" and judged.broken and gone[0] in judged.why
    assert judge(row(documents=("none.md",)), facts(tmp_path)).state == "open"


def test_a_failed_test_or_command_opens_its_row(tmp_path: Path) -> None:
    failed = PASSED | {"tests.a.test_a::test_x": "failed"}
    assert judge(row(), facts(tmp_path, failed)).state == "open"
    assert judge(row(), facts(tmp_path, code=2)).state == "open"


def test_what_has_no_result_is_not_run(tmp_path: Path) -> None:
    skipped = PASSED | {"tests.a.test_a::test_x": "skipped"}
    for results in ({}, skipped, {"tests.a.test_a::test_x": "passed"}):
        judged = judge(row(), facts(tmp_path, results))
        assert (judged.state, judged.broken) == ("not run", False), results
    assert judge(row(), facts(tmp_path, code=None)).state == "not run"


def test_words_of_a_row_stand(tmp_path: Path) -> None:
    """What is known to be missing stays open, whatever its evidence."""
    assert judge(row(open="more"), facts(tmp_path)).state == "open"
    assert judge(row(waived="no use"), facts(tmp_path, {})).state == "waived"


def test_results_are_read_from_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_few.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.parametrize('n', [1, 2])\ndef test_cases(n):\n    assert n < 2\n\n"
        "@pytest.mark.parametrize('n', [1, 2])\ndef test_some(n):\n    if n == 2:\n        pytest.skip('no')\n\n"
        "def test_none():\n    pytest.skip('no')\n\n"
        "class TestMore:\n    def test_good(self):\n        pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider"]
    assert subprocess.run([*command, "--junitxml=few.xml"], cwd=tmp_path, capture_output=True).returncode == 1
    assert merged(cases_of(tmp_path / "few.xml")) == {
        "test_few::test_cases": "failed",
        "test_few::test_some": "passed",
        "test_few::test_none": "skipped",
        "test_few.TestMore::test_good": "passed",
    }
    assert cases_of(tmp_path / "none.xml") == []


@pytest.fixture
def project(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """A git repository in the current folder, with a file in a folder that `make formal` is about, and one beside."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.chdir(tmp_path)
    for name in ("hdl/chip.py", "README.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("as it was\n")
    Path(".gitignore").write_text("build/\n")
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


def test_a_result_counts_for_its_sources(project: Path) -> None:
    assert kept_answer("formal").code is None
    kept.main(["start", "formal"])
    assert kept_answer("formal").why == "did not come to its end"
    kept.main(["end", "formal", "3"])
    assert kept_answer("formal").code == 3
    Path("README.md").write_text("changed\n")
    assert kept_answer("formal").code == 3
    Path("hdl/new.py").write_text("x\n")
    answer = kept_answer("formal")
    assert answer.code is None and answer.why.startswith("stale")
    kept.file_of("formal").write_text("[")
    assert kept_answer("formal").code is None


def test_sources_that_change_meanwhile_leave_nothing(project: Path) -> None:
    kept.main(["start", "test"])
    Path("README.md").write_text("changed\n")
    kept.main(["end", "test", "0"])
    assert not kept.file_of("test").exists()


def test_a_command_leaves_its_exit_code_and_log(project: Path) -> None:
    assert ran("fails", ["sh", "-c", "echo said; exit 4"]) == Answer(4, "exit code 4", "signoff/fails.log")
    assert Path("build/signoff/fails.log").read_text() == "said\n"


def test_without_git_nothing_is_kept(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """Of sources from an archive, on a machine without git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    kept.start("formal")
    kept.end("formal", 0)
    assert kept.read("formal") == {}


def test_notes_of_what_is_to_be_done_are_found(project: Path) -> None:
    line = shipped().run["notes"]
    assert ran("notes", ["sh", "-c", line]).code == 0
    Path("hdl/chip.py").write_text("# todo: a note\n".upper())
    subprocess.run(["git", "add", "hdl"], check=True)
    assert ran("notes", ["sh", "-c", line]).code == 1
    shutil.rmtree(".git")
    assert ran("notes", ["sh", "-c", line]).code == 1


def test_the_page_says_what_the_record_says(tmp_path: Path) -> None:
    given = facts(tmp_path)
    judged = [judge(each, given) for each in (row(), row(open="<b>more</b>"), row(waived="no use"))]
    made = json.loads(json.dumps(record(judged, given)))
    page = Nesting(markup := signoff_page(made))
    assert (page.wrong, page.loads) == ([], [])
    assert made["counts"]["D2"] == {"met": 1, "waived": 1, "open": 1, "not run": 0}
    assert "Missing: <b>more</b>" in text_of(markup) and "Waived: no use" in text_of(markup)
    assert 'href="../page.md#half-12-of-it"' in markup


def test_the_makefile_keeps_whole_runs_alone() -> None:
    def asked(*arguments: str) -> str:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        command = ["make", "-n", *arguments]
        return subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=True).stdout

    for name in kept.OF:
        assert f"signoff.kept start {name};" in asked(name) and f"signoff.kept end {name} $code" in asked(name)
    for part in (("test", "T=lfsr"), ("test", "SIM=icarus"), ("formal", "PROOF=lfsr-step")):
        assert "signoff.kept" not in asked(*part)
