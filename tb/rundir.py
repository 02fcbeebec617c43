"""Run directories: whole under their final name or not there at all."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pymodels.errors import InputError

DEFAULT_PARENT = Path("build/runs")
SCHEMA = "oxmc.run/1"


def free_name(stem: str, parent: Path = DEFAULT_PARENT) -> Path:
    """The first of parent/stem, parent/stem-2, ... that does not exist."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        if not path.exists():
            return path
        number += 1


def check_out(out: Path) -> None:
    """Raises `InputError` unless `out` can become a run directory: absent or an empty folder, in a writable parent."""
    if out.exists() and not out.is_dir():
        raise InputError(f"--out must be a folder, not the file {str(out)!r}")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"--out must be a new or empty folder, not {str(out)!r}, which has files in it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent):
            pass
    except OSError as error:
        raise InputError(f"--out must lie in a writable folder, not {str(out.parent)!r} ({error.strerror})") from error


@contextlib.contextmanager
def writing(out: Path) -> Iterator[Path]:
    """A scratch folder beside `out` that takes its name when the block ends, and vanishes if the block fails."""
    check_out(out)
    scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        yield scratch
        scratch.chmod(0o755)
        if out.is_dir():
            out.rmdir()
        scratch.rename(out)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def read_run(path: Path) -> dict[str, Any]:
    """run.json of a run directory. Raises `InputError` if there is none of this schema."""
    file = path / "run.json" if path.is_dir() else path
    try:
        run: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"RUN must be a run directory with a run.json, not {str(path)!r} ({error})") from error
    if not isinstance(run, dict) or run.get("schema") != SCHEMA:
        found = run.get("schema") if isinstance(run, dict) else None
        raise InputError(f"RUN must have schema {SCHEMA!r}, not {found!r} ({str(file)!r})")
    return run
