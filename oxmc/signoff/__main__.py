"""`make signoff` (`python -m oxmc.signoff`): the checklist of this tree, as a page, as JSON, and its counts on stdout.

Exit code 1 if a row counts on evidence that is not there, or that failed.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from oxmc.pymodels.whole import write_files
from oxmc.signoff.checklist import STAGES, shipped
from oxmc.signoff.facts import Facts, gather
from oxmc.signoff.judge import Judged, counts, judge, why_not
from oxmc.signoff.kept import git
from oxmc.signoff.page import signoff_page

PAGE = Path("build/signoff.html")


def record(judged: list[Judged], facts: Facts) -> dict[str, Any]:
    """All that the page says."""
    described = git("log", "-1", "--format=%h, %cs", folder=facts.root).strip()
    changed = git("status", "--porcelain", folder=facts.root)
    return {
        "commit": described + (", with changes" if changed.strip() else ""),
        "counts": {stage: counts(each for each in judged if each.row.stage == stage) for stage in STAGES},
        "answers": {name: dataclasses.asdict(answer) for name, answer in facts.answers.items()},
        "rows": [dataclasses.asdict(each) for each in judged],
    }


def summary(made: dict[str, Any]) -> str:
    """A line a stage."""
    lines = [
        f"{stage:7s} " + ", ".join(f"{number} {state}" for state, number in by_state.items())
        for stage, by_state in made["counts"].items()
    ]
    return "\n".join(lines)


def main() -> int:
    checklist = shipped()
    facts = gather(checklist.run)
    judged = [judge(row, facts) for row in checklist.rows]
    made = record(judged, facts)
    write_files({PAGE: signoff_page(made), PAGE.with_suffix(".json"): json.dumps(made, indent=1) + "\n"}, PAGE)
    print(summary(made))
    for name, answer in facts.answers.items():
        if answer.code is None:
            print(f"not run: make {name}: {answer.why}")
    broken = [each for each in judged if each.broken]
    for each in broken:
        print(f"broken: {each.row.stage} {each.row.item}: {why_not(each.evidence, 'broken')}")
    print(f"signoff: {PAGE}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
