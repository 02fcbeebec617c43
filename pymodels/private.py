"""A folder of programs that are run must be one that nobody else can write, or put another in the place of.

Trusted are the user, root, and whoever owns this program's own files, who could change what is run anyway. Folders
above the program are not looked at for the same reason. Access lists beyond the mode are not looked at, either.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.machine import PACKAGE

ROOT = PACKAGE.parent.resolve()
UNMAPPED = 65534
"""The owner that a container shows for files of users it has not; nobody in it can be that user."""


def check_private(folder: Path) -> None:
    """Raises `InputError` where somebody else could change what is run from `folder`, which need not be there yet."""
    if found := exposed(folder):
        place, why = found
        mend = "" if why.startswith("belongs") else f"chmod go-w {str(place)!r}, or "
        raise InputError(
            f"OXMC_BUILD must be a folder that nobody else can write, since programs in it are run, but {str(place)!r} "
            f"{why}: {mend}set it to a folder of your own"
        )


def exposed(folder: Path) -> tuple[Path, str] | None:
    """The folder on the way to `folder`, links followed, that somebody else can write, and why; None if none is."""
    ends = (folder.absolute(), folder.resolve())
    for place in dict.fromkeys(part for end in ends for part in (end, *end.parents)):
        if place == ROOT or place in ROOT.parents:
            continue
        try:
            why = _exposed(place.lstat(), last=place in ends)
        except OSError:
            continue
        if why:
            return place, why
    return None


def _exposed(found: os.stat_result, *, last: bool) -> str:
    """Why others could write a folder, or a link on the way to one; empty if they cannot."""
    if found.st_uid not in {os.geteuid(), 0, ROOT.stat().st_uid} and (last or found.st_uid != UNMAPPED):
        return f"belongs to user {found.st_uid}"
    if stat.S_ISLNK(found.st_mode):
        return ""
    sticky = found.st_mode & stat.S_ISVTX and not last  # others may add to it, but not replace what is mine
    mode = f"(mode {stat.S_IMODE(found.st_mode):04o})"
    if found.st_mode & stat.S_IWOTH and not sticky:
        return f"can be written by everyone {mode}"
    if found.st_mode & stat.S_IWGRP and not sticky and not _own_group(found.st_gid):
        return f"can be written by its group {mode}"
    return ""


def _own_group(gid: int) -> bool:
    """Whether a group has no member but this user and root, as a user's private group."""
    try:
        own = {pwd.getpwuid(uid).pw_name for uid in (os.geteuid(), 0)}
        members = {*grp.getgrgid(gid).gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == gid)}
    except KeyError:
        return False
    return members <= own


def make_private(folder: Path) -> None:
    """Make a folder, its parents too, that others cannot write whatever the umask; those that are there stay."""
    for place in reversed((folder, *folder.parents)):
        if not place.exists():
            place.mkdir(mode=0o755, exist_ok=True)
