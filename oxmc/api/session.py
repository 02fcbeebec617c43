"""Where runs lie that nobody gave a place: one temporary folder, removed when the program ends."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path


@functools.cache
def folder() -> Path:
    """The folder of this session."""
    path = Path(tempfile.mkdtemp(prefix="oxmc-session-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def scratch() -> Path:
    """A new folder in it, for what an engine leaves of itself."""
    return Path(tempfile.mkdtemp(dir=folder(), prefix=".engine-"))
