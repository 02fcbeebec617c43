"""What is known of this tree: the plan of verification, what commands answered, how each test ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from oxmc.pymodels.whole import write_file
from oxmc.signoff import kept

RESULTS = ("test", "regress")
"""Commands that leave a result a test."""
PLAN = kept.FOLDER / "plan.json"
NOTHING = 5
"""pytest's exit code where no test ran, as none does when the plan is asked for."""


@dataclass(frozen=True)
class Answer:
    """How a command ended: its exit code, none where it was not run on this tree, and why not."""

    code: int | None
    why: str = ""
    link: str = ""


@dataclass(frozen=True)
class Facts:
    """`plan` has the tests of each testpoint, `results` how each test ended: passed, failed or skipped."""

    root: Path
    plan: Mapping[str, list[str]] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)


def gather(run: Mapping[str, str]) -> Facts:
    """Run what is cheap, in the current folder, and take up what is kept."""
    answers = {"plan": planned()}
    answers |= {name: ran(name, ["sh", "-c", line]) for name, line in run.items()}
    answers |= {name: kept_answer(name) for name in kept.OF}
    current = [name for name in RESULTS if answers[name].code is not None]
    cases = [case for name in current for case in cases_of(kept.results_of(name))]
    plan = json.loads(PLAN.read_text()) if PLAN.exists() else {}
    return Facts(Path.cwd(), plan, merged(cases), answers)


def planned() -> Answer:
    """Collect the tests, and leave the plan in `PLAN`."""
    PLAN.unlink(missing_ok=True)
    found = ran("plan", [sys.executable, "-m", "pytest", "-q", "--plan-json", str(PLAN), "tests"])
    return Answer(0, link=found.link) if found.code == NOTHING else found


def ran(name: str, command: list[str]) -> Answer:
    """Run a command; what it prints is kept in a log file."""
    print(f"signoff: {name}", file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log = kept.FOLDER / f"{name}.log"
    write_file(log, done.stdout)
    why = f"exit code {done.returncode}" if done.returncode else ""
    return Answer(done.returncode, why, log.relative_to(kept.FOLDER.parent).as_posix())


def kept_answer(name: str) -> Answer:
    """The kept exit code of a command, if it is about these sources."""
    found = kept.read(name)
    link = kept.file_of(name).relative_to(kept.FOLDER.parent).as_posix()
    if not found:
        return Answer(None, "never run here")
    if found.get("digest") != kept.sources_now(name):
        return Answer(None, "stale: the sources have changed since", link)
    if not isinstance(found.get("code"), int):
        return Answer(None, "did not come to its end", link)
    return Answer(found["code"], f"exit code {found['code']}" if found["code"] else "", link)


def cases_of(results: Path) -> list[tuple[str, str]]:
    """The name of each test that ran, without its parameters, and how it ended; none where the file is damaged."""
    try:
        tree = ElementTree.parse(results)
    except (OSError, ElementTree.ParseError):
        return []
    cases = []
    for case in tree.iter("testcase"):
        inner = {child.tag for child in case}
        ended = "failed" if inner & {"failure", "error"} else "skipped" if "skipped" in inner else "passed"
        cases.append((f"{case.get('classname')}::{str(case.get('name')).partition('[')[0]}", ended))
    return cases


def merged(cases: Iterable[tuple[str, str]]) -> dict[str, str]:
    """How each test ended over its parameters and runs: failed if one did, else passed if one did."""
    rank = ("failed", "passed", "skipped")
    found: dict[str, str] = {}
    for name, ended in cases:
        found[name] = min(ended, found.get(name, "skipped"), key=rank.index)
    return found


def case_name(test: str) -> str:
    """A test's name as JUnit's XML has it."""
    file, _, name = test.partition("::")
    *classes, function = name.split("::")
    return ".".join([*Path(file).with_suffix("").parts, *classes]) + f"::{function}"
