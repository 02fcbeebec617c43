"""Write the tables of a section of docs/measurements anew: run the studies that it names, and say at which commit.

A section names its commands in indented lines, `python -m oxmc.studies.NAME OPTIONS`, and has as many Markdown tables.
The tables are replaced in the commands' order. The prose stays: read it again, its figures may have changed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.whole import write_file

STUDY = re.compile(r"^    (?:\$ )?(?:\.venv/bin/)?python -m oxmc\.studies\.(\w+)(.*)$", re.M)
TABLE = re.compile(r"(?:^\|.*\n)+", re.M)
MEASURED = re.compile(r"^Measured at commit `(\w+)`, (\d{4}-\d\d-\d\d)\.$", re.M)

Study = Callable[[str, Sequence[str]], str]
"""Runs a study by its name and options, and returns its table."""


def section_of(text: str, heading: str) -> tuple[int, int]:
    """Where the section begins and ends. Raises `InputError` where the page has no such heading."""
    starts = [found.start() for found in re.finditer(r"^## ", text, re.M)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if text[start:end].partition("\n")[0] == f"## {heading}":
            return start, end
    raise InputError(f"the section must be a heading of the page, not {heading!r}")


def rewritten(text: str, heading: str, run: Study, commit: str) -> str:
    """The page with the section's tables measured anew. Raises `InputError` where commands and tables do not match."""
    start, end = section_of(text, heading)
    section = text[start:end]
    commands, tables = STUDY.findall(section), TABLE.findall(section)
    if not commands or len(commands) != len(tables):
        raise InputError(f"a section must have a table a study, not {len(tables)} tables and {len(commands)} studies")
    found = iter([run(name, shlex.split(options)) for name, options in commands])
    section = TABLE.sub(lambda _: next(found), section)
    return text[:start] + MEASURED.sub(f"Measured at {commit}.", section) + text[end:]


def run_study(name: str, options: Sequence[str]) -> str:
    """What a study prints, which is its table."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        importlib.import_module(f"oxmc.studies.{name}").main(options)
    return printed.getvalue()


def commit_now() -> str:
    """The commit that is checked out, and its date. Raises `InputError` where files differ from it."""
    if subprocess.run(["git", "status", "--porcelain", "--", "*.py", "*.toml"], check=True, capture_output=True).stdout:
        raise InputError("sources must be committed before a page names their commit")
    show = ["git", "log", "-1", "--format=commit `%h`, %cs"]
    return subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("page", type=Path, help="a page of docs/measurements")
    options.add_argument("section", help="its heading")
    given = options.parse_args(arguments)
    try:
        write_file(given.page, rewritten(given.page.read_text(), given.section, run_study, commit_now()))
    except InputError as error:
        options.error(str(error))


if __name__ == "__main__":
    main()
