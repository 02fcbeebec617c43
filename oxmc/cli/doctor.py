"""`oxmc doctor`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from oxmc.pymodels.errors import printable


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
    quick: Annotated[bool, typer.Option(help="Look only; start no simulator.")] = False,
) -> None:
    """Say what is installed here and whether it works. Exit code 1 says that something needed does not.

    It trains a small model on the twin and on each simulator, whose first build takes a while."""
    from oxmc.run import health

    lines = []
    for check in health.checks():
        if quick and check.slow:
            continue
        lines.append(check.line())
        if not as_json:
            print(printable(f"{lines[-1]['state']:8}{lines[-1]['name']:12}{lines[-1]['found']}"), flush=True)
    if as_json:
        print(json.dumps(lines, indent=2))
    if any(line["state"] == health.FAILED for line in lines):
        raise typer.Exit(1)
