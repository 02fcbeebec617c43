"""What of a user's machine reaches the program: the environment of tools, and where libraries keep what they compile.

A tool gets an environment that is made here, so that no variable of a user's shell can change a result.
"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path

KEPT = ("PATH", "LD_LIBRARY_PATH")
"""Variables that a tool gets from the user: where tools and their libraries lie."""

PACKAGE = Path(os.path.abspath(__file__)).parents[1]
"""The folder `oxmc`; its rooms may be links, so no link is followed."""


def environment(**own: str) -> dict[str, str]:
    """Variables for a tool: those of `KEPT`, a locale, a folder for temporary files, one thread, and `own`."""
    kept = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
    made = {"LC_ALL": "C.UTF-8", "TMPDIR": tempfile.gettempdir(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {"PATH": os.defpath} | kept | made | own


def not_installed(extra: str) -> str:
    """What a message says where the packages of an extra are missing: with the command that installs them.

    The project is on no package index; where it was not installed from a clone, its packages are named one by one.
    """
    root = PACKAGE.parent
    if (root / "pyproject.toml").exists():
        packages = ["-e", f"{root}[{extra}]"]
    else:
        lines = [line.partition(";") for line in importlib.metadata.requires("oxmc") or []]
        packages = [name.strip() for name, _, rule in lines if f'extra == "{extra}"' in rule.replace("'", '"')]
    return f"packages that are not installed; {shlex.join([sys.executable, '-m', 'pip', 'install', *packages])}"


@cache
def cache_root() -> Path:
    """The folder under which caches lie; the first call says on stderr if it is a temporary one."""
    folder = _users_folder()
    if folder is not None and _writable(folder):
        return folder
    found = _temporary_folder()
    where = "there is no home folder" if folder is None else f"{str(folder)!r} cannot be written"
    print(f"oxmc: note: compiled code is kept in {str(found)!r}, since {where}", file=sys.stderr, flush=True)
    return found


def _users_folder() -> Path | None:
    """XDG's cache folder, or None if there is none. Without HOME the user database is asked, which may not know."""
    for text in (os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")):
        if os.path.isabs(text):
            return Path(text)
    return None


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return can_write(folder)


def can_write(folder: Path) -> bool:
    """Whether this user may make a file in `folder`."""
    return os.access(folder, os.W_OK | os.X_OK)


def _temporary_folder() -> Path:
    """One folder for all runs of this user. What lies there is run, so nobody else may own or write it."""
    folder = Path(tempfile.gettempdir()) / f"oxmc-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="oxmc-"))
