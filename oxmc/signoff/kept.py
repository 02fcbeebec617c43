"""What a long command answered, kept beside the digest of the sources that it is about.

The Makefile calls `python -m oxmc.signoff.kept start NAME` before the command and `end NAME CODE` after it. A
command that was interrupted has no exit code; one whose sources changed meanwhile leaves nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oxmc.pymodels.digests import files_digest
from oxmc.pymodels.whole import write_file

FOLDER = Path("build/signoff")
OF: dict[str, tuple[str, ...]] = {
    "test": (),
    "regress": (),
    "formal": ("formal", "hdl", "pymodels", "requirements.lock"),
    "cell": ("silicon", "pymodels", "energy", "hdl", "tb", "requirements.lock"),
}
"""The commands, and the folders that each is about; none stands for all."""


def git(*arguments: str, folder: Path = Path()) -> str:
    """What git says of a folder; nothing where there is no git, or no repository."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=folder).stdout
    except FileNotFoundError:
        return ""


def sources_now(name: str) -> str:
    """16 hexadecimal digits over the files of a command that git has or would add; none where there is no git."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *OF[name])
    paths = [Path(path) for path in sorted(set(listed.split("\0"))) if path and Path(path).is_file()]
    return files_digest(Path(), paths)[:16] if paths else ""


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


def results_of(name: str) -> Path:
    """What pytest says of each test, as JUnit's XML."""
    return FOLDER / f"{name}.xml"


def start(name: str) -> None:
    """Forget what is kept of the command, and note the sources it starts from."""
    for old in (file_of(name), results_of(name)):
        old.unlink(missing_ok=True)
    if digest := sources_now(name):
        write_file(file_of(name), json.dumps({"digest": digest, "code": None}) + "\n")


def end(name: str, code: int) -> None:
    """Keep the exit code, unless the sources are others by now."""
    kept = read(name)
    if kept.get("digest") != sources_now(name):
        file_of(name).unlink(missing_ok=True)
        return
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_file(file_of(name), json.dumps(kept | {"code": code, "when": when}) + "\n")


def read(name: str) -> dict[str, Any]:
    """What is kept of a command; empty where nothing readable is."""
    try:
        kept = json.loads(file_of(name).read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def main(arguments: Sequence[str]) -> None:
    if arguments[0] == "start":
        start(arguments[1])
    else:
        end(arguments[1], int(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
