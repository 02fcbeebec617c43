"""Digests of files: what tells sources, and what was built of them, from others."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

MANIFEST = "SHA256SUMS"
"""File of a folder: what `sha256sum` writes of the files that must not change."""


def files_digest(root: Path, paths: Iterable[Path], beside: str = "") -> str:
    """SHA-256 over the names below `root` and the contents of files, in their order, and over a text beside them."""
    digest = hashlib.sha256(beside.encode())
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)} ".encode() + content)
    return digest.hexdigest()


def content_digest(path: Path) -> str:
    """SHA-256 of one file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder: Path) -> None:
    """Leave the digests of all programs in a folder."""
    (folder / MANIFEST).write_text(_manifest(folder))


def manifest_holds(folder: Path) -> bool:
    """Whether the folder's programs are those of its manifest, one at least, each as it was."""
    try:
        return (folder / MANIFEST).read_text() == _manifest(folder) != ""
    except (OSError, ValueError):
        return False


def _manifest(folder: Path) -> str:
    programs = [path for path in sorted(folder.iterdir()) if path.is_file() and os.access(path, os.X_OK)]
    return "".join(f"{content_digest(path)}  {path.name}\n" for path in programs)


def say_damaged(path: Path) -> None:
    """One line on stderr about what a cache holds and is made anew."""
    print(f"oxmc: {str(path)!r} is not what was stored: made anew", file=sys.stderr)
