"""Run directories: whole under their final name or not there at all."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import read_json, refused
from oxmc.pymodels.whole import FOLDER_RULE, make_folders, sync, write_file

DEFAULT_PARENT = Path("build/runs")
SCHEMA, SWEEP_SCHEMA = "oxmc.run/1", "oxmc.sweep/1"


def free_name(stem: str, parent: Path = DEFAULT_PARENT) -> Path:
    """The first of parent/stem, parent/stem-2, ... that does not exist."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        if not path.exists():
            return path
        number += 1


@contextlib.contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Turns what the file system refuses into an `InputError`."""
    try:
        yield
    except OSError as error:
        raise refused(FOLDER_RULE, out, error) from error


def check_out(out: Path) -> None:
    """Raises `InputError` if anything but an empty folder is at `out`."""
    with _writable(out):
        if out.exists() and not out.is_dir():
            raise InputError(f"--out must be a folder, not the file {str(out)!r}")
        if out.is_dir() and any(out.iterdir()):
            raise InputError(f"--out must be a new or empty folder, not {str(out)!r}, which has files in it")


@contextlib.contextmanager
def made_parents(out: Path) -> Iterator[Path]:
    """The absolute name of `out`, its parents made; if the block fails, those made that are empty are removed."""
    with _writable(out):
        target = out.resolve()  # "." has a name, too, and a link stays one
        missing = [folder for folder in target.parents if not folder.exists()]
    try:
        with _writable(out):
            make_folders(target.parent)
        yield target
    except BaseException:
        with contextlib.suppress(OSError):  # not those that hold something by now
            for folder in missing:
                folder.rmdir()
        raise


def take_name(folder: Path, target: Path) -> None:
    """Rename a whole run directory to its final name, in the place of an empty folder. Raises `InputError`."""
    for path in folder.rglob("*"):
        sync(path)
    with _writable(target):
        folder.rename(target)
    sync(target.parent)


@contextlib.contextmanager
def writing(out: Path) -> Iterator[Path]:
    """A scratch folder beside `out` that takes its name when the block ends; if the block fails, nothing is left.

    Raises `InputError` unless `out` can become a run directory: absent or an empty folder, in a writable parent.
    """
    check_out(out)
    with made_parents(out) as target:
        with _writable(out):
            scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        try:
            yield scratch
            scratch.chmod(0o755)
            take_name(scratch, target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise


def json_text(value: Any) -> str:
    """Raises `ValueError` for a number that is not finite, for which JSON has no word."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def check_one_run(path: Path) -> None:
    """Raises `InputError` for the folder of a sweep, or one that is not finished, saying what to do with it."""
    if (path / "sweep.json").exists():
        points = str(path / "points")
        raise InputError(
            f"RUN must be a run directory, not the sweep {str(path)!r}: its runs are the folders in {points!r}"
        )
    if (path / "request.json").exists():
        rule = f"RUN must be a whole run, not the unfinished one {str(path)!r}"
        raise InputError(f"{rule}: its command with --resume goes on with it")


def write_json(path: Path, value: Any) -> None:
    write_file(path, json_text(value))


def read_run(path: Path) -> dict[str, Any]:
    """run.json of a run directory. Raises `InputError` if there is none of this schema."""
    file = path / "run.json" if path.is_dir() else path
    rule = "RUN must be a run directory with a run.json"
    run = read_json(file, rule, named=path)
    schema = run.get("schema") if isinstance(run, dict) else None
    if schema != SCHEMA:
        raise InputError(f"RUN must have schema {SCHEMA!r}, not {shown(schema)} ({str(file)!r})")
    return run
