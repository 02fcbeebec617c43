"""A reader who never closes his session: runs the steps of pages one after the other in this process.

Standard input has a JSON list of [text, whether it is Python] a page. For each step one line of JSON goes to standard
output: its exit code and what it said. The first step that fails is the last. A start of Python costs three seconds, so
one process takes them all; blocks of Python on a page share their names, as cells of a notebook do.
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import subprocess
import sys
import traceback
from typing import Any

from oxmc.cli.app import run


def take(text: str, python: bool, names: dict[str, Any]) -> int:
    """Run a step; its exit code."""
    if python:
        exec(compile(text, "page", "exec"), names)
        return 0
    if text.startswith("oxmc "):
        return run(shlex.split(text)[1:])
    done = subprocess.run(["/bin/sh", "-c", text], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    return done.returncode


def heard(text: str, python: bool, names: dict[str, Any]) -> tuple[int, str]:
    """The exit code of a step and all that it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = take(text, python, names)
        except Exception:
            code = 1
            traceback.print_exc()
    return code, said.getvalue()


def main() -> None:
    for page in json.load(sys.stdin):
        names: dict[str, Any] = {"__name__": "__main__"}
        for text, python in page:
            code, said = heard(text, python, names)
            print(json.dumps([code, said]), flush=True)
            if code:
                return


if __name__ == "__main__":
    main()
