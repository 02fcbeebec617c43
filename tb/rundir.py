"""Run directories: whole under their final name or not there at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pymodels import strict
from pymodels.errors import InputError

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
        raise InputError(f"--out must be a folder that can be written, not {str(out)!r} ({error.strerror})") from error


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
            target.parent.mkdir(parents=True, exist_ok=True)
        yield target
    except BaseException:
        with contextlib.suppress(OSError):  # not those that hold something by now
            for folder in missing:
                folder.rmdir()
        raise


def take_name(folder: Path, target: Path) -> None:
    """Rename a whole run directory to its final name, in the place of an empty folder. Raises `InputError`."""
    with _writable(target):
        sync_all(folder)
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
    path.write_text(json_text(value))


def read_json(path: Path, what: str) -> dict[str, Any]:
    """The object in a file beside a run. Raises `InputError` where it is none, naming the option `what`."""
    try:
        found = strict.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{what} must have a whole {path.name}, which {str(path)!r} is not ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{what} must have a whole {path.name}, which {str(path)!r} is not")
    return found


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that is the old or the new one, whole, whatever happens, loss of power included."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """Have all that lies in a folder on the disk, before the folder takes the name under which others look for it."""
    for path in (*folder.rglob("*"), folder):
        if path.is_dir() or path.is_file():
            sync(path)


def read_run(path: Path) -> dict[str, Any]:
    """run.json of a run directory. Raises `InputError` if there is none of this schema."""
    file = path / "run.json" if path.is_dir() else path
    rule = "RUN must be a run directory with a run.json"
    try:
        run = strict.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{rule}, not {str(path)!r} ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{rule}, not {str(path)!r} ({error})") from error
    schema = run.get("schema") if isinstance(run, dict) else None
    if schema != SCHEMA:
        raise InputError(f"RUN must have schema {SCHEMA!r}, not {schema!r} ({str(file)!r})")
    return run
