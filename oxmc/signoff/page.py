"""The checklist as a page that needs nothing but a browser."""

from __future__ import annotations

from typing import Any

from oxmc.reports.markup import rendered
from oxmc.signoff.checklist import STAGES

TITLES = {
    "D2": "D2: design complete", "D3": "D3: design signed off", "V2": "V2: verification complete",
    "V3": "V3: verification signed off", "S2": "S2: driver complete", "beyond": "Beyond OpenTitan",
}  # fmt: skip
CLASSES = {"met": "met", "waived": "waived", "open": "open", "broken": "open", "not run": "unrun"}
"""Class of each state."""


def signoff_page(made: dict[str, Any]) -> str:
    """The page of a signoff.json."""
    rows = {stage: [row for row in made["rows"] if row["row"]["stage"] == stage] for stage in STAGES}
    contents = {"states": "states"} | {stage: stage for stage in STAGES} | {"commands": "commands"}
    return rendered(
        "signoff", {}, command="signoff", contents=contents, record=made, rows=rows, titles=TITLES, classes=CLASSES
    )
