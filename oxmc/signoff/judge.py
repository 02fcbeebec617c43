"""The state of each row: met, waived, open or not run, and of each piece of its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from oxmc.signoff.checklist import Row
from oxmc.signoff.facts import Answer, Facts, case_name

STATES = ("met", "waived", "open", "not run")


@dataclass(frozen=True)
class Piece:
    """Of evidence: `state` is met, broken or not run; `link` is an address beside the page."""

    kind: str
    name: str
    state: str
    why: str
    link: str = ""


@dataclass(frozen=True)
class Judged:
    """A row, its state, why it is not met, and its evidence."""

    row: Row
    state: str
    why: str
    evidence: tuple[Piece, ...]

    @property
    def broken(self) -> bool:
        """Whether the row counts on evidence that is not there or failed, whatever else its state says."""
        return any(piece.state == "broken" for piece in self.evidence)


def judge(row: Row, facts: Facts) -> Judged:
    """A row is met if all of its evidence is; broken evidence opens it, even where it is waived."""
    evidence = (
        *(testpoint(name, facts) for name in row.testpoints),
        *(document(name, facts) for name in row.documents),
        *(command(name, facts) for name in row.commands),
    )
    wrong = {state: why_not(evidence, state) for state in ("broken", "not run")}
    if row.open or wrong["broken"]:
        return Judged(row, "open", row.open or wrong["broken"], evidence)
    if row.waived:
        return Judged(row, "waived", row.waived, evidence)
    if wrong["not run"]:
        return Judged(row, "not run", wrong["not run"], evidence)
    return Judged(row, "met", "", evidence)


def why_not(evidence: Iterable[Piece], state: str) -> str:
    """What the pieces in a state say; empty where none is."""
    return "; ".join(f"{piece.name}: {piece.why}" for piece in evidence if piece.state == state)


def testpoint(name: str, facts: Facts) -> Piece:
    """Met if each of its tests passed on these sources, in one case at least, and none failed."""
    tests = facts.plan.get(name, [])
    if not tests:
        return Piece("testpoint", name, "broken", "not in the plan")
    link = f"../{tests[0].partition('::')[0]}"
    ended = {test: facts.results.get(case_name(test), "not run") for test in tests}
    if failed := [test for test, how in ended.items() if how == "failed"]:
        return Piece("testpoint", name, "broken", f"failed: {', '.join(failed)}", link)
    if missing := [test for test, how in ended.items() if how != "passed"]:
        why = f"{len(missing)} of {len(tests)} tests have no result on these sources"
        return Piece("testpoint", name, "not run", why, link)
    return Piece("testpoint", name, "met", f"{len(tests)} tests passed", link)


def document(name: str, facts: Facts) -> Piece:
    """Met if the file is there, with the heading that its anchor names."""
    file, _, fragment = name.partition("#")
    path = facts.root / file
    if not path.is_file():
        return Piece("document", name, "broken", "no such file")
    if fragment and fragment not in anchors(path.read_text(encoding="utf-8")):
        return Piece("document", name, "broken", "no such heading")
    return Piece("document", name, "met", "there", f"../{name}")


def anchors(text: str) -> list[str]:
    """Those that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return [re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings]


def command(name: str, facts: Facts) -> Piece:
    """Met if it ended with exit code 0 on these sources."""
    found = facts.answers.get(name, Answer(1, "no such command"))
    state = "not run" if found.code is None else "broken" if found.code else "met"
    return Piece("command", name, state, found.why or "exit code 0", found.link)


def counts(judged: Iterable[Judged]) -> dict[str, int]:
    """How many rows are in each state."""
    states = [each.state for each in judged]
    return {state: states.count(state) for state in STATES}
