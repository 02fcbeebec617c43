"""The one place where files that a user keeps are written: whole under their names, or what was there before.

New contents go into files beside the old, onto the disk, and only then take the names; if anything fails before, the
new ones are removed and the old ones stay as they were.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from oxmc.pymodels.files import refused

FILE_RULE = "--out must be a file that can be written"
FOLDER_RULE = "--out must be a folder that can be written"


def write_files(contents: Mapping[Path, str | bytes], named: Path, rule: str = FOLDER_RULE) -> list[Path]:
    """Write files, text in UTF-8, all of them or none; their folders are made. Returns the names.

    Raises `InputError` of `rule`, `named` and the reason where one may not be written, `RunError` where the disk is
    full.
    """
    beside: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for name, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            target = Path(os.path.realpath(name))  # a link stays one
            made += make_folders(target.parent)
            if target.exists() and not target.is_file() and not target.is_dir():
                target.write_bytes(data)  # a device or a pipe keeps its name
            else:
                beside[target] = _written_beside(target, data)
        for target, new in beside.items():
            os.replace(new, target)
    except BaseException as error:
        for new in beside.values():
            new.unlink(missing_ok=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # not those that hold something by now
                folder.rmdir()
        if isinstance(error, OSError):
            raise refused(rule, named, error) from error
        raise
    for parent in {target.parent for target in beside}:
        sync(parent)
    return list(contents)


def write_file(path: Path, content: str | bytes) -> None:
    """The same for one file."""
    write_files({path: content}, path, FILE_RULE)


def check_writable(path: Path) -> None:
    """Raises, ahead of the work for it, what `write_file` would: the folder takes a new file or not."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        return
    try:
        _written_beside(target, b"").unlink()
    except OSError as error:
        raise refused(FILE_RULE, path, error) from error


def make_folders(folder: Path) -> list[Path]:
    """Make `folder` and its parents; returns those that were not there, outermost first. Raises `OSError`."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _written_beside(target: Path, data: bytes) -> Path:
    """A new file with `data` in the folder of `target`, on the disk. Raises `OSError`, and leaves none then."""
    if target.is_dir():
        raise IsADirectoryError(21, os.strerror(21))
    new = target.with_name(f".oxmc-{secrets.token_hex(8)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if target.exists():
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return new


def sync(path: Path) -> None:
    """Bring a file or the names in a folder onto the disk, where its file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
