"""`oxmc data`: recordings from PhysioNet, which the project does not carry, into a folder that `--data` takes."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from pymodels.errors import InputError, RunError
from pymodels.files import refused
from pymodels.whole import FOLDER_RULE, make_folders

DATABASES = ("mitdb",)
EXTRA = "oxmc[ecg]"
LISTS = ("SHA256SUMS.txt", "RECORDS")
SUFFIXES = (".hea", ".dat", ".atr")

Watcher = Callable[[str], None]


def _download(database: str, out: Path, name: str) -> None:
    """Write file `name` of a database into `out`."""
    import wfdb  # a second to import

    with contextlib.redirect_stdout(io.StringIO()):  # it says "Downloading files..." of each
        wfdb.dl_files(database, str(out), [name], keep_subdirs=False, overwrite=True)


def _fetch(database: str, out: Path, name: str) -> None:
    """As `_download`. Raises `InputError` without the package, `RunError` where nothing comes."""
    try:
        _download(database, out, name)
    except ImportError as error:
        raise InputError(f"oxmc data needs the packages of {EXTRA}, which are not installed") from error
    except Exception as error:  # of a network there are many kinds
        first_line = " ".join(str(error).splitlines()[:1]) or type(error).__name__
        raise RunError(f"{name} of {database} could not be fetched: is there a network? ({first_line})") from error


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _checksums(database: str, out: Path) -> dict[str, str]:
    """SHA-256 of each file of the records, by name; lists that are not there or torn are fetched.

    Raises `RunError` if the lists that the database publishes do not fit each other.
    """
    for again in (False, True):
        for name in LISTS:
            if again or not (out / name).is_file():
                _fetch(database, out, name)
        lines = [line.split() for line in (out / LISTS[0]).read_text(errors="replace").splitlines()]
        sums = {words[1]: words[0] for words in lines if len(words) == 2}
        records = (out / LISTS[1]).read_text(errors="replace").split()
        names = [record + suffix for record in records for suffix in SUFFIXES]
        missing = [name for name in names if name not in sums]
        if names and not missing:
            return {name: sums[name] for name in names}
    what = f"a checksum of {missing[0]}" if missing else "records"
    raise RunError(f"{LISTS[0]} of {database} must have {what}, but has none")


def fetch_database(database: str, out: Path, watcher: Watcher) -> int:
    """Fetch all records of a database into `out`; files that are whole stay, so that a stopped fetch goes on.

    Returns how many files were fetched. Raises `InputError` for an unknown database or a folder that cannot be written,
    `RunError` if a file does not come or differs from the checksum that the database publishes.
    """
    if database not in DATABASES:
        raise InputError(f"DATABASE must be one of {', '.join(DATABASES)}, not {database!r}")
    try:
        make_folders(out)
    except OSError as error:
        raise refused(FOLDER_RULE, out, error) from error
    sums = _checksums(database, out)
    names, fetched = list(sums), 0
    for number, name in enumerate(names, start=1):
        if _is_whole(out / name, sums[name]):
            continue
        watcher(f"{name} ({number} of {len(names)})")
        _fetch(database, out, name)
        if not _is_whole(out / name, sums[name]):
            raise RunError(f"{name} of {database} must have SHA-256 {sums[name]}, which {str(out / name)!r} has not")
        fetched += 1
    return fetched
