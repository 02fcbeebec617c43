"""Digests of files: what tells sources, and what was built of them, from others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


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
