"""The one place where files that came from outside are read: whatever one holds or is, the error is one clear line.

A rule says what the file must be ("--config must name a readable TOML file"); the error is an `InputError` of the rule,
the file's name and what is wrong with it. Only plain files are opened, up to a size: a pipe would wait for ever, a
device never end. A lack of memory or of open files is no fault of the file and a `RunError`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import tomllib
import zipfile
from collections.abc import Collection, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.pymodels import strict
from oxmc.pymodels.errors import InputError, RunError

if TYPE_CHECKING:
    import numpy as np

MOST_TEXT = 64 << 20
"""Bytes of a text file, a table of a million lines among them."""
MOST_DATA = 1 << 30
"""Bytes of a file of arrays, and of what it unpacks to."""
LACKS = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EAGAIN)
)
"""What the system ran out of, whatever a user named."""


def refused(rule: str, path: object, error: OSError) -> InputError | RunError:
    """What is to be raised where the system refuses a path: bad input, or a failed run where it lacks something."""
    reason = f"{rule}, not {str(path)!r} ({error.strerror or error})"
    return RunError(reason) if error.errno in LACKS else InputError(reason)


@contextlib.contextmanager
def understood(rule: str, path: object) -> Iterator[None]:
    """Whatever reading or understanding a file stumbles on becomes an `InputError` of `rule`, naming `path`."""
    try:
        yield
    except (InputError, RunError):
        raise
    except OSError as error:
        raise refused(rule, path, error) from error
    except MemoryError as error:
        raise RunError(f"{str(path)!r} needs more memory than there is") from error
    except RecursionError as error:
        raise InputError(f"{rule}, not {str(path)!r} (nested too deeply)") from error
    except Exception as error:  # parsers raise many kinds
        raise InputError(f"{rule}, not {str(path)!r} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """What an error of a parser says, on one line; its kind where a message is but a value."""
    text = " ".join(str(error).split())[:200]
    kind = type(error).__name__
    return f"no {text}" if isinstance(error, KeyError) else text if " " in text else f"{kind}: {text}".rstrip(": ")


def open_plain(path: Path, most: int) -> io.BufferedReader:
    """A plain file of at most `most` bytes, open. Raises `OSError`; never waits."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        if found.st_size > most:
            raise OSError(errno.EINVAL, f"its {found.st_size} bytes are more than the {most} that are read")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Path, rule: str, most: int = MOST_DATA) -> bytes:
    """All of a plain file. Raises `InputError`."""
    with understood(rule, path), open_plain(path, most) as file:
        content = file.read(most + 1)
        if len(content) > most:  # it grows, or is one of those that have no size
            raise OSError(errno.EINVAL, f"it holds more than the {most} bytes that are read")
        return content


def read_text(path: Path | Traversable, rule: str, most: int = MOST_TEXT) -> str:
    """A text in UTF-8, with or without a byte order mark. Raises `InputError`."""
    with understood(rule, path):
        content = read_bytes(path, rule, most) if isinstance(path, Path) else path.read_bytes()
        return content.decode("utf-8-sig")


def read_toml(path: Path | Traversable, rule: str, valid: str) -> dict[str, Any]:
    """A TOML file; `valid` is the rule for what it holds. Raises `InputError`."""
    text = read_text(path, rule)
    with understood(valid, path):
        return tomllib.loads(text)


def read_json(path: Path, rule: str, *, named: Path | None = None) -> Any:
    """A JSON file; errors name `named` if it is given, the folder of a file that is always called the same.

    Raises `InputError`.
    """
    with understood(rule, named or path), open_plain(path, MOST_TEXT) as file:
        return strict.loads(file.read(MOST_TEXT).decode("utf-8-sig"))


def read_arrays(
    path: Path, rule: str, names: Collection[str] | None = None, perhaps: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, those of `names` and what there is of `perhaps`, or all.

    Raises `InputError`, also for one of `names` that lacks.

    No array is made before its size is known: that of a packed file is what its head says, and an array's head must
    agree with it.
    """
    with understood(rule, path), open_plain(path, MOST_DATA) as file, zipfile.ZipFile(file) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        wanted = list(members) if names is None else [*names, *(name for name in perhaps if name in members)]
        for name in wanted:
            if name not in members:
                raise InputError(f"{rule}; {str(path)!r} does not hold {name!r}")
        if sum(members[name].file_size for name in wanted) > MOST_DATA:
            raise ValueError(f"it unpacks to more than the {MOST_DATA} bytes that are read")
        return {name: _array(archive.read(members[name])) for name in wanted}


def _array(content: bytes) -> np.ndarray:
    """The array of an .npy file. Raises `ValueError` unless it is as long as its head says."""
    import numpy as np
    from numpy.lib import format as npy

    file = io.BytesIO(content)
    version = npy.read_magic(file)
    read_head = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read_head is None:
        raise ValueError(f"an array of format {version}")
    shape, fortran, dtype = read_head(file)
    count = 1
    for length in shape:
        count *= length
    if dtype.hasobject or min(shape, default=0) < 0 or count * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array must be of plain numbers or text and as long as its head says")
    flat: np.ndarray = np.frombuffer(content, dtype, count, file.tell()) if dtype.itemsize else np.zeros(count, dtype)
    return (flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)).copy()
