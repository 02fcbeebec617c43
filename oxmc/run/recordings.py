"""`oxmc data`: recordings from PhysioNet, which the project does not carry, into a folder that `--data` takes."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.files import refused
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.whole import FOLDER_RULE, make_folders

DATABASES = {"mitdb": "b13aa36cb9e7cbf700babbc6267bbdf5807965178c9cd4065d9da9d912a94589"}
"""By database: `digest_of` its checksums, version 1.0.0. A server's list is believed only if it has this digest.

All 144 files of a public copy of the database have the checksums behind it, as have the records 100 and 208 that came
another way, once the line ends of their headers are the original's (CR LF).
"""
EXTRA = "ecg"
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
        raise InputError(f"oxmc data needs {not_installed(EXTRA)}") from error
    except Exception as error:  # of a network there are many kinds
        first_line = " ".join(str(error).splitlines()[:1]) or type(error).__name__
        raise RunError(f"{name} of {database} could not be fetched: is there a network? ({first_line})") from error


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def digest_of(sums: Mapping[str, str]) -> str:
    """SHA-256 over lines "checksum name" in order of the names, which no list's own order or line ends change."""
    return hashlib.sha256("".join(f"{sums[name]} {name}\n" for name in sorted(sums)).encode()).hexdigest()


def _checksums(database: str, out: Path) -> dict[str, str]:
    """SHA-256 of each file of the records, by name; lists that are not there, torn or changed are fetched.

    Raises `RunError` if the lists that the server has are not those whose digest this program holds.
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
            found = {name: sums[name] for name in names}
            if digest_of(found) == DATABASES[database]:
                return found
    what = "the checksums that this program knows, but has others"
    if missing or not names:
        what = f"{f'a checksum of {missing[0]}' if missing else 'records'}, but has none"
    raise RunError(f"{LISTS[0]} of {database} must have {what}")


def fetch_database(database: str, out: Path, watcher: Watcher) -> int:
    """Fetch all records of a database into `out`; files that are whole stay, so that a stopped fetch goes on.

    Returns how many files were fetched. Raises `InputError` for an unknown database or a folder that cannot be written,
    `RunError` if a file does not come or differs from the checksum that this program vouches for.
    """
    if database not in DATABASES:
        raise InputError(f"NAME must be one of iris, {', '.join(DATABASES)}, not {database!r}")
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
